//! Rank of the places settings come from, and what is said of wrong ones.

use std::path::PathBuf;

use super::raw::Origin;
use super::{Flags, KEYS, LogFormat, Settings, nearest};
use crate::failure::Failure;

fn file(text: &str) -> (tempfile::TempDir, Flags) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.toml");
    std::fs::write(&path, text).unwrap();
    (folder, Flags { config: Some(path), values: Vec::new() })
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn refusal(flags: &Flags, variables: Vec<(String, String)>) -> String {
    let failure = Settings::gather(flags, variables).unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    failure.report()
}

#[test]
fn flags_over_environment_over_file_over_defaults() {
    let (_folder, mut flags) = file("data = 'of-file'\nlog = 'debug'\nthreads = 3\nlog_format = 'json'\n");
    flags.values.push(("data", "of-flag".to_owned()));
    let settings =
        Settings::gather(&flags, variables(&[("HIGHWATER_DATA", "of-env"), ("HIGHWATER_LOG", "trace")])).unwrap();
    assert_eq!(settings.data, PathBuf::from("of-flag"));
    assert_eq!(settings.log, "trace");
    assert_eq!((settings.threads, settings.log_format), (3, LogFormat::Json));
    assert_eq!(settings.to, "http://127.0.0.1:8080");
    assert_eq!(settings.raw.get("data").origin, Origin::Flag);
    assert_eq!(settings.raw.get("log").origin.to_string(), "environment HIGHWATER_LOG");
    assert!(matches!(settings.raw.get("threads").origin, Origin::File(_)));
    assert_eq!(settings.raw.get("to").origin, Origin::Default);
}

#[test]
fn every_wrong_key_is_named_with_the_right_one() {
    let (_folder, flags) = file("lisen = '127.0.0.1:1'\n\n  zzzzzz = 1\ndata = [1]\n");
    let report = refusal(&flags, variables(&[("HIGHWATER_TREADS", "1"), ("HIGHWATER_SOMETHING_ELSE", "1")]));
    for part in [
        "no setting is called \"lisen\"",
        "highwater.toml:1:1",
        "did you mean \"listen\"?",
        "highwater.toml:3:3",
        "there are: data, listen",
        "\"data\" takes one text",
        "did you mean HIGHWATER_THREADS?",
    ] {
        assert!(report.contains(part), "{part} is missing in:\n{report}");
    }
    assert!(!report.contains("SOMETHING_ELSE"), "{report}");
}

#[test]
fn every_wrong_value_is_named_with_its_place() {
    let (_folder, flags) = file("listen = 'here'\nthreads = -1\n");
    let report = refusal(&flags, variables(&[("HIGHWATER_LOG_FORMAT", "xml")]));
    for part in ["\"here\"", "127.0.0.1:8080", "\"-1\"", "\"xml\"", "environment HIGHWATER_LOG_FORMAT"] {
        assert!(report.contains(part), "{part} is missing in:\n{report}");
    }
}

#[test]
fn a_broken_file_shows_the_line() {
    let (_folder, flags) = file("data = 'x'\nlog = = 1\n");
    let report = refusal(&flags, Vec::new());
    assert!(report.contains("highwater.toml:2:"), "{report}");
}

#[test]
fn a_named_file_must_exist() {
    let flags = Flags { config: Some("/nowhere/highwater.toml".into()), values: Vec::new() };
    assert!(matches!(Settings::gather(&flags, Vec::new()), Err(Failure::Io { .. })));
}

#[test]
fn strangers_must_be_asked_for() {
    let open = |values: Vec<(&'static str, String)>| {
        let (_folder, mut flags) = file("");
        flags.values = values;
        Settings::gather(&flags, Vec::new()).unwrap().check_listen()
    };
    assert!(open(vec![]).is_ok());
    assert!(open(vec![("listen", "[::1]:0".to_owned())]).is_ok());
    let refused = open(vec![("listen", "0.0.0.0:8080".to_owned())]).unwrap_err();
    assert!(refused.report().contains("--allow-anonymous"));
    assert!(open(vec![("listen", "0.0.0.0:8080".to_owned()), ("allow_anonymous", "true".to_owned())]).is_ok());
}

#[test]
fn keys_are_distinct_and_defaults_settle() {
    let (_folder, flags) = file("");
    assert!(Settings::gather(&flags, Vec::new()).is_ok());
    for (i, key) in KEYS.iter().enumerate() {
        assert!(KEYS[..i].iter().all(|other| other.name != key.name));
    }
    assert_eq!(nearest("log_fromat", KEYS.iter().map(|key| key.name)), Some("log_format"));
    assert_eq!(nearest("colour", KEYS.iter().map(|key| key.name)), None);
}
