//! Who goes first when the processor is busy: threads that answer requests. Decoding, ticks and checkpoints keep up with
//! the stream of events and may wait a moment; a reader should not.

use std::cell::Cell;

/// How much nicer than others a background thread is (see `nice(2)`; 19 is the most).
const NICER: i32 = 10;

/// Lets other threads go before the calling one, from now on. Threads that it starts inherit that.
pub(crate) fn give_way() {
    thread_local! {
        static GIVES_WAY: Cell<bool> = const { Cell::new(false) };
    }
    if GIVES_WAY.replace(true) {
        return;
    }
    // On Linux this is about the calling thread only. Where it is refused, all threads stay equal.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICER) {
        tracing::debug!(%error, "a background thread keeps its priority");
    }
}
