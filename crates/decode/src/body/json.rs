//! JSON bodies: lines, arrays, single objects and objects run together, told apart by looking at the body.
//!
//! A body of lines resumes at the next line whatever happens. Elsewhere a broken record is skipped when its brackets
//! and quotes still pair up and what follows is a place where a record may end; otherwise the rest of the body is
//! rejected, because guessing could make records out of the inside of one.

use bytes::Bytes;

use super::collector::Collector;
use super::format::start_of;
use crate::fault::{Fault, Outcome};
use crate::json::{balanced_end, starts_with_value};
use crate::{DecodeError, Decoded, Decoder};

/// Decodes a JSON body; `lines` when it was sent as one record a line.
pub(super) fn decode(decoder: &Decoder, body: &Bytes, lines: bool) -> Result<Decoded, DecodeError> {
    let mut collector = Collector::new(decoder, body);
    let start = skip_blanks(body, start_of(body));
    if start < body.len() {
        if is_lines(&body[start..], lines) {
            read_lines(&mut collector, start);
        } else {
            read_sequence(&mut collector, start, body.len());
        }
    }
    collector.finish(None)
}

/// Whether each line stands alone: the first one does.
fn is_lines(body: &[u8], declared: bool) -> bool {
    if body[0] == b'[' {
        return false;
    }
    match memchr::memchr(b'\n', body) {
        None => true,
        Some(end) if balanced_end(&body[..end]).is_some() => true,
        // The first line is no whole record. If the first lines together are, the body is indented JSON.
        Some(_) => declared && !starts_with_value(body),
    }
}

fn read_lines(collector: &mut Collector, start: usize) {
    let body = collector.body;
    let mut start = start;
    while start < body.len() {
        let end = memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |at| start + at);
        let first = skip_blanks(&body[..end], start);
        if first < end {
            read_line(collector, first, trim_end(body, first, end));
        }
        start = end + 1;
    }
}

/// One line: usually one object; objects run together and arrays are read too.
fn read_line(collector: &mut Collector, start: usize, end: usize) {
    let body = collector.body;
    if body[start] == b'[' {
        return read_sequence(collector, start, end);
    }
    match collector.json(start, end, follows_in_line) {
        Ok(next) if next == end => {}
        Ok(next) => {
            let next = skip_blanks(&body[..end], next);
            if next < end {
                read_sequence(collector, next, end);
            }
        }
        Err(fault) => collector.reject(start, end, fault),
    }
}

/// Text after a record on its line means that the line is not what it seems, unless it starts another record.
#[inline]
fn follows_in_line(rest: &[u8]) -> Outcome {
    match rest.iter().position(|byte| !is_blank(*byte)).map(|at| (at, rest[at])) {
        None | Some((_, b'{' | b'"' | b'[')) => Ok(()),
        Some((at, _)) => {
            Err(Box::new(Fault::Syntax { at, reason: "more text after the record on its line".to_owned() }))
        }
    }
}

/// Values run together in `body[start..end]`: objects, strings that hold one, and arrays of them.
fn read_sequence(collector: &mut Collector, start: usize, end: usize) {
    let body = &collector.body[..end];
    let mut at = start;
    let mut in_array = false;
    loop {
        at = skip_blanks(body, at);
        match body.get(at) {
            None if in_array => return give_up(collector, at, end, "the array is not closed: the body ends early"),
            None => return,
            Some(b'[') if !in_array => {
                at = skip_blanks(body, at + 1);
                in_array = body.get(at) != Some(&b']');
                at += usize::from(!in_array);
                continue;
            }
            Some(_) => {}
        }
        at = match collector.json(at, end, |_| Ok(())) {
            Ok(next) => next,
            Err(fault) => match resume(body, at, in_array) {
                Some(next) => {
                    collector.reject(at, next, fault);
                    next
                }
                None => return reject_to(collector, at, end, fault),
            },
        };
        if in_array {
            match after_element(body, at) {
                Ok((next, open)) => (at, in_array) = (next, open),
                Err((place, reason)) => return give_up(collector, place, end, reason),
            }
        }
    }
}

/// After an element of an array: where the next thing starts and whether the array goes on.
fn after_element(body: &[u8], at: usize) -> Result<(usize, bool), (usize, &'static str)> {
    let at = skip_blanks(body, at);
    match body.get(at) {
        Some(b']') => Ok((at + 1, false)),
        Some(b',') => {
            let next = skip_blanks(body, at + 1);
            if body.get(next) == Some(&b']') {
                Err((at, "a comma before the end of the array"))
            } else {
                Ok((next, true))
            }
        }
        None => Err((at, "the array is not closed: the body ends early")),
        Some(_) => Err((at, "expected a comma or the end of the array")),
    }
}

/// The end of a broken value, if that can be told.
fn resume(body: &[u8], at: usize, in_array: bool) -> Option<usize> {
    let end = at + balanced_end(&body[at..])?;
    let next = body.get(skip_blanks(body, end));
    let fits = match next {
        None => true,
        Some(b',' | b']') => in_array,
        Some(b'{' | b'[' | b'"') => !in_array,
        Some(_) => false,
    };
    fits.then_some(end)
}

#[cold]
fn give_up(collector: &mut Collector, at: usize, end: usize, reason: &str) {
    reject_to(collector, at, end, Fault::Value { column: None, reason: reason.to_owned() });
}

/// Rejects up to the end of the line, or everything that is left.
fn reject_to(collector: &mut Collector, at: usize, end: usize, fault: Fault) {
    if end < collector.body.len() { collector.reject(at, end, fault) } else { collector.reject_rest(at, fault) }
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[inline]
fn skip_blanks(body: &[u8], at: usize) -> usize {
    body[at.min(body.len())..].iter().position(|byte| !is_blank(*byte)).map_or(body.len(), |blanks| at + blanks)
}

fn trim_end(body: &[u8], start: usize, end: usize) -> usize {
    body[start..end].iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| start + last + 1)
}
