//! A cursor over the tokens of one statement: what DDL parsing reads words, names and literals with.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::source::{Place, Problems, Source};
use crate::statement::NameRef;

/// A problem was reported; the caller recovers at the next boundary it knows, or gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// Result of reading something; the error is already among the problems.
pub(super) type Read<T> = Result<T, Reported>;

/// The tokens of one statement (no whitespace, no comments, no closing `;`) and a position in them.
pub(super) struct Cursor<'a, 'p> {
    pub(super) tokens: &'a [TokenWithSpan],
    pub(super) at: usize,
    pub(super) source: &'a Source<'a>,
    pub(super) text: &'a str,
    pub(super) problems: &'p mut Problems<'a>,
}

impl<'a> Cursor<'a, '_> {
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead).map(|t| &t.token)
    }

    /// The place of the next token; after the last one, the place just behind it.
    pub(super) fn place(&self) -> Place {
        match self.tokens.get(self.at) {
            Some(token) => Place::of(token.span),
            None => self.tokens.last().map_or(Place::default(), |last| {
                let place = Place::of(last.span);
                if last.span.start.line == last.span.end.line {
                    Place { column: place.column + place.length, length: 1, ..place }
                } else {
                    Place::of(datafusion::sql::sqlparser::tokenizer::Span { start: last.span.end, end: last.span.end })
                }
            }),
        }
    }

    pub(super) fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Whether the token `ahead` is this unquoted word.
    pub(super) fn word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Takes the word if it is next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.word_at(0, word);
        self.at += usize::from(found);
        found
    }

    /// Takes all words if they are next, in order; none otherwise.
    pub(super) fn take_all(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(i, word)| self.word_at(i, word));
        self.at += if found { words.len() } else { 0 };
        found
    }

    pub(super) fn take_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// What the next token looks like, for messages.
    pub(super) fn found(&self) -> String {
        self.peek().map_or_else(|| "the end of the statement".to_owned(), |token| format!("{token}"))
    }

    /// Reports that something else was expected here.
    pub(super) fn expected<T>(&mut self, what: &str) -> Read<T> {
        let found = self.found();
        let place = self.place();
        self.problems.error(place, format!("expected {what}, found {found}"));
        Err(Reported)
    }

    /// Reports a problem here with a hint.
    pub(super) fn fail<T>(&mut self, message: impl Into<String>, hint: impl Into<String>) -> Read<T> {
        let place = self.place();
        self.problems.error_hint(place, message, hint);
        Err(Reported)
    }

    pub(super) fn expect(&mut self, word: &str) -> Read<()> {
        if self.take(word) {
            return Ok(());
        }
        if let Some(Token::Word(found)) = self.peek()
            && crate::suggest::nearest(&found.value, [word]).is_some()
        {
            let message = format!("expected {word}, found {}", found.value);
            return self.fail(message, format!("did you mean {word}?"));
        }
        self.expected(word)
    }

    pub(super) fn expect_token(&mut self, token: &Token) -> Read<()> {
        if self.take_token(token) { Ok(()) } else { self.expected(&format!("{token}")) }
    }

    /// The statement must end here.
    pub(super) fn expect_end(&mut self) -> Read<()> {
        if self.done() { Ok(()) } else { self.expected("the end of the statement") }
    }

    /// A name: unquoted words fold to lower case, quoted ones stay.
    pub(super) fn identifier(&mut self, what: &str) -> Read<(String, Place)> {
        let place = self.place();
        match self.peek() {
            Some(Token::Word(word)) => {
                let name = if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() };
                if name.is_empty() {
                    return self.fail(format!("{what} is empty"), "write at least one character between the quotes");
                }
                if name.len() > LONGEST_NAME {
                    return self.fail(
                        format!("{what} is longer than {LONGEST_NAME} bytes"),
                        "shorten it: names end up in file names, URLs and column headings",
                    );
                }
                self.advance();
                Ok((name, place))
            }
            _ => self.expected(what),
        }
    }

    /// `name` or `schema.name`.
    pub(super) fn object_name(&mut self, what: &str) -> Read<NameRef> {
        let (first, start) = self.identifier(what)?;
        if !self.take_token(&Token::Period) {
            return Ok(NameRef { schema: None, name: first, place: start });
        }
        let (name, end) = self.identifier(what)?;
        if self.peek() == Some(&Token::Period) {
            return self
                .fail("a name has at most two parts", "write schema.name; there are no databases to choose from");
        }
        let length = if start.line == end.line { end.column + end.length - start.column } else { start.length };
        Ok(NameRef { schema: Some(first), name, place: Place { length, ..start } })
    }

    /// A quoted text.
    pub(super) fn string(&mut self, what: &str) -> Read<(String, Place)> {
        let place = self.place();
        match self.peek() {
            Some(
                Token::SingleQuotedString(text)
                | Token::EscapedStringLiteral(text)
                | Token::NationalStringLiteral(text),
            ) => {
                self.advance();
                Ok((text.clone(), place))
            }
            Some(Token::DollarQuotedString(text)) => {
                self.advance();
                Ok((text.value.clone(), place))
            }
            _ => self.expected(&format!("{what} as 'text'")),
        }
    }

    /// `IF NOT EXISTS`.
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.take_all(&["IF", "NOT", "EXISTS"])
    }

    /// Skips to the `,` or `)` that ends the current list item, over nested parentheses. Used to go on after a problem.
    pub(super) fn skip_item(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => return,
                Token::RParen => depth -= 1,
                Token::Comma if depth == 0 => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// The text from token `from` to the token read last.
    pub(super) fn text_since(&self, from: usize) -> String {
        let last = self.at.saturating_sub(1).min(self.tokens.len().saturating_sub(1));
        match (self.tokens.get(from), self.tokens.get(last)) {
            (Some(first), Some(last)) => self.source.slice(first.span, last.span).to_owned(),
            _ => String::new(),
        }
    }

    /// The whole statement's text.
    pub(super) fn sql(&self) -> String {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => self.source.slice(first.span, last.span).to_owned(),
            _ => String::new(),
        }
    }
}

/// Longest name, in bytes: what PostgreSQL clients can show, and safe in file names.
const LONGEST_NAME: usize = 63;
