//! One file of the UI.

use std::borrow::Cow;

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "../../web/dist"]
struct Dist;

/// A file in the form that the reader takes.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    /// Changes with its bytes and form; without quotes.
    pub tag: String,
    /// Its name changes with its content, so that it may be kept for ever.
    pub immutable: bool,
    /// The bytes are compressed with gzip.
    pub gzip: bool,
    /// The bytes.
    pub bytes: Cow<'static, [u8]>,
}

/// The file at a path without its leading slash, compressed if the reader takes gzip and it is there so.
#[must_use]
pub fn find(path: &str, gzip: bool) -> Option<Asset> {
    if path.ends_with(".gz") {
        return None;
    }
    let compressed = gzip.then(|| Dist::get(&format!("{path}.gz"))).flatten();
    let gzip = compressed.is_some();
    let file = compressed.or_else(|| Dist::get(path))?;
    let hash = file.metadata.sha256_hash();
    let tag = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (content_type, immutable) = (content_type(path), path.starts_with("assets/"));
    Some(Asset { content_type, tag, immutable, gzip, bytes: file.data })
}

/// The types of what the build makes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
