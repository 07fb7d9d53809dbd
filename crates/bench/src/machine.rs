//! What it was measured on.

use serde::Serialize;

/// The machine, as far as it tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Processor model.
    pub processor: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Main memory, in bytes.
    pub memory_bytes: u64,
    /// Operating system and its version.
    pub system: String,
}

impl Machine {
    /// This machine. What cannot be found out is empty or 0.
    #[must_use]
    pub fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            processor: value_of(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: kibibytes(&read("/proc/meminfo"), "MemTotal").unwrap_or(0),
            system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
        }
    }
}

/// The value of the first line `name : value`.
pub(crate) fn value_of(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// The bytes of a line `name: 123 kB`.
pub(crate) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    value_of(text, name)?.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let text = "VmPeak:\t  100 kB\nVmHWM:\t      52 kB\nmodel name\t: A Chip\n";
        assert_eq!(kibibytes(text, "VmHWM"), Some(52 * 1024));
        assert_eq!(value_of(text, "model name").as_deref(), Some("A Chip"));
        assert_eq!(kibibytes(text, "VmNone"), None);
    }
}
