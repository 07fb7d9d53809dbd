//! Good files, broken files, parameters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use highwater_model::Diagnostic;

use crate::template::variables;
use crate::{AppPages, Choices, Library, PagesSource, Values, read_dashboard};

const GOOD: &str = r#"
title = "Walkers"
icon = "trophy"

[[parameters]]
name = "day"
kind = "date"
choices = "SELECT day FROM daily_totals"

[[parameters]]
name = "who"
kind = "text"

[[parameters]]
name = "span"
kind = "range"
default = "7d"

[[panels]]
title = "Top walkers"
kind = "leaderboard"
key = "uuid"
rank = "rank"
value = "steps"
columns = [{ name = "uuid", label = "Person", link = "me?uuid={uuid}" }]
sql = """
SELECT rank, uuid, steps -- not $this
FROM leaderboard
WHERE day = $day AND '$who' <> $who AND day >= $span_from
"""

[[panels]]
kind = "text"
text = "Hello"
"#;

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
}

#[test]
fn a_page_is_read_with_defaults() {
    let page = read_dashboard("top", "top.toml", GOOD).unwrap();
    assert_eq!((page.title.as_str(), page.icon.as_str(), page.panels.len()), ("Walkers", "trophy", 2));
    let panel = page.panel("top-walkers").unwrap();
    assert_eq!((panel.width, panel.height, panel.max_rows, panel.refresh_ms), (8, 10, 1000, 500));
    assert_eq!(panel.options["columns"][0]["label"], "Person");
    assert!(!panel.options.contains_key("sql"), "only what the kind wants");
    assert_eq!(page.parameters[0].choices, Some(Choices::Sql("SELECT day FROM daily_totals".to_owned())));
    assert_eq!(page.parameters[1].label, "Who");
    assert!(page.panel("panel-2").is_some());
}

#[test]
fn values_become_literals_and_nothing_else() {
    let page = read_dashboard("top", "top.toml", GOOD).unwrap();
    let panel = page.panel("top-walkers").unwrap();
    let sql = |pairs: &[(&str, &str)]| page.panel_sql(panel, &values(pairs)).map(|rendered| rendered.unwrap().sql);
    let chosen = sql(&[("day", "2026-02-28"), ("who", "O'Neil'; DROP TABLE x"), ("span", "2026-01-01..2026-01-31")]);
    assert_eq!(
        chosen.unwrap(),
        "SELECT rank, uuid, steps -- not $this\nFROM leaderboard\nWHERE day = DATE '2026-02-28' AND '$who' <> \
         'O''Neil''; DROP TABLE x' AND day >= DATE '2026-01-01'\n"
    );
    let left_out = sql(&[]).unwrap();
    assert!(left_out.contains("day = CAST(NULL AS DATE) AND '$who' <> ''"), "{left_out}");
    assert!(left_out.contains("now() - INTERVAL '6 days'"));
    for wrong in [
        ("day", "2026-02-29"),
        ("day", "today"),
        ("span", "31d..2"),
        ("span", "2026-02-01..2026-01-01"),
        ("nobody", "1"),
    ] {
        assert!(sql(&[wrong]).is_err(), "{wrong:?}");
    }
}

#[test]
fn variables_are_found_outside_quotes_and_comments() {
    let names = |sql| variables(sql).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names("$a + '$b' /* $c */ + \"$d\" -- $e\n + $f_1) $1 $"), ["a", "f_1"]);
    assert_eq!(names("it''s '$a' and $b 'open $c"), ["b"]);
}

#[test]
fn findings_about_sql_point_into_the_file() {
    let page = read_dashboard("top", "top.toml", GOOD).unwrap();
    let panel = page.panel("top-walkers").unwrap();
    let rendered = page.panel_sql(panel, &values(&[("day", "2026-02-28")])).unwrap().unwrap();
    let line = rendered.sql.lines().nth(2).unwrap();
    let column = line.find("day >=").unwrap() as u32 + 1;
    let finding = Diagnostic::error("no column", &rendered.sql, 3, column, 3).with_hint("look");
    let located = page.locate(panel, &rendered, &finding);
    assert_eq!(located.file.as_deref(), Some("top.toml"));
    let shown = &located.source[located.column as usize - 1..];
    assert!(shown.starts_with("day >= $span_from"), "{located}");
    assert_eq!(GOOD.lines().nth(located.line as usize - 1), Some(located.source.as_str()));
}

/// What each broken line says, and where.
#[test]
fn everything_wrong_is_said_at_once_with_line_and_hint() {
    let text = r#"titel = "x"
[[parameters]]
name = "Day"
kind = "dait"
[[parameters]]
name = "n"
kind = "number"
default = "many"
[[panels]]
kind = "leaderbord"
[[panels]]
kind = "line"
x = "day"
stacked = "yes"
width = 13
sql = "SELECT 1 WHERE $m"
[[panels]]
kind = "bar"
label = "a"
value = "b"
format = "percnt"
"#;
    let found = read_dashboard("x", "x.toml", text).unwrap_err();
    let said: Vec<(u32, &str, &str)> =
        found.0.iter().map(|d| (d.line, d.message.as_str(), d.hint.as_deref().unwrap())).collect();
    let expected = [
        (1, "the page has no key \"titel\"", "did you mean title?"),
        (1, "the page lacks \"title\"", "add a line title = \"…\""),
        (3, "\"Day\" cannot name a parameter", "use lower-case"),
        (4, "there is no kind of parameter \"dait\"", "did you mean date?"),
        (8, "the default does not fit: \"many\" is not a number", "correct it"),
        (10, "there is no kind of panel \"leaderbord\"", "did you mean leaderboard?"),
        (12, "a panel of kind line lacks \"y\"", "add a line y ="),
        (14, "\"stacked\" of a panel of kind line must be true or false", "write stacked = true"),
        (15, "\"width\" of a panel of kind line must be a whole number from 1 to 12", "write width = 6"),
        (16, "there is no parameter \"m\"", "did you mean n?"),
        (18, "a panel of kind bar lacks \"sql\"", "add sql ="),
        (21, "\"format\" of a panel of kind bar must be one of", "did you mean percent?"),
    ];
    assert_eq!(said.len(), expected.len(), "{found}");
    for ((line, message, hint), (at, says, advises)) in said.iter().zip(expected) {
        assert!(
            *line == at && message.contains(says) && hint.contains(advises),
            "{line} {message} / {hint}; not {at} {says}"
        );
    }
}

