//! Texts made comparable, and their hashes.

use highwater_sql::datafusion::arrow::array::{
    Array, AsArray, BinaryArray, DictionaryArray, LargeStringArray, StringArray, StringViewArray,
};
use highwater_sql::datafusion::arrow::datatypes::{Int32Type, Int64Type};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::call::{call, column, constant};
use crate::fixture::{plan, value};

/// One text through a function of one text.
fn of(function: &str, text: &str) -> String {
    call(function, vec![constant(text)]).unwrap().as_string::<i32>().value(0).to_owned()
}

#[test]
fn normalized_texts() {
    for (text, expected) in [
        ("  Ünïted\t KINGDOM \n", "ünïted kingdom"),
        // Compatibility forms (UAX #15): ligature, full width, superscript, no-break space.
        ("ﬁne ＡＢＣ x²\u{a0}y", "fine abc x2 y"),
        ("ΌΣΟΣ", "όσος"),
        ("Straße", "straße"),
        ("e\u{301}", "é"),
        ("", ""),
        (" \u{3000}\u{2003} ", ""),
    ] {
        assert_eq!(of("normalize_text", text), expected, "{text:?}");
    }
}

/// For every character, alone and in company: once is enough, and nothing but single spaces between words.
#[test]
fn normalizing_twice_changes_nothing() {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    let pieces = all.chunks(64).map(|piece| piece.iter().flat_map(|c| [*c, 'a', *c, ' ']).collect::<String>());
    let texts: Vec<String> = pieces.chain((0..=0x2fff_u32).filter_map(char::from_u32).map(String::from)).collect();
    let once = call("normalize_text", vec![column(StringArray::from(texts))]).unwrap();
    let twice = call("normalize_text", vec![column(once.as_string::<i32>().clone())]).unwrap();
    for (once, twice) in once.as_string::<i32>().iter().zip(twice.as_string::<i32>()) {
        assert_eq!(once, twice);
        assert!(!once.unwrap().contains("  ") && once.unwrap().trim() == once.unwrap());
    }
}

#[test]
fn texts_without_accents() {
    for (text, expected) in [
        ("Hôtel Crème Brûlée, Ångström", "Hotel Creme Brulee, Angstrom"),
        ("Łódź, Đà Nẵng, Þórshöfn, Straße, smørrebrød, Œuvre", "Lodz, Da Nang, THorshofn, Strasse, smorrebrod, OEuvre"),
        ("e\u{301}\u{323}", "e"),
        ("Ελλάδα Ёлка", "Ελλαδα Елка"),
        // Marks of other scripts are letters.
        ("が 한글 कि ไทย", "が 한글 कि ไทย"),
        ("plain ascii  stays", "plain ascii  stays"),
    ] {
        assert_eq!(of("unaccent", text), expected, "{text:?}");
    }
}

#[test]
fn texts_without_html() {
    for (html, expected) in [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("<b>in</b>line <a href=\"x>y\" title='a>b'>link</a>", "inline link"),
        ("a &lt;b&gt; &amp;amp; &eacute;&#233;&#xE9;&nbsp; c &nosuch; &", "a <b> &amp; ééé c &nosuch; &"),
        ("x<script type='a'>if (a</b) '<p>'</SCRIPT >y<style>p { }</style>z", "x y z"),
        ("a<!-- <b>c --> d<!doctype html><?xml ?>e", "a d e"),
        ("a<!-->b<!--->c", "a b c"),
        ("1 < 2 and 3<4 > 0 <3 <> </> x", "1 < 2 and 3<4 > 0 <3 <> x"),
        ("<textarea>kept</textarea>", "kept"),
        // Never closed: as browsers, nothing is left.
        ("a <b title='", "a"),
        ("a <script>b", "a"),
        ("a <!-- b", "a"),
        ("a <", "a <"),
        ("  \n ", ""),
        ("plain\n\ttext", "plain text"),
        ("&#0; &#xD800; &#x110000; &#x1F600;", "&#0; &#xD800; &#x110000; 😀"),
    ] {
        assert_eq!(of("strip_html", html), expected, "{html:?}");
    }
}

/// Any input gives a folded text, and none of what was left out; long unclosed markup takes no time to speak of.
#[test]
fn any_html() {
    const PIECES: [&str; 24] = [
        "<", ">", "</", "<!--", "-->", "<script", "</script", "<style>", "</style>", "&", "&amp;", "&#", "&#x1F600",
        ";", "\"", "'", "=", " ", "\u{a0}", "é", "😀", "b", "<b>", "/>",
    ];
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..20_000 {
        let html: String =
            (0..random.random_range(0..24)).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect();
        let text = of("strip_html", &html);
        assert_eq!(text, text.split_whitespace().collect::<Vec<_>>().join(" "), "{html:?}");
        assert!(!text.contains("<script") && !text.contains("<style>"), "{html:?}: {text:?}");
    }
    for piece in PIECES {
        of("strip_html", &piece.repeat(100_000));
        of("strip_html", &("<script>".to_owned() + &piece.repeat(100_000)));
    }
}

#[test]
fn hashes() {
    let xxh64 = |text: &str| call("xxh64", vec![constant(text)]).unwrap().as_primitive::<Int64Type>().value(0);
    // Seed 0 (github.com/Cyan4973/xxHash, the reference implementation).
    assert_eq!(xxh64(""), 0xef46_db37_51d8_e999_u64.cast_signed());
    assert_eq!(xxh64("abc"), 0x44bc_2cf5_ad77_0999_u64.cast_signed());
    let bytes = call("hash64", vec![column(BinaryArray::from_vec(vec![b"abc", b""]))]).unwrap();
    assert_eq!(bytes.as_primitive::<Int64Type>().values().to_vec(), [xxh64("abc"), xxh64("")]);
    for (expr, expected) in [
        ("xxh64('abc')", "4952883123889572249"),
        ("hash64(NULL) IS NULL", "true"),
        // RFC 1321 and FIPS 180-2 give these for 'abc'.
        ("md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
        ("encode(sha256('abc'), 'hex')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ] {
        assert_eq!(value(&format!("SELECT {expr}")).as_deref(), Ok(expected), "{expr}");
    }
    let problem = plan("SELECT xxh64(1)", "public").unwrap_err().to_string();
    assert!(problem.contains("cast other types to TEXT"), "{problem}");
}

/// Every kind of text column, with NULLs and none; constants too.
#[test]
fn all_kinds_of_text() {
    let texts = vec![Some("É x"), None, Some(""), Some("É x")];
    for (function, expected) in [
        ("normalize_text", vec![Some("é x"), None, Some(""), Some("é x")]),
        ("unaccent", vec![Some("E x"), None, Some(""), Some("E x")]),
        ("strip_html", vec![Some("É x"), None, Some(""), Some("É x")]),
    ] {
        for kind in [
            column(StringArray::from(texts.clone())),
            column(LargeStringArray::from(texts.clone())),
            column(StringViewArray::from(texts.clone())),
            column(texts.iter().copied().collect::<DictionaryArray<Int32Type>>()),
        ] {
            let result = call(function, vec![kind]).unwrap();
            assert_eq!(result.as_string::<i32>(), &StringArray::from(expected.clone()), "{function}");
        }
        assert_eq!(call(function, vec![column(StringArray::new_null(0))]).unwrap().len(), 0);
        assert_eq!(value(&format!("SELECT {function}(NULL) IS NULL")).as_deref(), Ok("true"));
    }
}
