//! What to do for a column, compiled from its declaration; the place where unsupported types are refused.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Fields, TimeUnit};
use highwater_model::{Added, Column, TimeEncoding};

use crate::record::ObjectPlan;
use crate::time::{DatePattern, TimePlan};

/// A compiled column, struct field, list item or map value.
#[derive(Clone, Debug)]
pub(crate) struct ColumnPlan {
    pub(crate) name: Arc<str>,
    pub(crate) nullable: bool,
    /// Added when there were records already: a stored value that does not fit is NULL.
    pub(crate) added: bool,
    pub(crate) kind: Kind,
}

/// How values are read and stored.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    Decimal { precision: u8, scale: i8 },
    Date(Option<Arc<DatePattern>>),
    Time { unit: TimeUnit, zone: Option<Arc<str>>, plan: TimePlan },
    Utf8,
    Binary,
    Struct { fields: Fields, object: Arc<ObjectPlan>, children: Arc<[ColumnPlan]> },
    List { item: FieldRef, plan: Arc<ColumnPlan> },
    Map { entries: FieldRef, plan: Arc<ColumnPlan> },
}

impl ColumnPlan {
    /// Compiles a declared column; the error says what to declare instead.
    pub(crate) fn new(column: &Column) -> Result<Self, String> {
        let kind = kind(&column.data_type, column.time.as_ref(), column.added.as_ref())?;
        let added = column.added == Some(Added::All);
        Ok(Self { name: column.name.as_str().into(), nullable: column.nullable, added, kind })
    }

    /// A field, item or value of which `added` was added.
    fn inner(field: &FieldRef, time: Option<&TimeEncoding>, added: Option<&Added>) -> Result<Self, String> {
        let kind = kind(field.data_type(), time, added)?;
        let added = added == Some(&Added::All);
        Ok(Self { name: field.name().as_str().into(), nullable: field.is_nullable(), added, kind })
    }
}

fn kind(data_type: &DataType, time: Option<&TimeEncoding>, added: Option<&Added>) -> Result<Kind, String> {
    // Within what was added as a whole nothing was added apart: it is NULL as a whole when it does not fit.
    let added = added.filter(|added| **added != Added::All);
    Ok(match data_type {
        DataType::Boolean => Kind::Boolean,
        DataType::Int8 => Kind::Int8,
        DataType::Int16 => Kind::Int16,
        DataType::Int32 => Kind::Int32,
        DataType::Int64 => Kind::Int64,
        DataType::UInt8 => Kind::UInt8,
        DataType::UInt16 => Kind::UInt16,
        DataType::UInt32 => Kind::UInt32,
        DataType::UInt64 => Kind::UInt64,
        DataType::Float32 => Kind::Float32,
        DataType::Float64 => Kind::Float64,
        DataType::Decimal128(precision, scale) => Kind::Decimal { precision: *precision, scale: *scale },
        DataType::Date32 => Kind::Date(date_pattern(time)?),
        DataType::Timestamp(unit, zone) => {
            let plan = TimePlan::new(*unit, zone.is_some(), time)?;
            Kind::Time { unit: *unit, zone: zone.clone(), plan }
        }
        DataType::Utf8 => Kind::Utf8,
        DataType::Binary => Kind::Binary,
        DataType::Struct(fields) => {
            let of = |field: &FieldRef| match added {
                Some(Added::Fields(fields)) => fields.get(field.name()),
                _ => None,
            };
            let children = fields.iter().map(|field| ColumnPlan::inner(field, time, of(field)));
            let children = children.collect::<Result<_, _>>()?;
            let object = Arc::new(ObjectPlan::flat(fields.iter().map(|field| field.name().as_str())));
            Kind::Struct { fields: fields.clone(), object, children }
        }
        DataType::List(item) => {
            Kind::List { item: item.clone(), plan: Arc::new(ColumnPlan::inner(item, time, added)?) }
        }
        DataType::Map(entries, false) => map(entries, time, added)?,
        other => {
            return Err(format!(
                "type {other} cannot be decoded; use a boolean, integer, float, decimal, text, binary, date, \
                 timestamp, struct, list or map with text keys"
            ));
        }
    })
}

fn map(entries: &FieldRef, time: Option<&TimeEncoding>, added: Option<&Added>) -> Result<Kind, String> {
    match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 && fields[0].data_type() == &DataType::Utf8 => {
            Ok(Kind::Map { entries: entries.clone(), plan: Arc::new(ColumnPlan::inner(&fields[1], time, added)?) })
        }
        _ => Err("a map needs text keys, because the keys of JSON objects are texts".to_owned()),
    }
}

fn date_pattern(time: Option<&TimeEncoding>) -> Result<Option<Arc<DatePattern>>, String> {
    match time {
        None | Some(TimeEncoding::Rfc3339) => Ok(None),
        Some(TimeEncoding::Pattern { pattern, zone: None }) => DatePattern::new(pattern).map(|p| Some(Arc::new(p))),
        Some(TimeEncoding::Pattern { zone: Some(_), .. }) => Err("a DATE has no zone; leave the zone out".to_owned()),
        Some(_) => Err("a DATE cannot be read from a count since the epoch; use TIMESTAMPTZ".to_owned()),
    }
}
