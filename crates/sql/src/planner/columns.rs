//! A plan's columns as the catalog keeps them, and renaming them by position.

use datafusion::common::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, AccessExpr, Query, SelectItem, SetExpr};
use highwater_model::Column;

use crate::names::fold;

/// The output columns of a plan.
pub(super) fn columns_of(plan: &LogicalPlan) -> Vec<Column> {
    let fields = plan.schema().fields().iter();
    fields.map(|field| Column::new(field.name(), field.data_type().clone(), field.is_nullable())).collect()
}

/// The plan with its first columns called `names`, unqualified; the plan itself when they are called so already.
pub(super) fn rename(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    let same = plan.schema().fields().len() == names.len()
        && plan.schema().fields().iter().zip(names).all(|(field, name)| field.name() == name);
    if same {
        return Ok(plan);
    }
    let columns: Vec<Expr> = plan
        .schema()
        .columns()
        .into_iter()
        .zip(names)
        .map(
            |(column, name)| if column.name == *name { Expr::Column(column) } else { Expr::Column(column).alias(name) },
        )
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Names of a view's columns: as planned, except that expressions without an alias are called as PostgreSQL calls them,
/// after their field or function (`sum`, not `sum(steps.steps)`).
pub(super) fn column_names(query: &Query, planned: Vec<String>) -> Vec<String> {
    let mut body = query.body.as_ref();
    let items = loop {
        match body {
            SetExpr::Select(select) => break &select.projection,
            SetExpr::Query(inner) => body = inner.body.as_ref(),
            SetExpr::SetOperation { left, .. } => body = left.as_ref(),
            _ => return planned,
        }
    };
    if items.len() != planned.len() {
        return planned;
    }
    let name = |(planned, item): (String, &SelectItem)| match item {
        SelectItem::UnnamedExpr(expr) => name_of(expr).unwrap_or(planned),
        _ => planned,
    };
    planned.into_iter().zip(items).map(name).collect()
}

fn name_of(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        ast::Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
            Some(AccessExpr::Dot(ast::Expr::Identifier(name))) => Some(fold(name)),
            _ => name_of(root),
        },
        ast::Expr::Function(function) => function.name.0.last().and_then(|part| part.as_ident()).map(fold),
        ast::Expr::Cast { expr, .. } | ast::Expr::Nested(expr) => name_of(expr),
        ast::Expr::Identifier(name) => Some(fold(name)),
        ast::Expr::Case { .. } => Some("case".to_owned()),
        _ => None,
    }
}