/// A map says what it lacks and what does not go with what it draws.
#[test]
fn what_a_map_needs_depends_on_what_it_draws() {
    let said = |options: &str| {
        let text = format!("title = \"P\"\n[[panels]]\nkind = \"map\"\nsql = \"SELECT 1\"\n{options}");
        match read_dashboard("x", "x.toml", &text) {
            Ok(_) => Vec::new(),
            Err(found) => found.0.iter().map(|d| (d.line, d.message.clone(), d.hint.clone().unwrap())).collect(),
        }
    };
    for good in [
        "lat = \"a\"\nlon = \"o\"\ntrail_seconds = 90\nkey = \"who\"\n",
        "draw = \"clusters\"\nlat = \"a\"\nlon = \"o\"\nsize = \"n\"\nhull = \"h\"\n",
        "draw = \"heat\"\nlat = \"a\"\nlon = \"o\"\ncenter = [1, 2]\nzoom = 3\n",
        "draw = \"regions\"\nregion = \"c\"\nvalue = \"n\"\nunit = \"plays\"\n",
        "draw = \"regions\"\nshape = \"g\"\nvalue = \"n\"\nlabel = \"l\"\n",
    ] {
        assert!(said(good).is_empty(), "{good}: {:?}", said(good));
    }
    for (bad, expected) in [
        ("lat = \"a\"\n", vec![(3, "a map of points lacks \"lon\"", "add a line lon")]),
        ("draw = \"hot\"\n", vec![(5, "\"draw\" of a panel of kind map must be one of points, clusters", "")]),
        (
            "lat = \"a\"\nlon = \"o\"\ntrail_seconds = 0\n",
            vec![(7, "\"trail_seconds\" of a panel of kind map must be a whole number from 1 to 3600", "")],
        ),
        (
            "draw = \"heat\"\nlat = \"a\"\nlon = \"o\"\nhull = \"h\"\n",
            vec![(8, "a map of heat takes no \"hull\"", "leave it out, or write draw = \"clusters\"")],
        ),
        (
            "draw = \"regions\"\nlat = \"a\"\n",
            vec![
                (5, "a map of regions lacks \"region\" or \"shape\"", "a column with countries"),
                (5, "a map of regions lacks \"value\"", "add a line value"),
                (6, "a map of regions takes no \"lat\"", "draw = \"points\" or \"clusters\" or \"heat\""),
            ],
        ),
        (
            "draw = \"regions\"\nvalue = \"n\"\nregion = \"r\"\nshape = \"g\"\n",
            vec![(8, "a map has either \"region\" or \"shape\"", "leave one of them out")],
        ),
    ] {
        let found = said(bad);
        assert_eq!(found.len(), expected.len(), "{bad}: {found:?}");
        for ((line, message, hint), (at, says, advises)) in found.iter().zip(expected) {
            assert!(*line == at && message.contains(says) && hint.contains(advises), "{line} {message} / {hint}");
        }
    }
}

#[test]
fn broken_toml_says_where() {
    let found = read_dashboard("x", "x.toml", "title = \"x\"\n[[panels]\nkind = 1\n").unwrap_err();
    assert_eq!((found.0[0].line, found.0[0].file.as_deref()), (2, Some("x.toml")));
    assert!(read_dashboard("Bad Name", "x.toml", GOOD).is_err());
}

#[test]
fn a_folder_is_read_again_when_files_change() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::default();
    let source = PagesSource::Folder(folder.path().to_owned());
    let app = AppPages { name: "mine".to_owned(), title: "Mine".to_owned(), source };
    library.add(app.clone());
    assert_eq!(library.pages("mine").unwrap().len(), 0);
    let before = library.revision();
    std::fs::write(folder.path().join("b.toml"), GOOD).unwrap();
    std::fs::write(folder.path().join("a.toml"), "title = 1").unwrap();
    library.add(app);
    let pages = library.pages("mine").unwrap();
    assert_eq!(pages.iter().map(|page| page.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(library.page("mine", "a").unwrap().outcome.is_err());
    assert_ne!(library.revision(), before);
    assert!(library.pages("yours").is_none());
}

#[test]
fn a_misspelt_kind_is_told_as_such() {
    let said = |kind: &str| {
        let text = format!("title = \"P\"\n[[panels]]\nid = \"p\"\n{kind}value = \"n\"\nsql = \"SELECT 1 AS n\"\n");
        let found = read_dashboard("x", "x.toml", &text).unwrap_err();
        found.0.iter().map(|d| (d.line, d.message.clone(), d.hint.clone().unwrap())).next().unwrap()
    };
    let (line, message, hint) = said("knd = \"number\"\n");
    assert_eq!((line, message.as_str(), hint.as_str()), (4, "a panel has no key \"knd\"", "did you mean kind?"));
    assert_eq!(said("").1, "a panel lacks \"kind\"");
}
