//! Planning queries that are run once, and the core that every other kind of planning uses.

use std::cell::RefCell;
use std::collections::BTreeSet;

use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::{Query, Statement as SqlStatement};
use highwater_model::{Column, Diagnostics};

use super::columns::rename;
use super::context::{Leaves, Relations, Scope};
use super::diagnose::diagnose;
use super::{Planner, refuse, rewrite};
use crate::catalog::Catalog;

impl Planner {
    /// Plans a query to be run. `text` is the text the query was parsed from, `schema` the one in which unqualified
    /// names are looked up first. The plan is neither analysed nor optimized yet: executing it does both.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan(
        &self,
        query: &Query,
        text: &str,
        catalog: &Catalog,
        schema: &str,
        relations: &dyn Relations,
    ) -> Result<LogicalPlan, Diagnostics> {
        let read = RefCell::new(BTreeSet::new());
        let scope = Scope::new(self, catalog, schema, Leaves::Rows(relations), &read);
        scope.plan(query, text)
    }

    /// The optimized logical plan as text, for `EXPLAIN`.
    ///
    /// # Errors
    /// When the plan's types do not fit, found by the optimizer.
    pub fn explain(&self, plan: &LogicalPlan, text: &str) -> Result<String, Diagnostics> {
        let optimized = self.state().optimize(plan).map_err(|error| diagnose(&error, text))?;
        Ok(optimized.display_indent().to_string())
    }
}

impl Scope<'_> {
    /// The plan of a query as DataFusion gives it.
    pub(super) fn plan(&self, query: &Query, text: &str) -> Result<LogicalPlan, Diagnostics> {
        if matches!(self.leaves, Leaves::Maintained) {
            refuse::check(query, text, self.planner.state())?;
        }
        let mut query = query.clone();
        let points = rewrite::rewrite(&mut query, text)?;
        let scope = Scope { points: &points, past: self.past.clone(), ..*self };
        let options = ParserOptions::from(&self.planner.state().config_options().sql_parser);
        SqlToRel::new_with_options(&scope, options)
            .sql_statement_to_plan(SqlStatement::Query(Box::new(query)))
            .map_err(|error| diagnose(&error, text))
    }

    /// The plan of a query kept as text, its columns named as they were when it was created.
    pub(super) fn plan_stored(&self, query_sql: &str, columns: &[Column]) -> Result<LogicalPlan, Diagnostics> {
        let parsed = crate::parse::parse(query_sql)?;
        let [crate::Statement::Query(parsed)] = parsed.as_slice() else {
            return Err(highwater_model::Diagnostic::general("the stored text is not one query").into());
        };
        let plan = self.plan(&parsed.query, query_sql)?;
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        if names.is_empty() { Ok(plan) } else { rename(plan, &names).map_err(|error| diagnose(&error, query_sql)) }
    }
}
