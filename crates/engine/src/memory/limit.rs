//! The limit as it is written: a size, a share of the machine's memory, or none.

use std::fmt;
use std::str::FromStr;

use super::report::size_text;

/// How many bytes of state the engine may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit(Option<u64>);

/// What is used of the machine unless told otherwise, in percent: the rest is for queries, requests and the system.
const DEFAULT_SHARE: u64 = 70;

impl MemoryLimit {
    /// No limit.
    pub const NONE: Self = Self(None);

    /// So many bytes.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Self {
        Self(Some(bytes))
    }

    /// A share of the memory that this process may use; no limit where the system does not tell how much that is.
    #[must_use]
    pub fn of_machine(percent: u64) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        Self(machine_bytes(read).map(|bytes| bytes / 100 * percent))
    }

    /// The limit in bytes, if there is one.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        self.0
    }
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self::of_machine(DEFAULT_SHARE)
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::NONE);
        }
        if let Some(share) = text.strip_suffix('%') {
            let percent = share.trim().parse().ok().filter(|percent| (1..=100).contains(percent));
            return percent.map(Self::of_machine).ok_or_else(|| format!("{text} is no share from 1% to 100%"));
        }
        highwater_sql::byte_size(text).map(Self::of_bytes)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => f.write_str(&size_text(bytes)),
            None => f.write_str("none"),
        }
    }
}

/// The memory that this process may use: the machine's, or less where a control group says so.
fn machine_bytes(read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    });
    let mut limits = vec![total, number("/sys/fs/cgroup/memory/memory.limit_in_bytes")];
    // Every group above ours limits us too.
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let mut group = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").trim_end_matches('/');
    loop {
        limits.push(number(&format!("/sys/fs/cgroup{group}/memory.max")));
        match group.rsplit_once('/') {
            Some((above, _)) => group = above,
            None => break,
        }
    }
    limits.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        for (text, bytes) in [
            ("none", None),
            ("NONE", None),
            ("4096", Some(4096)),
            (" 8 GB ", Some(8_000_000_000)),
            ("2GiB", Some(2 << 30)),
        ] {
            assert_eq!(text.parse(), Ok(MemoryLimit(bytes)), "{text}");
        }
        assert_eq!("50%".parse(), Ok(MemoryLimit::of_machine(50)));
        for text in ["", "0", "0%", "101%", "-1", "8 apples", "8 GB 3 MB", "%"] {
            assert!(text.parse::<MemoryLimit>().is_err(), "{text}");
        }
        assert_eq!(MemoryLimit::of_bytes(1_500_000_000).to_string(), "1.5 GB");
    }

    #[test]
    fn the_tightest_of_machine_and_control_groups_counts() {
        let machine = "MemTotal:        2048 kB\nMemFree: 1 kB\n";
        let with = |files: &'static [(&str, &str)]| {
            machine_bytes(|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned()))
        };
        assert_eq!(machine_bytes(|path| (path == "/proc/meminfo").then(|| machine.to_owned())), Some(2048 * 1024));
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", "max\n")]), None);
        assert_eq!(with(&[("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", "1000\n")]), Some(1000));
        let nested = with(&[
            ("/proc/self/cgroup", "1:name=x:/\n0::/a/b\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "500\n"),
        ]);
        assert_eq!(nested, Some(500));
        assert_eq!(with(&[("/sys/fs/cgroup/memory/memory.limit_in_bytes", "700\n")]), Some(700));
    }
}
