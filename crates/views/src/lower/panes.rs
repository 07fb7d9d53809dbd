//! Lowering of aggregates over hopping windows: the part of the plan that puts events into windows is run for panes
//! instead of events ([`crate::operator::Panes`]). Called by the lowering of aggregates. Which plans it finds makes a
//! difference to the work only: an aggregate that it leaves alone gives the same rows.

use std::collections::BTreeSet;

use highwater_sql::PANE;
use highwater_sql::datafusion::common::Column;
use highwater_sql::datafusion::common::tree_node::{Transformed, TreeNode};
use highwater_sql::datafusion::logical_expr::{Aggregate as AggregatePlan, Expr, LogicalPlan};

use super::plan::{arrow_schema, filter_stage, project_stage, unnest_stage};
use super::temporal::reads_clock;
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::Panes;

/// The part of a plan between the panes of events and an aggregate over their windows.
pub(super) struct Windowing<'a> {
    /// From below the aggregate down to above the projection that gives events their pane.
    nodes: Vec<&'a LogicalPlan>,
    /// That projection.
    pub(super) events: &'a LogicalPlan,
}

impl<'a> Windowing<'a> {
    /// The windowing below an aggregate; `None` when there is none, or when what it aggregates depends on the windows.
    pub(super) fn below(plan: &'a AggregatePlan) -> Option<Self> {
        let (mut nodes, mut node) = (Vec::new(), plan.input.as_ref());
        loop {
            match node {
                LogicalPlan::Projection(projection) if projection.expr.iter().any(is_pane) => break,
                LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => {}
                LogicalPlan::Filter(filter) if !reads_clock(&filter.predicate) => {}
                LogicalPlan::Unnest(unnest) if unnest.struct_type_columns.is_empty() => {}
                _ => return None,
            }
            nodes.push(node);
            node = node.inputs().first().copied()?;
        }
        let found = Self { nodes, events: node };
        let expands = found.nodes.iter().any(|node| matches!(node, LogicalPlan::Unnest(_)));
        let own = plan.aggr_expr.iter().all(|call| found.over_events(call).is_some());
        (expands && own).then_some(found)
    }

    /// An expression over the aggregate's input as one over events; `None` when it depends on the windows.
    pub(super) fn over_events(&self, expr: &Expr) -> Option<Expr> {
        traced(expr, &self.nodes, false)
    }

    /// Panes for these groups.
    pub(super) fn panes(&self, groups: &[Expr]) -> Result<Option<Panes>, ViewsError> {
        let mut columns = BTreeSet::new();
        let mut decides = |expr: &Expr, nodes: &[&LogicalPlan]| -> Option<()> {
            for column in traced(expr, nodes, true)?.column_refs() {
                columns.insert(self.events.schema().maybe_index_of_column(column)?);
            }
            Some(())
        };
        let mut all = groups.iter().try_for_each(|group| decides(group, &self.nodes));
        let mut stages = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let below = &self.nodes[at + 1..];
            match node {
                LogicalPlan::Projection(projection) => stages.push(project_stage(projection)?),
                LogicalPlan::Filter(filter) => {
                    all = all.and_then(|()| decides(&filter.predicate, below));
                    stages.push(filter_stage(&filter.predicate, &filter.input)?);
                }
                LogicalPlan::Unnest(unnest) => {
                    let lists = unnest.list_type_columns.iter().map(|(column, _)| column_at(&unnest.input, *column));
                    all = all.and_then(|()| lists.into_iter().try_for_each(|list| decides(&list, below)));
                    stages.push(unnest_stage(unnest));
                }
                _ => {}
            }
        }
        if all.is_none() {
            return Ok(None);
        }
        Panes::new(columns.into_iter().collect(), &arrow_schema(self.events), stages).map(Some)
    }

    /// Compiles an expression over the aggregate's input for events.
    pub(super) fn compile(&self, expr: &Expr) -> Result<Expression, ViewsError> {
        let over_events = self.over_events(expr);
        let expr = over_events.ok_or_else(|| ViewsError::Invariant(format!("{expr} depends on the windows")))?;
        Expression::compile(&expr, self.events.schema())
    }
}

/// Whether an expression gives events their pane.
fn is_pane(expr: &Expr) -> bool {
    matches!(expr, Expr::Alias(alias) if alias.name == PANE)
}

/// An expression above some nodes as one below them. Where it reads elements of a list that is unnested there, it reads the list
/// when `lists` is set; else there is none.
fn traced(expr: &Expr, nodes: &[&LogicalPlan], lists: bool) -> Option<Expr> {
    nodes.iter().try_fold(expr.clone(), |expr, node| through(expr, node, lists))
}

fn through(expr: Expr, node: &LogicalPlan, lists: bool) -> Option<Expr> {
    let mut all = true;
    let replaced = expr.transform(|expr| match &expr {
        Expr::Column(column) => Ok(match origin(column, node, lists) {
            Some(origin) => Transformed::yes(origin),
            None => {
                all = false;
                Transformed::no(expr)
            }
        }),
        _ => Ok(Transformed::no(expr)),
    });
    replaced.ok().map(|replaced| replaced.data).filter(|_| all)
}

/// What a column of a node's result is in its input.
fn origin(column: &Column, node: &LogicalPlan, lists: bool) -> Option<Expr> {
    let index = node.schema().maybe_index_of_column(column)?;
    match node {
        LogicalPlan::Projection(projection) => Some(projection.expr[index].clone().unalias()),
        LogicalPlan::SubqueryAlias(alias) => Some(column_at(&alias.input, index)),
        LogicalPlan::Filter(filter) => Some(column_at(&filter.input, index)),
        LogicalPlan::Unnest(unnest) => {
            let from = *unnest.dependency_indices.get(index)?;
            let is_list = unnest.list_type_columns.iter().any(|(list, _)| *list == from);
            (lists || !is_list).then(|| column_at(&unnest.input, from))
        }
        _ => None,
    }
}

fn column_at(plan: &LogicalPlan, index: usize) -> Expr {
    Expr::Column(Column::from(plan.schema().qualified_field(index)))
}
