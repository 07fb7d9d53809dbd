//! Letters and spaces: Unicode normal forms, case, accents, white space.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// NFKC, lower case, white space folded. NFKC comes again at the end, for a few lower case letters are not in it.
pub(super) fn normalize(text: &str) -> String {
    if text.is_ascii() {
        return fold_spaces(&text.to_ascii_lowercase());
    }
    fold_spaces(&nfkc(&nfkc(text).to_lowercase()))
}

/// Most texts are in NFKC already, which is cheap to see.
fn nfkc(text: &str) -> Cow<'_, str> {
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfkc().collect()),
    }
}

/// Every run of white space becomes one space; none is left at the ends.
pub(super) fn fold_spaces(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Takes letters apart, leaves their accents out, puts the rest together again; then the letters that Unicode does not
/// take apart.
pub(super) fn unaccent(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for letter in text.nfd().filter(|letter| !is_accent(*letter)).nfc() {
        match spelt_out(letter) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(letter),
        }
    }
    plain
}

/// The blocks of combining marks for Latin, Greek and Cyrillic. Marks of other scripts are letters or vowels: か and が, क
/// and कि are different words, not spellings.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Latin letters that are no composition of a letter and an accent, as PostgreSQL's `unaccent` writes them.
fn spelt_out(letter: char) -> Option<&'static str> {
    Some(match letter {
        'Æ' => "AE",
        'æ' => "ae",
        'Œ' => "OE",
        'œ' => "oe",
        'Ø' => "O",
        'ø' => "o",
        'Đ' => "D",
        'đ' => "d",
        'Ð' => "D",
        'ð' => "d",
        'Þ' => "TH",
        'þ' => "th",
        'ß' => "ss",
        'ẞ' => "SS",
        'Ł' => "L",
        'ł' => "l",
        'Ħ' => "H",
        'ħ' => "h",
        'Ŧ' => "T",
        'ŧ' => "t",
        'ı' => "i",
        _ => return None,
    })
}
