//! Where a data folder is served: the file `highwater.address` that a server leaves in it, for `doctor` to ask that
//! server. The lock, not this file, says whether the folder is in use.

use std::path::{Path, PathBuf};

/// Leaves this process's address in a folder it holds. Not being able to is no reason not to serve.
pub fn leave(data: &Path, url: &str) {
    let text = format!("{}\n{url}\n", std::process::id());
    if let Err(error) = std::fs::write(file(data), text) {
        tracing::warn!(%error, "the address could not be left in the data folder: doctor will not find this server");
    }
}

/// The address that the holder of the folder left there; `holder` is how the lock calls it, such as `process 7 (…)`.
pub fn find(data: &Path, holder: &str) -> Option<String> {
    let text = std::fs::read_to_string(file(data)).ok()?;
    let (process, url) = text.trim_end().split_once('\n')?;
    let held_by = holder.strip_prefix("process ")?.split_whitespace().next()?;
    // Another one's address is worse than none.
    (held_by == process).then(|| url.to_owned())
}

fn file(data: &Path) -> PathBuf {
    data.join("highwater.address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holders_address_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let own = format!("process {} (highwater up)", std::process::id());
        assert_eq!(find(folder.path(), &own), None);
        leave(folder.path(), "http://127.0.0.1:8080");
        assert_eq!(find(folder.path(), &own).as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(find(folder.path(), "process 1 (init)"), None);
        assert_eq!(find(folder.path(), "another process"), None);
    }
}
