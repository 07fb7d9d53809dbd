//! JSON in texts: what each function gives for each kind of value, the operators, and what is missing or broken.

use crate::fixture::{plan, value};

const DOCUMENT: &str = concat!(
    r#"{"s": "a\"é", "i": 42, "f": 1.5, "b": true, "n": null, "l": [10, {"k": "deep"}, "x"], "#,
    r#""o": {"p": {"q": 7}}, "big": 9007199254740993, "t": "17"}"#
);

fn check(cases: &[(&str, &str)]) {
    for (expr, expected) in cases {
        // From a column and as a constant.
        let from_column = format!("SELECT {expr} FROM (VALUES ('{DOCUMENT}')) AS t (j)");
        assert_eq!(value(&from_column).as_deref(), Ok(*expected), "{expr}");
        let constant = format!(
            "SELECT {}",
            expr.replace("(j,", &format!("('{DOCUMENT}',")).replace("(j)", &format!("('{DOCUMENT}')"))
        );
        if !expr.contains("j -") {
            assert_eq!(value(&constant).as_deref(), Ok(*expected), "{expr}");
        }
    }
}

#[test]
fn values_of_each_kind() {
    check(&[
        ("json_get_str(j, 's')", "a\"é"),
        ("json_get_str(j, 'i') IS NULL", "true"),
        ("json_get_int(j, 'i')", "42"),
        ("json_get_int(j, 'big')", "9007199254740993"),
        ("json_get_int(j, 'f') IS NULL", "true"),
        ("json_get_int(j, 't')", "17"),
        ("json_get_float(j, 'f')", "1.5"),
        ("json_get_float(j, 'i')", "42.0"),
        ("json_get_bool(j, 'b')", "true"),
        ("json_get_bool(j, 'i') IS NULL", "true"),
        ("json_get(j, 'l', 1)", r#"{"k": "deep"}"#),
        ("json_get(j, 's')", r#""a\"é""#),
        ("json_get(j, 'n')", "null"),
        ("json_get_str(j, 'l', 1, 'k')", "deep"),
        ("json_get_int(j, 'l', 0)", "10"),
        ("json_get_str(j, 'l', -1)", "x"),
        ("json_as_text(j, 'o', 'p')", r#"{"q": 7}"#),
        ("json_as_text(j, 'n') IS NULL", "true"),
        ("json_length(j, 'l')", "3"),
        ("json_length(j, 'o')", "1"),
        ("json_length(j)", "9"),
        ("json_length(j, 'i') IS NULL", "true"),
        ("json_contains(j, 'o', 'p')", "true"),
        ("json_contains(j, 'o', 'x')", "false"),
        ("json_object_keys(j, 'o')", "[p]"),
        ("json_get(j, 'none') IS NULL", "true"),
        ("json_get_int(j, 'o', 'none', 'q') IS NULL", "true"),
        ("arrow_typeof(json_get(j, 'l'))", "Utf8"),
    ]);
}

#[test]
fn operators() {
    check(&[
        ("j -> 'o'", r#"{"p": {"q": 7}}"#),
        ("j -> 'o' -> 'p' ->> 'q'", "7"),
        ("j ->> 's'", "a\"é"),
        ("j -> 's'", r#""a\"é""#),
        ("j -> 'l' ->> 0", "10"),
        ("j ->> 'n' IS NULL", "true"),
        ("CAST(j ->> 'i' AS INT) + 1", "43"),
        ("j -> 'l' -> ('' || 0)::INT::BIGINT ->> 'k' IS NULL", "true"),
    ]);
}

#[test]
fn what_is_not_json() {
    for text in ["", "nonsense", "{\"a\": ", "[1, 2", "\"a"] {
        for function in ["json_get", "json_get_str", "json_get_int", "json_get_float", "json_get_bool", "json_length"] {
            let sql = format!("SELECT {function}(j, 'a') IS NULL FROM (VALUES ('{text}'), (NULL)) AS t (j) LIMIT 1");
            assert_eq!(value(&sql).as_deref(), Ok("true"), "{function} of {text}");
        }
    }
    let problem = plan("SELECT json_get_int(1, 'a')", "public").unwrap_err().to_string();
    assert!(problem.contains("expected a string"), "{problem}");
}
