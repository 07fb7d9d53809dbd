//! The parts of a plan that an index may answer: found before a version is held, asked while it is held, put in place
//! after. A part whose rows turn out to be many stays as it is: reading all rows is then the better way.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use highwater_sql::datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::logical_expr::utils::split_conjunction;
use highwater_sql::datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, TableScan};
use highwater_views::{RankRows, Store, ViewsError};

use super::chain::{Chain, chain};
use super::wanted::sorted_by;
use crate::query::scan_batches::{self, BatchesPartition};

/// Rows found by an index at most: they are gathered while the version is held, and ticks wait for that.
pub(crate) const MOST_ROWS: usize = 2_000;

/// A chain of windows of which some rows are wanted.
pub(crate) struct Candidate {
    chain: Chain,
    rows: RankRows,
}

/// Where in a plan a candidate is.
pub(crate) struct Found<'a> {
    pub(crate) candidate: Candidate,
    /// The scan that its chain begins with.
    pub(crate) leaf: &'a LogicalPlan,
}

/// The candidate that this node, a filter or a sort that keeps the first rows, makes of the chain below it. No candidate
/// has another one of the same chain within it.
pub(crate) fn candidate(plan: &LogicalPlan) -> Option<Found<'_>> {
    match plan {
        LogicalPlan::Filter(_) => {
            let (root, chain, conditions) = conditions(plan)?;
            let rows = wanted(&chain, &conditions)?;
            Some(Found { candidate: Candidate { chain, rows }, leaf: leaf(root) })
        }
        LogicalPlan::Sort(sort) => {
            let fetch = sort.fetch?;
            let mut bottom = sort.input.as_ref();
            while let LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) = bottom {
                bottom = bottom.inputs().into_iter().next()?;
            }
            let (root, chain, conditions) = conditions(bottom)?;
            if wanted(&chain, &conditions).is_some() {
                return None;
            }
            let outputs = |plan: &LogicalPlan| std::ptr::eq(plan, bottom).then(|| chain.outputs.clone());
            let by = sorted_by(&sort.expr, &sort.input, &outputs)?;
            let rows = chain.wanted_first(&conditions, &by, fetch)?;
            Some(Found { candidate: Candidate { chain, rows }, leaf: leaf(root) })
        }
        _ => None,
    }
}

/// What a filter leaves of a chain, unless it leaves whole partitions.
fn wanted(chain: &Chain, conditions: &[Option<Expr>]) -> Option<RankRows> {
    let known: Vec<Expr> = conditions.iter().flatten().cloned().collect();
    let narrows = known.iter().any(|condition| !chain.is_of_partition(condition));
    if narrows { chain.wanted(&known) } else { None }
}

/// A chain, its uppermost node, and the conditions directly above it; `None` for those with subqueries.
fn conditions(plan: &LogicalPlan) -> Option<(&LogicalPlan, Chain, Vec<Option<Expr>>)> {
    let LogicalPlan::Filter(filter) = plan else { return Some((plan, chain(plan)?, Vec::new())) };
    let chain = chain(&filter.input)?;
    let conditions = split_conjunction(&filter.predicate).into_iter().map(|condition| match has_subquery(condition) {
        true => Some(None),
        false => chain.rewritten(condition, filter.input.schema(), &chain.outputs).map(Some),
    });
    let conditions = conditions.collect::<Option<Vec<_>>>()?;
    Some((&filter.input, chain, conditions))
}

/// The scan at the end of a chain.
fn leaf(chain: &LogicalPlan) -> &LogicalPlan {
    chain.inputs().into_iter().next().map_or(chain, leaf)
}

fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|expr| {
        Ok(matches!(expr, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)))
    })
    .unwrap_or(true)
}

impl Candidate {
    /// The index's name.
    pub(crate) fn index(&self) -> String {
        self.chain.index.name.to_string()
    }

