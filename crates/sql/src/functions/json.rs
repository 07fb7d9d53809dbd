//! JSON in texts: the functions of the crate `datafusion-functions-json` whose results have one SQL type, and the operators
//! `->` and `->>`. Its `json_get` gives a union of types, which no column can hold: ours gives JSON as text.

use std::sync::Arc;

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use datafusion_functions_json::udfs;

/// The functions, `json_get` being another name of `json_get_json`.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        get(),
        udfs::json_get_str_udf(),
        udfs::json_get_int_udf(),
        udfs::json_get_float_udf(),
        udfs::json_get_bool_udf(),
        udfs::json_as_text_udf(),
        udfs::json_length_udf(),
        udfs::json_contains_udf(),
        udfs::json_object_keys_udf(),
    ]
}

fn get() -> Arc<ScalarUDF> {
    Arc::new(udfs::json_get_json_udf().as_ref().clone().with_aliases(["json_get"]))
}

/// Plans `json -> key` as `json_get(json, key)` and `json ->> key` as `json_as_text(json, key)`.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let function = match expr.op {
            BinaryOperator::Arrow => get(),
            BinaryOperator::LongArrow => udfs::json_as_text_udf(),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let mut args = match expr.right {
            Expr::Literal(..) => path_so_far(expr.left),
            _ => vec![expr.left],
        };
        args.push(expr.right);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))))
    }
}

/// `a -> 'b' -> 'c'` is one walk along the path 'b', 'c' instead of two, as long as the steps are constants.
fn path_so_far(left: Expr) -> Vec<Expr> {
    match left {
        Expr::ScalarFunction(inner)
            if inner.func.name() == "json_get_json"
                && inner.args.iter().skip(1).all(|step| matches!(step, Expr::Literal(..))) =>
        {
            inner.args
        }
        other => vec![other],
    }
}
