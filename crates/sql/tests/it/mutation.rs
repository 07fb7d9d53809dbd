//! The parser survives anything: valid statements with bytes and tokens changed at random, from fixed seeds.

use highwater_sql::parse;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::fixture::SCRIPT;

const CORPUS: &[&str] = &[
    SCRIPT,
    "CREATE STREAM p (u TEXT PRIMARY KEY, t TIMESTAMPTZ FORMAT '%Y%m%d %H%M%S' ZONE 'America/New_York', m MAP<TEXT, STRUCT<a INT[], b LIST<TEXT>>>) WITH (format = 'text', delimiter = ';', layout = 'u;t;m', quoted = true, retention = '7 days', retention_bytes = '10 GB', max_record_bytes = 4096)",
    "CREATE TABLE t (a INT, b DECIMAL(10, 2), c TIMESTAMP(9) WITH TIME ZONE, PRIMARY KEY (a)) WITH (path = 'x.csv', header = false)",
    "EXPLAIN INCREMENTAL CREATE MATERIALIZED VIEW v (x) WITH (retain = '1 day') AS SELECT count(*) FROM s WHERE a IN (1, 2)",
    "INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL); UPDATE t SET b = 'y' WHERE a = 1; DELETE FROM t AS q WHERE q.a > 2",
    "SHOW CREATE MATERIALIZED VIEW v; SHOW COLUMNS FROM a.b; DESCRIBE t; DROP VIEW IF EXISTS a, b.c CASCADE; SET TIME ZONE 'UTC'",
    "WITH x AS (SELECT * FROM HISTORY(s)) SELECT a, (b).c, d[1], e->>'f' FROM x JOIN t USING (a) UNION ALL SELECT 1, 2, 3, E'\\n' -- c\n",
];

const PIECES: &[&str] = &[
    "'",
    "\"",
    "(",
    ")",
    "<",
    ">",
    ">>",
    ",",
    ";",
    ".",
    "[",
    "]",
    "$",
    "$$",
    "--",
    "/*",
    "*/",
    "\0",
    "é",
    "🚶",
    "NOT",
    "NULL",
    "PRIMARY KEY",
    "STRUCT<",
    "WITH (",
    "AS",
    "SELECT",
    "9999999999999999999999",
    "-1",
    "$.",
    "PATH '",
    "%",
    "\n",
    "\u{202e}",
    "U&'\\",
    "E'\\",
    "::",
    "1e999",
    "CASE",
    "EXPLAIN ",
];

#[test]
fn mutated_statements_never_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_160_202);
    for round in 0..6_000 {
        let mut text: Vec<char> = CORPUS[round % CORPUS.len()].chars().collect();
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..=text.len());
            match rng.random_range(0..4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.truncate(at),
                2 => {
                    let end = (at + rng.random_range(0..20)).min(text.len());
                    let copy: Vec<char> = text[at..end].to_vec();
                    let to = rng.random_range(0..=text.len());
                    text.splice(to..to, copy);
                }
                _ => {
                    let piece = PIECES[rng.random_range(0..PIECES.len())];
                    text.splice(at..at, piece.chars());
                }
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(problems) = parse(&text) {
            assert!(problems.has_errors(), "refused without a reason: {text}");
            let lines = text.split('\n').count() as u32;
            for problem in &problems.0 {
                assert!(problem.line <= lines, "place beyond the text: {problem} in {text}");
                assert!(!problem.message.is_empty());
                let _ = problem.to_string();
            }
        }
    }
}

#[test]
fn random_text_never_panics() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..3_000 {
        let pieces = rng.random_range(0..30);
        let text: String = (0..pieces)
            .map(|_| match rng.random_range(0..3) {
                0 => char::from_u32(rng.random_range(0..0x11_0000)).unwrap_or(' ').to_string(),
                1 => format!(" {} ", PIECES[rng.random_range(0..PIECES.len())]),
                _ => ["CREATE ", "STREAM ", "TABLE ", "a ", "INT ", "= "][rng.random_range(0..6)].to_owned(),
            })
            .collect();
        let _ = parse(&text);
    }
}

#[test]
fn deep_nesting_is_refused_not_fatal() {
    for (open, close) in
        [("(", ")"), ("SELECT (", ")"), ("CREATE STREAM s (a LIST<", ">"), ("[", "]"), ("CASE WHEN ", "")]
    {
        let text = format!("SELECT {}1{}", open.repeat(5_000), close.repeat(5_000));
        let _ = parse(&text);
    }
    let nested = format!("CREATE STREAM s (a {}INT{})", "LIST<".repeat(500), ">".repeat(500));
    assert!(parse(&nested).is_err());
}

/// What parses, parses again from its own text: stored statements can be read back.
#[test]
fn statement_text_parses_alone() {
    for text in CORPUS {
        for statement in parse(text).unwrap_or_else(|problems| panic!("{problems}")) {
            let again = parse(statement.sql()).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(again.len(), 1);
            assert_eq!(again[0].sql(), statement.sql());
            assert_eq!(again[0].tag(), statement.tag());
        }
    }
}
