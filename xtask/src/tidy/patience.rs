//! Rules `ignored-test` and `sleep`: no test is switched off, and none sleeps where it should wait for a condition.
//! Tokens are searched rather than the syntax tree, so that macros are seen too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::finding::Finding;
use super::source::SourceFile;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    search(&source.tokens.clone(), source, &mut findings);
    findings
}

fn search(tokens: &TokenStream, source: &SourceFile, findings: &mut Vec<Finding>) {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let line = token.span().start().line;
        match (token, tokens.get(index + 1)) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(group)))
                if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket && ignores(&group.stream()) =>
            {
                let message = "no test is ignored: make it pass, or remove it with what it tests";
                findings.push(Finding::error("ignored-test", &source.path, line, message));
            }
            (TokenTree::Ident(name), Some(TokenTree::Group(group)))
                if name == "sleep" && group.delimiter() == Delimiter::Parenthesis && source.is_test_line(line) =>
            {
                let message = "a test waits for a condition, not for time";
                findings.push(Finding::error("sleep", &source.path, line, message));
            }
            _ => {}
        }
        if let TokenTree::Group(group) = token {
            search(&group.stream(), source, findings);
        }
    }
}

/// `#[ignore]`, `#[ignore = "…"]`, `#[cfg_attr(…, ignore)]`.
fn ignores(attribute: &TokenStream) -> bool {
    let mut tokens = attribute.clone().into_iter();
    match tokens.next() {
        Some(TokenTree::Ident(name)) if name == "ignore" => true,
        Some(TokenTree::Ident(name)) if name == "cfg_attr" => match tokens.next() {
            Some(TokenTree::Group(group)) => group.stream().into_iter().any(|token| match token {
                TokenTree::Ident(name) => name == "ignore",
                _ => false,
            }),
            _ => false,
        },
        _ => false,
    }
}
