//! The partition of a row never changes between versions: the numbers here are part of the on-disk contract.

use highwater_decode::{partition_of, split_by_partition};
use highwater_model::{PartitionId, micros_utc};

use super::*;

fn partitions(data_type: DataType, values: &[&str]) -> Vec<u32> {
    let mut schema = StreamSchema::json(vec![column("k", data_type)]);
    schema.partitions = 1000;
    schema.partition_by = vec![0];
    let body: String = values.iter().map(|value| format!("{{\"k\":{value}}}\n")).collect();
    let decoded = decode(&schema, highwater_decode::BodyFormat::NdJson, body);
    assert!(decoded.rejects.is_empty());
    partition_of(&schema, &decoded.rows).unwrap()
}

#[test]
fn golden() {
    assert_eq!(partitions(DataType::Int64, &["0", "1", "-1", "10133", "null"]), GOLDEN_INTEGERS);
    assert_eq!(partitions(DataType::Utf8, &["\"\"", "\"a\"", "\"user-42\"", "\"é\""]), GOLDEN_TEXTS);
    assert_eq!(partitions(DataType::Float64, &["0", "-0.0", "1.5"]), GOLDEN_FLOATS);
    assert_eq!(partitions(DataType::Boolean, &["false", "true"]), GOLDEN_INTEGERS[..2]);
    assert_eq!(partitions(micros_utc(), &["\"1970-01-01T00:00:00.010133Z\""]), GOLDEN_INTEGERS[3..4]);
    assert_eq!(partitions(DataType::Decimal128(10, 2), &["1.25"]), GOLDEN_DECIMAL);
}

const GOLDEN_INTEGERS: [u32; 5] = [598, 702, 510, 829, 0];
const GOLDEN_TEXTS: [u32; 4] = [295, 395, 758, 676];
const GOLDEN_FLOATS: [u32; 3] = [598, 598, 491];
const GOLDEN_DECIMAL: [u32; 1] = [133];

#[test]
fn the_width_of_an_integer_does_not_matter() {
    for data_type in
        [DataType::Int8, DataType::Int16, DataType::Int32, DataType::UInt8, DataType::UInt32, DataType::UInt64]
    {
        assert_eq!(partitions(data_type, &["1"]), GOLDEN_INTEGERS[1..2]);
    }
}

#[test]
fn keys_spread() {
    for step in [1_u64, 4, 1000, 1 << 20] {
        let mut schema = StreamSchema::json(vec![column("k", DataType::Int64)]);
        schema.partitions = 4;
        schema.partition_by = vec![0];
        let body: String = (0..4000).map(|n| format!("{{\"k\":{}}}\n", n * step)).collect();
        let decoded = decode(&schema, highwater_decode::BodyFormat::NdJson, body);
        let split = split_by_partition(4, &partition_of(&schema, &decoded.rows).unwrap());
        assert_eq!(split.len(), 4);
        assert!(split.iter().all(|(_, rows)| (850..1150).contains(&rows.len())), "{step}");
    }
}

#[test]
fn several_columns_and_empty_partitions() {
    let mut schema = StreamSchema::json(vec![column("a", DataType::Utf8), column("b", DataType::Utf8)]);
    schema.partitions = 1 << 20;
    schema.partition_by = vec![0, 1];
    let body = "{\"a\":\"ab\",\"b\":\"c\"}\n{\"a\":\"a\",\"b\":\"bc\"}\n{\"a\":\"ab\",\"b\":\"c\"}\n{}\n";
    let decoded = decode(&schema, highwater_decode::BodyFormat::NdJson, body);
    let of = partition_of(&schema, &decoded.rows).unwrap();
    assert_eq!(of[0], of[2]);
    assert_ne!(of[0], of[1]);
    assert_eq!(of[3], 0);
    assert_eq!(split_by_partition(3, &[2, 0, 2]), [(PartitionId(0), vec![1]), (PartitionId(2), vec![0, 2])]);
    assert!(split_by_partition(3, &[]).is_empty());
}
