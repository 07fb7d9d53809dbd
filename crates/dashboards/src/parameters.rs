//! Reading and checking the parameters of a page.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::checks::Findings;
use crate::dashboard::{Choice, Choices, Parameter, ParameterKind};
use crate::literal::literals;
use crate::options::PARAMETER;
use crate::read::{unknown, word};

/// The parameters of the tables; what is wrong is noted.
pub(crate) fn read(tables: &[(&DeTable<'_>, Range<usize>)], findings: &mut Findings<'_>) -> Vec<Parameter> {
    let mut names = BTreeSet::new();
    let mut parameters = Vec::new();
    for (table, span) in tables {
        let values = findings.table("a parameter", table, span.clone(), &[PARAMETER], &["choices"]);
        let name = word(&values, "name");
        let place = |key: &str| table.get(key).map_or(span.clone(), |node| node.span());
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if values.contains_key("name")
            && !(name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(usable))
        {
            let hint = "use lower-case letters, digits and _, beginning with a letter: it is $name in the SQL";
            findings.error(format!("\"{name}\" cannot name a parameter"), place("name"), hint);
        }
        if !name.is_empty() && !names.insert(name.clone()) {
            findings.error(format!("there are two parameters \"{name}\""), place("name"), "give one another name");
        }
        let kind = word(&values, "kind");
        let Some((_, kind)) = ParameterKind::ALL.iter().find(|(known, _)| *known == kind) else {
            if values.contains_key("kind") {
                let known: Vec<&str> = ParameterKind::ALL.iter().map(|(known, _)| *known).collect();
                unknown(findings, "kind of parameter", &kind, place("kind"), &known);
            }
            continue;
        };
        let choices = choices(table, *kind, span, findings);
        let label = Some(word(&values, "label")).filter(|label| !label.is_empty());
        let parameter = Parameter {
            label: label.unwrap_or_else(|| capitalized(&name)),
            name,
            kind: *kind,
            default: word(&values, "default"),
            placeholder: word(&values, "placeholder"),
            choices,
        };
        if let Err(reason) = literals(&parameter, &parameter.default) {
            findings.error(
                format!("the default does not fit: {reason}"),
                place("default"),
                "correct it or leave it out",
            );
        }
        parameters.push(parameter);
    }
    parameters
}

fn choices(
    table: &DeTable<'_>,
    kind: ParameterKind,
    span: &Range<usize>,
    findings: &mut Findings<'_>,
) -> Option<Choices> {
    let Some(node) = table.get("choices") else {
        if kind == ParameterKind::Choice {
            let hint = "add choices = \"SELECT …\" or choices = [\"…\", \"…\"]";
            findings.error("a choice needs choices", span.clone(), hint);
        }
        return None;
    };
    if matches!(kind, ParameterKind::Range) {
        findings.error("a range has no choices", node.span(), "leave them out, or make it kind = \"date\"");
    }
    match node.get_ref() {
        DeValue::String(sql) => return Some(Choices::Sql(sql.to_string())),
        DeValue::Array(items) => {
            let one = |item: &DeValue<'_>| {
                if let Some(value) = item.as_str() {
                    return Some(Choice { value: value.to_owned(), label: value.to_owned() });
                }
                let table = item.as_table()?;
                let field = |key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
                let value = field("value")?;
                Some(Choice { label: field("label").unwrap_or_else(|| value.clone()), value })
            };
            if let Some(all) = items.iter().map(|item| one(item.get_ref())).collect::<Option<Vec<_>>>() {
                return Some(Choices::Fixed(all));
            }
        }
        _ => {}
    }
    let hint = "write a query, or a list such as [\"a\", { value = \"b\", label = \"B\" }]";
    findings.error("choices must be a query or a list", node.span(), hint);
    None
}

fn capitalized(name: &str) -> String {
    let mut letters = name.replace('_', " ").chars().collect::<Vec<_>>();
    if let Some(first) = letters.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    letters.into_iter().collect()
}