    /// The rows with what the calls give; `None` when the index is not there or they are too many.
    pub(crate) fn rows(&self, store: &Store) -> Result<Option<RecordBatch>, ViewsError> {
        let Some(index) = store.ranked().iter().find(|index| index.spec().id == self.chain.index.id) else {
            return Ok(None);
        };
        let Some(rows) = store.ranked_rows(index, &self.rows, MOST_ROWS)? else { return Ok(None) };
        let Some(schema) = self.chain.ranked_schema() else { return Ok(None) };
        let scanned = self.chain.scanned.iter().map(|column| rows.column(*column).clone());
        let columns: Vec<ArrayRef> = scanned.chain(store.rank(index, &rows, &self.chain.calls)?).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(schema.inner()), columns, &options)?))
    }

    /// What takes the place of scan and windows.
    pub(crate) fn plan(&self, rows: RecordBatch) -> Result<LogicalPlan> {
        let chain = &self.chain;
        let missing = || DataFusionError::Internal("a ranked chain lacks a column".to_owned());
        let schema = Arc::new(chain.ranked_schema().ok_or_else(missing)?);
        let arrow = Arc::clone(schema.inner());
        let source =
            scan_batches::source(Arc::clone(&arrow), vec![Arc::new(BatchesPartition::new(arrow, vec![rows]))])?;
        let mut plan = LogicalPlan::TableScan(TableScan {
            source,
            projection: None,
            projected_schema: schema,
            filters: Vec::new(),
            ..chain.scan.clone()
        });
        for filter in &chain.filters {
            plan = LogicalPlan::Filter(Filter::try_new(filter.clone(), Arc::new(plan))?);
        }
        let named = chain.outputs.iter().zip(chain.schema.iter()).map(|(output, (qualifier, field))| {
            let column = chain.ranked_column(output).ok_or_else(missing)?;
            let same = column.relation.as_ref() == qualifier && column.name == *field.name();
            let column = Expr::Column(column);
            Ok(if same { column } else { column.alias_qualified(qualifier.cloned(), field.name()) })
        });
        let named = named.collect::<Result<Vec<_>>>()?;
        let projection = Projection::try_new_with_schema(named, Arc::new(plan), Arc::clone(&chain.schema))?;
        Ok(LogicalPlan::Projection(projection))
    }
}

/// The plan with the chains of its candidates replaced where there is something to replace them by, in the order in
/// which a walk from above comes by the nodes that make them candidates.
pub(crate) fn put_ranked(plan: LogicalPlan, chains: Vec<Option<LogicalPlan>>) -> Result<LogicalPlan> {
    if chains.iter().all(Option::is_none) {
        return Ok(plan);
    }
    let mut chains = chains.into_iter();
    let replaced = plan.transform_down_with_subqueries(|node| {
        if candidate(&node).is_none() {
            return Ok(Transformed::no(node));
        }
        match chains.next().flatten() {
            Some(chain) => Ok(Transformed::yes(replaced(node, chain)?)),
            None => Ok(Transformed::no(node)),
        }
    });
    Ok(replaced?.data)
}

/// A candidate with another plan in the place of its chain.
fn replaced(candidate: LogicalPlan, chain: LogicalPlan) -> Result<LogicalPlan> {
    let mut chain = Some(chain);
    let replaced = candidate.transform_down(|inner| match (&inner, chain.take()) {
        (LogicalPlan::Window(_), Some(chain)) => Ok(Transformed::new(chain, true, TreeNodeRecursion::Stop)),
        (LogicalPlan::Filter(filter), Some(chain)) => {
            let filter = Filter::try_new(filter.predicate.clone(), Arc::new(chain))?;
            Ok(Transformed::new(LogicalPlan::Filter(filter), true, TreeNodeRecursion::Stop))
        }
        (_, left) => {
            chain = left;
            Ok(Transformed::no(inner))
        }
    });
    Ok(replaced?.data)
}
