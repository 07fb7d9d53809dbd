//! Exact decimals against plain arithmetic, and base64 round trips.

use proptest::prelude::*;

use super::base64;
use crate::decimal::{Decimal, Misfit, Rounding};

proptest! {
    #[test]
    fn scaled_is_exact(value in any::<i64>(), places in 0_u32..25, scale in 0_i32..10) {
        // The digits of `value` with the point `places` from the right, read at `scale`.
        let sign = if value < 0 { "-" } else { "" };
        let digits = format!("{:0>30}", value.unsigned_abs());
        let (whole, fraction) = digits.split_at(30 - places as usize);
        let text = format!("{sign}{whole}.{fraction}");
        let decimal = Decimal::parse(text.as_bytes()).unwrap();
        let wide = i128::from(value) * 10_i128.pow(scale.unsigned_abs());
        let unit = 10_i128.pow(places);
        prop_assert_eq!(decimal.scaled(scale, Rounding::Floor), Ok(wide.div_euclid(unit)));
        let exact = if wide % unit == 0 { Ok(wide / unit) } else { Err(Misfit::NotExact) };
        prop_assert_eq!(decimal.scaled(scale, Rounding::Exact), exact);
        let shifted = format!("{sign}{}e-{places}", value.unsigned_abs());
        prop_assert_eq!(Decimal::parse(shifted.as_bytes()).unwrap().scaled(scale, Rounding::Exact), exact);
    }

    #[test]
    fn base64_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = Vec::new();
        for chunk in bytes.chunks(3) {
            let mut group = [0; 4];
            group[1..=chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes(group);
            text.extend((0..=chunk.len()).map(|place| letters[(bits >> (18 - 6 * place)) as usize & 63]));
        }
        let mut decoded = Vec::new();
        prop_assert!(base64::decode(&text, &mut decoded));
        prop_assert_eq!(&decoded, &bytes);
        text.resize(text.len().next_multiple_of(4), b'=');
        decoded.clear();
        prop_assert!(base64::decode(&text, &mut decoded));
        prop_assert_eq!(decoded, bytes);
    }
}

#[test]
fn what_is_no_decimal() {
    for text in ["", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", " 1", "1 ", "--1", "1_0", "0x1", "inf", "١"] {
        assert!(Decimal::parse(text.as_bytes()).is_none(), "{text}");
    }
    for text in ["5.", ".5", "+1", "007", "1E+2"] {
        assert!(Decimal::parse(text.as_bytes()).is_some(), "{text}");
    }
}
