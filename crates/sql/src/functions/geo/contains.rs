//! `ST_Contains(geojson, point)`. A constant area is read when the query is planned, where mistakes are told, and kept for
//! all batches; in a column, what is no area gives NULL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};

use super::area::Area;
use super::point::{Points, accepted_point};
use crate::functions::scalar::{Arguments, Function, Text, is_text};

/// Constant areas kept. Queries with more of them parse some again for each batch.
const KEPT_AREAS: usize = 64;

/// `ST_Contains(geojson, point)`.
pub(in crate::functions) const ST_CONTAINS: Function = Function {
    name: "st_contains",
    aliases: &[],
    usage: "ST_Contains(geojson TEXT, point)",
    accepts: |types| match types {
        [area, point] if is_text(area) => Some(vec![DataType::Utf8, accepted_point(point)?]),
        _ => None,
    },
    returns: |_| DataType::Boolean,
    check,
    compute,
};

fn check(constants: &[Option<&ScalarValue>]) -> Result<()> {
    let text = constants.first().copied().flatten().and_then(ScalarValue::try_as_str).flatten();
    match text.map(kept).as_deref() {
        Some(Err(problem)) => plan_err!("ST_Contains takes a GeoJSON Polygon or MultiPolygon: {problem}"),
        _ => Ok(()),
    }
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let points = Points::of_argument(arguments, 1)?;
    let areas = arguments.text(0)?;
    let contained: BooleanArray = match &areas {
        Text::One(text) => {
            let area = text.as_deref().map(kept);
            let area = area.as_deref().and_then(|area| area.as_ref().ok());
            (0..arguments.rows).map(|row| Some(area?.contains(points.at(row)?))).collect()
        }
        Text::Each(_) => {
            let mut read: HashMap<&str, Option<Area>> = HashMap::new();
            let contains = |row| {
                let text = areas.at(row)?;
                let point = points.at(row)?;
                let area = read.entry(text).or_insert_with(|| Area::parse(text).ok());
                Some(area.as_ref()?.contains(point))
            };
            (0..arguments.rows).map(contains).collect()
        }
    };
    Ok(Arc::new(contained))
}

type Read = Arc<Result<Area, String>>;

/// The area of a text, read once while it is kept.
fn kept(text: &str) -> Read {
    static KEPT: Mutex<Vec<(String, Read)>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, area)) = kept.iter().find(|(known, _)| known == text) {
        return Arc::clone(area);
    }
    let area = Arc::new(Area::parse(text));
    if kept.len() == KEPT_AREAS {
        kept.remove(0);
    }
    kept.push((text.to_owned(), Arc::clone(&area)));
    area
}
