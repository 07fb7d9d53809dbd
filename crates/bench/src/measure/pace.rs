//! Open-loop pacing: requests leave when they are due, however many are under way, and their latency counts from when
//! they were due. So a server that stalls cannot hide it (coordinated omission; Tene).

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::BenchError;
use crate::percentiles::Latencies;

/// More requests under way than this means that the server is far behind for good.
const MOST_IN_FLIGHT: u64 = 20_000;

/// When requests are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Requests per second.
    pub(crate) per_second: f64,
    /// Number of requests.
    pub(crate) requests: u64,
}

/// What came of paced requests.
#[derive(Debug)]
pub(crate) struct Paced {
    /// From due to done.
    pub(crate) latencies: Latencies,
    pub(crate) failed: u64,
    pub(crate) most_in_flight: u64,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
}

impl Pace {
    /// Runs `request(n)` for every `n` when it is due; each stands for `weight` events. A thread of its own keeps time:
    /// it sleeps more precisely than a runtime's timer.
    pub(crate) async fn run<F>(
        self,
        weight: u64,
        mut request: impl FnMut(u64) -> F + Send + 'static,
    ) -> Result<Paced, BenchError>
    where
        F: Future<Output = Result<(), BenchError>> + Send + 'static,
    {
        let (done, mut finished) = mpsc::unbounded_channel();
        let in_flight = Arc::new(AtomicU64::new(0));
        let started = Instant::now();
        let runtime = tokio::runtime::Handle::current();
        let keeper = std::thread::spawn(move || {
            let mut most_in_flight = 0;
            for n in 0..self.requests {
                let due = started + Duration::from_secs_f64(n as f64 / self.per_second);
                // Made before it is due, so that making it costs no latency.
                let future = request(n);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let flying = in_flight.fetch_add(1, Ordering::Relaxed) + 1;
                most_in_flight = most_in_flight.max(flying);
                if flying > MOST_IN_FLIGHT {
                    break;
                }
                let (done, in_flight) = (done.clone(), in_flight.clone());
                runtime.spawn(async move {
                    let outcome = future.await;
                    in_flight.fetch_sub(1, Ordering::Relaxed);
                    // Nobody listens only when the measurement was given up.
                    let _ = done.send((due.elapsed(), outcome));
                });
            }
            most_in_flight
        });
        let mut paced = Paced { latencies: Latencies::new()?, failed: 0, most_in_flight: 0, took: Duration::ZERO };
        let mut answered = 0;
        while let Some((latency, outcome)) = finished.recv().await {
            answered += 1;
            match outcome {
                Ok(()) => paced.latencies.add(latency, weight),
                Err(_) => paced.failed += 1,
            }
        }
        paced.took = started.elapsed();
        paced.most_in_flight =
            keeper.join().map_err(|_| BenchError::Gave("the thread that keeps time ended".to_owned()))?;
        if answered < self.requests {
            return Err(BenchError::Gave(format!(
                "the server fell behind: over {MOST_IN_FLIGHT} requests were under way at {:.0} requests/s; lower --rate",
                self.per_second
            )));
        }
        Ok(paced)
    }
}

impl Pace {
    /// As [`Pace::run`], one request after the other, from a thread with a runtime of its own: the fewest hand-overs
    /// between threads, for answers that take less time than those. What a request waits for the one before it counts,
    /// too, for latency is from when it was due.
    pub(crate) async fn run_in_turn<F>(
        self,
        mut request: impl FnMut(u64) -> F + Send + 'static,
    ) -> Result<Paced, BenchError>
    where
        F: Future<Output = Result<(), BenchError>>,
    {
        let keep = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|e| BenchError::process("cannot start a runtime", e))?;
            let mut paced = Paced { latencies: Latencies::new()?, failed: 0, most_in_flight: 1, took: Duration::ZERO };
            let started = Instant::now();
            for n in 0..self.requests {
                let due = started + Duration::from_secs_f64(n as f64 / self.per_second);
                let future = request(n);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                match runtime.block_on(future) {
                    Ok(()) => paced.latencies.add(due.elapsed(), 1),
                    Err(_) => paced.failed += 1,
                }
            }
            paced.took = started.elapsed();
            Ok(paced)
        };
        let ended = tokio::task::spawn_blocking(keep).await;
        ended.map_err(|_| BenchError::Gave("the thread that keeps time ended".to_owned()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stall_counts_for_every_request_that_was_due() -> Result<(), BenchError> {
        let gate = Arc::new(tokio::sync::Mutex::new(()));
        let held = gate.clone().lock_owned().await;
        let pace = Pace { per_second: 1_000.0, requests: 50 };
        let mut held = Some(held);
        let paced = pace
            .run(1, move |n| {
                // The server stalls until the last request was made.
                let released = if n == 49 { held.take() } else { None };
                let gate = gate.clone();
                async move {
                    drop(released);
                    drop(gate.lock().await);
                    Ok(())
                }
            })
            .await?;
        let told = paced.latencies.percentiles();
        assert_eq!((told.count, paced.failed), (50, 0));
        assert!(told.max_ms >= 45.0, "the first request waited for all others: {told:?}");
        assert!(paced.most_in_flight > 40);
        Ok(())
    }

    #[tokio::test]
    async fn in_turn_a_slow_answer_counts_for_those_behind_it() -> Result<(), BenchError> {
        let pace = Pace { per_second: 1_000.0, requests: 30 };
        let slow_first = |n| async move {
            let begun = Instant::now();
            while n == 0 && begun.elapsed() < Duration::from_millis(25) {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        let paced = pace.run_in_turn(slow_first).await?;
        let told = paced.latencies.percentiles();
        assert_eq!((told.count, paced.failed), (30, 0));
        assert!(told.p50_ms > 5.0, "half of the requests were due while the first was under way: {told:?}");
        Ok(())
    }

    #[tokio::test]
    async fn failures_are_counted_apart() -> Result<(), BenchError> {
        let pace = Pace { per_second: 10_000.0, requests: 10 };
        let paced = pace
            .run(5, |n| async move { if n % 2 == 0 { Ok(()) } else { Err(BenchError::Gave(String::new())) } })
            .await?;
        assert_eq!((paced.failed, paced.latencies.percentiles().count), (5, 25));
        Ok(())
    }
}
