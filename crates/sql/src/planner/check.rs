//! A last look at a view's plan for functions whose value is not decided by their arguments. Syntax trees were checked
//! by `refuse`, with better places; this catches what got into the plan by another way.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use highwater_model::{Diagnostic, Diagnostics};

use super::diagnose::{diagnose, place_of_word};
use super::refuse::volatile_message;

/// Refuses plans that hold volatile or clock functions.
pub(super) fn deterministic(plan: &LogicalPlan, text: &str) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let outcome = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
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
