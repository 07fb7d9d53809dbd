//! The functions from text to text, as SQL knows them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

use super::{html, letters};
use crate::functions::scalar::{Arguments, Function, any_constants, is_text};

/// `normalize_text(x)`: NFKC, lower case, white space folded and trimmed.
pub(in crate::functions) const NORMALIZE_TEXT: Function =
    function("normalize_text", "normalize_text(x TEXT)", |arguments| rewrite(arguments, letters::normalize));

/// `unaccent(x)`: Latin, Greek and Cyrillic letters without their accents.
pub(in crate::functions) const UNACCENT: Function =
    function("unaccent", "unaccent(x TEXT)", |arguments| rewrite(arguments, letters::unaccent));

/// `strip_html(x)`: the text a reader of the page would see, white space folded and trimmed.
pub(in crate::functions) const STRIP_HTML: Function =
    function("strip_html", "strip_html(x TEXT)", |arguments| rewrite(arguments, html::strip));

const fn function(
    name: &'static str,
    usage: &'static str,
    compute: fn(&Arguments<'_>) -> Result<ArrayRef>,
) -> Function {
    let accepts = |types: &[DataType]| match types {
        [text] if is_text(text) => Some(vec![DataType::Utf8]),
        _ => None,
    };
    Function { name, aliases: &[], usage, accepts, returns: |_| DataType::Utf8, check: any_constants, compute }
}

fn rewrite(arguments: &Arguments<'_>, rewrite: fn(&str) -> String) -> Result<ArrayRef> {
    let texts = arguments.text(0)?;
    let mut rewritten = StringBuilder::new();
    for row in 0..arguments.rows {
        rewritten.append_option(texts.at(row).map(rewrite));
    }
    Ok(Arc::new(rewritten.finish()))
}
