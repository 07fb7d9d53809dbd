//! The `CREATE STREAM` of a declaration: what `SHOW CREATE` gives after an `ALTER STREAM`. Parsed, it gives the same.

use highwater_model::{Column, Format, JsonPath, ObjectName, StreamSchema, TimeEncoding};

use super::sql_type;

/// The statement that declares a stream so.
#[must_use]
pub fn stream_sql(name: &ObjectName, schema: &StreamSchema) -> String {
    let mut items: Vec<String> = schema.columns.iter().map(|column| column_sql(schema, column)).collect();
    let name_of = |column: &usize| schema.columns.get(*column).map(|column| column.name.as_str()).unwrap_or_default();
    if let Some(keyed) = &schema.keyed {
        let key: Vec<String> = keyed.key.iter().map(|column| identifier(name_of(column))).collect();
        items.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    let options = options(schema, &name_of);
    let with = if options.is_empty() { String::new() } else { format!("\n  WITH ({})", options.join(", ")) };
    format!(
        "CREATE STREAM {}.{} (\n  {}\n){with}",
        identifier(&name.schema),
        identifier(&name.name),
        items.join(",\n  ")
    )
}

/// A name as it must be written.
pub(super) fn identifier(name: &str) -> String {
    /// Words that begin something other than a column.
    const CLAUSES: [&str; 5] = ["primary", "constraint", "unique", "check", "foreign"];
    let plain = name.bytes().enumerate().all(|(at, byte)| match byte {
        b'a'..=b'z' | b'_' => true,
        b'0'..=b'9' => at > 0,
        _ => false,
    });
    if plain && !name.is_empty() && !CLAUSES.contains(&name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn column_sql(schema: &StreamSchema, column: &Column) -> String {
    let mut sql = format!("{} {}", identifier(&column.name), sql_type(&column.data_type));
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    // A text's fields are found by the layout.
    if let (Some(path), Format::Json) = (&column.path, &schema.format) {
        sql.push_str(&format!(" PATH {}", text(&path_text(path))));
    }
    let time = match &column.time {
        None | Some(TimeEncoding::Rfc3339) => String::new(),
        Some(TimeEncoding::EpochSeconds) => " UNIT 's'".to_owned(),
        Some(TimeEncoding::EpochMillis) => " UNIT 'ms'".to_owned(),
        Some(TimeEncoding::EpochMicros) => " UNIT 'us'".to_owned(),
        Some(TimeEncoding::EpochNanos) => " UNIT 'ns'".to_owned(),
        Some(TimeEncoding::Pattern { pattern, zone }) => {
            let zone = zone.as_ref().map(|zone| format!(" ZONE {}", text(zone))).unwrap_or_default();
            format!(" FORMAT {}{zone}", text(pattern))
        }
    };
    sql + &time
}

fn path_text(path: &JsonPath) -> String {
    let step = |step: &String| match step.as_str() {
        index if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => format!("[{index}]"),
        key if key.contains('\'') => format!("[\"{key}\"]"),
        key => format!("['{key}']"),
    };
    let plain = |step: &String| {
        step.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !step.bytes().all(|byte| byte.is_ascii_digit())
    };
    let steps = path.0.iter().map(|one| if plain(one) { format!(".{one}") } else { step(one) });
    format!("${}", steps.collect::<String>())
}

fn options<'a>(schema: &StreamSchema, name_of: &impl Fn(&usize) -> &'a str) -> Vec<String> {
    let mut options = Vec::new();
    let mut option = |name: &str, value: String| options.push(format!("{name} = {value}"));
    let micros = |micros: i64| text(&duration(micros));
    if let Format::Text { delimiter, layout, quoted, fallback_delimiter } = &schema.format {
        let separator = |byte: u8| if byte == b'\t' { "\\t".to_owned() } else { char::from(byte).to_string() };
        option("format", text("text"));
        option("delimiter", text(&separator(*delimiter)));
        fallback_delimiter.iter().for_each(|byte| option("fallback_delimiter", text(&separator(*byte))));
        option("quoted", quoted.to_string());
        option("layout", text(&layout.join(&char::from(*delimiter).to_string())));
    }
    if let Some(keyed) = &schema.keyed {
        keyed.version.iter().for_each(|column| option("version", text(name_of(column))));
        keyed.deleted.iter().for_each(|column| option("deleted", text(name_of(column))));
    }
    if !schema.partition_by.is_empty() {
        let names: Vec<&str> = schema.partition_by.iter().map(name_of).collect();
        option("partition_by", text(&names.join(", ")));
    }
    if schema.partitions != 1 {
        option("partitions", schema.partitions.to_string());
    }
    schema.event_time.iter().for_each(|column| option("event_time", text(name_of(column))));
    if let Some(lateness) = schema.lateness {
        option("lateness", micros(lateness.micros));
        option("idle", micros(lateness.idle_micros));
    }
    schema.retention.age_micros.iter().for_each(|age| option("retention", micros(*age)));
    schema.retention.bytes.iter().for_each(|bytes| option("retention_bytes", bytes.to_string()));
    if schema.max_record_bytes != StreamSchema::DEFAULT_MAX_RECORD_BYTES {
        option("max_record_bytes", schema.max_record_bytes.to_string());
    }
    options
}

/// The longest unit of which it is a whole number.
fn duration(micros: i64) -> String {
    const UNITS: [(&str, i64); 6] = [
        ("days", 86_400_000_000),
        ("hours", 3_600_000_000),
        ("minutes", 60_000_000),
        ("seconds", 1_000_000),
        ("ms", 1_000),
        ("us", 1),
    ];
    let unit = UNITS.iter().find(|(_, length)| micros % length == 0).unwrap_or(&UNITS[5]);
    format!("{} {}", micros / unit.1, unit.0)
}
