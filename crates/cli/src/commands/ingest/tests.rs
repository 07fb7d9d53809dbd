//! Splitting, batching, identity and the summary.

use std::io::{Read, Write};

use highwater_api::{BodyFormat, IngestReport, RejectedRecord};

use super::batches::{Batch, Batches};
use super::identity::Identity;
use super::size::BatchLimit;
use super::source::{Source, guess};
use super::summary::Summary;

const CSV: &str = "Id,Note,Steps\n1,plain,2\n2,\"two\nlines, \"\"quoted\"\"\",3\n3,five\" pipe,4\n4,last,5";

/// Gives so many bytes at a time, to put every boundary everywhere.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn batches(text: &str, format: BodyFormat, limit: &str, drip: usize) -> Vec<Batch> {
    let mut reader = Batches::new(Drip(text.as_bytes(), drip), format, limit.parse().unwrap());
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn bodies(text: &str, format: BodyFormat, limit: &str, drip: usize) -> Vec<String> {
    batches(text, format, limit, drip).into_iter().map(|b| String::from_utf8(b.body.to_vec()).unwrap()).collect()
}

#[test]
fn csv_is_cut_at_records_and_every_batch_has_the_header() {
    for drip in [1, 7, 10_000] {
        assert_eq!(
            bodies(CSV, BodyFormat::Csv, "2", drip),
            [
                "Id,Note,Steps\n1,plain,2\n2,\"two\nlines, \"\"quoted\"\"\",3\n",
                "Id,Note,Steps\n3,five\" pipe,4\n4,last,5",
            ],
            "{drip}"
        );
    }
    assert!(bodies("Id,Steps\n", BodyFormat::Csv, "2", 3).is_empty());
    assert_eq!(bodies("Id\r\n1\r\n", BodyFormat::Csv, "1", 3), ["Id\r\n1\r\n"]);
}

#[test]
fn a_byte_order_mark_is_left_out() {
    for drip in [3, 10_000] {
        assert_eq!(bodies("\u{feff}a\n1\n2\n", BodyFormat::Csv, "1", drip), ["a\n1\n", "a\n2\n"]);
        assert_eq!(bodies("\u{feff}{}\n{}\n", BodyFormat::NdJson, "1", drip), ["{}\n", "{}\n"]);
    }
}

#[test]
fn lines_keep_what_is_broken() {
    let text = "{\"a\":1}\n{\"a\":\n\n{\"a\":3}";
    for drip in [1, 10_000] {
        assert_eq!(bodies(text, BodyFormat::NdJson, "2", drip), ["{\"a\":1}\n{\"a\":\n", "\n{\"a\":3}"]);
    }
}

#[test]
fn json_in_an_array_and_run_together() {
    let elements = ["{\"a\":\"]},\\\"\"}", "{\"b\":[1,{\"c\":2}]}", "{\n \"d\": 4\n}"];
    let array = format!(" [{} , {},\n{}] ", elements[0], elements[1], elements[2]);
    let together = elements.concat();
    let whole = elements.map(|e| format!("{e}\n")).concat();
    for text in [array.as_str(), together.as_str(), whole.as_str()] {
        for drip in [1, 5, 10_000] {
            assert_eq!(bodies(text, BodyFormat::Json, "100", drip), [whole.as_str()], "{text}");
            assert_eq!(bodies(text, BodyFormat::Json, "1", drip).len(), 3, "{text}");
        }
    }
    assert_eq!(bodies("{\"a\":1}{\"b\":", BodyFormat::Json, "1", 4), ["{\"a\":1}\n", "{\"b\":\n"]);
    assert_eq!(bodies("nonsense {\"a\":1}", BodyFormat::Json, "9", 4), ["nonsense\n{\"a\":1}\n"]);
    assert_eq!(bodies("[]", BodyFormat::Json, "9", 4), Vec::<String>::new());
}

