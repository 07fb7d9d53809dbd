//! `FROM x FOR SYSTEM_TIME AS OF …`: the point in the past that a relation is read at. The rewriter takes it out of the
//! syntax tree and leaves a number in the relation's name; the planner evaluates it when it comes to the name.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::{ExprSchemable, LogicalPlan, LogicalPlanBuilder, Projection};
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value, ValueWithSpan};

use super::context::Scope;
use super::diagnose::Refusal;
use crate::names::fold;

/// A point in the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// What had been accepted by then, in microseconds since 1970 UTC.
    Time(i64),
    /// What the newest batch result of a view covers.
    Mark,
    /// What is below these offsets, written as `highwater.views` shows marks.
    Offsets(String),
}

/// What a relation's name begins with that is read in the past.
const PREFIX: &str = "past ";

/// The name of a relation at the point of this number.
pub(super) fn marked(point: usize, name: &str) -> String {
    format!("{PREFIX}{point} {name}")
}

/// The point and the relation that a rewritten name stands for.
pub(super) fn past_of(table: &str) -> Option<(usize, &str)> {
    let (point, name) = table.strip_prefix(PREFIX)?.split_once(' ')?;
    Some((point.parse().ok()?, name))
}

impl Scope<'_> {
    /// The point that an expression names.
    pub(super) fn point(&self, expr: &Expr, now_micros: i64) -> Result<Past, Refusal> {
        match expr {
            Expr::Identifier(name) if fold(name) == "mark" => Ok(Past::Mark),
            Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("offsets") => {
                match only_text(&function.args) {
                    Some(text) => Ok(Past::Offsets(text)),
                    None => Err(Refusal::new(
                        "OFFSETS takes one text",
                        "write OFFSETS('app.steps 12,7,0'), as highwater.views shows marks",
                    )),
                }
            }
            other => self.time(other, now_micros).map(Past::Time),
        }
    }

    fn time(&self, expr: &Expr, now_micros: i64) -> Result<i64, Refusal> {
        let hint = "write a constant such as TIMESTAMPTZ '2026-03-01 08:00:00Z', now() - INTERVAL '1 day', or MARK";
        let wrong = |what: String| Refusal::new(format!("AS OF {expr} {what}"), hint);
        let evaluated = || -> datafusion::error::Result<Option<ScalarValue>> {
            let options = ParserOptions::from(&self.planner.state().config_options().sql_parser);
            let empty = DFSchema::empty();
            let planner = SqlToRel::new_with_options(self, options);
            let planned = planner.sql_to_expr(expr.clone(), &empty, &mut PlannerContext::new())?;
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            let planned = planned.cast_to(&utc, &empty)?;
            let mut state = self.planner.session_state();
            let now = chrono::DateTime::from_timestamp_micros(now_micros).unwrap_or_default();
            let mut props = ExecutionProps::new().with_query_execution_start_time(now);
            props.config_options = Some(Arc::clone(state.config_options()));
            *state.execution_props_mut() = props;
            let one = LogicalPlanBuilder::empty(true).project([planned])?.build()?;
            match state.optimize(&one)? {
                LogicalPlan::Projection(Projection { expr, .. }) => match expr.as_slice() {
                    [expr] => Ok(literal(expr)),
                    _ => Ok(None),
                },
                _ => Ok(None),
            }
        };
        match evaluated() {
            Ok(Some(ScalarValue::TimestampMicrosecond(Some(micros), _))) => Ok(micros),
            Ok(Some(_)) => Err(wrong("is NULL".to_owned())),
            Ok(None) => Err(wrong("is no constant time".to_owned())),
            Err(error) => {
                let text = error.strip_backtrace();
                let first = text.lines().next().unwrap_or_default();
                Err(wrong(format!("is no constant time: {first}")))
            }
        }
    }
}

/// The value of an expression, if it is one.
fn literal(expr: &datafusion::logical_expr::Expr) -> Option<ScalarValue> {
    match expr {
        datafusion::logical_expr::Expr::Literal(value, _) => Some(value.clone()),
        datafusion::logical_expr::Expr::Alias(alias) => literal(&alias.expr),
        _ => None,
    }
}

/// The text that is a function's only argument.
fn only_text(arguments: &FunctionArguments) -> Option<String> {
    let FunctionArguments::List(list) = arguments else { return None };
    match list.args.as_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(text),
                ..
            }))),
        ] => Some(text.clone()),
        _ => None,
    }
}
