//! Our aggregates inside DataFusion: equal to DataFusion's own where both are right, equal under any partitioning and
//! order where only ours are, and equal to the kernels run by themselves.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{EmitTo, Expr, GroupsAccumulator, LogicalPlan};
use datafusion::prelude::{SessionConfig, SessionContext};
// The manifest names tokio so, to settle its features.
use feature_tokio as tokio;
use highwater_aggregate::{AggregateKind, AggregateSpec, Input};
use highwater_model::Weights;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::call::Call;
use super::groups::Groups;
use super::{register_aggregates, spec_for};

/// Groups g, integers i (small), floats f (of any magnitude), d (few, exactly summable), texts t, sort key k with ties.
fn events(rows: usize) -> RecordBatch {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut floats = Vec::new();
    for _ in 0..rows {
        let magnitude: i32 = random.random_range(-200..200);
        let value = f64::from(random.random_range(-1_000_000..1_000_000)) * 10_f64.powi(magnitude);
        floats.push(random.random_bool(0.9).then_some(value));
    }
    let mut ints = |below: i64| -> ArrayRef {
        let values = (0..rows).map(|_| random.random_bool(0.9).then(|| random.random_range(-below..below)));
        Arc::new(values.collect::<Int64Array>())
    };
    let (g, i, k, d) = (ints(40), ints(1000), ints(3), ints(50));
    let d = datafusion::arrow::compute::cast(&d, &DataType::Float64).unwrap();
    let t: StringArray = (0..rows).map(|row| (row % 7 > 0).then(|| format!("text {}", row * 31 % 97))).collect();
    let columns: Vec<(&str, ArrayRef)> =
        vec![("g", g), ("i", i), ("f", Arc::new(Float64Array::from(floats))), ("d", d), ("t", Arc::new(t)), ("k", k)];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn context(ours: bool, partitions: usize, batches: Vec<Vec<RecordBatch>>) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(256);
    let mut state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    if ours {
        register_aggregates(&mut state).unwrap();
    }
    let context = SessionContext::new_with_state(state);
    let schema = batches[0][0].schema();
    let schema = Schema::new(
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<Field>>(),
    );
    let schema = Arc::new(schema);
    let batches = batches
        .into_iter()
        .map(|partition| {
            partition
                .into_iter()
                .map(|batch| RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec()).unwrap())
                .collect()
        })
        .collect();
    context.register_table("events", Arc::new(MemTable::try_new(schema, batches).unwrap())).unwrap();
    context
}

/// The events shuffled and dealt to partitions.
fn dealt(events: &RecordBatch, seed: u64, partitions: usize) -> Vec<Vec<RecordBatch>> {
    let mut order: Vec<u32> = (0..events.num_rows() as u32).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let shuffled = take_record_batch(events, &UInt32Array::from(order)).unwrap();
    let size = events.num_rows().div_ceil(partitions);
    (0..partitions)
        .map(|partition| {
            let start = (partition * size).min(events.num_rows());
            vec![shuffled.slice(start, size.min(events.num_rows() - start))]
        })
        .collect()
}

async fn query(context: &SessionContext, sql: &str) -> RecordBatch {
    let frame = context.sql(sql).await.unwrap();
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.unwrap();
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    concat_batches(&schema, &batches).unwrap()
}

fn text(batch: &RecordBatch) -> String {
    pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
}

/// Where DataFusion's own functions are exact, ours give the same values and types.
const AGREEING: [&str; 7] = [
    "SELECT g, sum(i), sum(DISTINCT i), avg(i), count(*), count(DISTINCT t) FROM events GROUP BY g ORDER BY g",
    "SELECT sum(i), avg(i), min(f), max(f), min(t), sum(d), count(DISTINCT d) FROM events",
    "SELECT g, min(f), max(f), count(DISTINCT d), sum(d), avg(d) FROM events GROUP BY g ORDER BY g",
    "SELECT g, sum(CAST(i AS DECIMAL(12, 3))) AS s, avg(CAST(i AS DECIMAL(12, 3))) AS a FROM events GROUP BY g ORDER BY g",
    "SELECT g, first_value(i ORDER BY k, i) AS a, last_value(t ORDER BY k DESC NULLS LAST, i, t) AS b, \
     first_value(i) IGNORE NULLS IS NULL AS c FROM events GROUP BY g ORDER BY g",
    "SELECT g, sum(i) FILTER (WHERE k > 0) AS s, avg(d) FILTER (WHERE t IS NULL) AS a, sum(CAST(i AS INT)) AS n \
     FROM events GROUP BY g ORDER BY g",
    "SELECT g, i, sum(i) OVER (PARTITION BY g ORDER BY i, t, f, d, k ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS s, \
     max(d) OVER (PARTITION BY g ORDER BY i, t, f, d, k ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS m, \
     avg(d) OVER (PARTITION BY g ORDER BY i, t, f, d, k) AS a FROM events ORDER BY g, i, t, f, d, k",
];

