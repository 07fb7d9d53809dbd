//! An answer as a table for people: numbers to the right, NULL told from an empty text, the number of rows below.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, SchemaRef};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::failure::Failure;

/// Rows drawn; more are counted but not drawn.
const MOST_ROWS: usize = 10_000;

/// A whole answer.
#[derive(Debug)]
pub(super) struct TableAnswer {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl TableAnswer {
    /// Reads an Arrow IPC stream.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let reader = StreamReader::try_new(bytes, None).map_err(unreadable)?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        Ok(Self { schema, batches })
    }

    /// The table and the number of rows.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let options = FormatOptions::default()
            .with_null("NULL")
            .with_display_error(true)
            .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(self.schema.fields().iter().map(|field| field.name().clone()));
        let mut left = MOST_ROWS;
        for batch in &self.batches {
            let drawn = batch.num_rows().min(left);
            left -= drawn;
            let columns = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
                .collect::<Result<Vec<_>, _>>()
                .map_err(unreadable)?;
            for row in 0..drawn {
                table.add_row(columns.iter().map(|column| column.value(row).to_string()).map(Cell::new));
            }
        }
        for (index, field) in self.schema.fields().iter().enumerate() {
            if field.data_type().is_numeric()
                && let Some(column) = table.column_mut(index)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let rows: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        let count = match rows {
            1 => "1 row".to_owned(),
            rows if rows > MOST_ROWS => {
                format!("{rows} rows, the first {MOST_ROWS} shown; add LIMIT, or take --format csv for all")
            }
            rows => format!("{rows} rows"),
        };
        if self.schema.fields().is_empty() { Ok(format!("({count})\n")) } else { Ok(format!("{table}\n({count})\n")) }
    }
}

/// Writes to standard output; whoever reads it may stop at any time.
pub(super) fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        outcome => outcome.map_err(|source| Failure::io("cannot write to standard output", source)),
    }
}

fn unreadable(error: ArrowError) -> Failure {
    Failure::Answer(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use arrow_ipc::writer::StreamWriter;

    use super::*;

    fn answer(rows: usize) -> TableAnswer {
        let numbers: ArrayRef = Arc::new((0..rows as i64).map(|n| (n != 1).then_some(n)).collect::<Int64Array>());
        let texts: ArrayRef = Arc::new(StringArray::from(vec![""; rows]));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("number", numbers, true), ("text", texts, true)]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        TableAnswer::read(&bytes).unwrap()
    }

    #[test]
    fn draws_rows_and_counts_them() {
        let text = answer(3).text().unwrap();
        assert!(text.contains("│ number ┆ text │") && text.ends_with("(3 rows)\n"), "{text}");
        assert!(text.contains("│   NULL ┆      │") && text.contains("│      2 ┆      │"), "{text}");
        assert!(answer(1).text().unwrap().ends_with("(1 row)\n"));
        assert!(answer(0).text().unwrap().contains("number"));
    }

    #[test]
    fn says_when_rows_are_left_out() {
        assert!(answer(MOST_ROWS + 1).text().unwrap().contains("the first 10000 shown"));
    }

    #[test]
    fn a_damaged_answer_is_an_error() {
        assert!(TableAnswer::read(b"nonsense").is_err());
    }
}
