//! Rounding exact numbers to `f64`, once and correctly (IEEE 754 round-half-even, subnormals and overflow included).
//! Used by the float aggregates when they are read.

use num_bigint::{BigInt, BigUint, Sign};

/// ±(magnitude + something in (0, 1) if `sticky`) · 2^exponent rounded to `f64`, and whether nothing was lost.
/// `magnitude` is little-endian; with `sticky` it must have at least 55 bits. 0 gives +0.0.
pub(crate) fn round(magnitude: &[u64], exponent: i64, sticky: bool, negative: bool) -> (f64, bool) {
    let Some(last) = magnitude.iter().rposition(|limb| *limb != 0) else {
        return (0.0, !sticky);
    };
    let top = 64 * last as i64 + i64::from(63 - magnitude[last].leading_zeros());
    let leading = top + exponent;
    if leading > 1023 {
        return (if negative { f64::NEG_INFINITY } else { f64::INFINITY }, false);
    }
    let lowest = (leading - 52).max(-1074);
    let shift = lowest - exponent;
    let (mut mantissa, exact) = if shift <= 0 {
        (magnitude[0] << -shift, !sticky)
    } else {
        let half = bit(magnitude, shift - 1);
        let rest = sticky || any_below(magnitude, shift - 1);
        let mantissa = bits_from(magnitude, shift);
        (mantissa + u64::from(half && (rest || mantissa & 1 == 1)), !half && !rest)
    };
    // A mantissa with its leading bit set adds 1 to the exponent field; one that rounded up to 2^53 adds 2.
    if leading >= -1022 {
        mantissa += ((leading + 1022) as u64) << 52;
    }
    (f64::from_bits(mantissa | u64::from(negative) << 63), exact)
}

fn bit(magnitude: &[u64], index: i64) -> bool {
    magnitude.get((index / 64) as usize).is_some_and(|limb| limb >> (index % 64) & 1 == 1)
}

fn any_below(magnitude: &[u64], index: i64) -> bool {
    let (limb, within) = ((index / 64) as usize, index % 64);
    magnitude.iter().take(limb).any(|limb| *limb != 0)
        || magnitude.get(limb).is_some_and(|limb| limb & ((1 << within) - 1) != 0)
}

/// The bits from `index` up, at most 53.
fn bits_from(magnitude: &[u64], index: i64) -> u64 {
    let (limb, within) = ((index / 64) as usize, index % 64);
    let low = magnitude.get(limb).map_or(0, |limb| limb >> within);
    let high = magnitude.get(limb + 1).copied().unwrap_or(0);
    if within == 0 { low } else { low | high << (64 - within) }
}

/// `numerator / denominator · 2^exponent` rounded to `f64`; the denominator is not 0.
pub(crate) fn round_ratio(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    let magnitude = numerator.magnitude();
    let shift = (66 + denominator.bits()).saturating_sub(magnitude.bits());
    let shifted = magnitude << shift;
    let quotient = &shifted / denominator;
    let sticky = &quotient * denominator != shifted;
    round(&quotient.to_u64_digits(), exponent - shift as i64, sticky, numerator.sign() == Sign::Minus).0
}
