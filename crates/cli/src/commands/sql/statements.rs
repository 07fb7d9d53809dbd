//! Where statements end: at `;` outside quotes and comments. Reads as PostgreSQL's lexer does ('…', "…", E'…', $tag$…$tag$,
//! -- and nested /* */).

/// Collects typed or read text and gives out whole statements.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    text: String,
    /// Lines given out already, so that messages name lines of the whole text.
    lines_before: usize,
}

/// Where in the text we are.
enum Place {
    Plain,
    Quoted(u8, bool),
    Dollar(String),
    LineComment,
    BlockComment(usize),
}

impl Splitter {
    /// Adds text.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Whether nothing but blanks and comments waits.
    pub(super) fn is_blank(&self) -> bool {
        !says_something(&self.text)
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next whole statement, without its `;`, after as many line ends as came before it: the server's messages
    /// then name the right line.
    pub(super) fn next_statement(&mut self) -> Option<String> {
        while let Some(end) = end_of_statement(&self.text) {
            let rest = self.text.split_off(end + 1);
            let mut statement = std::mem::replace(&mut self.text, rest);
            statement.pop();
            let padded = self.padded(&statement);
            self.lines_before += statement.matches('\n').count();
            if says_something(&statement) {
                return Some(padded);
            }
        }
        None
    }

    /// What waits without a `;`, unless it says nothing.
    pub(super) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.text);
        says_something(&rest).then(|| self.padded(&rest))
    }

    fn padded(&self, statement: &str) -> String {
        format!("{}{statement}", "\n".repeat(self.lines_before))
    }
}

/// Position of the `;` that ends the first statement.
fn end_of_statement(text: &str) -> Option<usize> {
    scan(text, |_, byte| byte == b';')
}

/// Whether there is anything but blanks and comments.
fn says_something(text: &str) -> bool {
    scan(text, |_, byte| !byte.is_ascii_whitespace()).is_some()
}

/// The first position outside comments where `found` holds; inside quotes only their beginning is offered.
fn scan(text: &str, found: impl Fn(usize, u8) -> bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut place = Place::Plain;
    let mut at = 0;
    while at < bytes.len() {
        let (byte, next) = (bytes[at], bytes.get(at + 1).copied());
        at += match &mut place {
            Place::Plain => match (byte, next) {
                (b'-', Some(b'-')) => enter(&mut place, Place::LineComment, 2),
                (b'/', Some(b'*')) => enter(&mut place, Place::BlockComment(1), 2),
                _ if found(at, byte) => return Some(at),
                (b'\'' | b'"', _) => {
                    let escapes = byte == b'\'' && at > 0 && is_escape_prefix(&bytes[..at]);
                    enter(&mut place, Place::Quoted(byte, escapes), 1)
                }
                (b'$', _) => match dollar_tag(&text[at..]) {
                    Some(tag) => {
                        let length = tag.len();
                        enter(&mut place, Place::Dollar(tag), length)
                    }
                    None => 1,
                },
                _ => 1,
            },
            Place::Quoted(_, true) if byte == b'\\' => 2,
            Place::Quoted(quote, _) if byte == *quote => enter(&mut place, Place::Plain, 1),
            Place::Dollar(tag) if bytes[at..].starts_with(tag.as_bytes()) => {
                let length = tag.len();
                enter(&mut place, Place::Plain, length)
            }
            Place::LineComment if byte == b'\n' => enter(&mut place, Place::Plain, 1),
            Place::BlockComment(depth) => match (byte, next) {
                (b'/', Some(b'*')) => {
                    *depth += 1;
                    2
                }
                (b'*', Some(b'/')) if *depth > 1 => {
                    *depth -= 1;
                    2
                }
                (b'*', Some(b'/')) => enter(&mut place, Place::Plain, 2),
                _ => 1,
            },
            Place::Quoted(..) | Place::Dollar(_) | Place::LineComment => 1,
        };
    }
    None
}

fn enter(place: &mut Place, next: Place, length: usize) -> usize {
    *place = next;
    length
}

/// Whether the text ends in an `E` that makes the quote after it an escape string.
fn is_escape_prefix(before: &[u8]) -> bool {
    let (last, earlier) = match before.split_last() {
        Some((last, earlier)) => (*last, earlier.last().copied()),
        None => return false,
    };
    matches!(last, b'e' | b'E') && !earlier.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `$$` or `$tag$` at the beginning.
fn dollar_tag(text: &str) -> Option<String> {
    let end = text[1..].find('$')? + 1;
    let name = &text[1..end];
    let plain =
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    plain.then(|| text[..=end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (Vec<String>, Option<String>) {
        let mut splitter = Splitter::default();
        splitter.push(text);
        let statements = std::iter::from_fn(|| splitter.next_statement()).map(|s| s.trim().to_owned()).collect();
        (statements, splitter.rest().map(|s| s.trim().to_owned()))
    }

    #[test]
    fn ends_only_outside_quotes_and_comments() {
        let quoted = [
            "SELECT ';', \"a;b\", 'it''s;'",
            "SELECT E'\\';'",
            "SELECT $$;$$, $t$ ; $$ $t$",
            "SELECT 1 -- ;\n",
            "/* ; /* ; */ ; */ SELECT 2",
        ];
        let (statements, rest) = split(&format!("{};", quoted.join(";")));
        assert_eq!(statements, quoted.map(str::trim));
        assert_eq!(rest, None);
    }

    #[test]
    fn blanks_and_comments_are_no_statements() {
        assert_eq!(split(" ;; -- nothing\n ; /* none */"), (vec![], None));
        assert_eq!(split("SELECT 1"), (vec![], Some("SELECT 1".to_owned())));
        assert_eq!(split("SELECT 'open; ").0, Vec::<String>::new());
        assert_eq!(split("SELECT $1; SELECT 2;").0, ["SELECT $1", "SELECT 2"]);
    }

    #[test]
    fn lines_are_those_of_the_whole_text() {
        let mut splitter = Splitter::default();
        splitter.push("SELECT 1;\n\nSELECT\n2; SELECT 3;");
        assert_eq!(splitter.next_statement().as_deref(), Some("SELECT 1"));
        assert_eq!(splitter.next_statement().as_deref(), Some("\n\nSELECT\n2"));
        assert_eq!(splitter.next_statement().as_deref(), Some("\n\n\n SELECT 3"));
        assert!(splitter.is_blank());
    }
}
