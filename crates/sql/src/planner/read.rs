//! Reads of one view by `where` and `order` strings, and the query template they share with writes.

use std::ops::ControlFlow;

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName as SqlName, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, Query, SelectItem, SetExpr,
    Spanned, TableAlias, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use highwater_model::{Diagnostics, ObjectName};

use super::Planner;
use super::context::Relations;
use super::diagnose::diagnose;
use crate::catalog::{Catalog, Entry};
use crate::parse::{DIALECT, parser_problem, tokens_of};
use crate::source::{Place, Problems};

/// How a view is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViewRead<'a> {
    /// A boolean expression over its columns.
    pub filter: Option<&'a str>,
    /// An `ORDER BY` list, such as `steps DESC, uuid`.
    pub order: Option<&'a str>,
    /// Rows at most.
    pub limit: Option<u64>,
    /// Rows skipped first.
    pub offset: Option<u64>,
}

impl Planner {
    /// Plans a read of one relation (view, table or stream).
    ///
    /// # Errors
    /// Everything found wrong in `filter` (findings are in the file `where`) or `order` (in the file `order`),
    /// among it anything that is more than an expression: subqueries and window functions.
    pub fn plan_view_read(
        &self,
        entry: &Entry,
        read: ViewRead<'_>,
        catalog: &Catalog,
        relations: &dyn Relations,
    ) -> Result<LogicalPlan, Diagnostics> {
        let schema = &entry.name.schema;
        let mut template = QueryTemplate::new(&entry.name, quoted(&entry.name.name));
        if let Some(text) = read.filter {
            let filter = expression(text, |parser| parser.parse_expr()).map_err(|found| in_file(found, "where"))?;
            only_expression(&filter, text).map_err(|found| in_file(found, "where"))?;
            template = template.filter(Some(filter));
        }
        let filter_text = read.filter.unwrap_or_default();
        let mut plan = self
            .plan(&template.clone().query(), filter_text, catalog, schema, relations)
            .map_err(|found| in_file(found, "where"))?;
        if let Some(text) = read.order {
            let order = expression(text, |parser| parser.parse_comma_separated(|parser| parser.parse_order_by_expr()))
                .map_err(|found| in_file(found, "order"))?;
            for item in &order {
                only_expression(&item.expr, text).map_err(|found| in_file(found, "order"))?;
            }
            plan = self
                .plan(&template.order(order).query(), text, catalog, schema, relations)
                .map_err(|found| in_file(found, "order"))?;
        }
        if read.limit.is_none() && read.offset.is_none() {
            return Ok(plan);
        }
        let narrow = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        LogicalPlanBuilder::from(plan)
            .limit(read.offset.map_or(0, narrow), read.limit.map(narrow))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| diagnose(&error, ""))
    }
}

/// A query over one relation, put together from parsed parts.
#[derive(Clone)]
pub(super) struct QueryTemplate {
    name: ObjectName,
    alias: Ident,
    items: Option<Vec<SelectItem>>,
    filter: Option<Expr>,
    order: Vec<OrderByExpr>,
}

impl QueryTemplate {
    /// `SELECT * FROM name AS alias`.
    pub(super) fn new(name: &ObjectName, alias: Ident) -> Self {
        Self { name: name.clone(), alias, items: None, filter: None, order: Vec::new() }
    }

    pub(super) fn select(mut self, items: Vec<SelectItem>) -> Self {
        self.items = Some(items);
        self
    }

    pub(super) fn filter(mut self, filter: Option<Expr>) -> Self {
        self.filter = filter;
        self
    }

    fn order(mut self, order: Vec<OrderByExpr>) -> Self {
        self.order = order;
        self
    }

    pub(super) fn query(self) -> Query {
        let mut query = skeleton();
        if let SetExpr::Select(select) = query.body.as_mut() {
            if let Some(items) = self.items {
                select.projection = items;
            }
            select.selection = self.filter;
            if let Some(TableFactor::Table { name, alias, .. }) = select.from.first_mut().map(|from| &mut from.relation)
            {
                let parts = [&self.name.schema, &self.name.name];
                *name = SqlName(parts.into_iter().map(|part| ObjectNamePart::Identifier(quoted(part))).collect());
                *alias = Some(TableAlias { explicit: true, name: self.alias, columns: Vec::new(), at: None });
            }
        }
        if !self.order.is_empty() {
            query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(self.order), interpolate: None });
        }
        query
    }
}

/// `SELECT * FROM t`.
fn skeleton() -> Query {
    let parsed = Parser::new(&DIALECT).try_with_sql("SELECT * FROM t").and_then(|mut parser| parser.parse_query());
    match parsed {
        Ok(query) => *query,
        Err(error) => unreachable!("a constant query parses: {error}"),
    }
}

/// An identifier that is taken as it is.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// Parses a text that is one expression (or list of them) and nothing more.
pub(super) fn expression<T>(
    text: &str,
    read: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, Diagnostics> {
    let (tokens, broken) = tokens_of(text);
    if let Some((place, message)) = broken {
        return Err(place.error(message, text).into());
    }
    let mut parser = Parser::new(&DIALECT).with_tokens_with_locations(tokens.clone());
    let outcome = read(&mut parser).and_then(|parsed| match parser.peek_token_ref().token {
        Token::EOF => Ok(parsed),
        _ => parser.expected_ref("the end of the expression", parser.peek_token_ref()),
    });
    outcome.map_err(|error| {
        let end = tokens.last().map_or(Place { line: 1, column: 1, length: 1 }, |last| Place::of(last.span));
        parser_problem(&error, &tokens, end, text).into()
    })
}

/// Refuses what reads other relations or other rows.
fn only_expression(expr: &Expr, text: &str) -> Result<(), Diagnostics> {
    struct Only<'a>(Problems<'a>);
    impl Visitor for Only<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let refused = match expr {
                Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => Some("a subquery"),
                Expr::Function(function) if function.over.is_some() => Some("a window function"),
                _ => None,
            };
            if let Some(what) = refused {
                let message = format!("{what} cannot be used here: only an expression over the columns");
                self.0.error_hint(Place::of(expr.span()), message, "use POST /v1/sql for whole queries");
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            if self.0.count() == 0 {
                let message = "a query cannot be used here: only an expression over the columns";
                self.0.error_hint(Place::default(), message, "use POST /v1/sql for whole queries");
            }
            ControlFlow::Continue(())
        }
    }
    let mut only = Only(Problems::new(text));
    let _ = expr.visit(&mut only);
    if only.0.count() == 0 { Ok(()) } else { Err(only.0.into_diagnostics()) }
}

fn in_file(mut found: Diagnostics, file: &str) -> Diagnostics {
    for diagnostic in &mut found.0 {
        diagnostic.file = Some(file.to_owned());
    }
    found
}
