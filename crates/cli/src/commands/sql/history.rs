//! Where typed statements are remembered between sessions: the user's state folder (XDG base directories).

use std::path::PathBuf;

/// The history file; its folder is made when needed. `None` where there is no home.
pub(super) fn file() -> Option<PathBuf> {
    let folder = folder(|name| std::env::var_os(name).map(PathBuf::from))?;
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql_history"))
}

fn folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("highwater"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_base_directories() {
        let home = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/a"));
        assert_eq!(folder(home), Some(PathBuf::from("/home/a/.local/state/highwater")));
        let state = |name: &str| Some(PathBuf::from(if name == "HOME" { "/home/a" } else { "/state" }));
        assert_eq!(folder(state), Some(PathBuf::from("/state/highwater")));
        assert_eq!(folder(|_| None), None);
    }
}
