//! Content lines (RFC 5545, 3.1): a physical line that begins with a space or tab continues the one before it. Folding is
//! undone on bytes, because writers fold in the middle of characters.

/// The byte that ends lines in `bytes`: line feed (after any carriage returns), or, where there is none, carriage return.
fn line_end(bytes: &[u8]) -> u8 {
    if bytes.contains(&b'\n') { b'\n' } else { b'\r' }
}

/// A line after unfolding.
#[derive(Debug)]
pub(super) struct ContentLine {
    /// The first physical line, from 1.
    pub(super) number: u32,
    pub(super) bytes: Vec<u8>,
    /// Whether bytes beyond the limit were dropped.
    pub(super) is_cut: bool,
}

/// The content lines of a file, blank ones left out.
#[derive(Debug)]
pub(super) struct ContentLines<'a> {
    rest: Option<&'a [u8]>,
    end: u8,
    number: u32,
    limit: usize,
}

impl<'a> ContentLines<'a> {
    pub(super) fn new(bytes: &'a [u8], limit: usize) -> Self {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        Self { rest: Some(bytes), end: line_end(bytes), number: 0, limit }
    }

    /// The next physical line without its end, and what comes after it.
    fn peek(&self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let rest = self.rest?;
        let (mut line, after) = match rest.iter().position(|byte| *byte == self.end) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        while let [before @ .., b'\r'] = line {
            line = before;
        }
        Some((line, after))
    }

    fn advance(&mut self, after: Option<&'a [u8]>) {
        self.rest = after;
        self.number = self.number.saturating_add(1);
    }
}

impl Iterator for ContentLines<'_> {
    type Item = ContentLine;

    fn next(&mut self) -> Option<ContentLine> {
        let mut line = loop {
            let (physical, after) = self.peek()?;
            self.advance(after);
            if !physical.trim_ascii().is_empty() {
                break ContentLine { number: self.number, bytes: physical.to_vec(), is_cut: false };
            }
        };
        while let Some((physical, after)) = self.peek() {
            match physical {
                [b' ' | b'\t', more @ ..] if line.bytes.len() < self.limit => line.bytes.extend_from_slice(more),
                [b' ' | b'\t', ..] => line.is_cut = true,
                // A blank line may stand within a folded one, as mail programs leave them.
                [] => {}
                _ => break,
            }
            self.advance(after);
        }
        if line.bytes.len() > self.limit {
            line.bytes.truncate(self.limit);
            line.is_cut = true;
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(bytes: &[u8]) -> Vec<(u32, String)> {
        ContentLines::new(bytes, 100).map(|line| (line.number, String::from_utf8_lossy(&line.bytes).into())).collect()
    }

    #[test]
    fn folded_lines_are_joined_even_within_a_character() {
        let lines = unfolded(b"\xef\xbb\xbfA:caf\xc3\r\n \xa9\r\n\r\n\tx\r\nB\n :y\n\n");
        assert_eq!(lines, [(1, "A:caf\u{e9}x".to_owned()), (5, "B:y".to_owned())]);
    }

    #[test]
    fn any_line_end_will_do() {
        assert_eq!(unfolded(b"A:1\rB:2\r"), unfolded(b"A:1\nB:2"));
        assert_eq!(unfolded(b"A:1\r\r\nB:2")[1], (2, "B:2".to_owned()));
        assert!(unfolded(b"").is_empty() && unfolded(b"\n\r\n  \n").is_empty());
    }

    #[test]
    fn long_lines_are_cut() {
        let line = ContentLines::new(b"A:\n 0123456789\n 0123456789\n 012\nB:1", 15).next();
        assert!(line.is_some_and(|line| line.bytes.len() == 15 && line.is_cut));
    }
}
