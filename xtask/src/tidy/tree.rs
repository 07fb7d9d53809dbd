//! The repository as the rules see it: Rust files, manifests, the architecture's text. Read from disk once.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use super::finding::Finding;
use super::source::SourceFile;
use crate::TaskError;

/// Folders that hold Rust.
const FOLDERS: &[&str] = &["apps", "crates", "fuzz", "xtask"];

/// One `Cargo.toml` of a member.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Relative to the repository's root.
    pub path: String,
    /// The package's name.
    pub package: String,
    /// All of it.
    pub table: Table,
}

/// Everything that is checked.
#[derive(Default)]
pub(super) struct Tree {
    /// Rust files in path order.
    pub sources: Vec<SourceFile>,
    /// Manifests of the members in path order.
    pub manifests: Vec<Manifest>,
    /// `ARCHITECTURE.md`, empty when there is none.
    pub architecture: String,
    /// Files that could not be understood.
    pub broken: Vec<Finding>,
}

impl Tree {
    /// Reads the tree below a root.
    pub(super) fn read(root: &Path) -> Result<Self, TaskError> {
        let mut paths = Vec::new();
        for folder in FOLDERS {
            let folder = root.join(folder);
            if folder.is_dir() {
                collect(&folder, &mut paths)?;
            }
        }
        paths.sort();
        let mut tree = Self::default();
        for path in paths {
            tree.add(root, &path)?;
        }
        let architecture = root.join("ARCHITECTURE.md");
        if architecture.exists() {
            tree.architecture = read(&architecture)?;
        }
        Ok(tree)
    }

    fn add(&mut self, root: &Path, path: &Path) -> Result<(), TaskError> {
        let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let text = read(path)?;
        if relative.ends_with(".rs") {
            match SourceFile::parse(relative.clone(), text) {
                Ok(source) => self.sources.push(source),
                Err(reason) => self.broken.push(Finding::error("parse", &relative, 0, reason)),
            }
            return Ok(());
        }
        match text.parse::<Table>() {
            Ok(table) => {
                let package = table.get("package").and_then(|p| p.get("name")).and_then(toml::Value::as_str);
                let package = package.unwrap_or_default().to_owned();
                self.manifests.push(Manifest { path: relative, package, table });
            }
            Err(error) => self.broken.push(Finding::error("parse", &relative, 0, error.to_string())),
        }
        Ok(())
    }
}

/// Rust files and manifests below a folder; hidden folders and build output are not ours.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), TaskError> {
    let entries = fs::read_dir(folder).map_err(|source| TaskError::Read { path: folder.to_owned(), source })?;
    for entry in entries {
        let path = entry.map_err(|source| TaskError::Read { path: folder.to_owned(), source })?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !matches!(&*name, "target" | "node_modules" | "corpus" | "artifacts") {
                collect(&path, paths)?;
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, TaskError> {
    fs::read_to_string(path).map_err(|source| TaskError::Read { path: path.to_owned(), source })
}
