//! Panes of hopping windows (Li et al., "No Pane, No Gain", SIGMOD Record 2005): rows between two ends of windows are in
//! the same windows. Those of one batch are aggregated together first, and each pane's state is then merged into the
//! groups of its windows, so that a row costs the same however many windows it is in. States are merged exactly, those of
//! retracted rows too, so a group ends up with what its own rows would have given it, bit for bit.
//!
//! Nothing is remembered between ticks but the groups themselves.

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::Field;
use arrow_select::take::take_record_batch;
use highwater_aggregate::Aggregate;
use highwater_model::{ChangeBatch, Weights};

use super::input::{Brought, Preparation, Prepared, Values};
use super::operator::{AggregateCall, Grouping};
use crate::ViewsError;
use crate::expression::evaluate_all;
use crate::keys::{KeyCodec, KeyTable};
use crate::operator::linear::{apply_stages, stage_figures};
use crate::operator::{OperatorFigures, Stage};

/// How rows get into windows, and what tells rows of the same windows.
pub(crate) struct Panes {
    /// Columns of the input that decide the groups and windows of a row: what else it holds makes no difference to them.
    columns: Vec<usize>,
    fields: Vec<Field>,
    codec: KeyCodec,
    /// What puts rows into their windows.
    stages: Vec<Stage>,
    /// The columns as SQL.
    text: String,
}

impl Panes {
    /// Panes by columns of an input with these fields; `stages` put its rows into their windows.
    pub(crate) fn new(
        columns: Vec<usize>,
        input: &arrow_schema::Schema,
        stages: Vec<Stage>,
    ) -> Result<Self, ViewsError> {
        let fields: Vec<Field> = columns.iter().map(|column| input.field(*column).clone()).collect();
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        Ok(Self { codec: KeyCodec::new(&fields)?, text: names.join(", "), columns, fields, stages })
    }

    /// Makes a batch of the input ready.
    pub(super) fn prepare(
        &self,
        change: ChangeBatch,
        what: &Grouping,
        how: Preparation<'_>,
    ) -> Result<Option<Prepared>, ViewsError> {
        let (rows, weights) = (&change.rows, &change.weights);
        let columns: Vec<ArrayRef> = self.columns.iter().map(|column| rows.column(*column).clone()).collect();
        let keys = self.codec.encode(&columns, change.len())?;
        let (mut slots, mut panes) = (Vec::with_capacity(change.len()), Vec::new());
        let mut table = KeyTable::new(KeyCodec::new(&self.fields)?);
        table.intern(&keys, &keys.hashes(), None, &mut slots, &mut panes);
        let values = Values::of(&what.calls, rows)?;
        // Where hardly two rows share a pane, states would cost more than they spare.
        let shared = panes.len() * 2 <= change.len();
        let first = match shared {
            true => take_record_batch(rows, &first_rows(&slots, panes.len()))?,
            false => rows.clone(),
        };
        let Some((windows, of)) = self.windows(first)? else { return Ok(None) };
        let groups = evaluate_all(&what.groups, &windows)?;
        if !shared {
            let own = match weights {
                Weights::AllPlusOne => Weights::AllPlusOne,
                Weights::Each(weights) => Weights::Each(of.iter().map(|row| weights[*row as usize]).collect()),
            };
            let arrived = |row: usize| u64::from(own.at(row) > 0);
            let brought = Brought::Values(values.take(&UInt32Array::from(of))?);
            return Prepared::of(&groups, windows.num_rows(), own.clone(), arrived, brought, how).map(Some);
        }
        let states = states(&what.calls, &values, &slots, weights, panes.len())?;
        let (mut total, mut arrivals) = (vec![0; panes.len()], vec![0; panes.len()]);
        for (row, slot) in slots.iter().enumerate() {
            total[*slot as usize] += weights.at(row);
            arrivals[*slot as usize] += u64::from(weights.at(row) > 0);
        }
        let weights = Weights::Each(of.iter().map(|pane| total[*pane as usize]).collect());
        let arrivals: Vec<u64> = of.iter().map(|pane| arrivals[*pane as usize]).collect();
        let brought = Brought::States { states, of };
        Prepared::of(&groups, windows.num_rows(), weights, |row| arrivals[row], brought, how).map(Some)
    }

    /// The rows in their windows, and for each the number of the row that it was; `None` when they are in none.
    fn windows(&self, rows: RecordBatch) -> Result<Option<(RecordBatch, Vec<u32>)>, ViewsError> {
        // Whatever becomes of a row in the stages, its weight goes along: so it can tell which row it was.
        let numbers = Weights::Each((1..=rows.num_rows() as i64).collect());
        let Some(windows) = apply_stages(&self.stages, ChangeBatch { rows, weights: numbers })? else {
            return Ok(None);
        };
        let of = (0..windows.len()).map(|row| (windows.weights.at(row) - 1) as u32).collect();
        Ok(Some((windows.rows, of)))
    }

    /// The steps from the input to the windows, the last first.
    pub(super) fn figures(&self) -> Vec<OperatorFigures> {
        let mut figures = stage_figures(&self.stages);
        figures.push(OperatorFigures::nothing(format!("put rows of a tick together by pane [{}]", self.text)));
        figures
    }
}

/// The first row of each slot.
fn first_rows(slots: &[u32], panes: usize) -> UInt32Array {
    let mut first = vec![0; panes];
    for (row, slot) in slots.iter().enumerate().rev() {
        first[*slot as usize] = row as u32;
    }
    first.into()
}

/// The encoded states of all panes.
fn states(
    calls: &[AggregateCall],
    values: &Values,
    slots: &[u32],
    weights: &Weights,
    panes: usize,
) -> Result<Vec<ArrayRef>, ViewsError> {
    let mut aggregates: Vec<Box<dyn Aggregate>> =
        calls.iter().map(|call| call.spec.build()).collect::<Result<_, _>>()?;
    aggregates.iter_mut().for_each(|aggregate| aggregate.grow(panes));
    values.give(&mut aggregates, None, slots, weights)?;
    let all: Vec<u32> = (0..panes as u32).collect();
    Ok(aggregates.iter().map(|aggregate| aggregate.encode(&all)).collect::<Result<_, _>>()?)
}
