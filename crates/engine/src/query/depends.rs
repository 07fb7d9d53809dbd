//! What the answer of a query depends on, so that it is asked again only when that has changed. Used by `watch`.

use std::sync::Arc;

use highwater_api::ApiError;
use highwater_model::ObjectId;
use highwater_sql::QueryStatement;
use highwater_sql::datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use super::bind::leaves_of;
use super::relations::unbound_relations;
use super::source::Reads;
use crate::core::Core;

/// What a query reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depends {
    /// Views, tables and keyed streams whose rows it reads.
    pub(crate) rows: Vec<ObjectId>,
    /// Streams whose events it reads.
    pub(crate) events: Vec<ObjectId>,
    /// It changes by itself: it asks for the time, a system table or rejected records.
    pub(crate) by_itself: bool,
}

/// What a query reads, directly or through views.
pub(crate) fn depends(core: &Arc<Core>, query: &QueryStatement, text: &str, schema: &str) -> Result<Depends, ApiError> {
    let plan = {
        let catalog = core.catalog.read();
        core.planner.plan(&query.query, text, &catalog, schema, &unbound_relations(core))?
    };
    let mut depends = Depends { by_itself: is_restless(&plan)?, ..Depends::default() };
    let leaves = leaves_of(&plan)?;
    for (id, reads) in leaves.iter().map(|leaf| leaf.reads()) {
        match reads {
            Reads::Rows => depends.rows.push(id),
            Reads::Events => depends.events.push(id),
            Reads::Rejects => depends.by_itself = true,
        }
    }
    // A scan that is bound already is a system table's.
    depends.by_itself |= scans(&plan)? > leaves.len();
    Ok(depends)
}

fn scans(plan: &LogicalPlan) -> Result<usize, ApiError> {
    let mut count = 0;
    let walk = plan.apply_with_subqueries(|node| {
        count += usize::from(matches!(node, LogicalPlan::TableScan(_)));
        Ok(TreeNodeRecursion::Continue)
    });
    walk.map_err(|error| ApiError::internal(format!("reading a plan failed: {}", error.strip_backtrace())))?;
    Ok(count)
}

/// Whether a function of the plan gives another value another time (`now()`, `random()`).
fn is_restless(plan: &LogicalPlan) -> Result<bool, ApiError> {
    let mut restless = false;
    let walk = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
                    && call.func.signature().volatility != Volatility::Immutable
                {
                    restless = true;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walk.map_err(|error| ApiError::internal(format!("reading a plan failed: {}", error.strip_backtrace())))?;
    Ok(restless)
}
