//! A DataFusion aggregate function that runs a kernel of `highwater-aggregate` where DataFusion's own could differ in
//! any bit, and DataFusion's own where it cannot. Name, signature, coercion and types are those of the original, so
//! plans are the same whichever runs.
//!
//! Differing are: sums (overflow wraps in the original), everything with floats (order of additions, NaN, −0.0),
//! first/last with ties, lists and texts (ordered by arrival in the original), percentiles (interpolated otherwise), all
//! approximations, `any_value`. Not differing, and left alone: `count`, `min`/`max` of anything but floats, first/last
//! without an order.

use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature, StatisticsArgs,
};
use highwater_aggregate::{AggregateKind, AggregateSpec, Constant};

use super::accumulator::Single;
use super::call::Call;
use super::constant;
use super::groups::Groups;

/// A kernel under the name of a DataFusion function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Exact {
    kind: AggregateKind,
    native: Arc<AggregateUDF>,
}

/// What decides which kernel runs.
struct Given<'a> {
    inputs: &'a [FieldRef],
    order: Vec<(DataType, SortOptions)>,
    constant: Option<Constant>,
    distinct: bool,
    append_only: bool,
}

impl Exact {
    /// `kind` in the place of `native`.
    pub(super) fn new(kind: AggregateKind, native: Arc<AggregateUDF>) -> Self {
        Self { kind, native }
    }

    fn is_ordered(&self) -> bool {
        self.kind.takes_sort_keys() || self.kind.takes_direction()
    }

    /// The kernel for a call; `None` if DataFusion's own serves as well or the kernel does not take the types.
    fn spec(&self, given: Given<'_>) -> Option<AggregateSpec> {
        let value = given.inputs.first()?.data_type();
        let floats = matches!(value, DataType::Float16 | DataType::Float32 | DataType::Float64);
        let differs = match self.kind {
            AggregateKind::Count => given.distinct && floats,
            AggregateKind::Min | AggregateKind::Max => floats,
            AggregateKind::First | AggregateKind::Last => !given.order.is_empty(),
            _ => true,
        };
        let columns = given.inputs.iter().enumerate().filter(|(index, _)| !constant::is_at(self.kind, *index));
        let mut arg_types: Vec<DataType> = columns.map(|(_, field)| field.data_type().clone()).collect();
        let mut order = Vec::new();
        for (data_type, options) in given.order {
            if self.kind.takes_sort_keys() {
                arg_types.push(data_type);
            }
            if self.is_ordered() {
                order.push(options);
            }
        }
        let spec = AggregateSpec {
            kind: self.kind,
            arg_types,
            constant: given.constant,
            distinct: given.distinct,
            order,
            append_only: given.append_only,
        };
        (differs && spec.result_type().is_ok()).then_some(spec)
    }

    /// The kernel for a planned call and where its arguments are.
    fn call(&self, args: &AccumulatorArgs<'_>, append_only: bool) -> Result<Option<Call>> {
        let order = args.order_bys.iter().map(|key| Ok((key.expr.data_type(args.schema)?, key.options)));
        let order = order.collect::<Result<Vec<_>>>()?;
        if args.is_distinct && self.kind.is_list() && args.order_bys.iter().any(|key| !key.expr.eq(&args.exprs[0])) {
            return plan_err!("{}", ordered_by_others(self.name()));
        }
        let constant =
            constant::of_physical(self.kind, args.exprs).map_err(|reason| plan_datafusion_err!("{reason}"))?;
        let (inputs, distinct) = (args.expr_fields, args.is_distinct);
        let Some(spec) = self.spec(Given { inputs, order, constant, distinct, append_only }) else {
            return Ok(None);
        };
        let columns = (0..).filter(|index| !constant::is_at(self.kind, *index)).take(spec.arg_types.len()).collect();
        Ok(Some(Call { spec, columns, ignore_nulls: args.ignore_nulls }))
    }
}

/// Why a list of different values cannot be ordered by something else (as in PostgreSQL).
pub(super) fn ordered_by_others(name: &str) -> String {
    format!(
        "{name}(DISTINCT …) can be ordered by its argument only: of equal values with different sort keys one is kept"
    )
}

impl AggregateUDFImpl for Exact {
    fn name(&self) -> &str {
        self.native.name()
    }

    fn aliases(&self) -> &[String] {
        self.native.aliases()
    }

    fn signature(&self) -> &Signature {
        self.native.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.native.return_type(arg_types)
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.native.return_field(arg_fields)
    }

    fn is_nullable(&self) -> bool {
        self.native.is_nullable()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.native.coerce_types(arg_types)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.native.default_value(data_type)
    }

    fn supports_within_group_clause(&self) -> bool {
        self.native.supports_within_group_clause()
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.native.supports_null_handling_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.native.documentation()
    }

    fn is_descending(&self) -> Option<bool> {
        self.native.is_descending()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        match self.kind {
            // A sum beyond its type reads as NULL, so not even that of unsigned numbers only grows.
            AggregateKind::Count | AggregateKind::Min | AggregateKind::Max => {
                self.native.inner().set_monotonicity(data_type)
            }
            _ => SetMonotonicity::NotMonotonic,
        }
    }

    fn value_from_stats(&self, args: &StatisticsArgs) -> Option<ScalarValue> {
        // Statistics of files do not say how they treat NaN and −0.0, nor whether a sum wrapped.
        match self.kind {
            AggregateKind::Count => self.native.value_from_stats(args),
            AggregateKind::Min | AggregateKind::Max if !args.return_type.is_floating() => {
                self.native.value_from_stats(args)
            }
            _ => None,
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        // Kernels put rows in order themselves; saying so ("beneficial") makes the sort keys arrive as arguments
        // without a sort.
        if self.is_ordered() { AggregateOrderSensitivity::Beneficial } else { AggregateOrderSensitivity::Insensitive }
    }

    fn with_beneficial_ordering(self: Arc<Self>, _: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(self.is_ordered().then_some(self as Arc<dyn AggregateUDFImpl>))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        if self.is_ordered() { ReversedUDAF::NotSupported } else { ReversedUDAF::Identical }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.call(&args, true)? {
            Some(call) => Ok(Box::new(Single::new(call)?)),
            None => self.native.accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.call(&args, false)? {
            Some(call) => Ok(Box::new(Single::new(call)?)),
            None => self.native.create_sliding_accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match self.call(&args, true) {
            Ok(Some(_)) => true,
            _ => self.native.groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match self.call(&args, true)? {
            Some(call) => Ok(Box::new(Groups::new(call)?)),
            None => self.native.create_groups_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        // The type of a state depends neither on the sort directions nor on the constant, which are not known here.
        let order = args.ordering_fields.iter().map(|field| (field.data_type().clone(), SortOptions::default()));
        let given = Given {
            inputs: args.input_fields,
            order: order.collect(),
            constant: None,
            distinct: args.is_distinct,
            append_only: true,
        };
        match self.spec(given) {
            Some(spec) => {
                Ok(vec![Arc::new(Field::new(format_state_name(args.name, "state"), spec.state_type(), true))])
            }
            None => self.native.state_fields(args),
        }
    }
}
