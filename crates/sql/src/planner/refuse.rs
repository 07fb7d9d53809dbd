//! What no materialized view can hold yet, found in the syntax tree where the place of each clause is known.

use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::Volatility;
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Query, SetExpr, SetOperator, SetQuantifier, Spanned, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use highwater_model::Diagnostics;

use super::diagnose::place_of_word;
use crate::names::fold;
use crate::source::{Place, Problems};

/// Checks the query of a materialized view (or of a plain view it reads).
pub(super) fn check(query: &Query, text: &str, state: &SessionState) -> Result<(), Diagnostics> {
    let mut refuser = Refuser { problems: Problems::new(text), text, state };
    let _ = query.visit(&mut refuser);
    if refuser.problems.count() == 0 { Ok(()) } else { Err(refuser.problems.into_diagnostics()) }
}

/// Why a function cannot be kept, and what to do instead.
pub(super) fn volatile_message(name: &str, volatility: Volatility) -> (String, String) {
    if volatility == Volatility::Volatile {
        return (
            format!("{name}() gives another value each time, so a materialized view could not be recomputed"),
            "take the value from the events, or write CREATE VIEW: it is evaluated when read".to_owned(),
        );
    }
    (
        format!("{name}() depends on the clock, and a materialized view changes with events only"),
        "only WHERE may look at it: ts > now() - INTERVAL '1 hour'; or use it in a plain VIEW that reads this one"
            .to_owned(),
    )
}

struct Refuser<'a> {
    problems: Problems<'a>,
    text: &'a str,
    state: &'a SessionState,
}

impl Refuser<'_> {
    fn refuse(&mut self, span: Span, keyword: &str, message: &str, hint: &str) {
        let place = if span.start.line > 0 { Some(Place::of(span)) } else { place_of_word(self.text, keyword) };
        self.problems.error_hint(place.unwrap_or_default(), message, hint);
    }

    fn set_operation(&mut self, body: &SetExpr) {
        if let SetExpr::SetOperation { left, op, set_quantifier, right } = body {
            let by_name = matches!(
                set_quantifier,
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName
            );
            let counted = *op != SetOperator::Union && *set_quantifier == SetQuantifier::All;
            if by_name || counted {
                let word = if by_name { "UNION BY NAME".to_owned() } else { format!("{op} ALL") };
                let keyword = word.split(' ').next().unwrap_or_default().to_owned();
                let hint = match by_name {
                    true => "name the columns in the same order on both sides and write UNION",
                    false => "count the rows of each side with GROUP BY and join the counts",
                };
                self.refuse(Span::empty(), &keyword, &format!("{word} cannot be kept up to date"), hint);
            }
            self.set_operation(left);
            self.set_operation(right);
        }
    }

    fn function(&mut self, function: &datafusion::sql::sqlparser::ast::Function) {
        let Some(ident) = function.name.0.last().and_then(|part| part.as_ident()) else { return };
        let name = fold(ident);
        if let Some(known) = self.state.scalar_functions().get(&name)
            && known.signature().volatility != Volatility::Immutable
            // The clock may stand in WHERE; `check` sees whether it does.
            && known.name() != "now"
        {
            let (message, hint) = volatile_message(&name, known.signature().volatility);
            self.refuse(ident.span, &name, &message, &hint);
        }
    }
}

impl Visitor for Refuser<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let is_distinct_on =
            matches!(query.body.as_ref(), SetExpr::Select(select) if matches!(select.distinct, Some(Distinct::On(_))));
        match (&query.order_by, &query.limit_clause) {
            (Some(order), None) if !is_distinct_on => {
                let hint = "leave it out and order when reading, add LIMIT to keep the first rows, or put it into a plain VIEW over this one";
                self.refuse(order.span(), "ORDER", "a materialized view has no order: ORDER BY cannot be kept", hint);
            }
            (None, _) if is_distinct_on => {
                let message = "DISTINCT ON without ORDER BY does not say which row of each is kept";
                self.refuse(Span::empty(), "DISTINCT", message, "write SELECT DISTINCT ON (k) … ORDER BY k, ts DESC");
            }
            (None, Some(limit)) => {
                let message = "LIMIT without ORDER BY does not say which rows are the first";
                self.refuse(limit.span(), "LIMIT", message, "write ORDER BY … LIMIT …");
            }
            _ => {}
        }
        if query.fetch.is_some() {
            self.refuse(Span::empty(), "FETCH", "FETCH FIRST is not understood", "write LIMIT");
        }
        if !query.locks.is_empty() {
            self.refuse(Span::empty(), "FOR", "FOR UPDATE says nothing in a view", "leave it out");
        }
        if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
            self.refuse(
                with.with_token.0.span,
                "RECURSIVE",
                "WITH RECURSIVE cannot be kept up to date",
                "write it as a plain VIEW, or without RECURSIVE when no part reads itself",
            );
        }
        self.set_operation(&query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if matches!(factor, TableFactor::Table { sample: Some(_), .. }) {
            let hint = "filter by a hash of a column, which is the same each time";
            self.refuse(Span::empty(), "TABLESAMPLE", "TABLESAMPLE gives other rows each time", hint);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.function(function);
        }
        ControlFlow::Continue(())
    }
}
