//! Makes `web/dist` before it is embedded: built by npm when it is missing or older than its sources, or else one plain
//! page that says so. Never fails the Rust build; `HIGHWATER_WEB=skip` leaves everything as it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

/// What the pages are made of.
const SOURCES: &[&str] = &[
    "src",
    "geo",
    "public",
    "index.html",
    "published.html",
    "package-lock.json",
    "vite.config.ts",
    "vite.published.config.ts",
    "svelte.config.js",
];

const PLAIN_PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Highwater</title>\
<p>This binary was built without its pages. In the folder web run: npm ci &amp;&amp; npm run build, then build it again. \
The HTTP doors are described at <a href=\"/openapi.json\">/openapi.json</a>.\n";

fn main() {
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web");
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", web.join(source).display());
    }
    println!("cargo:rerun-if-env-changed=HIGHWATER_WEB");
    let index = web.join("dist/index.html");
    let sources = SOURCES.iter().map(|source| newest(&web.join(source))).max();
    let built = fs::metadata(&index).and_then(|file| file.modified()).ok();
    let skip = env::var("HIGHWATER_WEB").is_ok_and(|value| value == "skip");
    if !skip && built < sources && !build(&web) {
        println!(
            "cargo:warning=the web pages were not built (npm is missing or failed): the binary says so on its page"
        );
    }
    if !index.exists() {
        let written = fs::create_dir_all(web.join("dist")).and_then(|()| fs::write(&index, PLAIN_PAGE));
        if let Err(error) = written {
            println!("cargo:warning=web/dist cannot be written: {error}");
        }
        // Older than every source, so that the next build makes the real one.
        let old = fs::File::options().write(true).open(&index);
        drop(old.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)));
    }
}

fn build(web: &Path) -> bool {
    let npm = |words: &[&str]| {
        let command = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let mut npm = Command::new(command);
        npm.args(words).current_dir(web).env_remove("NODE_ENV");
        // What npm says goes to cargo's log of this script, not into the instructions for cargo.
        npm.stdout(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let installed = newest(&web.join("node_modules/.package-lock.json")) >= newest(&web.join("package-lock.json"));
    (installed || npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"])) && npm(&["run", "build"])
}

/// When a file, or anything in a folder, was last changed; the beginning of time when it is not there.
fn newest(path: &Path) -> SystemTime {
    let own = fs::metadata(path).and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| newest(&entry.path()));
    inside.fold(own, Ord::max)
}
