//! The pages of all apps being served: read from folders, read again when a file has changed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use highwater_model::Diagnostics;
use parking_lot::Mutex;

use crate::dashboard::Dashboard;
use crate::read::read_dashboard;

/// Folders are looked at this often at most.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Where an app's pages come from.
#[derive(Clone, Debug)]
pub enum PagesSource {
    /// Files `*.toml` of a folder, which may come and go.
    Folder(PathBuf),
    /// Names and texts inside the binary.
    Bundled(&'static [(&'static str, &'static str)]),
}

/// An app as readers of pages see it.
#[derive(Clone, Debug)]
pub struct AppPages {
    /// Its name, which is the schema of its SQL.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Its pages.
    pub source: PagesSource,
}

/// One file: the page, or what is wrong with it.
#[derive(Clone, Debug)]
pub struct DashboardFile {
    /// The page's name.
    pub name: String,
    /// The file's text.
    pub text: Arc<str>,
    /// What was read.
    pub outcome: Result<Arc<Dashboard>, Diagnostics>,
}

/// The pages of all apps.
#[derive(Default)]
pub struct Library {
    apps: Mutex<Vec<AppPages>>,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    at: Option<Instant>,
    revision: String,
    files: BTreeMap<String, Arc<Vec<DashboardFile>>>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("apps", &self.apps.lock()).finish_non_exhaustive()
    }
}

impl Library {
    /// Adds an app, or replaces the one of its name.
    pub fn add(&self, app: AppPages) {
        let mut apps = self.apps.lock();
        apps.retain(|known| known.name != app.name);
        apps.push(app);
        self.read.lock().at = None;
    }

    /// The apps in the order they were added.
    #[must_use]
    pub fn apps(&self) -> Vec<AppPages> {
        self.apps.lock().clone()
    }

    /// Changes when any page changes.
    #[must_use]
    pub fn revision(&self) -> String {
        self.refresh();
        self.read.lock().revision.clone()
    }

    /// The pages of an app in menu order; `None` when there is no such app.
    #[must_use]
    pub fn pages(&self, app: &str) -> Option<Arc<Vec<DashboardFile>>> {
        self.refresh();
        self.read.lock().files.get(app).cloned()
    }

    /// One page.
    #[must_use]
    pub fn page(&self, app: &str, name: &str) -> Option<DashboardFile> {
        self.pages(app)?.iter().find(|page| page.name == name).cloned()
    }

    /// Reads all pages again when it is time and something has changed.
    fn refresh(&self) {
        let apps = self.apps();
        let mut read = self.read.lock();
        if read.at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        read.at = Some(Instant::now());
        let texts: Vec<(String, Vec<Text>)> = apps.iter().map(|app| (app.name.clone(), texts(app))).collect();
        let mut hasher = DefaultHasher::new();
        texts.hash(&mut hasher);
        apps.iter().for_each(|app| app.title.hash(&mut hasher));
        let revision = format!("{:016x}", hasher.finish());
        if revision == read.revision {
            return;
        }
        read.revision = revision;
        read.files = texts.into_iter().map(|(app, texts)| (app, Arc::new(parsed(texts)))).collect();
    }
}

/// A page's name, its file, and what it says.
type Text = (String, String, String);

/// Every page of an app.
fn texts(app: &AppPages) -> Vec<Text> {
    match &app.source {
        PagesSource::Bundled(pages) => pages
            .iter()
            .map(|(name, text)| {
                ((*name).to_owned(), format!("apps/{}/dashboards/{name}.toml", app.name), (*text).to_owned())
            })
            .collect(),
        PagesSource::Folder(folder) => in_folder(folder),
    }
}

fn in_folder(folder: &Path) -> Vec<Text> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    paths.sort();
    let text = |path: &PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        // A file that cannot be read, or is no text, is a page that says so.
        let bytes = std::fs::read(path).unwrap_or_default();
        Some((name, path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()))
    };
    paths.iter().filter_map(text).collect()
}

fn parsed(texts: Vec<Text>) -> Vec<DashboardFile> {
    let read = |(name, file, text): Text| {
        let outcome = read_dashboard(&name, &file, &text).map(Arc::new);
        DashboardFile { name, text: text.into(), outcome }
    };
    let mut pages: Vec<DashboardFile> = texts.into_iter().map(read).collect();
    let rank = |page: &DashboardFile| match &page.outcome {
        Ok(page) => (page.order, page.title.clone()),
        Err(_) => (i64::MAX, page.name.clone()),
    };
    pages.sort_by_key(rank);
    pages
}
