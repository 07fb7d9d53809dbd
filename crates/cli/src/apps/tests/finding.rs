//! Finding and loading apps.

use std::path::Path;

use crate::apps::manifest::FileRule;
use crate::apps::{all_apps, find_app, load_app};
use crate::recorder::Recorder;

const NOWHERE: &str = "/nowhere/apps";

fn own_app(sql: &str, manifest: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("mine");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("app.sql"), sql).unwrap();
    if let Some(manifest) = manifest {
        std::fs::write(app.join("app.toml"), manifest).unwrap();
    }
    folder
}

#[test]
fn bundled_apps_are_found_anywhere() {
    let app = find_app("rankmysteps", Path::new(NOWHERE)).unwrap();
    assert!(app.sql.contains("CREATE STREAM"));
    let simulator = app.manifest.simulator.unwrap();
    assert!(simulator.events_per_second > 0.0 && simulator.backfill_events > 0);
    assert!(!app.manifest.queries.is_empty());
}

#[test]
fn own_apps_are_found_by_name_and_by_path() {
    let folder = own_app("CREATE STREAM s (a BIGINT);", None);
    let by_name = find_app("mine", folder.path()).unwrap();
    let by_path = find_app(&folder.path().join("mine").display().to_string(), Path::new(NOWHERE)).unwrap();
    assert_eq!((by_name.name.as_str(), by_path.name.as_str()), ("mine", "mine"));
    let names: Vec<String> = all_apps(folder.path()).unwrap().into_iter().map(|app| app.name).collect();
    assert_eq!(names, ["letshang", "rankmysteps", "mine"]);
}

#[test]
fn unknown_and_broken_apps_say_what_to_do() {
    let report = find_app("rankmystep", Path::new(NOWHERE)).unwrap_err().report();
    assert!(report.contains("did you mean rankmysteps?"), "{report}");
    let folder = own_app("", Some("title = 'x'\n[simulator]\nevents_per_secon = 1\n"));
    let report = find_app("mine", folder.path()).unwrap_err().report();
    assert!(report.contains("app.toml:3:1") && report.contains("events_per_second"), "{report}");
}

#[tokio::test]
async fn an_app_is_loaded_into_its_own_schema() {
    let folder = own_app("CREATE STREAM s (a BIGINT);", None);
    let app = find_app("mine", folder.path()).unwrap();
    let engine = Recorder::default();
    assert_eq!(load_app(&engine, &app).await.unwrap(), ["noted"]);
    assert_eq!(
        *engine.ran.lock().unwrap(),
        [
            (None, "CREATE SCHEMA IF NOT EXISTS \"mine\"".to_owned()),
            (Some("mine".to_owned()), "CREATE STREAM s (a BIGINT);".to_owned()),
        ]
    );
}

#[tokio::test]
async fn findings_name_the_file() {
    let folder = own_app("CREATE\nSTREEM s;", None);
    let app = find_app("mine", folder.path()).unwrap();
    let error = load_app(&Recorder { refuses_sql: true, ..Recorder::default() }, &app).await.unwrap_err();
    assert!(error.to_string().contains("app.sql:2:1"), "{error}");
}

#[test]
fn patterns_match_whole_names() {
    let matches =
        |pattern: &str, name: &str| FileRule { pattern: pattern.to_owned(), stream: String::new() }.matches(name);
    assert!(matches("*hourlySteps*.csv*", "fitabase_hourlySteps_merged.csv.gz"));
    assert!(matches("a.csv", "a.csv") && !matches("a.csv", "a.csv.gz") && !matches("a.csv", "ba.csv"));
    assert!(matches("*.csv", "x.csv") && !matches("*.csv", "x.csv.gz"));
    assert!(!matches("*daily*", "hourly"));
}
