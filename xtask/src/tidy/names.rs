//! Rule `name`: no file, folder or module has a name that says nothing.

use syn::ItemMod;
use syn::visit::{self, Visit};

use super::finding::Finding;
use super::tree::Tree;

const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "v2"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        for part in source.path.split('/') {
            let name = part.strip_suffix(".rs").unwrap_or(part);
            if EMPTY_NAMES.contains(&name) {
                findings.push(finding(&source.path, 0, name));
            }
        }
        let mut modules = Modules { path: &source.path, findings: &mut findings };
        modules.visit_file(&source.tree);
    }
    findings
}

fn finding(path: &str, line: usize, name: &str) -> Finding {
    Finding::error("name", path, line, format!("\"{name}\" says nothing: name it after what it holds"))
}

struct Modules<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl<'ast> Visit<'ast> for Modules<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = module.ident.to_string();
        if module.content.is_some() && EMPTY_NAMES.contains(&name.as_str()) {
            self.findings.push(finding(self.path, module.ident.span().start().line, &name));
        }
        visit::visit_item_mod(self, module);
    }
}
