//! Scalars: what is accepted for which type, exactly.

use super::*;

fn number(data_type: DataType, json: &str) -> Result<String, String> {
    value(column("n", data_type), json)
}

#[test]
fn integers_are_exact_or_refused() {
    use DataType::*;
    for (data_type, json, expected) in [
        (Int64, "10", "10"),
        (Int64, "-0", "0"),
        (Int64, "1e3", "1000"),
        (Int64, "10.0", "10"),
        (Int64, "1200e-2", "12"),
        (Int64, "9223372036854775807", "9223372036854775807"),
        (Int64, "-9223372036854775808", "-9223372036854775808"),
        (Int64, "9.223372036854775807e18", "9223372036854775807"),
        (Int64, "\" 10 \"", "10"),
        (Int64, "\"+7\"", "7"),
        (Int64, "\"007\"", "7"),
        (Int64, "0e999999999999999999999", "0"),
        (UInt64, "18446744073709551615", "18446744073709551615"),
        (UInt8, "255", "255"),
        (UInt16, "65535", "65535"),
        (UInt32, "4294967295", "4294967295"),
        (Int8, "-128", "-128"),
        (Int16, "-32768", "-32768"),
        (Int32, "2147483647", "2147483647"),
    ] {
        assert_eq!(number(data_type.clone(), json).as_deref(), Ok(expected), "{data_type} {json}");
    }
    for (data_type, json) in [
        (Int64, "9223372036854775808"),
        (Int64, "-9223372036854775809"),
        (Int64, "10.5"),
        (Int64, "1e-1"),
        (Int64, "1e19"),
        (Int64, "1e999999999999999999999"),
        (Int64, "\"\""),
        (Int64, "\"ten\""),
        (Int64, "\"0x10\""),
        (Int64, "\"1_000\""),
        (Int64, "\"NaN\""),
        (Int64, "true"),
        (Int64, "{}"),
        (Int64, "[1]"),
        (Int64, "NaN"),
        (Int64, "01"),
        (Int64, "+1"),
        (Int64, "-"),
        (UInt64, "18446744073709551616"),
        (UInt64, "-1"),
        (UInt8, "256"),
        (Int8, "128"),
        (Int16, "32768"),
        (Int32, "2147483648"),
        (UInt16, "65536"),
        (UInt32, "4294967296"),
    ] {
        assert!(number(data_type.clone(), json).is_err(), "{data_type} {json}");
    }
    assert_eq!(number(Int8, "300").unwrap_err(), "\"300\" is out of range (-128 to 127)");
    assert!(number(Int64, &"9".repeat(5000)).is_err());
}

#[test]
fn floats_are_correctly_rounded_and_finite() {
    use DataType::*;
    for (data_type, json, expected) in [
        (Float64, "0.1", "0.1"),
        (Float64, "1e308", "1e308"),
        (Float64, "10", "10.0"),
        (Float64, "\"2.5\"", "2.5"),
        (Float64, "5e-324", "5e-324"),
        (Float32, "0.1", "0.1"),
        (Float32, "\"16777217\"", "16777216.0"),
        (Float32, "1.00000017881393432617187499", "1.0000001"),
    ] {
        assert_eq!(number(data_type.clone(), json).as_deref(), Ok(expected), "{data_type} {json}");
    }
    for (data_type, json) in [
        (Float64, "1e309"),
        (Float64, "\"NaN\""),
        (Float64, "\"inf\""),
        (Float64, "\"infinity\""),
        (Float32, "1e39"),
        (Float64, "true"),
    ] {
        assert!(number(data_type.clone(), json).is_err(), "{data_type} {json}");
    }
}

#[test]
fn decimals_are_exact() {
    let money = DataType::Decimal128(10, 2);
    for (json, expected) in [
        ("1.5", "1.50"),
        ("-0.01", "-0.01"),
        ("\"12345678.90\"", "12345678.90"),
        ("1.500", "1.50"),
        ("1e2", "100.00"),
        ("99999999.99", "99999999.99"),
    ] {
        assert_eq!(number(money.clone(), json).as_deref(), Ok(expected), "{json}");
    }
    assert_eq!(number(money.clone(), "1.005").unwrap_err(), "\"1.005\" has more digits than DECIMAL(10, 2) keeps");
    assert_eq!(number(money.clone(), "100000000").unwrap_err(), "\"100000000\" does not fit DECIMAL(10, 2)");
    assert!(number(money, "1e400000").is_err());
    let wide = DataType::Decimal128(38, 0);
    assert_eq!(number(wide.clone(), &"9".repeat(38)).unwrap(), "9".repeat(38));
    assert!(number(wide, &"9".repeat(39)).is_err());
}

#[test]
fn booleans_dates_and_bytes() {
    for (json, expected) in
        [("true", "true"), ("false", "false"), ("1", "true"), ("0", "false"), ("\"True\"", "true"), ("\"f\"", "false")]
    {
        assert_eq!(number(DataType::Boolean, json).as_deref(), Ok(expected), "{json}");
    }
    assert!(number(DataType::Boolean, "2").is_err());
    assert!(number(DataType::Boolean, "\"yes\"").is_err());
    assert_eq!(number(DataType::Date32, "\"2016-02-29\"").as_deref(), Ok("2016-02-29"));
    for bad in ["\"2015-02-29\"", "\"2016-2-9\"", "\"2016-02-09T00:00:00Z\"", "16000", "\"2016-13-01\"", "\"\""] {
        assert!(number(DataType::Date32, bad).is_err(), "{bad}");
    }
    for (text, expected) in
        [("aGk=", "6869"), ("aGk", "6869"), ("", ""), ("/+8=", "ffef"), ("_-8", "ffef"), ("aGVs", "68656c")]
    {
        assert_eq!(number(DataType::Binary, &format!("\"{text}\"")).as_deref(), Ok(expected), "{text}");
    }
    for bad in ["a", "aGk*", "aGl=", "aGk==", "a===", "=", "aG k"] {
        assert!(number(DataType::Binary, &format!("\"{bad}\"")).is_err(), "{bad}");
    }
}

#[test]
fn a_bad_value_rolls_back_the_whole_row() {
    let columns = vec![
        column("text", DataType::Utf8),
        column("bytes", DataType::Binary),
        column("flag", DataType::Boolean),
        required("n", DataType::Int32),
    ];
    let good = "{\"text\":\"ab\",\"bytes\":\"aGk=\",\"flag\":true,\"n\":1}\n";
    let bad = "{\"text\":\"xy\",\"bytes\":\"aGk*\",\"flag\":false,\"n\":1}\n{\"text\":null,\"flag\":true,\"bytes\":null,\"n\":\"x\"}\n";
    let decoded = ndjson(columns, [good, bad, good, bad, good].concat());
    assert_eq!(rows(&decoded), ["ab|6869|true|1", "ab|6869|true|1", "ab|6869|true|1"]);
    assert_eq!(decoded.rejects.len(), 4);
    assert_eq!(decoded.rejects[0].column.as_deref(), Some("bytes"));
}
