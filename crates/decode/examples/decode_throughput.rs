//! Measures decoding on one core: events a second for the step event in JSON and in text. Run by hand.
//!
//! `cargo run --release -p highwater-decode --example decode_throughput`

use std::hint::black_box;
use std::time::Instant;

use arrow_schema::DataType;
use bytes::Bytes;
use highwater_decode::{BodyFormat, Decoder, partition_of};
use highwater_model::{Column, Format, StreamSchema, TimeEncoding, micros_utc};
use jiter::{Jiter, Peek};

/// Few enough that a round ends before the machine turns to something else.
const EVENTS: usize = 10_000;
const ROUNDS: usize = 300;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let json: String = (0..EVENTS)
        .map(|n| {
            let (second, minute, day) = (n % 60, n / 60 % 60, 2 + n % 3);
            let (steps, uuid) = (n % 180, 10_133 + n % 10_000);
            format!(
                "{{\"source\":\"6\",\"steps\":{steps},\"uuid\":{uuid},\"timestamp\":\"2016-02-{day:02} 18:{minute:02}:{second:02}\"}}\n"
            )
        })
        .collect();
    let text: String = (0..EVENTS)
        .map(|n| {
            format!("6;{};{};201602{:02} 18{:02}{:02}\n", n % 180, 10_133 + n % 10_000, 2 + n % 3, n / 60 % 60, n % 60)
        })
        .collect();
    let mut plain = schema("%Y-%m-%d %H:%M:%S");
    plain.columns[3].time = None;
    let rfc3339 = json.replace("2016-02-02 18", "2016-02-02T18").replace("\"}", "Z\"}");
    let mut layout = schema("%Y%m%d %H%M%S");
    let names = ["source", "steps", "uuid", "timestamp"].map(str::to_owned).to_vec();
    layout.format = Format::Text { delimiter: b';', layout: names, quoted: false, fallback_delimiter: None };

    let start = best(&mut || parse_alone(json.as_bytes()))?;
    println!("{:30} {start:6.2} M/s: the JSON parser alone, values dropped", "json lines");
    let array = format!("[{}]", json.trim_end().replace('\n', ","));
    run("json lines, pattern in a zone", &schema("%Y-%m-%d %H:%M:%S"), BodyFormat::NdJson, json)?;
    run("json array, pattern in a zone", &schema("%Y-%m-%d %H:%M:%S"), BodyFormat::Json, array)?;
    run("json lines, RFC 3339", &plain, BodyFormat::NdJson, rfc3339)?;
    run("text, pattern in a zone", &layout, BodyFormat::Text, text)
}

fn schema(pattern: &str) -> StreamSchema {
    let mut time = Column::new("timestamp", micros_utc(), false);
    let zone = Some("America/Los_Angeles".to_owned());
    time.time = Some(TimeEncoding::Pattern { pattern: pattern.to_owned(), zone });
    let mut schema = StreamSchema::json(vec![
        Column::new("source", DataType::Utf8, true),
        Column::new("steps", DataType::Int64, false),
        Column::new("uuid", DataType::Int64, false),
        time,
    ]);
    schema.partitions = 4;
    schema.partition_by = vec![2];
    schema
}

fn run(name: &str, schema: &StreamSchema, format: BodyFormat, body: String) -> Result<(), Failure> {
    let decoder = Decoder::new(schema)?;
    let body = Bytes::from(body);
    let decode = best(&mut || Ok(black_box(decoder.decode_body(format, &body)?).rows.num_rows()))?;
    let decoded = decoder.decode_body(format, &body)?;
    let records = decoded.records();
    let replay = best(&mut || Ok(black_box(decoder.decode_records(&records)?).num_rows()))?;
    let gather = best(&mut || Ok(black_box(decoded.records()).len()))?;
    let partition = best(&mut || Ok(black_box(partition_of(schema, &decoded.rows)?).len()))?;
    println!(
        "{name:30} decode {decode:6.2} M/s ({:4.0} MB/s)  replay {replay:6.2} M/s  gather {gather:7.1} M/s  partition {partition:7.1} M/s",
        decode * body.len() as f64 / EVENTS as f64
    );
    Ok(())
}

/// Million events a second in the best round.
fn best(work: &mut dyn FnMut() -> Result<usize, Failure>) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let rows = work()?;
        best = best.min(start.elapsed().as_secs_f64());
        if rows != EVENTS {
            return Err(format!("{rows} rows of {EVENTS}").into());
        }
    }
    Ok(EVENTS as f64 / best / 1e6)
}

/// What the pull parser costs by itself: every key and value is read and dropped.
fn parse_alone(body: &[u8]) -> Result<usize, Failure> {
    let mut rows = 0;
    let mut tape = Vec::new();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut json = Jiter::with_tape(line, tape);
        let mut more = json.next_object()?.map(black_box).is_some();
        while more {
            match json.peek()? {
                Peek::String => drop(black_box(json.known_str()?)),
                peek => drop(black_box(json.known_int(peek)?)),
            }
            more = json.next_key()?.map(black_box).is_some();
        }
        tape = json.into_tape();
        rows += 1;
    }
    Ok(rows)
}
