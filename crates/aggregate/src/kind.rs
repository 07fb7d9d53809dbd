//! What each [`crate::AggregateKind`] is called and which of the rules of [`crate::types`] and [`crate::build`] it follows.

use crate::{AggregateKind as Kind, AggregateSpec, Constant};

impl Kind {
    /// The SQL name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first_value",
            Self::Last => "last_value",
            Self::BoolAnd => "bool_and",
            Self::BoolOr => "bool_or",
            Self::VarSamp => "var_samp",
            Self::VarPop => "var_pop",
            Self::StddevSamp => "stddev_samp",
            Self::StddevPop => "stddev_pop",
            Self::AnyValue => "any_value",
            Self::Mode => "mode",
            Self::ArrayAgg => "array_agg",
            Self::StringAgg => "string_agg",
            Self::Median => "median",
            Self::PercentileCont => "percentile_cont",
            Self::ApproxMedian => "approx_median",
            Self::ApproxPercentile => "approx_percentile_cont",
            Self::ApproxDistinct => "approx_distinct",
            Self::Histogram => "histogram",
        }
    }

    /// Whether sort keys follow the value as columns.
    #[must_use]
    pub fn takes_sort_keys(self) -> bool {
        matches!(self, Self::First | Self::Last | Self::ArrayAgg | Self::StringAgg)
    }

    /// Whether all values are put together.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::ArrayAgg | Self::StringAgg)
    }

    /// Whether the value itself can be given a direction (`WITHIN GROUP (ORDER BY x DESC)`).
    #[must_use]
    pub fn takes_direction(self) -> bool {
        matches!(self, Self::Mode | Self::PercentileCont | Self::ApproxPercentile)
    }

    /// What the constant argument must be; `None` for functions without one.
    #[must_use]
    pub fn constant(self) -> Option<&'static str> {
        match self {
            Self::PercentileCont | Self::ApproxPercentile => Some("a constant percentile between 0 and 1"),
            Self::Histogram => Some("a constant width greater than 0"),
            Self::StringAgg => Some("a constant text as separator"),
            _ => None,
        }
    }

    /// Whether `constant` is one that the function takes.
    #[must_use]
    pub fn accepts(self, constant: Option<&Constant>) -> bool {
        match (self, constant) {
            (Self::PercentileCont | Self::ApproxPercentile, Some(Constant::Number(at))) => (0.0..=1.0).contains(at),
            (Self::Histogram, Some(Constant::Number(width))) => *width > 0.0 && width.is_finite(),
            (Self::StringAgg, Some(Constant::Text(_))) => true,
            (_, constant) => self.constant().is_none() && constant.is_none(),
        }
    }

    /// Whether `DISTINCT` changes the result and is not the function's own business.
    pub(crate) fn keeps_distinct_values(self) -> bool {
        matches!(
            self,
            Kind::Count
                | Kind::Sum
                | Kind::Avg
                | Kind::VarSamp
                | Kind::VarPop
                | Kind::StddevSamp
                | Kind::StddevPop
                | Kind::Mode
                | Kind::Median
                | Kind::PercentileCont
                | Kind::ApproxMedian
                | Kind::ApproxPercentile
                | Kind::Histogram
        )
    }
}

impl AggregateSpec {
    /// A plain call: no constant, not `DISTINCT`, no order, over input that may be retracted.
    #[must_use]
    pub fn new(kind: Kind, arg_types: Vec<arrow_schema::DataType>) -> Self {
        Self { kind, arg_types, constant: None, distinct: false, order: Vec::new(), append_only: false }
    }

    /// Whether what is kept for a group grows with the different values in it.
    #[must_use]
    pub fn grows_with_values(&self) -> bool {
        match self.kind {
            kind if self.distinct && kind.keeps_distinct_values() => true,
            Kind::Min | Kind::Max | Kind::AnyValue | Kind::First | Kind::Last => !self.append_only,
            kind => {
                matches!(kind, Kind::ArrayAgg | Kind::StringAgg | Kind::Mode | Kind::Median | Kind::PercentileCont)
            }
        }
    }

    /// What is kept for each group, in words for `EXPLAIN INCREMENTAL`.
    #[must_use]
    pub fn describe_state(&self) -> String {
        let state = match (self.kind, self.append_only) {
            (kind, _) if self.distinct && kind.keeps_distinct_values() => "counted set of values per group",
            (Kind::Count, _) => "one count per group",
            (Kind::Min | Kind::Max | Kind::AnyValue, true) => "one value per group (append-only)",
            (Kind::First | Kind::Last, true) => "one row per group (append-only)",
            (Kind::Min | Kind::Max | Kind::AnyValue, false) => "ordered multiset per group (retractable)",
            (Kind::First | Kind::Last, false) => "ordered multiset of rows per group (retractable)",
            (Kind::ArrayAgg | Kind::StringAgg, _) => "ordered multiset of rows per group",
            (Kind::Mode | Kind::Median | Kind::PercentileCont, _) => "ordered multiset of values per group",
            (Kind::ApproxMedian | Kind::ApproxPercentile, _) => "counts of buckets within 1 % per group",
            (Kind::ApproxDistinct, _) => "up to 512 hashes or 16384 registers per group",
            (Kind::Histogram, _) => "counts of buckets per group",
            (Kind::BoolAnd | Kind::BoolOr, _) => "counts of true and false per group",
            (Kind::Sum | Kind::Avg, _) => "exact sum and count per group",
            (Kind::VarSamp | Kind::VarPop | Kind::StddevSamp | Kind::StddevPop, _) => {
                "exact sums of values and squares and count per group"
            }
        };
        state.to_owned()
    }
}