#[test]
fn batches_keep_both_limits_and_all_bytes() {
    let text: String = (0..1000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    for limit in ["1", "7", "100000", "64B", "1KiB"] {
        for drip in [13, 100_000] {
            let cut = batches(&text, BodyFormat::NdJson, limit, drip);
            let BatchLimit { records, bytes } = limit.parse().unwrap();
            assert!(cut.iter().all(|b| b.records as usize <= records && b.body.len() <= bytes), "{limit}");
            let joined: Vec<u8> = cut.iter().flat_map(|b| b.body.to_vec()).collect();
            assert_eq!(joined, text.as_bytes());
            assert_eq!(cut, batches(&text, BodyFormat::NdJson, limit, 1), "cutting depends on how bytes arrive");
        }
    }
}

#[test]
fn rejects_are_told_by_their_line_in_the_file() {
    let reject = |line, record| RejectedRecord {
        record,
        byte: 0,
        line,
        column: Some("Steps".to_owned()),
        reason: "not a number".to_owned(),
    };
    let report = |rejects: Vec<RejectedRecord>| IngestReport {
        stream: "public.s".to_owned(),
        accepted: 1,
        rejected: 1,
        duplicate: false,
        offsets: Vec::new(),
        rejects,
    };
    let cut = batches(CSV, BodyFormat::Csv, "2", 10_000);
    let mut summary = Summary::new("s".to_owned());
    // The second record of the first batch begins on line 3 of the file, that of the second on line 6.
    summary.add(&cut[0], &report(vec![reject(3, 1)]));
    summary.add(&cut[1], &report(vec![reject(3, 1)]));
    let text = summary.text(None);
    assert!(text.starts_with("public.s: 2 accepted, 2 rejected (2 batches)"), "{text}");
    assert!(text.contains("line 3: Steps: not a number") && text.contains("line 6: Steps"), "{text}");
    assert_eq!(summary.conclude().unwrap_err().exit_code(), 3);

    let json = batches("[{},{},{}]", BodyFormat::Json, "2", 10_000);
    let mut summary = Summary::new("s".to_owned());
    summary.add(&json[1], &report(vec![reject(1, 0)]));
    assert!(summary.text(None).contains("record 3: Steps"));
}

#[test]
fn duplicates_are_counted_apart() {
    let cut = batches("1\n2\n", BodyFormat::Text, "9", 100);
    let mut summary = Summary::new("s".to_owned());
    let report = IngestReport {
        stream: "public.s".to_owned(),
        accepted: 0,
        rejected: 0,
        duplicate: true,
        offsets: Vec::new(),
        rejects: Vec::new(),
    };
    summary.add(&cut[0], &report);
    assert!(summary.text(None).contains("0 accepted, 0 rejected, 2 stored before"), "{}", summary.text(None));
    assert!(summary.conclude().is_ok());
}

#[test]
fn the_cut_of_files_known_by_content_never_changes() {
    // Files sent before would be counted again.
    assert_eq!(BatchLimit::FIXED, BatchLimit { records: 20_000, bytes: 8_388_608 });
}

#[test]
fn sizes() {
    assert_eq!("5000".parse::<BatchLimit>().unwrap().records, 5000);
    assert_eq!("4MiB".parse::<BatchLimit>().unwrap(), BatchLimit { records: usize::MAX, bytes: 4 << 20 });
    for wrong in ["", "0", "-1", "many", "4 parsecs", "99999999999999999999"] {
        assert!(wrong.parse::<BatchLimit>().is_err(), "{wrong}");
    }
}

#[test]
fn formats_are_guessed() {
    assert_eq!(guess(b"{\"a\":1}\n{\"a\":2}\n"), BodyFormat::NdJson);
    assert_eq!(guess(b"{\"a\":1}{\"a\":2}"), BodyFormat::Json);
    assert_eq!(guess(b"{\n\"a\":1}"), BodyFormat::Json);
    assert_eq!(guess(b"\xef\xbb\xbf [1]"), BodyFormat::Json);
    assert_eq!(guess(b"Id,Steps\n"), BodyFormat::Csv);
}

fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let source = Source::of(&path);
    (folder, source)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_same_content_has_the_same_identity_compressed_or_not() {
    let of = |source: &Source, format| Identity::of_content(source, format).unwrap();
    let (_a, plain) = file("a.csv", CSV.as_bytes());
    let (_b, packed) = file("b.csv.gz", &gzip(CSV));
    let (_c, other) = file("c.csv", b"Id\n1\n");
    assert_eq!(of(&plain, BodyFormat::Csv), of(&packed, BodyFormat::Csv));
    assert_ne!(of(&plain, BodyFormat::Csv), of(&other, BodyFormat::Csv));
    assert_ne!(of(&plain, BodyFormat::Csv), of(&plain, BodyFormat::Text));
    assert!(of(&plain, BodyFormat::Csv).stamp(0).producer.len() <= 128);
    assert_eq!(Identity::named("p", 3).unwrap().stamp(2).sequence, 5);
    assert!(Identity::named("with space", 0).is_err() && Identity::named(&"x".repeat(129), 0).is_err());
}

#[test]
fn a_truncated_file_is_refused_before_anything_is_sent() {
    let long: String = (0..50_000).map(|n| format!("{n},{}\n", n * 7919 % 104_729)).collect();
    let mut bytes = gzip(&long);
    bytes.truncate(bytes.len() / 2);
    let (_folder, source) = file("t.csv.gz", &bytes);
    let refused = Identity::of_content(&source, BodyFormat::Csv).unwrap_err().report();
    assert!(refused.contains("ends in the middle; nothing was sent"), "{refused}");
}
