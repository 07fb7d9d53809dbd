//! Whatever was built, there is a page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::find;

#[test]
fn there_is_always_a_page() {
    let page = find("index.html", false).unwrap();
    assert_eq!((page.content_type, page.immutable, page.gzip), ("text/html; charset=utf-8", false, false));
    assert!(String::from_utf8_lossy(&page.bytes).contains("Highwater"));
    assert!(find("nothing.js", true).is_none() && find("index.html.gz", true).is_none());
    assert!(find("../Cargo.toml", false).is_none());
}
