//! Limits, errors, names of types.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use futures::{StreamExt, TryStreamExt, stream};
use highwater_api::{ApiError, ErrorKind, SqlLimits};
use highwater_sql::datafusion::error::DataFusionError;
use highwater_sql::sql_type;
use tokio::time::Instant;

use crate::query::errors::query_error;
use crate::query::limits::LimitedRows;

fn batch(rows: i64) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("n", DataType::Int64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from_iter_values(0..rows))]).unwrap()
}

fn limits(max_rows: u64) -> SqlLimits {
    SqlLimits { max_rows, ..SqlLimits::default() }
}

#[tokio::test]
async fn rows_up_to_the_limit_are_given() {
    let rows = stream::iter([Ok(batch(2)), Ok(batch(0)), Ok(batch(1))]);
    let given: Vec<RecordBatch> = LimitedRows::new(rows, limits(3), None).try_collect().await.unwrap();
    assert_eq!(given.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn one_row_more_is_an_error_and_the_end() {
    let rows = stream::iter([Ok(batch(2)), Ok(batch(2)), Ok(batch(2))]);
    let given: Vec<Result<RecordBatch, ApiError>> = LimitedRows::new(rows, limits(3), None).collect().await;
    assert_eq!(given.len(), 2);
    let error = given.into_iter().next_back().unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(error.message.contains("3 rows"), "{error}");
}

#[tokio::test]
async fn a_query_that_gives_nothing_times_out() {
    let rows = stream::pending::<Result<RecordBatch, DataFusionError>>();
    let deadline = Instant::now() - Duration::from_millis(1);
    let given: Vec<Result<RecordBatch, ApiError>> = LimitedRows::new(rows, limits(3), Some(deadline)).collect().await;
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].as_ref().unwrap_err().kind, ErrorKind::Timeout);
}

#[test]
fn errors_tell_whose_they_are() {
    let told = |error: DataFusionError| query_error(error, &limits(1));
    let divided = told(ArrowError::DivideByZero.into());
    assert_eq!((divided.kind, divided.message.as_str()), (ErrorKind::InvalidInput, "divide by zero error"));
    let context = DataFusionError::ResourcesExhausted("…".to_owned()).context("sorting");
    assert_eq!(told(context).kind, ErrorKind::TooLarge);
    assert_eq!(told(DataFusionError::NotImplemented("X.".to_owned())).message, "not supported: x");
    let defect = told(DataFusionError::Internal("oh no".to_owned()));
    assert_eq!((defect.kind, defect.message.as_str()), (ErrorKind::Internal, "oh no"));
    let ours = ApiError::new(ErrorKind::Unavailable, "trimmed").with_hint("again");
    let wrapped = DataFusionError::Shared(Arc::new(DataFusionError::External(Box::new(ours.clone()))));
    assert_eq!(told(wrapped), ours);
    assert_eq!(told(ArrowError::from_external_error(Box::new(ours.clone())).into()), ours);
}

#[test]
fn types_are_shown_as_sql_writes_them() {
    let fields = vec![Field::new("lat", DataType::Float64, true), Field::new("at", highwater_model::nanos_utc(), true)];
    let nested = DataType::List(Arc::new(Field::new_list_field(DataType::Struct(fields.into()), true)));
    assert_eq!(sql_type(&nested), "LIST<STRUCT<lat DOUBLE, at TIMESTAMPTZ(9)>>");
    assert_eq!(sql_type(&DataType::Decimal128(10, 2)), "DECIMAL(10, 2)");
}
