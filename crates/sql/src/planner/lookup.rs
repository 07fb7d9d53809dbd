//! `s JOIN t FOR SYSTEM_TIME AS OF s.time ON …`: each row of the left side meets what `t` was at a time of that row. It
//! stands for a join with the versions of `t`, each with the span of time in which it was current, as messages told by
//! when they were accepted. So it depends on stored events alone, live and in a batch, and what comes to `t` later
//! changes nothing that was joined before.
//!
//! The rewriter calls [`take`] for every `SELECT`; the planner comes to the name that it leaves and asks [`versions`].

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Select,
    SelectItem, SelectItemQualifiedWildcardKind, Spanned, TableAlias, TableFactor, TableVersion, visit_expressions,
};

use super::diagnose::Refusal;
use crate::catalog::{Entry, EntryKind, Face};
use crate::names::{fold, name_ref};
use crate::source::{Place, Problems};

/// What a relation's name begins with whose versions are joined.
const VERSIONS: &str = "versions ";
/// What a relation's name begins with of which every message is read, whatever it is.
const MESSAGES: &str = "messages of ";
const USAGE: &str = "write FROM s JOIN t FOR SYSTEM_TIME AS OF s._ingested_at ON s.key = t.key (or LEFT JOIN)";

/// The number and the relation that a rewritten name stands for.
pub(super) fn versions_of(table: &str) -> Option<(usize, &str)> {
    let (number, name) = table.strip_prefix(VERSIONS)?.split_once(' ')?;
    Some((number.parse().ok()?, name))
}

/// The relation whose messages a name stands for.
pub(super) fn messages_of(table: &str) -> Option<&str> {
    table.strip_prefix(MESSAGES)
}

