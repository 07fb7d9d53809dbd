//! A kernel for one group: ungrouped aggregation and window frames, with retraction where the frame slides.
//! See [`super::function`].

use std::sync::{Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::Accumulator;
use highwater_aggregate::{Aggregate, AggregateError, Input};
use highwater_model::Weights;

use super::call::Call;

/// One slot of a kernel.
#[derive(Debug)]
pub(super) struct Single {
    call: Call,
    /// DataFusion wants accumulators to be `Sync`, kernels need not be; never locked but through `&mut` or for its size.
    kernel: Mutex<Kernel>,
    /// As many zeros as a batch has rows.
    slots: Vec<u32>,
}

struct Kernel(Box<dyn Aggregate>);

impl std::fmt::Debug for Kernel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Kernel({} bytes)", self.0.bytes())
    }
}

/// Our errors as DataFusion's.
pub(super) fn external(error: AggregateError) -> DataFusionError {
    match error {
        AggregateError::Arrow(error) => error.into(),
        other => DataFusionError::External(Box::new(other)),
    }
}

impl Single {
    /// An empty one.
    pub(super) fn new(call: Call) -> Result<Self> {
        let mut kernel = call.spec.build().map_err(external)?;
        kernel.grow(1);
        Ok(Self { call, kernel: Mutex::new(Kernel(kernel)), slots: Vec::new() })
    }

    fn kernel(&mut self) -> &mut dyn Aggregate {
        self.kernel.get_mut().unwrap_or_else(PoisonError::into_inner).0.as_mut()
    }

    fn apply(&mut self, values: &[ArrayRef], weights: &Weights) -> Result<()> {
        let args = self.call.arguments(values);
        let nulls = args[0].logical_nulls().filter(|nulls| self.call.ignore_nulls && nulls.null_count() > 0);
        let rows: Option<Vec<u32>> = nulls.map(|nulls| nulls.valid_indices().map(|row| row as u32).collect());
        let mut slots = std::mem::take(&mut self.slots);
        slots.resize(rows.as_ref().map_or(args[0].len(), Vec::len), 0);
        let updated = self.kernel().update(&args, Input { rows: rows.as_deref(), slots: &slots, weights });
        self.slots = slots;
        updated.map_err(external)
    }
}

impl Accumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.apply(values, &Weights::AllPlusOne)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.apply(values, &Weights::Each(vec![-1; values[0].len()].into()))
    }

    fn supports_retract_batch(&self) -> bool {
        !self.call.spec.append_only
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = self.kernel().finish(&[0]).map_err(external)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.kernel().encode(&[0]).map_err(external)?;
        Ok(vec![ScalarValue::try_from_array(&state, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let slots = vec![0; states[0].len()];
        self.kernel().merge(&states[0], &slots).map_err(external)
    }

    fn size(&self) -> usize {
        let kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        size_of::<Self>() + kernel.0.bytes() + self.slots.capacity() * size_of::<u32>()
    }
}