#[tokio::test(crate = "feature_tokio", flavor = "multi_thread", worker_threads = 2)]
async fn ours_and_native_agree_where_native_is_exact() {
    let events = events(3000);
    let native = context(false, 1, dealt(&events, 1, 1));
    let ours = context(true, 3, dealt(&events, 2, 3));
    for sql in AGREEING {
        let (native, ours) = (query(&native, sql).await, query(&ours, sql).await);
        assert_eq!(native.schema().fields(), ours.schema().fields(), "{sql}");
        assert_eq!(text(&native), text(&ours), "{sql}");
    }
}

/// Inexact in DataFusion itself; here equal however the rows come.
const DETERMINISTIC: [&str; 9] = [
    "SELECT g, sum(f), avg(f), var(f), stddev_pop(f), sum(DISTINCT f) FROM events GROUP BY g ORDER BY g",
    "SELECT sum(f), avg(f), var_pop(f), stddev(f), avg(DISTINCT f), var(DISTINCT d) FROM events",
    "SELECT g, first_value(t ORDER BY k) AS a, last_value(f ORDER BY k DESC) AS b, first_value(i ORDER BY k) AS c \
     FROM events GROUP BY g ORDER BY g",
    "SELECT t, sum(f) AS s FROM (SELECT * FROM events ORDER BY t) GROUP BY t ORDER BY t",
    "SELECT g, mode(t) AS m, mode() WITHIN GROUP (ORDER BY k DESC) AS k, any_value(t) AS v, approx_distinct(i) AS i, \
     histogram(d, 12.5) AS h, approx_median(f) AS a FROM events GROUP BY g ORDER BY g",
    "SELECT g, array_agg(t) AS a, array_agg(DISTINCT k) AS b, array_agg(t ORDER BY k DESC, i) AS c, \
     string_agg(t, ', ') AS d, string_agg(DISTINCT t, ',' ORDER BY t DESC) AS e, string_agg(t, '' ORDER BY k) AS f, \
     array_agg(t) IGNORE NULLS AS g2, array_agg(f) FILTER (WHERE k = 0) AS h FROM events GROUP BY g ORDER BY g",
    "SELECT g, median(f) AS a, percentile_cont(0.9) WITHIN GROUP (ORDER BY f DESC) AS b, quantile_cont(i, 0.2) AS c, \
     median(CAST(i AS DECIMAL(12, 1))) AS d, median(DISTINCT k) AS e, approx_percentile(i, 0.99) AS x, \
     approx_percentile_cont(0.1) WITHIN GROUP (ORDER BY d) AS y FROM events GROUP BY g ORDER BY g",
    "SELECT mode(k) AS m, any_value(f) AS v, approx_distinct(f) AS n, histogram(i, 100) AS h, array_agg(t) AS a, \
     string_agg(t, '') AS s, median(i) AS p, approx_percentile_cont(f, 0.5) AS q FROM events WHERE i > 900",
    "SELECT array_agg(DISTINCT d) AS a, median(DISTINCT d) AS m FROM events",
];

#[tokio::test(crate = "feature_tokio", flavor = "multi_thread", worker_threads = 2)]
async fn results_do_not_depend_on_order_or_partitions() {
    let events = events(3000);
    let one = context(true, 1, dealt(&events, 1, 1));
    for sql in DETERMINISTIC {
        let expected = query(&one, sql).await;
        for (seed, partitions) in [(2, 1), (3, 2), (4, 5)] {
            let other = context(true, partitions, dealt(&events, seed, partitions));
            assert_eq!(query(&other, sql).await, expected, "{sql}");
        }
    }
}

fn aggregate_of(plan: &LogicalPlan) -> &datafusion::logical_expr::Aggregate {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate,
        other => aggregate_of(other.inputs()[0]),
    }
}

