//! The faces of our own aggregates that DataFusion does not have, or has with another type or signature: name, signature
//! and types. They compute nothing: [`super::function::Exact`] runs the kernel, and asks here only for what no kernel
//! serves.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature};
use highwater_aggregate::{AggregateKind, AggregateSpec};

/// A function by its kernel.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Declared {
    kind: AggregateKind,
    aliases: Vec<String>,
    signature: Signature,
}

impl Declared {
    /// The function of a kernel; `aliases` are its other names.
    pub(super) fn new(kind: AggregateKind, aliases: &[&str], signature: Signature) -> Self {
        Self { kind, aliases: aliases.iter().map(ToString::to_string).collect(), signature }
    }
}

impl AggregateUDFImpl for Declared {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let value = arg_types.first().cloned().unwrap_or(DataType::Null);
        let spec = AggregateSpec { append_only: true, ..AggregateSpec::new(self.kind, vec![value]) };
        spec.result_type().map_err(|error| plan_datafusion_err!("{error}"))
    }

    fn is_nullable(&self) -> bool {
        self.kind != AggregateKind::ApproxDistinct
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        if self.is_nullable() { ScalarValue::try_from(data_type) } else { Ok(ScalarValue::Int64(Some(0))) }
    }

    fn supports_within_group_clause(&self) -> bool {
        self.kind.takes_direction()
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let types: Vec<String> = args.expr_fields.iter().map(|field| field.data_type().to_string()).collect();
        plan_err!("{} does not take ({})", self.name(), types.join(", "))
    }

    fn create_sliding_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        plan_err!("{} cannot take back rows: let the window's frame start at UNBOUNDED PRECEDING", self.name())
    }
}
