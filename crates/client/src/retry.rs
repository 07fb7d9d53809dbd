//! When to try again: exponential waits with some scatter, for a limited time, never shorter than the server asks.

use std::time::Duration;

/// How patient a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first wait.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// Gives up when so much time has passed since the last success.
    pub patience: Duration,
}

impl RetryPolicy {
    /// For bulk work: waits from 50 ms to 5 s, for two minutes.
    pub const PATIENT: Self = Self {
        first_wait: Duration::from_millis(50),
        longest_wait: Duration::from_secs(5),
        patience: Duration::from_secs(120),
    };

    /// The wait before try number `attempt` (from 1). `scatter` (any number, such as a hash of the producer) moves it
    /// by up to a quarter, so that many callers do not come back at once.
    #[must_use]
    pub fn wait(&self, attempt: u32, asked: Option<Duration>, scatter: u64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(20));
        let wait = doubled.min(self.longest_wait);
        let quarters = scatter.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(attempt) % 256;
        let scattered = wait + wait.mul_f64(quarters as f64 / 1024.0);
        scattered.max(asked.unwrap_or_default())
    }
}
