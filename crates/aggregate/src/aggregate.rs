//! The contract of an aggregate and the description from which one is built.

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, DataType, SortOptions};
use highwater_model::Weights;

/// Rows for an aggregate: which, for which group, how often.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Row indexes into the argument arrays; `None` means all rows in order.
    pub rows: Option<&'a [u32]>,
    /// The group slot of each (selected) row; as long as the selection.
    pub slots: &'a [u32],
    /// Weights, indexed by row of the argument arrays (not by position in the selection).
    pub weights: &'a Weights,
}

/// State of one aggregate for many groups, in columns indexed by group slot.
///
/// A slot starts empty. Updating with weight −w undoes updating with weight +w exactly; the order of updates never
/// matters. Two aggregates with the same updates finish bit for bit the same.
pub trait Aggregate: Send {
    /// Makes room for slots `0..slots`; new ones are empty.
    fn grow(&mut self, slots: usize);

    /// Adds rows (negative weight: removes them). `args` are the argument columns in order.
    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError>;

    /// Adds encoded states (see [`Aggregate::encode`]) to slots: state `i` to `slots[i]`. On empty slots it restores them.
    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError>;

    /// The results of these slots, of the type given by [`AggregateSpec::result_type`].
    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError>;

    /// The states of these slots, of type [`AggregateSpec::state_type`].
    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError>;

    /// Makes slots empty again, to be given to other groups.
    fn clear(&mut self, slots: &[u32]);

    /// Bytes held, heap included.
    fn bytes(&self) -> usize;
}

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// `count(*)` (no arguments) or `count(x, …)`: rows where no argument is NULL.
    Count,
    /// `sum(x)`.
    Sum,
    /// `avg(x)`.
    Avg,
    /// `min(x)`.
    Min,
    /// `max(x)`.
    Max,
    /// `first_value(x ORDER BY …)`: argument 0 is the value, the rest are the sort keys.
    First,
    /// `last_value(x ORDER BY …)`.
    Last,
    /// `bool_and(x)`.
    BoolAnd,
    /// `bool_or(x)`.
    BoolOr,
    /// `var_samp(x)`.
    VarSamp,
    /// `var_pop(x)`.
    VarPop,
    /// `stddev_samp(x)`.
    StddevSamp,
    /// `stddev_pop(x)`.
    StddevPop,
    /// `any_value(x)`: the least value.
    AnyValue,
    /// `mode(x)`: the most frequent value, of several the least (or the greatest, see [`AggregateSpec::order`]).
    Mode,
    /// `array_agg(x [ORDER BY …])`: argument 0 is the value, the rest are the sort keys. NULLs are kept.
    ArrayAgg,
    /// `string_agg(x, separator [ORDER BY …])`: argument 0 is the value, the rest are the sort keys. NULLs are left out.
    StringAgg,
    /// `median(x)`.
    Median,
    /// `percentile_cont(p) WITHIN GROUP (ORDER BY x)`.
    PercentileCont,
    /// `approx_median(x)`.
    ApproxMedian,
    /// `approx_percentile_cont(x, p)`.
    ApproxPercentile,
    /// `approx_distinct(x)`, over append-only input.
    ApproxDistinct,
    /// `histogram(x, width)`.
    Histogram,
}

/// A constant argument. It is no column and shapes results, not state.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// The percentile (0 to 1) or the width of buckets.
    Number(f64),
    /// The separator.
    Text(String),
}

/// An aggregate to build.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateSpec {
    /// Which function.
    pub kind: AggregateKind,
    /// Types of the argument columns after coercion: the value (for `count` any number of them), then the sort keys.
    pub arg_types: Vec<DataType>,
    /// What the functions that need one take besides columns: percentile, separator, width.
    pub constant: Option<Constant>,
    /// `DISTINCT`: each different argument counts once.
    pub distinct: bool,
    /// Directions of the sort keys. For mode and percentiles at most one, that of the value itself.
    pub order: Vec<SortOptions>,
    /// Whether the input is never retracted, so that less state will do.
    pub append_only: bool,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// The function does not take these types.
    #[error("{function} does not take {types}")]
    Unsupported {
        /// SQL name.
        function: &'static str,
        /// What it was given.
        types: String,
    },
    /// Encoded state that this version did not write.
    #[error("aggregate state is damaged or of another version: {0}")]
    BadState(String),
    /// A row was retracted that was never inserted: the caller's input is no valid history.
    #[error("{0}: retracted more than was inserted")]
    NegativeWeight(&'static str),
    /// The function cannot take rows back.
    #[error("{0} cannot take back rows; write count(DISTINCT …)")]
    AppendOnly(&'static str),
    /// The constant argument is missing or out of range.
    #[error("{function} needs {needed}")]
    BadConstant {
        /// SQL name.
        function: &'static str,
        /// What it must be.
        needed: &'static str,
    },
    /// The results asked for at once do not fit into one array.
    #[error("{0} over that many values gives more than an array can hold (2^31 bytes or elements)")]
    TooLarge(&'static str),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}
