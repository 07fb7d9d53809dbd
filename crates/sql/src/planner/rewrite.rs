//! Changes to syntax trees before planning, where PostgreSQL and DataFusion read the same words differently:
//! `AT TIME ZONE`, timestamps without precision, `HISTORY(s)`, windows in `FROM`, joins with the past.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Spanned, TableAlias, TableFactor, TableVersion,
    TimezoneInfo, Value, VisitMut, VisitorMut,
};
use highwater_model::Diagnostics;

use super::{lookup, past, windows};
use crate::functions::TIMEZONE;
use crate::names::{fold, name_in_expr, name_ref};
use crate::source::{Place, Problems};

/// Rewrites a query in place; gives the points in the past that relations are read at, by their numbers.
pub(super) fn rewrite(query: &mut Query, text: &str) -> Result<Vec<Expr>, Diagnostics> {
    let mut rewriter = Rewriter { problems: Problems::new(text), points: Vec::new(), lookups: 0 };
    let _ = query.visit(&mut rewriter);
    if rewriter.problems.count() == 0 { Ok(rewriter.points) } else { Err(rewriter.problems.into_diagnostics()) }
}

const HISTORY: &str = "history";

/// The stream whose history a rewritten relation name stands for.
pub(super) fn history_of(table: &str) -> Option<&str> {
    table.strip_prefix("history(")?.strip_suffix(')')
}

struct Rewriter<'a> {
    problems: Problems<'a>,
    points: Vec<Expr>,
    /// Lookups of what a relation was at the time of a row.
    lookups: usize,
}

impl Rewriter<'_> {
    /// `x FOR SYSTEM_TIME AS OF …`: takes the point out, and leaves its number in the name.
    fn take_past(&mut self, factor: &mut TableFactor) {
        let TableFactor::Table { name, alias, version, .. } = factor else { return };
        let Some(found) = version.take() else { return };
        let place = Place::of(name.span());
        let TableVersion::ForSystemTimeAsOf(point) = found else {
            let hint = "write FOR SYSTEM_TIME AS OF TIMESTAMPTZ '2026-03-01 08:00:00Z'";
            self.problems.error_hint(place, "the past of a relation is not written so", hint);
            return;
        };
        let Some(relation) = name_ref(name) else {
            self.problems.error_hint(place, format!("the name {name} has too many parts"), "write schema.name");
            return;
        };
        let span = name.span();
        let part = |value: String| ObjectNamePart::Identifier(Ident { value, quote_style: Some('"'), span });
        let marked = part(past::marked(self.points.len(), &relation.name));
        self.points.push(point);
        *name = ObjectName(relation.schema.map(part).into_iter().chain([marked]).collect());
        if alias.is_none() {
            let name = Ident { value: relation.name, quote_style: Some('"'), span };
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if query.order_by.is_some()
            && let SetExpr::Select(select) = query.body.as_mut()
        {
            name_casts(&mut select.projection);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        lookup::take(select, &mut self.lookups, &mut self.problems);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.take_past(factor);
        match windows::window_function(factor) {
            Some(Ok(query)) => {
                *factor = query;
                return ControlFlow::Continue(());
            }
            Some(Err((message, hint))) => {
                if let TableFactor::Table { name, .. } = factor {
                    self.problems.error_hint(Place::of(name.span()), &message, hint);
                }
                return ControlFlow::Continue(());
            }
            None => {}
        }
        let TableFactor::Table { name, alias, args, .. } = factor else { return ControlFlow::Continue(()) };
        let Some(arguments) = args else { return ControlFlow::Continue(()) };
        let calls_history = match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => fold(ident) == HISTORY,
            _ => false,
        };
        if !calls_history {
            return ControlFlow::Continue(());
        }
        let stream = match arguments.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => name_in_expr(expr),
            _ => None,
        };
        let Some(stream) = stream else {
            let place = Place::of(name.span());
            self.problems.error_hint(place, "HISTORY takes the name of one stream", "write HISTORY(stream)");
            return ControlFlow::Continue(());
        };
        let span = name.span();
        let part = |value: String| ObjectNamePart::Identifier(Ident { value, quote_style: Some('"'), span });
        let marked = part(format!("{HISTORY}({})", stream.name));
        *name = ObjectName(stream.schema.map(part).into_iter().chain([marked]).collect());
        *args = None;
        if alias.is_none() {
            let name = Ident { value: stream.name, quote_style: Some('"'), span };
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::AtTimeZone { timestamp, time_zone } => {
                let span = timestamp.span();
                let (timestamp, zone) = (std::mem::replace(timestamp, null()), std::mem::replace(time_zone, null()));
                *expr = call(Ident { value: TIMEZONE.to_owned(), quote_style: None, span }, [*zone, *timestamp]);
            }
            Expr::CompoundFieldAccess { access_chain, .. } => access_chain.iter_mut().for_each(name_as_text),
            // PostgreSQL's USER is the session's role, of which there is none; here it is a column's name.
            Expr::Function(function) if matches!(function.args, FunctionArguments::None) => {
                if let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice()
                    && fold(name) == "user"
                {
                    *expr = Expr::Identifier(name.clone());
                }
            }
            Expr::Cast { data_type, .. } => micros_by_default(data_type),
            Expr::TypedString(typed) => micros_by_default(&mut typed.data_type),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A cast of a column is called after it, as in PostgreSQL. DataFusion calls it so too, and then finds two columns of the name
/// when rows are ordered by that column.
fn name_casts(items: &mut [SelectItem]) {
    let mut taken: Vec<String> = items.iter().filter_map(named).collect();
    for item in items {
        let SelectItem::UnnamedExpr(expr @ Expr::Cast { .. }) = item else { continue };
        let Some(name) = cast_column(expr).filter(|name| !taken.contains(&fold(name))) else { continue };
        let (expr, alias) = (expr.clone(), name.clone());
        taken.push(fold(&alias));
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// The name of what is selected as it is, or under an alias.
fn named(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(fold(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(fold),
        _ => None,
    }
}

/// The column that an expression casts.
fn cast_column(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Cast { expr, .. } => cast_column(expr),
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    }
}

/// `(venue).lat`: DataFusion takes the field's name as a text only.
fn name_as_text(access: &mut AccessExpr) {
    if let AccessExpr::Dot(Expr::Identifier(name)) = access {
        *access = AccessExpr::Dot(Expr::Value(Value::SingleQuotedString(fold(name)).with_span(name.span)));
    }
}

fn null() -> Box<Expr> {
    Box::new(Expr::Value(Value::Null.into()))
}

fn call(name: Ident, args: [Expr; 2]) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// `TIMESTAMP` means microseconds, as in column types and in PostgreSQL; DataFusion would take nanoseconds,
/// whose range ends in 2262.
fn micros_by_default(data_type: &mut DataType) {
    match data_type {
        DataType::Timestamp(precision @ None, _) => *precision = Some(6),
        DataType::Custom(name, args) if args.is_empty() && name.to_string().eq_ignore_ascii_case("timestamptz") => {
            *data_type = DataType::Timestamp(Some(6), TimezoneInfo::Tz);
        }
        DataType::Array(inner) => {
            use datafusion::sql::sqlparser::ast::ArrayElemTypeDef as Elem;
            if let Elem::AngleBracket(inner) | Elem::SquareBracket(inner, _) | Elem::Parenthesis(inner) = inner {
                micros_by_default(inner);
            }
        }
        _ => {}
    }
}
