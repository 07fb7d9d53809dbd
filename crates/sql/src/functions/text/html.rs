//! The text of a piece of HTML: tags, comments, scripts and styles out, character references decoded. Any input gives a
//! result; tags are told from text as browsers do (WHATWG HTML, section 13.2.5), but no tree is built.

use super::letters::fold_spaces;

/// Elements whose content nobody reads.
const UNREAD: &[&str] = &["script", "style", "template"];

/// Elements inside a line: their tags do not part words.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt",
    "u", "var", "wbr",
];

/// The readable text, white space folded.
pub(super) fn strip(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, markup) = rest.split_at(start);
        append_decoded(&mut text, before);
        rest = match Markup::at(markup) {
            Some(Markup { name, end }) => {
                if name.is_none_or(|name| !is_one_of(name, INLINE)) {
                    text.push(' ');
                }
                let after = &markup[end..];
                match name {
                    Some(name) if !markup.starts_with("</") && is_one_of(name, UNREAD) => after_content(after, name),
                    _ => after,
                }
            }
            None => {
                text.push('<');
                &markup[1..]
            }
        };
    }
    append_decoded(&mut text, rest);
    fold_spaces(&text)
}

fn append_decoded(text: &mut String, piece: &str) {
    html_escape::decode_html_entities_to_string(piece, text);
}

/// A tag, comment or declaration at the start of a text.
struct Markup<'a> {
    /// Of a tag's element.
    name: Option<&'a str>,
    /// Its length; that of the whole text if it is never closed.
    end: usize,
}

impl<'a> Markup<'a> {
    /// `None` if the `<` at the start is text.
    fn at(text: &'a str) -> Option<Self> {
        if let Some(comment) = text.strip_prefix("<!--") {
            // `<!-->` and `<!--->` are whole comments.
            let end = match comment.strip_prefix('>').or_else(|| comment.strip_prefix("->")) {
                Some(after) => text.len() - after.len(),
                None => comment.find("-->").map_or(text.len(), |end| "<!--".len() + end + "-->".len()),
            };
            return Some(Self { name: None, end });
        }
        if let Some(name) = tag_name(text) {
            return Some(Self { name: Some(name), end: tag_end(text) });
        }
        if text.starts_with("<!") || text.starts_with("<?") || text.starts_with("</") {
            return Some(Self { name: None, end: text.find('>').map_or(text.len(), |end| end + 1) });
        }
        None
    }
}

/// The name of the element whose start or end tag a text begins with.
fn tag_name(text: &str) -> Option<&str> {
    let tag = text.strip_prefix("</").or_else(|| text.strip_prefix('<'))?;
    let ends = |c: char| c == '>' || c == '/' || c.is_ascii_whitespace();
    tag.starts_with(|first: char| first.is_ascii_alphabetic()).then(|| &tag[..tag.find(ends).unwrap_or(tag.len())])
}

/// Length of a tag up to its `>`, which does not count inside a quoted value. Quotes open a value after `=` only.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (place, c) in tag.char_indices() {
        match quote {
            Some(open) => {
                if c == open {
                    quote = None;
                    before = c;
                }
            }
            None if c == '>' => return place + 1,
            None if before == '=' && (c == '"' || c == '\'') => quote = Some(c),
            None if c.is_ascii_whitespace() => {}
            None => before = c,
        }
    }
    tag.len()
}

/// What follows the end tag of an element whose content is not read; nothing if it has none.
fn after_content<'a>(content: &'a str, name: &str) -> &'a str {
    let mut rest = content;
    while let Some(start) = rest.find("</") {
        rest = &rest[start..];
        if tag_name(rest).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return &rest[tag_end(rest)..];
        }
        rest = &rest["</".len()..];
    }
    ""
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}
