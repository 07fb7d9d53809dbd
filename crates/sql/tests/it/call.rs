//! Calls one scalar function on columns, as a plan would: types settled, constants checked, then computed.

use std::sync::{Arc, LazyLock};

use highwater_sql::Planner;
use highwater_sql::datafusion::arrow::array::{Array, ArrayRef};
use highwater_sql::datafusion::arrow::compute::cast;
use highwater_sql::datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use highwater_sql::datafusion::common::config::ConfigOptions;
use highwater_sql::datafusion::common::{Result, ScalarValue};
use highwater_sql::datafusion::execution::session_state::SessionState;
use highwater_sql::datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs};

static SESSION: LazyLock<SessionState> = LazyLock::new(|| Planner::new().session_state());

/// A constant argument.
pub fn constant(value: impl Into<ScalarValue>) -> ColumnarValue {
    ColumnarValue::Scalar(value.into())
}

/// A column.
pub fn column(array: impl Array + 'static) -> ColumnarValue {
    ColumnarValue::Array(Arc::new(array))
}

/// The function's results, one a row of the arguments; one if all are constant.
pub fn call(name: &str, args: Vec<ColumnarValue>) -> Result<ArrayRef> {
    let function = &SESSION.scalar_functions()[name];
    let types: Vec<DataType> = args.iter().map(ColumnarValue::data_type).collect();
    let types = function.coerce_types(&types)?;
    let mut rows = 1;
    let mut settled = Vec::new();
    for (arg, data_type) in args.iter().zip(&types) {
        settled.push(match arg {
            ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.cast_to(data_type)?),
            ColumnarValue::Array(array) => {
                rows = array.len();
                ColumnarValue::Array(cast(array, data_type)?)
            }
        });
    }
    let fields: Vec<FieldRef> = types.iter().map(|t| Arc::new(Field::new("a", t.clone(), true))).collect();
    let constants: Vec<Option<&ScalarValue>> = settled
        .iter()
        .map(|arg| match arg {
            ColumnarValue::Scalar(value) => Some(value),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let return_field =
        function.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &constants })?;
    let result = function.invoke_with_args(ScalarFunctionArgs {
        args: settled.clone(),
        arg_fields: fields,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    result.into_array_of_size(rows)
}
