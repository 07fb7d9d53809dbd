//! The number of different values from the registers of a HyperLogLog.

use super::sketch::{REGISTERS, TOP};

/// The estimate of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), section 2: without
/// tables of corrections and without switching between methods. It takes sums, products and square roots only, which
/// IEEE 754 rounds the same everywhere. `counts[v]` registers hold `v`.
pub(super) fn estimate(counts: &[u32; TOP as usize + 1]) -> f64 {
    /// 1 / (2 ln 2).
    const ALPHA: f64 = std::f64::consts::LOG2_E / 2.0;
    let registers = REGISTERS as f64;
    let share = |value: u8| f64::from(counts[usize::from(value)]) / registers;
    let mut sum = registers * tau(1.0 - share(TOP));
    for value in (1..TOP).rev() {
        sum = 0.5 * (sum + f64::from(counts[usize::from(value)]));
    }
    sum += registers * sigma(share(0));
    ALPHA * registers * registers / sum
}

/// x + Σ x^(2^k) · 2^(k−1) for k from 1.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut sum, mut factor) = (x, 1.0);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor += factor;
        if sum <= before {
            return sum;
        }
    }
}

/// (1 − x − Σ (1 − x^(2^−k))² · 2^−k) / 3 for k from 1.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut sum, mut factor) = (1.0 - x, 1.0);
    loop {
        x = x.sqrt();
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * factor;
        if sum >= before {
            return sum / 3.0;
        }
    }
}
