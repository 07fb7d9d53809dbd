//! Base64 text (RFC 4648 §4, and the URL-safe letters of §5), with or without padding.

/// Appends the bytes of `text` to `to`; `false` when it is no base64 (what was appended is the caller's to drop).
pub(super) fn decode(text: &[u8], to: &mut Vec<u8>) -> bool {
    let body = match text {
        [body @ .., b'=', b'='] | [body @ .., b'='] if text.len().is_multiple_of(4) => body,
        _ => text,
    };
    let chunks = body.chunks(4);
    to.reserve(body.len() / 4 * 3 + 3);
    for chunk in chunks {
        let mut bits = 0_u32;
        for letter in chunk {
            match value(*letter) {
                Some(value) => bits = bits << 6 | value,
                None => return false,
            }
        }
        // Left-over bits must be 0: otherwise two texts would mean the same bytes and one was damaged.
        match chunk.len() {
            4 => to.extend_from_slice(&bits.to_be_bytes()[1..]),
            3 if bits & 0b11 == 0 => to.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
            2 if bits & 0b1111 == 0 => to.push((bits >> 4) as u8),
            _ => return false,
        }
    }
    true
}

fn value(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}
