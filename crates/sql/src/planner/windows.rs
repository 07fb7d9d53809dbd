//! `TUMBLE`, `HOP` and `SESSION` in `FROM`, rewritten to plain queries: every event with the window (or windows) it
//! belongs to. So live and batch evaluation agree by construction, and nothing else need know of them.

use std::fmt::Write;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectNamePart, SetExpr, TableAlias, TableFactor,
};
use datafusion::sql::sqlparser::parser::Parser;

use crate::names::{fold, name_in_expr};
use crate::parse::DIALECT;

/// Windows that one event of a hopping window is in, at most.
const MOST_HOPS: u64 = 1_000;

/// The column in which an event of a hopping window has the pane it falls into. Incremental plans aggregate the events of
/// a pane together.
pub const PANE: &str = "__pane";

/// What is wrong with a call, and what to write.
pub(super) type Wrong = (String, &'static str);

/// The query that a window function in `FROM` stands for; `None` when it is none.
pub(super) fn window_function(factor: &TableFactor) -> Option<Result<TableFactor, Wrong>> {
    let TableFactor::Table { name, alias, args: Some(args), .. } = factor else { return None };
    let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return None };
    let make = match fold(ident).as_str() {
        "tumble" => tumble,
        "hop" => hop,
        "session" => session,
        _ => return None,
    };
    let exprs = args.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    let query = exprs.collect::<Option<Vec<_>>>().ok_or_else(|| usage(&fold(ident))).and_then(|exprs| make(&exprs));
    Some(query.and_then(|query| derived(&query, alias.as_ref(), args.args.first())))
}

fn usage(name: &str) -> Wrong {
    let instead = match name {
        "tumble" => "write TUMBLE(stream, time column, INTERVAL '10 minutes')",
        "hop" => "write HOP(stream, time column, INTERVAL '1 minute', INTERVAL '10 minutes'): the slide, then the size",
        _ => "write SESSION(stream, time column, INTERVAL '30 minutes', key, …): the gap, then whose sessions they are",
    };
    (format!("{} is not given what it takes", name.to_uppercase()), instead)
}

/// Each event in the one window of fixed size that it falls into.
fn tumble(args: &[&Expr]) -> Result<String, Wrong> {
    let [relation, time, size] = args else { return Err(usage("tumble")) };
    let (relation, start) = (relation_of(relation, "tumble")?, format!("date_bin({size}, {time})"));
    micros(size, "tumble")?;
    Ok(format!(
        "SELECT *, {start} AS window_start, {start} + {size} AS window_end FROM {relation} WHERE {time} IS NOT NULL"
    ))
}

