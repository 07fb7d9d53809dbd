//! A chain of a plan: windows over one relation, with filters of whole partitions and renamed columns between them.

use std::sync::Arc;

use arrow_schema::{DataType, Field};
use highwater_sql::datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::common::{Column, DFSchema, DFSchemaRef};
use highwater_sql::datafusion::logical_expr::utils::split_conjunction;
use highwater_sql::datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use highwater_views::{RankCall, RankSource};

use super::calls::{Output, call_of, output_of};
use crate::query::source::{KnownIndex, LeafSource, Reads};

/// A chain that an index answers.
pub(super) struct Chain {
    pub(super) scan: TableScan,
    pub(super) source: LeafSource,
    pub(super) index: KnownIndex,
    /// Columns of the scan, as columns of the relation.
    pub(super) scanned: Vec<usize>,
    pub(super) calls: Vec<RankCall>,
    /// What calls give, one field each.
    pub(super) call_fields: Vec<Arc<Field>>,
    /// Of the uppermost node.
    pub(super) outputs: Vec<Output>,
    pub(super) schema: DFSchemaRef,
    /// Conditions below windows, on the scan's columns: they leave whole partitions.
    pub(super) filters: Vec<Expr>,
}

/// Reads a chain whose uppermost node this is: a window, or columns of one.
pub(super) fn chain(plan: &LogicalPlan) -> Option<Chain> {
    if !matches!(plan, LogicalPlan::Window(_) | LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_)) {
        return None;
    }
    let (scan, source) = leaf(plan)?;
    source.indexes.iter().find_map(|index| {
        let scanned = scan.projection.clone().unwrap_or_else(|| (0..source.schema.fields().len()).collect());
        let mut chain = Chain {
            scan: scan.clone(),
            source: source.clone(),
            index: index.clone(),
            scanned,
            calls: Vec::new(),
            call_fields: Vec::new(),
            outputs: Vec::new(),
            schema: Arc::clone(plan.schema()),
            filters: Vec::new(),
        };
        chain.outputs = chain.read(plan)?;
        (!chain.calls.is_empty()).then_some(chain)
    })
}

/// The one leaf of a chain, which reads a store with indexes.
fn leaf(plan: &LogicalPlan) -> Option<(&TableScan, &LeafSource)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let source = scan.source.as_ref().downcast_ref::<LeafSource>()?;
            let usable = source.reads == Reads::Rows && scan.fetch.is_none() && !source.indexes.is_empty();
            usable.then_some((scan, source))
        }
        LogicalPlan::Window(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Projection(_)
        | LogicalPlan::SubqueryAlias(_) => leaf(plan.inputs().first()?),
        _ => None,
    }
}

impl Chain {
    /// What the columns of a node are.
    fn read(&mut self, plan: &LogicalPlan) -> Option<Vec<Output>> {
        match plan {
            LogicalPlan::TableScan(_) => Some(self.scanned.iter().copied().map(Output::Column).collect()),
            LogicalPlan::SubqueryAlias(alias) => self.read(&alias.input),
            LogicalPlan::Projection(projection) => {
                let outputs = self.read(&projection.input)?;
                let schema = projection.input.schema();
                projection.expr.iter().map(|expr| output_of(unaliased(expr), schema, &outputs)).collect()
            }
            LogicalPlan::Filter(filter) => {
                let outputs = self.read(&filter.input)?;
                // The first stays uppermost: subqueries are met in the same order as before.
                for condition in split_conjunction(&filter.predicate).into_iter().rev() {
                    let condition = self.rewritten(condition, filter.input.schema(), &outputs)?;
                    if !self.is_of_partition(&condition) {
                        return None;
                    }
                    self.filters.push(condition);
                }
                Some(outputs)
            }
            LogicalPlan::Window(window) => {
                let mut outputs = self.read(&window.input)?;
                let schema = window.input.schema();
                let above = outputs.len();
                for (at, expr) in window.window_expr.iter().enumerate() {
                    let call = call_of(expr, schema, &outputs[..above], &self.calls, &self.index)?;
                    let field = window.schema.fields().get(above + at)?;
                    if self.type_of(&call)? != *field.data_type() {
                        return None;
                    }
                    outputs.push(Output::Call(self.calls.len()));
                    let name = format!("__rank_{}", self.calls.len());
                    self.call_fields.push(Arc::new(Field::new(name, field.data_type().clone(), field.is_nullable())));
                    self.calls.push(call);
                }
                Some(outputs)
            }
            _ => None,
        }
    }

    fn type_of(&self, call: &RankCall) -> Option<DataType> {
        Some(match call {
            RankCall::Rank { .. } | RankCall::RowNumber { .. } => DataType::UInt64,
            RankCall::PercentRank { .. } | RankCall::CumeDist { .. } => DataType::Float64,
            RankCall::Count => DataType::Int64,
            RankCall::Shifted { source: RankSource::Column(column), .. } => {
                self.source.schema.fields().get(*column)?.data_type().clone()
            }
            RankCall::Shifted { source: RankSource::Call(call), .. } => self.type_of(call)?,
        })
    }

    /// The schema of the rows that the index gives: the scan's columns, then the calls.
    pub(super) fn ranked_schema(&self) -> Option<DFSchema> {
        let scanned = self.scan.projected_schema.iter().map(|(name, field)| (name.cloned(), Arc::clone(field)));
        let calls = self.call_fields.iter().map(|field| (None, Arc::clone(field)));
        DFSchema::new_with_metadata(scanned.chain(calls).collect(), std::collections::HashMap::new()).ok()
    }

    /// The column of the ranked rows that an output is.
    pub(super) fn ranked_column(&self, output: &Output) -> Option<Column> {
        match output {
            Output::Column(column) => {
                let at = self.scanned.iter().position(|scanned| scanned == column)?;
                let (qualifier, field) = self.scan.projected_schema.qualified_field(at);
                Some(Column::new(qualifier.cloned(), field.name()))
            }
            Output::Call(call) => Some(Column::new_unqualified(self.call_fields.get(*call)?.name())),
        }
    }

    /// A condition over a node's columns as one over the ranked rows; `None` when that cannot be.
    pub(super) fn rewritten(&self, expr: &Expr, schema: &DFSchema, outputs: &[Output]) -> Option<Expr> {
        let mut known = true;
        let rewritten = expr.clone().transform(|expr| {
            known &= !matches!(expr, Expr::OuterReferenceColumn(..));
            if !matches!(expr, Expr::Column(_)) {
                return Ok(Transformed::no(expr));
            }
            let column = output_of(&expr, schema, outputs).and_then(|output| self.ranked_column(&output));
            known &= column.is_some();
            Ok(column.map_or(Transformed::no(expr), |column| {
                Transformed::new(Expr::Column(column), true, TreeNodeRecursion::Jump)
            }))
        });
        rewritten.ok().map(|rewritten| rewritten.data).filter(|expr| known && !expr.is_volatile())
    }

    /// Whether a condition over the ranked rows is one of the partition's columns alone.
    pub(super) fn is_of_partition(&self, condition: &Expr) -> bool {
        let names: Vec<&str> =
            self.index.partition.iter().map(|at| self.source.schema.field(*at).name().as_str()).collect();
        condition.column_refs().iter().all(|column| names.contains(&column.name.as_str()))
    }
}

/// An expression without the name it is given.
pub(super) fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}
