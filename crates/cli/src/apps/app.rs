//! Finding apps: by name in the apps folder or the binary, or by path.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use highwater_dashboards::PagesSource;
use highwater_model::{Diagnostic, Diagnostics};

use super::Manifest;
use super::bundled::{BUNDLED, Bundled};
use crate::failure::Failure;
use crate::settings::nearest;

/// An app that was found.
#[derive(Clone, Debug)]
pub struct App {
    /// Its name, which is the schema of what it creates.
    pub name: String,
    /// The text of `app.sql`.
    pub sql: Cow<'static, str>,
    /// The file `app.sql` came from, for messages.
    pub sql_file: String,
    /// Its folder, where files that its tables load lie; a bundled app has none.
    pub folder: Option<PathBuf>,
    /// `app.toml`.
    pub manifest: Manifest,
    /// Where its dashboards come from.
    pub pages: PagesSource,
}

/// The app of a name, or in a folder when the text is a path (`./mine`, `/srv/apps/mine`).
///
/// # Errors
/// When there is none or its files are wrong.
pub fn find_app(name_or_path: &str, apps_folder: &Path) -> Result<App, Failure> {
    if name_or_path.contains(['/', '\\']) || name_or_path == "." {
        return in_folder(Path::new(name_or_path));
    }
    let folder = apps_folder.join(name_or_path);
    if folder.join("app.sql").exists() {
        return in_folder(&folder);
    }
    match BUNDLED.iter().find(|bundled| bundled.name == name_or_path) {
        Some(bundled) => from_binary(bundled),
        None => Err(unknown(name_or_path, apps_folder)),
    }
}

/// All apps: the bundled ones (or the folders of the same names) and those in the apps folder.
///
/// # Errors
/// When the files of one are wrong.
pub fn all_apps(apps_folder: &Path) -> Result<Vec<App>, Failure> {
    names(apps_folder).iter().map(|name| find_app(name, apps_folder)).collect()
}

fn names(apps_folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = BUNDLED.iter().map(|bundled| bundled.name.to_owned()).collect();
    let mut own: Vec<String> = std::fs::read_dir(apps_folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            path.join("app.sql").exists().then(|| path.file_name()?.to_str().map(str::to_owned))?
        })
        .filter(|name| !names.contains(name))
        .collect();
    own.sort();
    names.extend(own);
    names
}

fn unknown(name: &str, apps_folder: &Path) -> Failure {
    let names = names(apps_folder);
    let near = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", names.join(", ")),
    };
    Failure::Usage(format!(
        "no app is called \"{name}\": {near} An app of your own is a folder with app.sql; name it with its path \
         (./{name}) or put it into {}",
        apps_folder.display()
    ))
}

fn from_binary(bundled: &Bundled) -> Result<App, Failure> {
    Ok(App {
        name: bundled.name.to_owned(),
        sql: Cow::Borrowed(bundled.sql),
        sql_file: format!("apps/{}/app.sql", bundled.name),
        folder: None,
        manifest: read_manifest(bundled.manifest, &format!("apps/{}/app.toml", bundled.name))?,
        pages: PagesSource::Bundled(bundled.dashboards),
    })
}

fn in_folder(folder: &Path) -> Result<App, Failure> {
    let folder = folder.canonicalize().map_err(|source| Failure::file("open the app", folder, source))?;
    let name = schema_name(&folder)?;
    let sql_path = folder.join("app.sql");
    let sql = std::fs::read_to_string(&sql_path).map_err(|source| Failure::file("read", &sql_path, source))?;
    let manifest_path: PathBuf = folder.join("app.toml");
    let manifest = match std::fs::read_to_string(&manifest_path) {
        Ok(text) => read_manifest(&text, &manifest_path.display().to_string())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::default(),
        Err(error) => return Err(Failure::file("read", &manifest_path, error)),
    };
    let sql_file = sql_path.display().to_string();
    let pages = PagesSource::Folder(folder.join("dashboards"));
    Ok(App { name, sql: Cow::Owned(sql), sql_file, folder: Some(folder), manifest, pages })
}

/// The folder's name must be usable as a schema without quotes.
fn schema_name(folder: &Path) -> Result<String, Failure> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    if plain && !matches!(name, "public" | "highwater" | "information_schema") {
        return Ok(name.to_owned());
    }
    Err(Failure::Usage(format!(
        "the folder {} cannot be an app: its name becomes a schema, so it takes lower-case letters, digits, _ and -, \
         and may not be public or highwater",
        folder.display()
    )))
}

fn read_manifest(text: &str, file: &str) -> Result<Manifest, Failure> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
        let length = error.span().map_or(1, |span| span.len() as u32);
        Failure::Diagnosed(Diagnostics::from(
            Diagnostic::error(error.message(), text, line, column, length).in_file(file),
        ))
    })
}
