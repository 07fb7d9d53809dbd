//! Scans of a stream's records from archive and log as one table: files of the archive that filters leave, read column by
//! column, and behind them the log up to the version that the query reads.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use highwater_archive::{ColumnRange, DataFile, TableSnapshot};
use highwater_model::{ObjectName, StreamSchema};
use highwater_sql::datafusion::catalog::{Session, TableProvider};
use highwater_sql::datafusion::common::pruning::PruningStatistics;
use highwater_sql::datafusion::common::stats::Precision;
use highwater_sql::datafusion::common::{Column, DFSchema, ScalarValue, Statistics};
use highwater_sql::datafusion::datasource::TableType;
use highwater_sql::datafusion::datasource::listing::PartitionedFile;
use highwater_sql::datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use highwater_sql::datafusion::datasource::source::DataSourceExec;
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::execution::object_store::ObjectStoreUrl;
use highwater_sql::datafusion::execution::runtime_env::RuntimeEnv;
use highwater_sql::datafusion::logical_expr::Expr;
use highwater_sql::datafusion::logical_expr::utils::conjunction;
use highwater_sql::datafusion::physical_expr::PhysicalExpr;
use highwater_sql::datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use highwater_sql::datafusion::physical_plan::empty::EmptyExec;
use highwater_sql::datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use highwater_sql::datafusion::physical_plan::union::UnionExec;
use highwater_sql::datafusion::physical_plan::{ExecutionPlan, execute_stream};

use super::execute::session;
use crate::archive::Archives;
use crate::core::Core;
use crate::error::EngineError;

/// How plans name the archive's object store.
const STORE: &str = "archive://streams";

/// Lets a query read the archive.
pub(super) fn register(archives: &Archives, runtime: &RuntimeEnv) -> Result<()> {
    let store = ObjectStoreUrl::parse(STORE)?;
    runtime.register_object_store(store.as_ref(), archives.store());
    Ok(())
}

/// A stream's records: those of a snapshot of the archive, and those of some partitions of the log.
pub(super) struct ArchivedTable {
    schema: SchemaRef,
    archived: Arc<TableSnapshot>,
    log: Vec<Arc<dyn PartitionStream>>,
}

impl ArchivedTable {
    /// The records of `archived` and those of `log`, which begins where the archive ends.
    pub(super) fn new(schema: SchemaRef, archived: Arc<TableSnapshot>, log: Vec<Arc<dyn PartitionStream>>) -> Self {
        Self { schema, archived, log }
    }

    /// The files that may hold rows that pass the filter.
    fn files(&self, predicate: Option<&Arc<dyn PhysicalExpr>>) -> Result<Vec<&Arc<DataFile>>> {
        let files = &self.archived.files;
        let pruning = PruningPredicateBuilder::new().with_file_schema(Arc::clone(&self.schema));
        let Some(pruning) = predicate.and_then(|predicate| pruning.build(Arc::clone(predicate))) else {
            return Ok(files.iter().collect());
        };
        let kept = pruning.prune(&Ranges { schema: &self.schema, files })?;
        Ok(files.iter().zip(kept).filter_map(|(file, kept)| kept.then_some(file)).collect())
    }
}

impl fmt::Debug for ArchivedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArchivedTable({} files, {} partitions of the log)", self.archived.files.len(), self.log.len())
    }
}

#[async_trait]
impl TableProvider for ArchivedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = DFSchema::try_from(Arc::clone(&self.schema))?;
        let predicate = conjunction(filters.to_vec()).map(|filter| state.create_physical_expr(filter, &columns));
        let predicate = predicate.transpose()?;
        let files = self.files(predicate.as_ref())?;
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !files.is_empty() {
            let mut source = ParquetSource::new(Arc::clone(&self.schema));
            if let Some(predicate) = predicate {
                source = source.with_predicate(predicate);
            }
            let mut statistics = Statistics::new_unknown(&self.schema);
            let rows: u64 = files.iter().map(|file| file.rows).sum();
            statistics.num_rows = Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX));
            let group: FileGroup = files
                .iter()
                .map(|file| PartitionedFile::new(file.path.to_string(), file.bytes))
                .collect::<Vec<_>>()
                .into();
            let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE)?, Arc::new(source))
                .with_file_groups(group.split_files(state.config().target_partitions()))
                .with_statistics(statistics)
                .with_projection_indices(projection.cloned())?
                .with_limit(limit)
                .build();
            inputs.push(DataSourceExec::from_data_source(config));
        }
        if !self.log.is_empty() {
            let schema = Arc::clone(&self.schema);
            inputs.push(Arc::new(StreamingTableExec::try_new(
                schema,
                self.log.clone(),
                projection,
                Vec::new(),
                false,
                limit,
            )?));
        }
        match (inputs.pop(), inputs.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                inputs.push(last);
                UnionExec::try_new(inputs)
            }
            (None, _) => {
                let schema = match projection {
                    Some(columns) => Arc::new(self.schema.project(columns)?),
                    None => Arc::clone(&self.schema),
                };
                Ok(Arc::new(EmptyExec::new(schema)))
            }
        }
    }
}

/// What the archive's own records say of its files.
struct Ranges<'a> {
    schema: &'a SchemaRef,
    files: &'a [Arc<DataFile>],
}

impl Ranges<'_> {
    /// One value for each file, of the column's type; NULL where nothing is known.
    fn each(&self, column: &Column, value: impl Fn(&ColumnRange) -> Option<ArrayRef>) -> Option<ArrayRef> {
        let data_type = self.schema.field_with_name(&column.name).ok()?.data_type();
        let of = |file: &Arc<DataFile>| {
            let known = file.column(&column.name).and_then(&value);
            let scalar = known.and_then(|known| ScalarValue::try_from_array(&known, 0).ok());
            let scalar = scalar.and_then(|scalar| scalar.cast_to(data_type).ok());
            scalar.or_else(|| ScalarValue::try_from(data_type).ok())
        };
        ScalarValue::iter_to_array(self.files.iter().map(of).collect::<Option<Vec<_>>>()?).ok()
    }
}

impl PruningStatistics for Ranges<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.each(column, |range| range.min.clone())
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.each(column, |range| range.max.clone())
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let of = |file: &Arc<DataFile>| file.column(&column.name)?.nulls;
        Some(Arc::new(self.files.iter().map(of).collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(|file| file.rows))))
    }

    fn contained(&self, _: &Column, _: &std::collections::HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// All archived records of a stream, with their system columns, in any order.
pub(crate) async fn archived_rows(
    core: &Core,
    name: &ObjectName,
    schema: &StreamSchema,
    archived: Arc<TableSnapshot>,
) -> std::result::Result<BoxStream<'static, std::result::Result<RecordBatch, EngineError>>, EngineError> {
    let stream = name.to_string();
    let failed = move |error: DataFusionError| EngineError::ReadArchive {
        stream: stream.clone(),
        reason: error.strip_backtrace(),
    };
    let Some(archives) = &core.archives else { return Ok(futures::stream::empty().boxed()) };
    let state = session(core);
    register(archives, state.runtime_env()).map_err(&failed)?;
    let table = ArchivedTable::new(schema.arrow_with_system(), archived, Vec::new());
    let plan = table.scan(&state, None, &[], None).await.map_err(&failed)?;
    Ok(execute_stream(plan, state.task_ctx()).map_err(&failed)?.map_err(failed).boxed())
}
