//! Which types hold every value of another: what a column of stored records may become.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::{DataType, Fields};
use highwater_model::Added;

use super::sql_type;

/// What `new` adds to `old` (fields of structs), when every value of `old` is one of `new`; otherwise why not.
pub(super) fn wider(old: &DataType, new: &DataType) -> Result<Option<Added>, String> {
    if old == new {
        return Ok(None);
    }
    match (old, new) {
        (DataType::Struct(old), DataType::Struct(new)) => wider_struct(old, new),
        (DataType::List(old), DataType::List(new)) => wider(old.data_type(), new.data_type()),
        (DataType::Map(old, _), DataType::Map(new, _)) => match (old.data_type(), new.data_type()) {
            (DataType::Struct(old), DataType::Struct(new)) if old.len() == 2 && new.len() == 2 => {
                wider(old[1].data_type(), new[1].data_type())
            }
            _ => Err(narrower(old.data_type(), new.data_type())),
        },
        (DataType::Float32, DataType::Float64) => Ok(None),
        (DataType::Decimal128(digits, after), DataType::Decimal128(new_digits, new_after)) => {
            let before = |digits: u8, after: i8| i16::from(digits) - i16::from(after);
            if new_after >= after && before(*new_digits, *new_after) >= before(*digits, *after) {
                return Ok(None);
            }
            let hint = "keep as many digits after the point and before it";
            Err(format!("{}: {hint}", narrower(old, new)))
        }
        _ => match (integer(old), integer(new)) {
            (Some((signed, bits)), Some((new_signed, new_bits)))
                if (signed == new_signed && new_bits > bits) || (!signed && new_signed && new_bits > bits) =>
            {
                Ok(None)
            }
            _ => Err(narrower(old, new)),
        },
    }
}

fn wider_struct(old: &Fields, new: &Fields) -> Result<Option<Added>, String> {
    let mut added = BTreeMap::new();
    for field in old {
        let Some((_, wide)) = new.find(field.name()) else {
            return Err(format!(
                "field \"{}\" is missing: fields stay, because stored records have them",
                field.name()
            ));
        };
        match wider(field.data_type(), wide.data_type()) {
            Ok(None) => {}
            Ok(Some(more)) => drop(added.insert(field.name().clone(), more)),
            Err(why) => return Err(format!("field \"{}\": {why}", field.name())),
        }
    }
    added.extend(new.iter().filter(|field| old.find(field.name()).is_none()).map(|f| (f.name().clone(), Added::All)));
    Ok((!added.is_empty()).then_some(Added::Fields(added)))
}

fn narrower(old: &DataType, new: &DataType) -> String {
    format!("not every {} is a {}", sql_type(old), sql_type(new))
}

/// Whether an integer type has a sign, and its bits.
fn integer(data_type: &DataType) -> Option<(bool, u32)> {
    Some(match data_type {
        DataType::Int8 => (true, 8),
        DataType::Int16 => (true, 16),
        DataType::Int32 => (true, 32),
        DataType::Int64 => (true, 64),
        DataType::UInt8 => (false, 8),
        DataType::UInt16 => (false, 16),
        DataType::UInt32 => (false, 32),
        DataType::UInt64 => (false, 64),
        _ => return None,
    })
}

/// What was added so far and what is added now.
pub(super) fn both(before: Option<Added>, now: Option<Added>) -> Option<Added> {
    match (before, now) {
        (Some(Added::All), _) | (_, Some(Added::All)) => Some(Added::All),
        (Some(Added::Fields(mut before)), Some(Added::Fields(now))) => {
            for (name, now) in now {
                let field = both(before.remove(&name), Some(now));
                before.extend(field.map(|field| (name, field)));
            }
            Some(Added::Fields(before))
        }
        (before, now) => before.or(now),
    }
}
