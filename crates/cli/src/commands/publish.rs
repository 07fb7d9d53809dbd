//! `highwater publish`: every dashboard of an app as a file of its own, with a picture when there is a Chromium. The
//! server makes the pages; this writes them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use highwater_client::Client;
use serde_json::Value;

use crate::arguments::Publish;
use crate::failure::Failure;
use crate::settings::Settings;

/// Width of pictures, and the height around their panels, in pixels.
const WIDTH: u32 = 1440;
const AROUND: u32 = 130;

pub(super) async fn run(arguments: &Publish, settings: &Settings) -> Result<(), Failure> {
    let folder = folder(&arguments.to)?.join(&arguments.app);
    let client = Client::new(&settings.to)?;
    let titles = pages(&client, &arguments.app).await?;
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file("make", &folder, error))?;
    let chromium = if arguments.no_png { None } else { chromium() };
    if chromium.is_none() && !arguments.no_png {
        eprintln!("no Chromium was found, so there are no pictures; install it, or name it in CHROMIUM");
    }
    for (name, title) in &titles {
        let at = format!("v1/apps/{}/dashboards/{name}", arguments.app);
        let html = client.text(&format!("{at}/page.html")).await?;
        let file = folder.join(format!("{name}.html"));
        write(&file, html.as_bytes())?;
        println!("{}", file.display());
        if let Some(chromium) = &chromium {
            let document: Value = client.get_json(&at).await?;
            let height = AROUND + 64 * rows(&document["dashboard"]["panels"]);
            match picture(chromium, &file, height) {
                Ok(picture) => println!("{}", picture.display()),
                Err(why) => eprintln!("no picture of {title}: {why}"),
            }
        }
    }
    let index = folder.join("index.html");
    write(&index, contents(&arguments.app, &titles).as_bytes())?;
    println!("{}", index.display());
    Ok(())
}

/// Where to write. A store of objects is none of ours to write to.
fn folder(to: &str) -> Result<PathBuf, Failure> {
    if let Some((scheme, _)) = to.split_once("://") {
        let hint = "name a folder, and copy it there with the store's own tool";
        return Err(Failure::Usage(format!("pages cannot be published to {scheme}://: {hint}")));
    }
    Ok(PathBuf::from(to))
}

/// The names and titles of an app's pages, in menu order.
async fn pages(client: &Client, app: &str) -> Result<Vec<(String, String)>, Failure> {
    let document: Value = client.get_json("v1/apps").await?;
    let apps = document["apps"].as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let Some(found) = apps.iter().find(|one| name(one) == app) else {
        let known: Vec<String> = apps.iter().map(name).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::Usage(format!("{} serves no app {app}; it serves {known}", client.address())));
    };
    let pages = found["dashboards"].as_array().cloned().unwrap_or_default();
    if let Some(broken) = pages.iter().find(|page| page["broken"] == true) {
        return Err(Failure::Usage(format!("the page {} has mistakes: see highwater check", name(broken))));
    }
    Ok(pages.iter().map(|page| (name(page), page["title"].as_str().unwrap_or_default().to_owned())).collect())
}

/// Writes a file so that it is there whole or as it was.
fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let wrong = |error| Failure::file("write", file, error);
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    std::io::Write::write_all(&mut temporary, bytes).map_err(wrong)?;
    readable(temporary.as_file()).map_err(wrong)?;
    temporary.as_file().sync_all().map_err(wrong)?;
    temporary.persist(file).map_err(|error| wrong(error.error))?;
    Ok(())
}

/// Temporary files are for their owner only; pages are for everybody.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// The page that lists the others.
fn contents(app: &str, titles: &[(String, String)]) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let line = |(name, title): &(String, String)| format!("<li><a href=\"{name}.html\">{}</a>\n", escaped(title));
    let lines: String = titles.iter().map(line).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{app}</title>\n<style>:root {{ color-scheme: light dark }} body {{ font: 16px/1.7 system-ui, sans-serif; \
         margin: 48px auto; max-width: 40em; padding: 0 16px }}</style>\n<h1>{app}</h1>\n<ul>\n{lines}</ul>\n"
    )
}

/// The rows of the grid that panels take, laid out as the page does: in order, each where it fits behind the last.
fn rows(panels: &Value) -> u32 {
    let sizes = panels.as_array().into_iter().flatten().map(|panel| {
        let size = |key: &str| panel[key].as_u64().unwrap_or(1).max(1) as usize;
        (size("width").min(12), size("height"))
    });
    let mut filled = vec![0usize; 12];
    let (mut row, mut column) = (0, 0);
    for (width, height) in sizes {
        loop {
            if column + width > 12 {
                (row, column) = (row + 1, 0);
            } else if filled[column..column + width].iter().all(|below| *below <= row) {
                break;
            } else {
                column += 1;
            }
        }
        filled[column..column + width].fill(row + height);
        column += width;
    }
    filled.into_iter().max().unwrap_or_default() as u32
}

/// A Chromium of this machine.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| path.is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = || {
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|path| path.is_file())
    };
    named.or_else(found)
}

/// Draws a page; the picture stands beside it.
fn picture(chromium: &Path, page: &Path, height: u32) -> Result<PathBuf, String> {
    let wrong = |error: std::io::Error| error.to_string();
    let page = page.canonicalize().map_err(wrong)?;
    let picture = page.with_extension("png");
    let drawn = tempfile::Builder::new().suffix(".png").tempfile_in(page.parent().unwrap_or(Path::new(".")));
    let drawn = drawn.map_err(wrong)?;
    let profile = tempfile::tempdir().map_err(wrong)?;
    let mut command = Command::new(chromium);
    command
        .args(["--headless", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000"])
        // The only page it opens is the one just written, and a sandbox needs rights that containers do not give.
        .arg("--no-sandbox")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={WIDTH},{height}"))
        .arg(format!("--screenshot={}", drawn.path().display()))
        .arg(format!("file://{}", page.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status().map_err(wrong)?;
    let length = std::fs::metadata(drawn.path()).map_err(wrong)?.len();
    if !status.success() || length == 0 {
        return Err(format!("{} ended with {status}", chromium.display()));
    }
    readable(drawn.as_file()).map_err(wrong)?;
    drawn.persist(&picture).map_err(|error| wrong(error.error))?;
    Ok(picture)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use serde_json::json;

    use super::*;

    #[test]
    fn pictures_are_as_high_as_the_grid() {
        let panels = |sizes: &[(u64, u64)]| {
            json!(sizes.iter().map(|(width, height)| json!({"width": width, "height": height})).collect::<Vec<_>>())
        };
        assert_eq!(rows(&panels(&[])), 0);
        assert_eq!(rows(&panels(&[(6, 5), (6, 3)])), 5);
        assert_eq!(rows(&panels(&[(8, 15), (2, 2), (2, 2), (4, 6), (4, 7)])), 15);
        assert_eq!(rows(&panels(&[(12, 2), (7, 4)])), 6);
    }

    #[test]
    fn stores_of_objects_are_refused_and_files_replaced_whole() {
        assert!(folder("s3://bucket/pages").unwrap_err().to_string().contains("name a folder"));
        let there = tempfile::tempdir().unwrap();
        let file = there.path().join("a.html");
        write(&file, b"one").unwrap();
        write(&file, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(there.path()).unwrap().count(), 1);
        assert!(contents("a", &[("x".to_owned(), "1 < 2 & 3".to_owned())]).contains("x.html\">1 &lt; 2 &amp; 3<"));
    }
}