/// Whether a point in the past is that of a row, rather than one for all.
fn is_of_a_row(point: &Expr) -> bool {
    let found = visit_expressions(point, |expr| match expr {
        Expr::Identifier(name) if fold(name) != "mark" => ControlFlow::Break(()),
        Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Takes the points of rows out of the joins of a `SELECT`; `numbered` counts them in the whole query.
pub(super) fn take(select: &mut Select, numbered: &mut usize, problems: &mut Problems<'_>) {
    let mut hidden: Vec<(String, [Ident; 2])> = Vec::new();
    for from in &mut select.from {
        let joined = from.joins.iter().map(|join| &join.relation);
        for name in std::iter::once(&from.relation).chain(joined).filter_map(as_processed) {
            let message = "PROCTIME() is when a row is processed, which no recomputation can tell";
            let hint = "write FOR SYSTEM_TIME AS OF s._ingested_at: when the row of s was accepted";
            problems.error_hint(Place::of(name.span()), message, hint);
        }
        if let Some((name, _)) = point_of_rows(&from.relation) {
            let message = "a relation is read as of a time of other rows only behind JOIN";
            problems.error_hint(Place::of(name.span()), message, USAGE);
            continue;
        }
        for join in &mut from.joins {
            let Some((name, point)) = point_of_rows(&join.relation) else { continue };
            let place = Place::of(name.span());
            let (JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)) = &mut join.join_operator
            else {
                problems.error_hint(place, "only JOIN and LEFT JOIN look up what a relation was", USAGE);
                continue;
            };
            let JoinConstraint::On(condition) = constraint else {
                problems.error_hint(place, "what a relation was is looked up by a condition ON", USAGE);
                continue;
            };
            let Some(relation) = name_ref(name) else {
                problems.error_hint(place, format!("the name {name} has too many parts"), "write schema.name");
                continue;
            };
            let (number, span, point) = (*numbered, name.span(), point.clone());
            *numbered += 1;
            let quoted = |value: String| Ident { value, quote_style: Some('"'), span };
            let TableFactor::Table { name, alias, version, .. } = &mut join.relation else { continue };
            *version = None;
            let part = |value: String| ObjectNamePart::Identifier(quoted(value));
            let marked = part(format!("{VERSIONS}{number} {}", relation.name));
            *name = ObjectName(relation.schema.map(part).into_iter().chain([marked]).collect());
            let named = || TableAlias { explicit: true, name: quoted(relation.name), columns: Vec::new(), at: None };
            let alias = alias.get_or_insert_with(named).name.clone();
            let [from, until] = span_columns(number).map(quoted);
            *condition = both(condition.clone(), within(&alias, &from, &until, &point));
            hidden.push((fold(&alias), [from, until]));
        }
    }
    select.projection.iter_mut().for_each(|item| hide(item, &hidden));
}

/// A relation that is read as of a time of other rows.
fn point_of_rows(factor: &TableFactor) -> Option<(&ObjectName, &Expr)> {
    match factor {
        TableFactor::Table { name, version: Some(TableVersion::ForSystemTimeAsOf(point)), .. }
            if is_of_a_row(point) =>
        {
            Some((name, point))
        }
        _ => None,
    }
}

/// A relation that is read as of the moment when other rows are processed.
fn as_processed(factor: &TableFactor) -> Option<&ObjectName> {
    match factor {
        TableFactor::Table {
            name, version: Some(TableVersion::ForSystemTimeAsOf(Expr::Function(function))), ..
        } => function.name.to_string().eq_ignore_ascii_case("proctime").then_some(name),
        _ => None,
    }
}

/// The columns in which a version has the times from and until which it was current.
fn span_columns(number: usize) -> [String; 2] {
    [format!("__from{number}"), format!("__until{number}")]
}

fn both(left: Expr, right: Expr) -> Expr {
    let nested = |expr| Box::new(Expr::Nested(Box::new(expr)));
    Expr::BinaryOp { left: nested(left), op: BinaryOperator::And, right: nested(right) }
}

/// That a point lies in the span of a version.
fn within(alias: &Ident, from: &Ident, until: &Ident, point: &Expr) -> Expr {
    let column = |name: &Ident| Box::new(Expr::CompoundIdentifier(vec![alias.clone(), name.clone()]));
    let point = || Box::new(Expr::Nested(Box::new(point.clone())));
    let begun = Expr::BinaryOp { left: column(from), op: BinaryOperator::LtEq, right: point() };
    let ends = Expr::BinaryOp { left: point(), op: BinaryOperator::Lt, right: column(until) };
    let is_last = Expr::IsNull(column(until));
    let or = Expr::BinaryOp { left: Box::new(is_last), op: BinaryOperator::Or, right: Box::new(ends) };
    both(begun, or)
}

/// Keeps the spans out of `*` and `t.*`.
fn hide(item: &mut SelectItem, hidden: &[(String, [Ident; 2])]) {
    let (options, of) = match item {
        SelectItem::Wildcard(options) => (options, None),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
            match &name.0[..] {
                [ObjectNamePart::Identifier(alias)] => (options, Some(fold(alias))),
                _ => return,
            }
        }
        _ => return,
    };
    let spans = hidden.iter().filter(|(alias, _)| of.as_ref().is_none_or(|of| of == alias));
    let mut names: Vec<ObjectName> = spans.flat_map(|(_, span)| span.clone()).map(ObjectName::from).collect();
    match options.opt_exclude.take() {
        Some(ExcludeSelectItem::Single(name)) => names.push(name),
        Some(ExcludeSelectItem::Multiple(more)) => names.extend(more),
        None => {}
    }
    options.opt_exclude = (!names.is_empty()).then_some(ExcludeSelectItem::Multiple(names));
}

/// The query of a relation's versions, with the span of each.
pub(super) fn versions(entry: &Entry, face: Face, number: usize) -> Result<String, Refusal> {
    let keyed = match &entry.kind {
        EntryKind::Table { schema, .. } | EntryKind::Stream { schema } if face == Face::Default => {
            schema.keyed.as_ref().map(|keyed| (schema, keyed))
        }
        _ => None,
    };
    let Some((schema, keyed)) = keyed else {
        let message = format!("{} is a {}, of which no versions are kept", entry.name, entry.kind.noun());
        return Err(Refusal::new(message, "join a table or a keyed stream FOR SYSTEM_TIME AS OF a time of the row"));
    };
    let quoted = |name: &str| Ident::with_quote('"', name).to_string();
    let column = |at: usize| quoted(&schema.columns[at].name);
    let mut key: Vec<String> = keyed.key.iter().map(|at| column(*at)).collect();
    let mut kept = format!("{}.{}", quoted(&entry.name.schema), quoted(&format!("{MESSAGES}{}", entry.name.name)));
    // In the order in which they were accepted, a message becomes current unless an earlier one has a higher version, or
    // the same and a higher offset.
    let earlier = "ORDER BY _ingested_at, _offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING";
    if let Some(version) = keyed.version.map(column) {
        kept = format!(
            "(SELECT * FROM (SELECT *, max({version}) OVER (PARTITION BY {} {earlier}) AS __above FROM {kept}) \
             WHERE __above IS NULL OR __above <= {version})",
            key.join(", ")
        );
        key.push(version);
    }
    kept = format!(
        "(SELECT * FROM (SELECT *, max(_offset) OVER (PARTITION BY {} {earlier}) AS __behind FROM {kept}) \
         WHERE __behind IS NULL OR __behind < _offset)",
        key.join(", ")
    );
    key.truncate(keyed.key.len());
    let gone = keyed.deleted.map_or_else(String::new, |at| format!(" AND {} IS NOT TRUE", column(at)));
    let columns: Vec<String> = entry.relation_schema(face).fields().iter().map(|field| quoted(field.name())).collect();
    let [from, until] = span_columns(number);
    Ok(format!(
        "SELECT {}, _ingested_at AS {from}, __until AS {until} FROM (SELECT *, lead(_ingested_at) OVER \
         (PARTITION BY {} ORDER BY _ingested_at, _offset) AS __until FROM {kept}) \
         WHERE (__until IS NULL OR _ingested_at < __until){gone}",
        columns.join(", "),
        key.join(", ")
    ))
}
