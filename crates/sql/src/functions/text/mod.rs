//! Text made comparable: normalized, without accents, without HTML.

mod html;
mod letters;
mod rewriting;

pub(super) use rewriting::{NORMALIZE_TEXT, STRIP_HTML, UNACCENT};
