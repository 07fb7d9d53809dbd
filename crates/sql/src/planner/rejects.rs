//! Which rejected records a `REPLAY REJECTS … WHERE` means.

use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Expr, SelectItem};
use highwater_model::{Diagnostics, ObjectName, SystemColumn};

use super::Planner;
use super::context::Relations;
use super::read::{QueryTemplate, quoted};
use crate::catalog::{Catalog, Entry, REJECTS_SUFFIX};

impl Planner {
    /// Plans the offsets of a stream's rejects that a condition over `<stream>_rejects` holds for; `text` is what it was
    /// parsed from.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan_rejects(
        &self,
        entry: &Entry,
        filter: &Expr,
        text: &str,
        catalog: &Catalog,
        relations: &dyn Relations,
    ) -> Result<LogicalPlan, Diagnostics> {
        let rejects = ObjectName::new(&entry.name.schema, format!("{}{REJECTS_SUFFIX}", entry.name.name));
        let offset = SelectItem::UnnamedExpr(Expr::Identifier(quoted(SystemColumn::Offset.name())));
        let alias = quoted(&rejects.name);
        let query = QueryTemplate::new(&rejects, alias).select(vec![offset]).filter(Some(filter.clone())).query();
        self.plan(&query, text, catalog, &entry.name.schema, relations)
    }
}
