//! A small counter-based generator (SplitMix64: Steele, Lea, Flood, OOPSLA 2014). Chosen because a stream of numbers can
//! start at any counter at no cost, which is what makes every simulator seekable. Not for secrets.

/// The generator: its state is a counter, its output a mix of it.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// The stream of numbers named by a seed and a stream number (of a round, a user, …).
    #[must_use]
    pub fn of(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream.wrapping_mul(STEP).wrapping_add(STEP))))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number in `0..bound`; its bias is below `bound / 2^64`. For a bound of 0: 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
