//! Planning views: materialized ones over [`crate::RelationSource`] leaves, plain ones to learn their columns.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::Query;
use highwater_model::{Column, Diagnostic, Diagnostics, ObjectId};

use super::columns::{column_names, columns_of, rename};
use super::context::{Leaves, Relations, SEES_ALL, Scope};
use super::diagnose::{diagnose, place_of_word};
use super::{Planner, check, maintainable};
use crate::catalog::{Catalog, Entry};
use crate::statement::CreateMaterializedView;

/// A materialized view's query, ready to be lowered to incremental operators.
#[derive(Clone, Debug)]
pub struct ViewQuery {
    /// Analysed and optimized; every leaf is a `TableScan` of a [`crate::RelationSource`] (or a constant relation).
    pub plan: LogicalPlan,
    /// Its output columns.
    pub columns: Vec<Column>,
    /// What it reads, plain views it goes through included, in the order of ids.
    pub depends_on: Vec<ObjectId>,
}

/// A plain view that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainView {
    /// Its output columns.
    pub columns: Vec<Column>,
    /// What it reads, in the order of ids.
    pub depends_on: Vec<ObjectId>,
}

impl Planner {
    /// Plans the query of a materialized view. `names` are its column names, or empty for those of the query.
    ///
    /// What no materialized view can hold (volatile functions, `ORDER BY`, subqueries, …) is refused here, with the
    /// clause, the reason and what to write instead; operators that cannot be maintained are refused by lowering.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan_for_view(
        &self,
        query: &Query,
        text: &str,
        names: &[String],
        catalog: &Catalog,
        schema: &str,
    ) -> Result<ViewQuery, Diagnostics> {
        self.plan_maintained(query, text, names, catalog, schema, SEES_ALL)
    }

    /// Plans a materialized view that is declared already, as its `CREATE` statement was meant then: streams that got
    /// columns since have those that there were.
    ///
    /// # Errors
    /// As [`Planner::plan_for_view`].
    pub fn plan_declared_view(
        &self,
        create: &CreateMaterializedView,
        entry: &Entry,
        catalog: &Catalog,
    ) -> Result<ViewQuery, Diagnostics> {
        let schema = &entry.name.schema;
        self.plan_maintained(&create.query, &entry.sql, &create.columns, catalog, schema, &entry.sees)
    }

    fn plan_maintained(
        &self,
        query: &Query,
        text: &str,
        names: &[String],
        catalog: &Catalog,
        schema: &str,
        sees: &BTreeMap<ObjectId, usize>,
    ) -> Result<ViewQuery, Diagnostics> {
        let read = RefCell::new(BTreeSet::new());
        let scope = Scope { sees, ..Scope::new(self, catalog, schema, Leaves::Maintained, &read) };
        let plan = scope.plan(query, text)?;
        check::deterministic(&plan, text)?;
        check::single_values(&plan, text)?;
        let plan = named(plan, query, names, text)?;
        let plan = maintainable::settle(plan, self.state()).map_err(|error| diagnose(&error, text))?;
        check::no_subqueries(&plan, text)?;
        Ok(ViewQuery { columns: columns_of(&plan), plan, depends_on: read.into_inner().into_iter().collect() })
    }

    /// Checks the query of a plain view and gives its columns. `relations` answers for system tables only.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan_plain_view(
        &self,
        query: &Query,
        text: &str,
        names: &[String],
        catalog: &Catalog,
        schema: &str,
        relations: &dyn Relations,
    ) -> Result<PlainView, Diagnostics> {
        self.plan_plain(query, text, names, catalog, schema, (relations, SEES_ALL))
    }

    /// The columns that a plain view has now: those that it was created with, perhaps of wider types.
    ///
    /// # Errors
    /// When its query cannot be planned any more.
    pub fn plan_declared_plain_view(
        &self,
        entry: &Entry,
        query_sql: &str,
        catalog: &Catalog,
        relations: &dyn Relations,
    ) -> Result<PlainView, Diagnostics> {
        let parsed = crate::parse::parse(query_sql)?;
        let [crate::Statement::Query(parsed)] = parsed.as_slice() else {
            return Err(Diagnostic::general("the stored text is not one query").into());
        };
        let names: Vec<String> = entry.kind.columns().iter().map(|column| column.name.clone()).collect();
        let schema = &entry.name.schema;
        self.plan_plain(&parsed.query, query_sql, &names, catalog, schema, (relations, &entry.sees))
    }

    fn plan_plain(
        &self,
        query: &Query,
        text: &str,
        names: &[String],
        catalog: &Catalog,
        schema: &str,
        (relations, sees): (&dyn Relations, &BTreeMap<ObjectId, usize>),
    ) -> Result<PlainView, Diagnostics> {
        let read = RefCell::new(BTreeSet::new());
        let scope = Scope { sees, ..Scope::new(self, catalog, schema, Leaves::Schemas(relations), &read) };
        let plan = named(scope.plan(query, text)?, query, names, text)?;
        let analyzer = self.state().analyzer();
        let plan = analyzer
            .execute_and_check(plan, self.state().config_options(), |_, _| {})
            .map_err(|error| diagnose(&error, text))?;
        Ok(PlainView { columns: columns_of(&plan), depends_on: read.into_inner().into_iter().collect() })
    }
}

/// The plan with the declared column names; the names must be as many as the columns, and all different.
fn named(plan: LogicalPlan, query: &Query, names: &[String], text: &str) -> Result<LogicalPlan, Diagnostics> {
    let fields = plan.schema().fields();
    if !names.is_empty() && names.len() != fields.len() {
        let message = format!("{} column names for {} columns", names.len(), fields.len());
        let diagnostic = match names.first().and_then(|name| place_of_word(text, name)) {
            Some(place) => place.error(message, text),
            None => Diagnostic::general(message),
        };
        return Err(diagnostic.with_hint("name every column of the query, or none").into());
    }
    let names: Vec<String> = if names.is_empty() {
        let planned: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        column_names(query, planned)
    } else {
        names.to_vec()
    };
    let mut problems = Diagnostics::default();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            let message = format!("two columns of the view are called \"{name}\"");
            let diagnostic = match place_of_word(text, name) {
                Some(place) => place.error(message, text),
                None => Diagnostic::general(message),
            };
            problems.push(diagnostic.with_hint("name one of them with AS"));
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    rename(plan, &names).map_err(|error| diagnose(&error, text))
}