#[tokio::test(crate = "feature_tokio")]
async fn a_planned_call_runs_in_the_kernel_as_in_the_plan() {
    let events = events(800);
    let context = context(true, 2, dealt(&events, 5, 2));
    for call in [
        "sum(f)",
        "avg(f)",
        "var_samp(f)",
        "stddev_pop(f)",
        "min(f)",
        "max(t)",
        "count(*)",
        "count(t)",
        "count(DISTINCT i)",
        "sum(DISTINCT f)",
        "first_value(t ORDER BY k DESC)",
        "last_value(f ORDER BY k)",
        "bool_and(f > 0)",
        "sum(i)",
        "any_value(t)",
        "mode(t)",
        "mode() WITHIN GROUP (ORDER BY k DESC)",
        "array_agg(t)",
        "array_agg(DISTINCT t ORDER BY t DESC)",
        "array_agg(t ORDER BY k, i DESC)",
        "string_agg(t, '; ')",
        "string_agg(t, NULL ORDER BY f)",
        "median(i)",
        "median(CAST(i AS DECIMAL(12, 3)))",
        "percentile_cont(0.3) WITHIN GROUP (ORDER BY f DESC)",
        "percentile_cont(DISTINCT i, 1)",
        "approx_median(f)",
        "approx_percentile_cont(i, 0.95)",
        "approx_distinct(t)",
        "histogram(d, 7)",
    ] {
        let sql = format!("SELECT {call} AS result FROM events");
        let plan = context.sql(&sql).await.unwrap().into_unoptimized_plan();
        let state = context.state();
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}).unwrap();
        let aggregate = aggregate_of(&plan);
        let Expr::AggregateFunction(function) = aggregate.aggr_expr[0].clone().unalias_nested().data else {
            panic!("{call} is planned as {:?}", aggregate.aggr_expr[0]);
        };
        let schema = aggregate.input.schema();
        let (spec, arguments) = spec_for(&function, schema, call.starts_with("approx_distinct")).unwrap();
        let args: Vec<ArrayRef> = arguments
            .iter()
            .map(|argument| {
                let physical = state.create_physical_expr(argument.clone(), schema).unwrap();
                physical.evaluate(&events).unwrap().into_array(events.num_rows()).unwrap()
            })
            .collect();
        let mut kernel = spec.build().unwrap();
        kernel.grow(1);
        let slots = vec![0; events.num_rows()];
        kernel.update(&args, Input { rows: None, slots: &slots, weights: &Weights::AllPlusOne }).unwrap();
        let batch = query(&context, &sql).await;
        assert_eq!(batch.column(0), &kernel.finish(&[0]).unwrap(), "{call}");
        assert_eq!(batch.column(0).data_type(), &spec.result_type().unwrap(), "{call}");
    }
}

#[tokio::test(crate = "feature_tokio")]
async fn what_cannot_be_maintained_says_what_to_write() {
    let context = context(true, 1, vec![vec![events(10)]]);
    for (call, hint) in [
        ("corr(f, d)", "plain VIEW"),
        ("nth_value(i, 2 ORDER BY k)", "first_value(… ORDER BY …)"),
        ("first_value(i)", "ORDER BY"),
        ("first_value(i ORDER BY k) IGNORE NULLS", "FILTER (WHERE"),
        ("approx_distinct(t)", "write count(DISTINCT events.t)"),
        ("array_agg(DISTINCT t ORDER BY k)", "ordered by its argument only"),
        ("string_agg(t, t)", "needs a constant text as separator instead of events.t"),
        ("histogram(d, 0)", "needs a constant width greater than 0"),
        ("percentile_cont(1.5) WITHIN GROUP (ORDER BY i)", "needs a constant percentile between 0 and 1 instead of"),
        ("approx_percentile_cont(i, d)", "needs a constant percentile between 0 and 1 instead of events.d"),
    ] {
        let plan = context.sql(&format!("SELECT {call} AS x FROM events")).await.unwrap().into_unoptimized_plan();
        let aggregate = aggregate_of(&plan);
        let Expr::AggregateFunction(function) = aggregate.aggr_expr[0].clone().unalias_nested().data else {
            panic!("{call} is planned as {:?}", aggregate.aggr_expr[0]);
        };
        let reason = spec_for(&function, aggregate.input.schema(), false).unwrap_err();
        assert!(reason.contains(hint), "{reason}");
    }
}

#[tokio::test(crate = "feature_tokio")]
async fn sums_out_of_range_are_null_and_special_floats_are_ordered() {
    let batch = RecordBatch::try_from_iter([
        ("i", Arc::new(Int64Array::from(vec![i64::MAX, 1, 2])) as ArrayRef),
        ("f", Arc::new(Float64Array::from(vec![f64::NEG_INFINITY, f64::NAN, -0.0])) as ArrayRef),
    ])
    .unwrap();
    let context = context(true, 1, vec![vec![batch]]);
    let result = query(&context, "SELECT sum(i), min(f), max(f), sum(f) IS NULL FROM events").await;
    assert!(result.column(0).is_null(0));
    let row = text(&result);
    assert!(row.contains("-inf") && row.contains("NaN") && row.contains("false"), "{row}");
}

