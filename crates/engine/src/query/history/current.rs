//! The current rows of a keyed stream or table from its messages: of each key the one with the highest version (NULL
//! lowest), ties by the highest offset, unless it says that the row is deleted.

use highwater_model::{KeyedSpec, SystemColumn};
use highwater_sql::datafusion::common::Column;
use highwater_sql::datafusion::error::Result;
use highwater_sql::datafusion::functions_window::expr_fn::row_number;
use highwater_sql::datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, lit};

/// The name by which the plan calls a message's place among those of its key, the newest first.
const PLACE: &str = "_place";

/// The rows that are current after `messages` (all declared columns, then the system columns); of their columns only
/// the first `visible`, without those that mark deletion if `is_table`.
pub(super) fn current(
    messages: LogicalPlan,
    keyed: &KeyedSpec,
    declared: usize,
    is_table: bool,
) -> Result<LogicalPlan> {
    let all: Vec<Column> = messages.schema().columns();
    let column = |at: usize| Expr::Column(all[at].clone());
    let system = |wanted: SystemColumn| {
        let at = SystemColumn::ALL.iter().position(|column| *column == wanted).unwrap_or_default();
        column(declared + at)
    };
    let version = keyed.version.map(|at| column(at).sort(false, false));
    let newest = version
        .into_iter()
        .chain([system(SystemColumn::Offset).sort(false, false), system(SystemColumn::Partition).sort(false, false)]);
    let place = row_number().partition_by(keyed.key.iter().map(|at| column(*at)).collect());
    let place = place.order_by(newest.collect()).build()?.alias(PLACE);
    let visible = (0..all.len()).filter(|at| !is_table || (*at < declared && keyed.deleted != Some(*at)));
    let visible: Vec<Expr> = visible.map(column).collect();
    let mut is_current = Expr::Column(Column::new_unqualified(PLACE)).eq(lit(1_u64));
    if let Some(deleted) = keyed.deleted {
        is_current = is_current.and(column(deleted).is_not_true());
    }
    LogicalPlanBuilder::from(messages).window([place])?.filter(is_current)?.project(visible)?.build()
}
