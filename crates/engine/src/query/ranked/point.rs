//! Reads of a plain view by the key of what it ranks, without planning each: the view's windows are answered by an index
//! and its other expressions evaluated on the rows found. What a view comes to is remembered until anything is declared
//! or built anew.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use highwater_model::ObjectId;
use highwater_sql::datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use highwater_sql::datafusion::logical_expr::{Expr, LogicalPlan, Projection, Volatility};
use highwater_sql::datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use highwater_sql::{Catalog, Entry, Equality, ViewRead};
use highwater_views::{Relations, Store, ViewsError};
use parking_lot::Mutex;

use super::calls::{Output, output_of};
use super::chain::{Chain, chain, unaliased};
use crate::core::Core;
use crate::query::execute::session;
use crate::query::relations::unbound_relations;

/// What plain views come to, by view; `None` when an index cannot answer it.
#[derive(Default)]
pub(crate) struct RankedViews(Mutex<HashMap<ObjectId, Learnt>>);

/// What a view came to at an epoch.
type Learnt = (u64, Option<Arc<RankedView>>);

/// A plain view over one chain of windows.
pub(crate) struct RankedView {
    chain: Chain,
    /// Expressions over what is below, the lowest first.
    stages: Vec<Stage>,
    /// The view's columns.
    schema: SchemaRef,
    /// For each of the view's columns the relation's column that it is.
    columns: Vec<Option<usize>>,
}

struct Stage {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

impl RankedViews {
    /// Forgets a view that is dropped.
    pub(crate) fn forget(&self, id: ObjectId) {
        self.0.lock().remove(&id);
    }

    /// What a plain view comes to at an epoch of the version.
    pub(crate) fn of(&self, core: &Core, entry: &Entry, catalog: &Catalog, epoch: u64) -> Option<Arc<RankedView>> {
        if let Some((known, view)) = self.0.lock().get(&entry.id)
            && *known == epoch
        {
            return view.clone();
        }
        let view = RankedView::new(core, entry, catalog).map(Arc::new);
        self.0.lock().insert(entry.id, (epoch, view.clone()));
        view
    }
}

impl RankedView {
    fn new(core: &Core, entry: &Entry, catalog: &Catalog) -> Option<Self> {
        let plan = core.planner.plan_view_read(entry, ViewRead::default(), catalog, &unbound_relations(core)).ok()?;
        // A constant that the optimizer makes of the clock would not stay right.
        if !is_immutable(&plan) {
            return None;
        }
        let (state, context) = (session(core), PhysicalPlanningContext::default());
        let plan = state.optimize(&plan).ok()?;
        let (mut projections, mut bottom): (Vec<&Projection>, _) = (Vec::new(), &plan);
        while !matches!(bottom, LogicalPlan::Window(_)) {
            bottom = match bottom {
                LogicalPlan::Projection(projection) => {
                    projections.push(projection);
                    &projection.input
                }
                LogicalPlan::SubqueryAlias(alias) => &alias.input,
                // One row is in every order.
                LogicalPlan::Sort(sort) if sort.fetch.is_none() => &sort.input,
                _ => return None,
            };
        }
        let chain = chain(bottom).filter(|chain| chain.filters.is_empty() && chain.scan.filters.is_empty())?;
        let mut outputs: Vec<Option<Output>> = chain.outputs.iter().cloned().map(Some).collect();
        let mut stages = Vec::with_capacity(projections.len());
        for projection in projections.into_iter().rev() {
            let below = projection.input.schema();
            let physical = |expr| create_physical_expr(expr, below, state.execution_props(), &context).ok();
            let exprs = projection.expr.iter().map(physical).collect::<Option<Vec<_>>>()?;
            outputs = projection.expr.iter().map(|expr| traced(unaliased(expr), below, &outputs)).collect();
            stages.push(Stage { exprs, schema: Arc::clone(projection.schema.inner()) });
        }
        let column = |output: &Option<Output>| match output {
            Some(Output::Column(column)) => Some(*column),
            _ => None,
        };
        let columns = outputs.iter().map(column).collect();
        Some(Self { chain, stages, schema: Arc::clone(plan.schema().inner()), columns })
    }

    /// The relation whose rows it ranks.
    pub(crate) fn relation(&self) -> ObjectId {
        self.chain.source.id
    }

    /// The view's rows where the equalities hold, at most one; `None` when they are not exactly the relation's key or the
    /// index is not there.
    pub(crate) fn read(&self, version: &Relations, wanted: &[Equality]) -> Option<RecordBatch> {
        let store = version.store(self.relation()).filter(|_| version.failure(self.relation()).is_none())?;
        let index = store.ranked().iter().find(|index| index.spec().id == self.chain.index.id)?;
        let value = |equality: &Equality| -> Option<(usize, ArrayRef)> {
            let column = (*self.columns.get(self.schema.index_of(&equality.column).ok()?)?)?;
            Some((column, equality.value(store.schema().field(column).data_type())?))
        };
        let values: Vec<(usize, ArrayRef)> = wanted.iter().map(value).collect::<Option<_>>()?;
        if values.len() != store.key().len() || store.key() != self.chain.source.key {
            return None;
        }
        let at = |column: &usize| values.iter().find(|(found, _)| found == column).map(|(_, value)| Arc::clone(value));
        let keys: Vec<ArrayRef> = store.key().iter().map(at).collect::<Option<_>>()?;
        self.rows(store, index, &keys).ok()
    }

    fn rows(
        &self,
        store: &Store,
        index: &highwater_views::RankIndex,
        keys: &[ArrayRef],
    ) -> Result<RecordBatch, ViewsError> {
        let rows = store.lookup(keys)?;
        let called = store.rank(index, &rows, &self.chain.calls)?;
        let columns = self.chain.outputs.iter().map(|output| match output {
            Output::Column(column) => rows.column(*column).clone(),
            Output::Call(call) => called[*call].clone(),
        });
        let mut batch = RecordBatch::try_new(Arc::clone(self.chain.schema.inner()), columns.collect())?;
        for stage in &self.stages {
            let columns = stage.exprs.iter().map(|expr| expr.evaluate(&batch)?.into_array(batch.num_rows()));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            batch = RecordBatch::try_new(Arc::clone(&stage.schema), columns)?;
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?)
    }

    /// The view's columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

/// What a column expression over these outputs is.
fn traced(
    expr: &Expr,
    schema: &highwater_sql::datafusion::common::DFSchema,
    outputs: &[Option<Output>],
) -> Option<Output> {
    // Numbered, so that what is no plain output keeps its place.
    let places: Vec<Output> = (0..outputs.len()).map(Output::Column).collect();
    match output_of(expr, schema, &places)? {
        Output::Column(at) => outputs.get(at)?.clone(),
        Output::Call(_) => None,
    }
}

/// Whether no function of a plan gives another value another time.
fn is_immutable(plan: &LogicalPlan) -> bool {
    let mut immutable = true;
    let walk = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr {
                    immutable &= call.func.signature().volatility == Volatility::Immutable;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walk.is_ok() && immutable
}
