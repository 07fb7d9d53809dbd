//! Small rules on top of the JSON pull parser: bounded skipping, depth, and finding the end of a broken value.

use jiter::{Jiter, Peek};

use crate::fault::{Fault, Outcome};

/// Levels of objects and lists a record may open. Far above any event, far below any stack.
pub(crate) const MAX_DEPTH: usize = 64;

/// One level deeper, refused at the limit.
#[inline]
pub(crate) fn deeper(depth: usize) -> Outcome<usize> {
    match depth.checked_sub(1) {
        Some(depth) => Ok(depth),
        None => Fault::value(format!("nested more than {MAX_DEPTH} levels deep")),
    }
}

/// Skips the value starting with `peek`, checking its syntax. `depth` is how many levels may still open.
pub(crate) fn skip(json: &mut Jiter, peek: Peek, depth: usize) -> Outcome {
    match peek {
        Peek::Object => {
            let depth = deeper(depth)?;
            let mut more = json.next_object_bytes()?.is_some();
            while more {
                let peek = json.peek()?;
                skip(json, peek, depth)?;
                more = json.next_key_bytes()?.is_some();
            }
            Ok(())
        }
        Peek::Array => {
            let depth = deeper(depth)?;
            let mut next = json.known_array()?;
            while let Some(peek) = next {
                skip(json, peek, depth)?;
                next = json.array_step()?;
            }
            Ok(())
        }
        peek => Ok(json.known_skip(peek)?),
    }
}

/// The fault of a byte that starts no JSON value.
#[cold]
pub(crate) fn no_value(json: &Jiter) -> Box<Fault> {
    Box::new(Fault::Syntax { at: json.current_index(), reason: "expected a value".to_owned() })
}

/// Whether the text starts with a whole JSON value.
pub(crate) fn starts_with_value(text: &[u8]) -> bool {
    let mut json = Jiter::new(text);
    match json.peek() {
        Ok(peek) => skip(&mut json, peek, MAX_DEPTH).is_ok(),
        Err(_) => false,
    }
}

/// Where a broken value ends if its brackets and quotes still pair up: the end of the bracket that closes the first
/// one, of the string, or of the run of other bytes. `None` when they do not.
pub(crate) fn balanced_end(text: &[u8]) -> Option<usize> {
    let mut open = Vec::new();
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b'"' => at = string_end(text, at)?,
            bracket @ (b'{' | b'[') => {
                open.push(bracket);
                at += 1;
            }
            bracket @ (b'}' | b']') => {
                let opening = if bracket == b'}' { b'{' } else { b'[' };
                if open.pop()? != opening {
                    return None;
                }
                at += 1;
            }
            _ if open.is_empty() => {
                let bare =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'{' | b'[' | b'"') || byte.is_ascii_whitespace();
                let length = text[at..].iter().position(bare).unwrap_or(text.len() - at);
                return (length > 0).then_some(at + length);
            }
            _ => at += 1,
        }
        if open.is_empty() {
            return Some(at);
        }
    }
}

/// The end of the string that starts at `at`; `None` when it is not closed on its line.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match *text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            b'\n' => return None,
            _ => at += 1,
        }
    }
}
