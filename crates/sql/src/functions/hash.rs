//! `xxh64(x)`: a fast hash, the same everywhere and for ever; for sampling and spreading, not against adversaries.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use twox_hash::XxHash64;

use super::scalar::{Arguments, Function, any_constants, is_text};

/// `xxh64(x)`: XXH64 with seed 0 of the bytes of a text or BYTEA, its 64 bits as a BIGINT.
pub(super) const XXH64: Function = Function {
    name: "xxh64",
    aliases: &["hash64"],
    usage: "xxh64(x TEXT) or xxh64(x BYTEA); cast other types to TEXT",
    accepts: |types| match types {
        [text] if is_text(text) => Some(vec![DataType::Utf8]),
        [bytes] if bytes.is_binary() => Some(vec![DataType::Binary]),
        _ => None,
    },
    returns: |_| DataType::Int64,
    check: any_constants,
    compute,
};

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let column = arguments.column(0)?;
    let hash = |bytes: &[u8]| XxHash64::oneshot(0, bytes).cast_signed();
    let hashes: Int64Array = match column.as_binary_opt::<i32>() {
        Some(column) => column.iter().map(|bytes| bytes.map(hash)).collect(),
        None => column.as_string::<i32>().iter().map(|text| text.map(|text| hash(text.as_bytes()))).collect(),
    };
    debug_assert_eq!(hashes.len(), column.len());
    Ok(Arc::new(hashes))
}
