//! The number that rises when records become durable, and those who wait for it. Raised by `committer`; no polling.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// A rising number with waiters.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    value: AtomicU64,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    next: u64,
    wakers: HashMap<u64, Waker>,
}

impl Progress {
    pub(crate) fn get(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Raises the number and wakes all who wait.
    pub(crate) fn raise(&self) {
        self.value.fetch_add(1, Ordering::AcqRel);
        let woken = std::mem::take(&mut self.waiters.lock().wakers);
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    /// Resolves once the number is above `seen`.
    pub(crate) fn above(self: &Arc<Self>, seen: u64) -> Above {
        Above { progress: Arc::clone(self), seen, ticket: None }
    }
}

/// See [`Progress::above`].
pub(crate) struct Above {
    progress: Arc<Progress>,
    seen: u64,
    ticket: Option<u64>,
}

impl Future for Above {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let progress = Arc::clone(&self.progress);
        let mut waiters = progress.waiters.lock();
        // Under the lock: `raise` either is seen here or finds the waker.
        if progress.get() > self.seen {
            return Poll::Ready(());
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            waiters.next += 1;
            waiters.next
        });
        waiters.wakers.insert(ticket, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Above {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.progress.waiters.lock().wakers.remove(&ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn waiters_are_woken_and_forgotten() {
        let progress = Arc::new(Progress::default());
        assert_eq!(progress.above(0).now_or_never(), None);
        assert!(progress.waiters.lock().wakers.is_empty());
        let waiting = progress.above(0);
        let raiser = Arc::clone(&progress);
        let thread = std::thread::spawn(move || raiser.raise());
        block_on(waiting);
        thread.join().unwrap();
        assert_eq!(progress.above(0).now_or_never(), Some(()));
    }
}
