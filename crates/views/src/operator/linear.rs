//! Filters, projections, unnesting: row by row, so a change of the input is the same change of the result. Remember nothing.

use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use highwater_model::{ChangeBatch, Weights};

use super::{Expand, Node, OperatorFigures, Tick, Unnest, rows_in};
use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};

/// One step of a [`Linear`] operator.
pub(crate) enum Stage {
    /// Keeps the rows that pass.
    Filter {
        /// The condition.
        condition: Expression,
        /// As SQL.
        text: String,
    },
    /// Computes new columns.
    Project {
        /// One a column.
        columns: Vec<Expression>,
        /// Columns of the result.
        schema: SchemaRef,
        /// As SQL.
        text: String,
    },
    /// Repeats rows for each of several groupings.
    Expand {
        /// Which groupings.
        expand: Expand,
        /// As SQL.
        text: String,
    },
    /// Makes a row of each element of lists.
    Unnest {
        /// Which lists.
        unnest: Unnest,
        /// As SQL.
        text: String,
    },
}

impl Stage {
    /// Applies the step to some changes; `None` when nothing passes.
    pub(crate) fn apply(&self, change: ChangeBatch) -> Result<Option<ChangeBatch>, ViewsError> {
        match self {
            Self::Filter { condition, .. } => {
                let mask = condition.passes(&change.rows)?;
                Ok(match mask.true_count() {
                    0 => None,
                    all if all == change.len() => Some(change),
                    _ => Some(filter_change(&change, &mask)?),
                })
            }
            Self::Project { columns, schema, .. } => {
                let arrays = evaluate_all(columns, &change.rows)?;
                let options = RecordBatchOptions::new().with_row_count(Some(change.len()));
                let rows = RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?;
                Ok(Some(ChangeBatch { rows, weights: change.weights }))
            }
            Self::Expand { expand, .. } => expand.apply(&change).map(Some),
            Self::Unnest { unnest, .. } => unnest.apply(&change),
        }
    }
}

/// The rows where `mask` holds.
pub(crate) fn filter_change(change: &ChangeBatch, mask: &BooleanArray) -> Result<ChangeBatch, ViewsError> {
    let weights = match &change.weights {
        Weights::AllPlusOne => Weights::AllPlusOne,
        Weights::Each(weights) => {
            Weights::Each(weights.iter().enumerate().filter(|(row, _)| mask.value(*row)).map(|(_, w)| *w).collect())
        }
    };
    Ok(ChangeBatch { rows: filter_record_batch(&change.rows, mask)?, weights })
}

/// Filters and projections over one input.
pub(crate) struct Linear {
    input: Box<dyn Node>,
    stages: Vec<Stage>,
    schema: SchemaRef,
}

impl Linear {
    /// Applies `stages` in order; `schema` is that of the result.
    pub(crate) fn new(input: Box<dyn Node>, stages: Vec<Stage>, schema: SchemaRef) -> Self {
        Self { input, stages, schema }
    }
}

/// Applies stages in order; `None` when nothing is left.
pub(crate) fn apply_stages(stages: &[Stage], change: ChangeBatch) -> Result<Option<ChangeBatch>, ViewsError> {
    let mut current = Some(change);
    for stage in stages {
        match current {
            Some(change) => current = stage.apply(change)?,
            None => return Ok(None),
        }
    }
    Ok(current)
}

impl Node for Linear {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let changes = self.input.step(tick)?;
        let stages = &self.stages;
        let results = tick.workers.map(rows_in(&changes), changes, |change| apply_stages(stages, change))?;
        Ok(results.into_iter().flatten().collect())
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        vec![self.input.as_ref()]
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        vec![&mut self.input]
    }

    fn bytes(&self) -> usize {
        0
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        stage_figures(&self.stages)
    }
}

/// What some stages do, the last first.
pub(crate) fn stage_figures(stages: &[Stage]) -> Vec<OperatorFigures> {
    let text = |stage: &Stage| match stage {
        Stage::Filter { text, .. } => format!("filter {text}"),
        Stage::Project { text, .. } => format!("project {text}"),
        Stage::Expand { text, .. } => format!("repeat for {text}"),
        Stage::Unnest { text, .. } => format!("unnest {text}"),
    };
    stages.iter().rev().map(|stage| OperatorFigures::nothing(text(stage))).collect()
}