/// The text of a query's only row, cells separated by `|`.
async fn row(context: &SessionContext, sql: &str) -> String {
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
    let result = query(context, sql).await;
    assert_eq!(result.num_rows(), 1, "{sql}");
    let options = FormatOptions::new().with_null("NULL");
    let cell = |column: &ArrayRef| ArrayFormatter::try_new(column, &options).unwrap().value(0).to_string();
    result.columns().iter().map(cell).collect::<Vec<_>>().join("|")
}

#[tokio::test(crate = "feature_tokio")]
async fn results_are_those_of_postgresql_where_it_has_the_function() {
    let batch = RecordBatch::try_from_iter([
        ("i", Arc::new(Int64Array::from(vec![Some(3), Some(1), None, Some(3), Some(8), Some(1)])) as ArrayRef),
        ("t", Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b"), Some(""), Some("c")]))),
    ])
    .unwrap();
    let context = context(true, 2, vec![vec![batch.slice(0, 3)], vec![batch.slice(3, 3)]]);
    for (select, expected) in [
        ("mode(i), mode() WITHIN GROUP (ORDER BY i DESC), mode(t)", "1|3|b"),
        ("any_value(i), any_value(t)", "1|"),
        ("array_agg(i), array_agg(DISTINCT i)", "[1, 1, 3, 3, 8, NULL]|[1, 3, 8, NULL]"),
        ("array_agg(t ORDER BY i DESC)", "[a, , b, b, c, NULL]"),
        ("array_agg(DISTINCT i ORDER BY i DESC NULLS LAST)", "[8, 3, 1, NULL]"),
        (
            "string_agg(t, '+'), string_agg(DISTINCT t, '+' ORDER BY t DESC), string_agg(t, NULL)",
            "+a+b+b+c|c+b+a+|abbc",
        ),
        ("median(i), percentile_cont(0.25) WITHIN GROUP (ORDER BY i)", "3.0|1.0"),
        (
            "percentile_cont(0.875) WITHIN GROUP (ORDER BY i), percentile_cont(1) WITHIN GROUP (ORDER BY i DESC)",
            "5.5|1.0",
        ),
        ("median(CAST(i AS DECIMAL(5, 1))), median(DISTINCT i)", "3.0|3.0"),
        ("approx_distinct(t), approx_distinct(i), arrow_typeof(approx_distinct(i))", "4|3|Int64"),
        ("approx_percentile_cont(i, 0.0) BETWEEN 0.99 AND 1.01, approx_median(i) BETWEEN 2.97 AND 3.03", "true|true"),
        (
            "histogram(i, 2.5)",
            "[{bucket_start: 0.0, count: 2}, {bucket_start: 2.5, count: 2}, {bucket_start: 7.5, count: 1}]",
        ),
        (
            "mode(i), any_value(i), array_agg(i), string_agg(t, ','), median(i), approx_median(i), \
             approx_distinct(i), histogram(i, 1), count(*) FILTER (WHERE false)",
            "NULL|NULL|NULL|NULL|NULL|NULL|0|NULL|0",
        ),
    ] {
        let nothing = if select.contains("WHERE false") { " WHERE i > 100" } else { "" };
        assert_eq!(row(&context, &format!("SELECT {select} FROM events{nothing}")).await, expected, "{select}");
    }
}

#[tokio::test(crate = "feature_tokio")]
async fn windows_take_rows_back() {
    let context = context(true, 1, dealt(&events(60), 1, 1));
    let over = "OVER (ORDER BY i, t, f, d, k ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)";
    let calls = [
        ("mode(k)", "mode(k)"),
        ("median(f)", "median(f)"),
        ("array_agg(t)", "array_agg(t)"),
        ("string_agg(t, ',')", "string_agg(t, ',')"),
        ("approx_percentile_cont(f, 0.9)", "approx_percentile_cont(f, 0.9)"),
        ("histogram(d, 10)", "histogram(d, 10)"),
        ("any_value(t)", "min(t)"),
    ];
    for (call, plain) in calls {
        let windows = query(&context, &format!("SELECT {call} {over} AS w FROM events ORDER BY i, t, f, d, k")).await;
        let rows = "SELECT *, row_number() OVER (ORDER BY i, t, f, d, k) AS n FROM events";
        let joined = format!(
            "SELECT {plain} AS w FROM (SELECT n AS at FROM ({rows}) x) a JOIN ({rows}) b ON n <= at AND n > at - 4 \
             GROUP BY at ORDER BY at"
        );
        assert_eq!(text(&windows), text(&query(&context, &joined).await), "{call}");
    }
    let error = context.sql(&format!("SELECT approx_distinct(t) {over} AS w FROM events")).await.unwrap();
    let error = error.collect().await.unwrap_err().to_string();
    assert!(error.contains("UNBOUNDED PRECEDING"), "{error}");
    let start = "SELECT max(n) FROM (SELECT approx_distinct(t) OVER (ORDER BY i, t, f, d, k) AS n FROM events)";
    assert_eq!(row(&context, start).await, row(&context, "SELECT count(DISTINCT t) FROM events").await);
}

#[tokio::test(crate = "feature_tokio")]
async fn what_a_constant_must_be_is_said_by_batch_execution_too() {
    let context = context(true, 1, vec![vec![events(10)]]);
    for (call, reason) in [
        ("string_agg(t, t)", "needs a constant text as separator instead of"),
        ("histogram(d, -1)", "needs a constant width greater than 0 instead of -1"),
        ("percentile_cont(f, 2)", "needs a constant percentile between 0 and 1 instead of 2"),
        ("array_agg(DISTINCT t ORDER BY k)", "ordered by its argument only"),
        ("histogram(t, 1)", "histogram"),
        ("approx_percentile_cont(f, 0.5, 100)", "approx_percentile_cont"),
    ] {
        let error = match context.sql(&format!("SELECT {call} AS x FROM events GROUP BY g")).await {
            Ok(frame) => frame.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains(reason), "{call}: {error}");
    }
}

#[test]
fn groups_emitted_early_leave_the_others_in_place() {
    let spec = AggregateSpec { append_only: true, ..AggregateSpec::new(AggregateKind::Sum, vec![DataType::Float64]) };
    let call = Call { spec, columns: vec![0], ignore_nulls: false };
    let floats = |values: &[f64]| -> Vec<ArrayRef> { vec![Arc::new(Float64Array::from(values.to_vec()))] };
    let mut groups = Groups::new(call).unwrap();
    groups.update_batch(&floats(&[1.0, 2.0, 4.0, 8.0]), &[0, 1, 2, 1], None, 3).unwrap();
    let first = groups.evaluate(EmitTo::First(2)).unwrap();
    assert_eq!(&first, &floats(&[1.0, 10.0])[0]);
    // Group 2 is now group 0; new groups take the freed slots.
    groups.update_batch(&floats(&[16.0, 32.0, 64.0, 128.0]), &[0, 1, 2, 3], None, 4).unwrap();
    let state = groups.state(EmitTo::First(1)).unwrap();
    let converted =
        groups.convert_to_state(&floats(&[0.5, 0.25]), Some(&BooleanArray::from(vec![true, false]))).unwrap();
    groups.merge_batch(&state, &[2], 3).unwrap();
    groups.merge_batch(&converted, &[0, 1], 3).unwrap();
    assert!(groups.size() > 0);
    assert_eq!(&groups.evaluate(EmitTo::All).unwrap(), &floats(&[32.5, 64.0, 148.0])[0]);
    groups.update_batch(&floats(&[3.0]), &[0], None, 1).unwrap();
    assert_eq!(&groups.evaluate(EmitTo::All).unwrap(), &floats(&[3.0])[0]);
}

/// Input sorted by the group key makes DataFusion emit groups early, and sorted by the sort key "benefits" first/last.
#[tokio::test(crate = "feature_tokio")]
async fn ordered_input_gives_the_same() {
    let events = events(2000);
    let context = context(true, 1, vec![vec![events]]);
    let sql = "SELECT g, sum(f) AS s, first_value(t ORDER BY k) AS a, last_value(t ORDER BY k) AS b, \
               array_agg(t ORDER BY k) AS c, string_agg(t, ',' ORDER BY k DESC) AS d, \
               percentile_cont(0.3) WITHIN GROUP (ORDER BY k DESC) AS e FROM source GROUP BY g ORDER BY g";
    let plain = query(&context, &sql.replace("source", "events")).await;
    for order in ["g", "g, k", "g, k DESC", "k DESC"] {
        let sorted = format!("(SELECT * FROM events ORDER BY {order} LIMIT 100000)");
        assert_eq!(query(&context, &sql.replace("source", &sorted)).await, plain, "{order}");
    }
}
