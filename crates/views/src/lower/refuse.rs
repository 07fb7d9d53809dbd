//! Refusals: every plan node that is not maintained, with its reason and what to write instead.

use highwater_sql::datafusion::logical_expr::LogicalPlan;

use crate::ViewsError;

const PLAIN_VIEW: &str =
    "keep this part out of the materialized view and put it in a plain VIEW over it, which is computed when read";

/// Why a plan node cannot be maintained.
pub(super) fn refusal(plan: &LogicalPlan) -> ViewsError {
    let (clause, reason, instead) = match plan {
        LogicalPlan::Sort(_) => (
            "ORDER BY",
            "a materialized view is a set of rows and keeps no order",
            "order when reading, or write a plain VIEW with the ORDER BY over it",
        ),
        LogicalPlan::RecursiveQuery(_) => ("WITH RECURSIVE", "recursion is not maintained", PLAIN_VIEW),
        LogicalPlan::Subquery(_) => ("a subquery in an expression", "it is not maintained yet", PLAIN_VIEW),
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => {
            ("FROM", "the query reads no stream, table or view", "write a plain VIEW, or read a stream, table or view")
        }
        _ => ("this query", "it has a step that is not maintained", PLAIN_VIEW),
    };
    ViewsError::refused(clause, reason, instead)
}
