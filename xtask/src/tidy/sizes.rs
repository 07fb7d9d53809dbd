//! Rules `file-size` and `function-size`: small by ratchet. Blank lines, comments and tests do not count.

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, TraitItemFn};

use super::finding::Finding;
use super::source::SourceFile;
use super::tree::Tree;

/// Lines of a file from which it is time to split it.
const FILE_WARN: usize = 400;
/// Lines of a file at most.
const FILE_STOP: usize = 600;
/// Lines of a function at most.
const FUNCTION_STOP: usize = 80;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().filter(|source| !source.is_test).flat_map(check_source).collect()
}

fn check_source(source: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = source.production_lines(1..=source.text.lines().count().max(1));
    if lines > FILE_STOP {
        let message = format!("{lines} lines of code, at most {FILE_STOP} are allowed: split it");
        findings.push(Finding::error("file-size", &source.path, 0, message).measuring(lines));
    } else if lines > FILE_WARN {
        let message = format!("{lines} lines of code; files stop at {FILE_STOP}: split it before");
        findings.push(Finding::error("file-size", &source.path, 0, message).as_warning());
    }
    let mut functions = Functions { source, findings };
    functions.visit_file(&source.tree);
    functions.findings
}

struct Functions<'a> {
    source: &'a SourceFile,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, name: &Ident, body: &Block) {
        let (first, last) = (name.span().start().line, body.span().end().line);
        let lines = self.source.production_lines(first..=last);
        if lines > FUNCTION_STOP {
            let message = format!("function {name} has {lines} lines of code, at most {FUNCTION_STOP} are allowed");
            self.findings.push(Finding::error("function-size", &self.source.path, first, message).measuring(lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig.ident, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
