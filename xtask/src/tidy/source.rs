//! One Rust file: its text, its syntax tree, and which of its lines are tests. Read once, used by every rule.

use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, ItemMod};

/// A parsed Rust file.
pub(super) struct SourceFile {
    /// Relative to the repository's root, with `/`.
    pub path: String,
    /// The text.
    pub text: String,
    /// The syntax tree.
    pub tree: syn::File,
    /// All tokens, also those inside macros.
    pub tokens: TokenStream,
    /// Whether the whole file is tests.
    pub is_test: bool,
    /// Lines of inline test modules and test functions.
    pub test_lines: Vec<RangeInclusive<usize>>,
}

impl SourceFile {
    /// Parses a file; the message of the error says why not.
    pub(super) fn parse(path: String, text: String) -> Result<Self, String> {
        let tree = syn::parse_file(&text).map_err(|error| format!("line {}: {error}", error.span().start().line))?;
        let tokens = text.parse().map_err(|error| format!("{error}"))?;
        let mut finder = TestFinder::default();
        finder.visit_file(&tree);
        Ok(Self { is_test: is_test_path(&path), path, text, tree, tokens, test_lines: finder.lines })
    }

    /// Whether a line (from 1) belongs to a test.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// How many lines of a range hold production code: neither blank nor comment nor test.
    pub(super) fn production_lines(&self, range: RangeInclusive<usize>) -> usize {
        let first = *range.start();
        self.text
            .lines()
            .enumerate()
            .skip(first.saturating_sub(1))
            .take(range.end().saturating_sub(first) + 1)
            .filter(|(index, line)| holds_code(line) && !self.is_test_line(index + 1))
            .count()
    }
}

fn holds_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

/// Files named `tests.rs` or `…_tests.rs` and everything below a folder `tests` or `benches`.
fn is_test_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().unwrap_or_default();
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    stem == "tests" || stem.ends_with("_tests") || parts.iter().any(|part| matches!(*part, "tests" | "benches"))
}

#[derive(Default)]
struct TestFinder {
    lines: Vec<RangeInclusive<usize>>,
}

impl<'ast> Visit<'ast> for TestFinder {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() && module.attrs.iter().any(is_cfg_test) {
            self.lines.push(lines_of(module));
        } else {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if function.attrs.iter().any(is_test_attribute) {
            self.lines.push(lines_of(function));
        } else {
            visit::visit_item_fn(self, function);
        }
    }
}

/// The lines that a piece of syntax covers.
pub(super) fn lines_of(syntax: &impl Spanned) -> RangeInclusive<usize> {
    let span = syntax.span();
    span.start().line..=span.end().line
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .meta
            .require_list()
            .is_ok_and(|list| list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test"))
}

/// `#[test]`, `#[tokio::test]` and their like.
fn is_test_attribute(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "test")
}
