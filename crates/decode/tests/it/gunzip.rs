//! Unpacking with a limit.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use highwater_decode::{DecodeError, gunzip};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn whole_bodies() {
    assert_eq!(gunzip(&gzip(b"hello"), 5).unwrap().as_ref(), b"hello");
    assert_eq!(gunzip(&[gzip(b"one"), gzip(b"two")].concat(), 100).unwrap().as_ref(), b"onetwo");
    assert_eq!(gunzip(&gzip(b""), 0).unwrap().len(), 0);
}

#[test]
fn trouble() {
    let packed = gzip(&b"0123456789".repeat(1000));
    assert!(gunzip(&packed[..packed.len() - 9], 1 << 20).unwrap_err().to_string().contains("ends early"));
    let mut flipped = packed.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    assert!(gunzip(&flipped, 1 << 20).unwrap_err().to_string().contains("damaged"));
    assert!(gunzip(b"{\"a\":1}", 100).unwrap_err().to_string().contains("does not start like gzip"));
    assert!(gunzip(b"", 100).is_err());
    assert!(matches!(gunzip(&packed, 9999), Err(DecodeError::TooLarge { limit: 9999 })));
    let bomb = gzip(&vec![0; 8 << 20]);
    assert!(matches!(gunzip(&bomb, 1 << 20), Err(DecodeError::TooLarge { .. })));
}
