//! What a server process used: processor time, memory, writes (from `/proc`), and fsyncs (from its own metrics).

use std::ops::Sub;

use serde::Serialize;

use crate::machine::{kibibytes, value_of};

/// Clock ticks a second in `/proc/PID/stat`; fixed at 100 for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Counters of a process since its start; differences of two are what a measurement used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Processor time, in seconds.
    pub processor_s: Option<f64>,
    /// Most memory held at once since the start, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Memory held now, in bytes.
    pub memory_bytes: Option<u64>,
    /// Bytes sent to the disk.
    pub written_bytes: Option<u64>,
    /// Calls of fsync and fdatasync.
    pub fsyncs: Option<u64>,
}

impl Usage {
    /// Of a process, and the metrics it tells.
    pub(crate) fn read(pid: Option<u32>, metrics: &str) -> Self {
        let read = |what| pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/{what}")).ok());
        let status = read("status").unwrap_or_default();
        Self {
            processor_s: read("stat").as_deref().and_then(processor_s),
            peak_memory_bytes: kibibytes(&status, "VmHWM"),
            memory_bytes: kibibytes(&status, "VmRSS"),
            written_bytes: value_of(&read("io").unwrap_or_default(), "write_bytes").and_then(|text| text.parse().ok()),
            fsyncs: fsyncs(metrics),
        }
    }
}

impl Sub for Usage {
    type Output = Usage;

    /// What was used since `before`; memory stays as it is.
    fn sub(self, before: Usage) -> Usage {
        let minus = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then.unwrap_or(0)));
        Usage {
            processor_s: self.processor_s.map(|now| now - before.processor_s.unwrap_or(0.0)),
            written_bytes: minus(self.written_bytes, before.written_bytes),
            fsyncs: minus(self.fsyncs, before.fsyncs),
            ..self
        }
    }
}

/// User and system time; the second field may hold spaces and brackets, so counting begins behind its last bracket.
fn processor_s(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / TICKS_PER_SECOND)
}

/// The sum of all counters whose name says that they count fsyncs.
fn fsyncs(metrics: &str) -> Option<u64> {
    let counts: Vec<f64> = metrics
        .lines()
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            let name = name.split('{').next()?;
            (name.contains("sync") && name.ends_with("_total")).then(|| value.parse().ok())?
        })
        .collect();
    (!counts.is_empty()).then(|| counts.iter().sum::<f64>() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_process_name_with_brackets() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(processor_s(stat), Some(2.0));
        assert_eq!(processor_s("nonsense"), None);
    }

    #[test]
    fn finds_fsyncs_among_metrics() {
        let metrics = "# TYPE x counter\nhighwater_log_fsyncs_total 41\nhighwater_log_fsync_seconds_count 42\nhighwater_state_fsyncs_total{a=\"b c\"} 1\nhighwater_log_bytes_total 9\n";
        assert_eq!(fsyncs(metrics), Some(42));
        assert_eq!(fsyncs("highwater_log_bytes_total 9\n"), None);
    }

    #[test]
    fn differences_keep_memory() {
        let before = Usage { processor_s: Some(1.0), written_bytes: Some(10), ..Usage::default() };
        let after =
            Usage { processor_s: Some(3.0), written_bytes: Some(25), memory_bytes: Some(7), ..Usage::default() };
        let used = after - before;
        assert_eq!((used.processor_s, used.written_bytes, used.memory_bytes), (Some(2.0), Some(15), Some(7)));
    }
}
