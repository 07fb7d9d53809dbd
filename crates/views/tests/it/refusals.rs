//! What no materialized view can hold: every refusal names the clause, the reason, and what to write instead. The golden
//! file has queries and what is said of them; `UPDATE_GOLDEN=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::world::World;

#[test]
fn every_refusal_says_why_and_what_to_write_instead() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/refusals.txt");
    let golden = std::fs::read_to_string(&path).unwrap();
    let world = World::new(1);
    let mut fresh = String::new();
    for case in golden.split("====\n").filter(|case| !case.trim().is_empty()) {
        let sql = case.split("\n----").next().unwrap().trim();
        let said = match world.plan(world.catalog.next_id(), "v", sql) {
            Ok(_) => panic!("{sql} is not refused"),
            Err(said) => said,
        };
        assert!(said.contains("hint: "), "{sql} does not say what to write instead: {said}");
        writeln!(fresh, "{sql}\n----\n{}\n====", said.trim_end()).unwrap();
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, fresh).unwrap();
    } else {
        assert_eq!(golden, fresh, "refusals.txt differs; look, then run again with UPDATE_GOLDEN=1");
    }
}
