//! Analysis and optimization that keep a plan maintainable: only rules after which every node still has an
//! incremental counterpart, and none that looks at the clock.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::Result;
use datafusion::common::alias::AliasGenerator;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion::optimizer::decorrelate_lateral_join::DecorrelateLateralJoin;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::eliminate_duplicated_expr::EliminateDuplicatedExpr;
use datafusion::optimizer::eliminate_outer_join::EliminateOuterJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::optimize_unions::OptimizeUnions;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::replace_distinct_aggregate::ReplaceDistinctWithAggregate;
use datafusion::optimizer::rewrite_set_comparison::RewriteSetComparison;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerContext, OptimizerRule};

/// Types settled, then optimized by [`rules`].
pub(super) fn settle(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let mut options = state.config_options().as_ref().clone();
    // A subquery that gives one value becomes a join too, whose value may change.
    options.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    let options = &Arc::new(options);
    let plan = state.analyzer().execute_and_check(plan, options, |_, _| {})?;
    let context = OptimizerContext::new_with_config_options(Arc::clone(options)).without_query_execution_start_time();
    let mut rules = rules();
    if reads_clock(&plan)? {
        // It would take now() out of the comparison by which a filter by the clock is recognised.
        rules.retain(|rule| rule.name() != CommonSubexprEliminate::new().name());
    }
    Optimizer::with_rules(rules).optimize(plan, &Settings { context, state }, |_, _| {})
}

fn reads_clock(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| {
        let mut found = false;
        node.apply_expressions(|expr| {
            found |= expr.exists(|expr| Ok(matches!(expr, Expr::ScalarFunction(call) if call.func.name() == "now")))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(found)
    })
}

/// What rules ask: our options, the session's functions, and no time, so that nothing that depends on the clock is folded.
struct Settings<'a> {
    context: OptimizerContext,
    state: &'a SessionState,
}

impl OptimizerConfig for Settings<'_> {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        None
    }

    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        self.context.alias_generator()
    }

    fn options(&self) -> Arc<ConfigOptions> {
        self.context.options()
    }

    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        Some(self.state)
    }
}

/// Left out on purpose: `SingleDistinctToGroupBy` (splits `count(DISTINCT)` into two aggregates), `PropagateEmptyRelation`
/// and `EliminateFilter` (turn relations into constants, whose offsets a view would then not follow), limit rules, and everything that moves expressions for the sake of file scans.
fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![
        Arc::new(RewriteSetComparison::new()),
        Arc::new(OptimizeUnions::new()),
        Arc::new(SimplifyExpressions::new()),
        Arc::new(ReplaceDistinctWithAggregate::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(DecorrelateLateralJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateDuplicatedExpr::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(EliminateOuterJoin::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ]
}