/// Each event in every window of fixed size that it falls into; one begins every slide.
fn hop(args: &[&Expr]) -> Result<String, Wrong> {
    let [relation, time, slide, size] = args else { return Err(usage("hop")) };
    let relation = relation_of(relation, "hop")?;
    let (slide_micros, size_micros) = (micros(slide, "hop")?, micros(size, "hop")?);
    let hops = size_micros.div_ceil(slide_micros);
    if slide_micros > size_micros || hops > MOST_HOPS {
        let message = format!("HOP would put an event into {hops} windows");
        return Err((message, "let the slide be at most the size, and the size at most 1,000 slides"));
    }
    // Events of one pane are in the same windows: every window begins and ends with a pane.
    let pane = greatest_common_divisor(slide_micros, size_micros);
    let last = if pane == slide_micros { PANE.to_owned() } else { format!("date_bin({slide}, {PANE})") };
    let mut starts = String::new();
    for hop in 0..hops {
        let separator = if hop == 0 { "" } else { ", " };
        let _ = write!(starts, "{separator}{last} - INTERVAL '{} microseconds'", hop * slide_micros);
    }
    // An event is not in the earliest of them when the size is no multiple of the slide.
    let within = if pane == slide_micros { String::new() } else { format!(" WHERE {PANE} < __start + {size}") };
    Ok(format!(
        "SELECT * EXCLUDE ({PANE}, __start), __start AS window_start, __start + {size} AS window_end FROM \
         (SELECT *, unnest([{starts}]) AS __start FROM \
         (SELECT *, date_bin(INTERVAL '{pane} microseconds', {time}) AS {PANE} FROM {relation} WHERE {time} IS NOT NULL)){within}"
    ))
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Each event in its session: events of a key with no gap between them longer than the given one. Late events join
/// sessions, and their absence splits them.
fn session(args: &[&Expr]) -> Result<String, Wrong> {
    let [relation, time, gap, keys @ ..] = args else { return Err(usage("session")) };
    let relation = relation_of(relation, "session")?;
    micros(gap, "session")?;
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let partition = |more: &str| {
        let all: Vec<&str> = keys.iter().map(String::as_str).chain((!more.is_empty()).then_some(more)).collect();
        if all.is_empty() { String::new() } else { format!("PARTITION BY {} ", all.join(", ")) }
    };
    let (by_key, by_session) = (partition(""), partition("__session"));
    Ok(format!(
        "SELECT * EXCLUDE (__begins, __session), min({time}) OVER ({by_session}) AS window_start, max({time}) OVER ({by_session}) + {gap} AS window_end FROM \
         (SELECT *, sum(__begins) OVER ({by_key}ORDER BY {time}) AS __session FROM \
         (SELECT *, CASE WHEN {time} - lag({time}) OVER ({by_key}ORDER BY {time}) <= {gap} THEN 0 ELSE 1 END AS __begins \
         FROM {relation} WHERE {time} IS NOT NULL))"
    ))
}

/// A relation's name, or `HISTORY(stream)`, as SQL.
fn relation_of(expr: &Expr, function: &str) -> Result<String, Wrong> {
    match expr {
        Expr::Function(_) => Ok(expr.to_string()),
        _ if name_in_expr(expr).is_some() => Ok(expr.to_string()),
        _ => Err(usage(function)),
    }
}

/// The length of a constant interval; it must be fixed, so not in months.
fn micros(expr: &Expr, function: &str) -> Result<u64, Wrong> {
    let wrong = || {
        let message = format!("{} takes a constant interval of fixed length, not {expr}", function.to_uppercase());
        (message, "write INTERVAL '10 minutes'; days are the longest unit, and the interval must be above 0")
    };
    let Expr::Interval(interval) = expr else { return Err(wrong()) };
    let text = match interval.value.as_ref() {
        Expr::Value(value) => value.value.clone().into_string().or_else(|| match &value.value {
            datafusion::sql::sqlparser::ast::Value::Number(digits, _) => Some(digits.clone()),
            _ => None,
        }),
        _ => None,
    };
    let text = text.ok_or_else(wrong)?;
    let text = match &interval.leading_field {
        Some(unit) => format!("{text} {unit}"),
        None => text,
    };
    let parsed = datafusion::arrow::compute::kernels::cast_utils::parse_interval_month_day_nano_config(
        &text,
        datafusion::arrow::compute::kernels::cast_utils::IntervalParseConfig::new(
            datafusion::arrow::compute::kernels::cast_utils::IntervalUnit::Second,
        ),
    );
    let parsed = parsed.map_err(|_| wrong())?;
    let micros = i64::from(parsed.days).saturating_mul(86_400_000_000).saturating_add(parsed.nanoseconds / 1_000);
    match u64::try_from(micros) {
        Ok(micros) if micros > 0 && parsed.months == 0 => Ok(micros),
        _ => Err(wrong()),
    }
}

/// A query in place of a call; without an alias it has the name of the relation.
fn derived(query: &str, alias: Option<&TableAlias>, first: Option<&FunctionArg>) -> Result<TableFactor, Wrong> {
    let broken = |reason: String| (reason, "write the columns and intervals as plain names and constants");
    let parsed = Parser::new(&DIALECT).try_with_sql(query).and_then(|mut parser| parser.parse_query());
    let subquery = parsed.map_err(|error| broken(error.to_string()))?;
    debug_assert!(matches!(subquery.body.as_ref(), SetExpr::Select(_)));
    let name = match first {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => name_in_expr(expr).map(|name| name.name),
        _ => None,
    };
    let own = || TableAlias {
        explicit: true,
        name: Ident::with_quote('"', name.unwrap_or_else(|| "windows".to_owned())),
        columns: Vec::new(),
        at: None,
    };
    let alias = Some(alias.cloned().unwrap_or_else(own));
    Ok(TableFactor::Derived { lateral: false, subquery, alias, sample: None })
}
