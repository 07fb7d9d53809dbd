//! What may become of a stream that holds records. Used by `ALTER STREAM` and `CREATE OR REPLACE STREAM` alike.
//!
//! The rule: every record that was accepted is still read, and its old columns have the values they had. So columns are
//! never dropped, moved or read otherwise; they may get wider types and lose NOT NULL; new ones come behind the others,
//! can be NULL, and are marked ([`highwater_model::Added`]) so that a stored record never fails for them.

use highwater_model::{Added, Column, Diagnostic, Diagnostics, Format, StreamSchema};

use super::sql_type;
use super::wider::{both, wider};

/// A stream's new declaration, and what is new in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evolution {
    /// The new declaration, with marks at what was added.
    pub schema: StreamSchema,
    /// Columns there were none of before.
    pub added: Vec<String>,
    /// Columns with a wider type, or that may be NULL now.
    pub changed: Vec<String>,
}

impl Evolution {
    /// Whether rows get other columns.
    #[must_use]
    pub fn changes_columns(&self) -> bool {
        !self.added.is_empty() || !self.changed.is_empty()
    }
}

/// What is to be done to make `new` of a stream declared as `old`; `None` when it is declared so already.
///
/// # Errors
/// Everything that stored records stand against, each with what to do instead.
pub fn evolve(old: &StreamSchema, new: &StreamSchema) -> Result<Option<Evolution>, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut schema = new.clone();
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for (index, was) in old.columns.iter().enumerate() {
        let Some(now) = new.columns.get(index).filter(|now| now.name == was.name) else {
            problems.push(misplaced(was, new));
            continue;
        };
        match check_column(old, index, was, now) {
            Ok(more) => {
                schema.columns[index].added = both(was.added.clone(), more);
                if was.data_type != now.data_type || was.nullable != now.nullable {
                    changed.push(was.name.clone());
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    for (index, now) in new.columns.iter().enumerate().skip(old.columns.len()) {
        if old.index_of(&now.name).is_some() {
            continue; // misplaced, which was said
        }
        if !now.nullable {
            let message = format!("column \"{}\" is NOT NULL, but records stored before may lack it", now.name);
            problems.push(hinted(message, "leave out NOT NULL; write coalesce(column, value) in views"));
        }
        schema.columns[index].added = Some(Added::All);
        added.push(now.name.clone());
    }
    check_rest(old, new, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok((schema != *old).then_some(Evolution { schema, added, changed }))
}

fn misplaced(was: &Column, new: &StreamSchema) -> Diagnostic {
    if new.index_of(&was.name).is_some() {
        let message = format!("column \"{}\" does not stand where it stood", was.name);
        return hinted(message, "keep the columns in their order and put new ones behind them");
    }
    let message = format!("column \"{}\" is missing: stored records have it, and views may read it", was.name);
    hinted(message, "columns of a stream are not dropped or renamed; declare it again, and leave it out in views")
}

fn check_column(old: &StreamSchema, index: usize, was: &Column, now: &Column) -> Result<Option<Added>, Diagnostic> {
    let name = &was.name;
    let other = format!("ALTER STREAM … ADD COLUMN with a new name and the PATH of \"{name}\" reads it otherwise");
    if was.path != now.path || was.time != now.time {
        let message = format!("column \"{name}\" would be read otherwise (PATH, FORMAT, ZONE, UNIT)");
        return Err(hinted(message, other));
    }
    if was.nullable && !now.nullable {
        let message = format!("column \"{name}\" cannot become NOT NULL: records stored before may lack it");
        return Err(hinted(message, "filter by IS NOT NULL in views"));
    }
    if was.data_type == now.data_type && was.nullable == now.nullable {
        return Ok(None);
    }
    if let Some(role) = role_of(old, index) {
        let message = format!("column \"{name}\" stays as it is: it {role}");
        return Err(hinted(message, "create a stream of another name and send it the events"));
    }
    wider(&was.data_type, &now.data_type).map_err(|why| {
        let (was, now) = (sql_type(&was.data_type), sql_type(&now.data_type));
        hinted(format!("column \"{name}\" cannot change from {was} to {now}: {why}"), other)
    })
}

/// What a stream needs a column for, beyond its values.
fn role_of(schema: &StreamSchema, index: usize) -> Option<&'static str> {
    let keyed = schema.keyed.as_ref();
    if keyed.is_some_and(|keyed| keyed.key.contains(&index)) {
        Some("is in the PRIMARY KEY")
    } else if keyed.is_some_and(|keyed| keyed.version == Some(index)) {
        Some("is the version")
    } else if schema.partition_by.contains(&index) {
        Some("picks the partition")
    } else {
        None
    }
}

/// Everything but columns.
fn check_rest(old: &StreamSchema, new: &StreamSchema, problems: &mut Diagnostics) {
    let names = |schema: &StreamSchema, columns: &[usize]| -> Vec<String> {
        columns.iter().filter_map(|column| schema.columns.get(*column)).map(|column| column.name.clone()).collect()
    };
    let time = |schema: &StreamSchema| schema.event_time.map(|column| names(schema, &[column]));
    let fixed = [
        ("the PRIMARY KEY, version or deleted", old.keyed == new.keyed),
        ("partition_by", names(old, &old.partition_by) == names(new, &new.partition_by)),
        ("partitions", old.partitions == new.partitions),
        ("event_time", time(old) == time(new)),
        ("format", fits(&old.format, &new.format)),
    ];
    for (what, _) in fixed.iter().filter(|(_, same)| !same) {
        let message = format!("{what} cannot change: stored records were read, partitioned and shown by it");
        problems.push(hinted(message, "create a stream of another name and send it the events"));
    }
}

/// Whether stored records read the same: fields may only follow.
fn fits(old: &Format, new: &Format) -> bool {
    match (old, new) {
        (Format::Json, Format::Json) => true,
        (
            Format::Text { delimiter, layout, quoted, fallback_delimiter },
            Format::Text {
                delimiter: new_delimiter,
                layout: new_layout,
                quoted: new_quoted,
                fallback_delimiter: new_fallback,
            },
        ) => {
            let same = delimiter == new_delimiter && quoted == new_quoted && fallback_delimiter == new_fallback;
            same && new_layout.starts_with(layout)
        }
        _ => false,
    }
}

fn hinted(message: String, hint: impl Into<String>) -> Diagnostic {
    Diagnostic::general(message).with_hint(hint)
}
