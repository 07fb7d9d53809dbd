//! A last look at a view's plan for functions whose value is not decided by their arguments. Syntax trees were checked
//! by `refuse`, with better places; this catches what got into the plan by another way.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery, Volatility};
use highwater_model::{Diagnostic, Diagnostics};

use super::diagnose::{diagnose, place_of_word};
use super::refuse::volatile_message;

/// Refuses subqueries used as a value that may give several rows: a join would repeat the outer row silently.
pub(super) fn single_values(plan: &LogicalPlan, text: &str) -> Result<(), Diagnostics> {
    let is_wide = |expr: &Expr| matches!(expr, Expr::ScalarSubquery(query) if query.subquery.max_rows().is_none_or(|rows| rows > 1) && !is_grouped_by_outer(query));
    let message = "a subquery used as a value must give one row, whatever the data";
    let hint = "use an aggregate without GROUP BY in it, such as (SELECT max(x) FROM …)";
    refuse_expressions(plan, text, "SELECT", message, hint, is_wide)
}

/// A correlated subquery is joined by the columns that it compares with outer ones: one aggregate for each outer row.
fn is_grouped_by_outer(query: &Subquery) -> bool {
    fn aggregates_all(plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
            LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => plan.inputs().into_iter().all(aggregates_all),
            _ => false,
        }
    }
    !query.outer_ref_columns.is_empty() && aggregates_all(&query.subquery)
}

/// Refuses what optimization left of subqueries: those that could not be made joins.
pub(super) fn no_subqueries(plan: &LogicalPlan, text: &str) -> Result<(), Diagnostics> {
    let is_left = |expr: &Expr| {
        matches!(expr, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
            || matches!(expr, Expr::OuterReferenceColumn(..))
    };
    let message = "this subquery cannot be kept up to date: it cannot be turned into a join";
    let hint = "use EXISTS or IN in WHERE, compare columns of both queries with = only, or join a subquery in FROM";
    refuse_expressions(plan, text, "SELECT", message, hint, is_left)
}

fn refuse_expressions(
    plan: &LogicalPlan,
    text: &str,
    word: &str,
    message: &str,
    hint: &str,
    is_refused: impl Fn(&Expr) -> bool,
) -> Result<(), Diagnostics> {
    let mut found = false;
    let outcome = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                found |= is_refused(expr);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    outcome.map_err(|error| diagnose(&error, text))?;
    if !found {
        return Ok(());
    }
    let diagnostic = match place_of_word(text, word) {
        Some(place) => place.error(message, text),
        None => Diagnostic::general(message),
    };
    Err(diagnostic.with_hint(hint).into())
}

/// Refuses plans that hold volatile or clock functions, but for `now()` in filters: lowering sees whether those can be kept.
pub(super) fn deterministic(plan: &LogicalPlan, text: &str) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let outcome = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
                    && !(matches!(node, LogicalPlan::Filter(_)) && call.func.name() == "now")
                    && call.func.signature().volatility != Volatility::Immutable
                {
                    let (message, hint) = volatile_message(call.func.name(), call.func.signature().volatility);
                    let place = place_of_word(text, call.func.name());
                    let diagnostic = match place {
                        Some(place) => place.error(message, text),
                        None => Diagnostic::general(message),
                    };
                    found.push(diagnostic.with_hint(hint));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    outcome.map_err(|error| diagnose(&error, text))?;
    if found.has_errors() { Err(found) } else { Ok(()) }
}
