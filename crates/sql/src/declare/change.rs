//! An `ALTER STREAM` applied to a declaration. Whether stored records allow the outcome is `evolve`'s to say.

use highwater_model::{Column, Diagnostics, Lateness, StreamSchema};

use crate::parse::{DEFAULT_IDLE_MICROS, extend_layout, finds};
use crate::source::{Place, Problems};
use crate::statement::{AlterStream, StreamChange, WrittenColumn};
use crate::suggest;

/// A stream's declaration after a statement, and what it left as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// The new declaration.
    pub schema: StreamSchema,
    /// What was there already.
    pub notices: Vec<String>,
}

/// Applies the changes of a statement in order; `text` is what it was parsed from.
///
/// # Errors
/// Names that are not there, or there already, with places in `text`.
pub fn alter(schema: &StreamSchema, statement: &AlterStream, text: &str) -> Result<Altered, Diagnostics> {
    let mut altered = Altered { schema: schema.clone(), notices: Vec::new() };
    let mut problems = Problems::new(text);
    for change in &statement.changes {
        apply(&mut altered, change, &mut problems);
    }
    if problems.count() == 0 { Ok(altered) } else { Err(problems.into_diagnostics()) }
}

fn apply(altered: &mut Altered, change: &StreamChange, problems: &mut Problems<'_>) {
    let schema = &mut altered.schema;
    match change {
        StreamChange::AddColumn { column, place, path_place, if_not_exists } => {
            if schema.index_of(&column.name).is_some() {
                let there = format!("column \"{}\" is there already", column.name);
                match if_not_exists {
                    true => altered.notices.push(there),
                    false => problems.error_hint(*place, there, "write ADD COLUMN IF NOT EXISTS, or another name"),
                }
                return;
            }
            if !finds(&schema.format, column.path.as_ref()) {
                let hint = "leave out PATH: the field is the one of the column's name in the layout, or the next one";
                problems.error_hint(path_place.unwrap_or(*place), "PATH finds nothing in records of text", hint);
            }
            extend_layout(&mut schema.format, &column.name);
            schema.columns.push(column.clone());
        }
        StreamChange::SetType { column, data_type } => {
            if let Some(found) = find(schema, column, problems) {
                found.data_type = data_type.clone();
            }
        }
        StreamChange::DropNotNull { column } => {
            if let Some(found) = find(schema, column, problems) {
                found.nullable = true;
            }
        }
        StreamChange::Retention(age) => schema.retention.age_micros = *age,
        StreamChange::RetentionBytes(bytes) => schema.retention.bytes = *bytes,
        StreamChange::Lateness { micros, place } => set_lateness(schema, *micros, *place, problems),
        StreamChange::Idle { micros, place } => match &mut schema.lateness {
            Some(lateness) => lateness.idle_micros = *micros,
            None => {
                let hint = "set lateness = '10 seconds' too";
                problems.error_hint(*place, "idle says when a partition does not hold the watermark up", hint);
            }
        },
        StreamChange::MaxRecordBytes(bytes) => schema.max_record_bytes = *bytes,
    }
}

fn find<'a>(
    schema: &'a mut StreamSchema,
    column: &WrittenColumn,
    problems: &mut Problems<'_>,
) -> Option<&'a mut Column> {
    let index = schema.index_of(&column.name);
    if index.is_none() {
        let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        let message = format!("no column \"{}\"", column.name);
        problems.error_hint(column.place, message, suggest::hint(&column.name, &names));
    }
    schema.columns.get_mut(index?)
}

fn set_lateness(schema: &mut StreamSchema, micros: Option<i64>, place: Place, problems: &mut Problems<'_>) {
    if micros.is_some() && schema.event_time.is_none() {
        let hint = "a stream gets its event_time when it is created";
        problems.error_hint(place, "lateness needs an event time, and the stream has none", hint);
        return;
    }
    let idle_micros = schema.lateness.map_or(DEFAULT_IDLE_MICROS, |lateness| lateness.idle_micros);
    schema.lateness = micros.map(|micros| Lateness { micros, idle_micros });
}
