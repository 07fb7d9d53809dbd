//! Cells of the H3 grid (h3geo.org): hexagons, and twelve pentagons, in 16 resolutions. A cell is written as the hexadecimal
//! text that all H3 libraries read: as a number it would not survive JSON readers that keep 53 bits.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use h3o::{CellIndex, LatLng, Resolution};

use super::point::{Point, Points, accepted_point};
use crate::functions::scalar::{Arguments, Function, is_text};

/// `h3_disk` reaches this far: 30,301 cells.
const DISK_K_MAX: i64 = 100;

/// `h3_cell(point, resolution)`: the cell the point is in.
pub(in crate::functions) const H3_CELL: Function = Function {
    name: "h3_cell",
    aliases: &[],
    usage: "h3_cell(point, resolution INT)",
    accepts: |types| match types {
        [point, resolution] if is_integer(resolution) => Some(vec![accepted_point(point)?, DataType::Int64]),
        _ => None,
    },
    returns: |_| DataType::Utf8,
    check: |constants| match number(constants.get(1)) {
        Some(number) if resolution(number).is_none() => plan_err!("an H3 resolution is 0 to 15, not {number}"),
        _ => Ok(()),
    },
    compute: cells,
};

/// `h3_disk(cell, k)`: the cells at most `k` steps away.
pub(in crate::functions) const H3_DISK: Function = Function {
    name: "h3_disk",
    aliases: &[],
    usage: "h3_disk(cell TEXT, k INT)",
    accepts: |types| match types {
        [cell, k] if is_text(cell) && is_integer(k) => Some(vec![DataType::Utf8, DataType::Int64]),
        _ => None,
    },
    returns: |_| DataType::new_list(DataType::Utf8, true),
    check: |constants| match number(constants.get(1)) {
        Some(number) if steps(number).is_none() => plan_err!("k of h3_disk is 0 to {DISK_K_MAX}, not {number}"),
        _ => check_cell(constants),
    },
    compute: disks,
};

/// `h3_cell_boundary(cell)`: its outline, a GeoJSON Polygon.
pub(in crate::functions) const H3_CELL_BOUNDARY: Function = Function {
    name: "h3_cell_boundary",
    aliases: &[],
    usage: "h3_cell_boundary(cell TEXT)",
    accepts: |types| match types {
        [cell] if is_text(cell) => Some(vec![DataType::Utf8]),
        _ => None,
    },
    returns: |_| DataType::Utf8,
    check: check_cell,
    compute: boundaries,
};

fn is_integer(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_null()
}

fn number(constant: Option<&Option<&ScalarValue>>) -> Option<i64> {
    match constant.copied().flatten() {
        Some(ScalarValue::Int64(number)) => *number,
        _ => None,
    }
}

fn check_cell(constants: &[Option<&ScalarValue>]) -> Result<()> {
    match constants.first().copied().flatten().and_then(ScalarValue::try_as_str).flatten() {
        Some(text) if cell(text).is_none() => plan_err!("'{text}' is no H3 cell: write one as h3_cell() gives it"),
        _ => Ok(()),
    }
}

fn resolution(number: i64) -> Option<Resolution> {
    Resolution::try_from(u8::try_from(number).ok()?).ok()
}

fn steps(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|_| number <= DISK_K_MAX)
}

fn cell(text: &str) -> Option<CellIndex> {
    CellIndex::from_str(text).ok()
}

fn cells(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let points = Points::of_argument(arguments, 0)?;
    let resolutions = arguments.column(1)?;
    let resolutions = resolutions.as_primitive::<Int64Type>();
    let cell = |row| {
        let Point { lon, lat } = points.at(row)?;
        let resolution = resolution(resolutions.is_valid(row).then(|| resolutions.value(row))?)?;
        Some(LatLng::new(lat, lon).ok()?.to_cell(resolution))
    };
    let mut texts = StringBuilder::with_capacity(arguments.rows, arguments.rows * 15);
    for row in 0..arguments.rows {
        match cell(row) {
            Some(cell) => write_text(&mut texts, cell),
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn disks(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, ks) = (arguments.text(0)?, arguments.column(1)?);
    let ks = ks.as_primitive::<Int64Type>();
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..arguments.rows {
        let k = ks.is_valid(row).then(|| ks.value(row)).and_then(steps);
        match texts.at(row).and_then(cell).zip(k) {
            Some((cell, k)) => {
                // Sorted, for the order of discovery is no promise of the grid's.
                let mut disk: Vec<CellIndex> = cell.grid_disk(k);
                disk.sort_unstable_by_key(|cell| u64::from(*cell));
                disk.into_iter().for_each(|cell| write_text(lists.values(), cell));
                lists.append(true);
            }
            None => lists.append(false),
        }
    }
    Ok(Arc::new(lists.finish()))
}

fn boundaries(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = arguments.text(0)?;
    let boundary = |row| Some(outline(texts.at(row).and_then(cell)?));
    Ok(Arc::new((0..arguments.rows).map(boundary).collect::<datafusion::arrow::array::StringArray>()))
}

/// The corners counter-clockwise, the first again at the end. Across the antimeridian longitudes run on past 180, so that
/// the outline stays in one piece on a map.
fn outline(cell: CellIndex) -> String {
    let boundary = cell.boundary();
    let lons = || boundary.iter().map(|corner| corner.lng());
    let wraps = lons().fold(f64::MIN, f64::max) - lons().fold(f64::MAX, f64::min) > 180.0;
    let positions = boundary.iter().chain(boundary.first()).map(|corner| {
        let lon = corner.lng();
        let lon = if wraps && lon < 0.0 { lon + 360.0 } else { lon };
        format!("[{lon},{}]", corner.lat())
    });
    format!(r#"{{"type":"Polygon","coordinates":[[{}]]}}"#, positions.collect::<Vec<_>>().join(","))
}

fn write_text(texts: &mut StringBuilder, cell: CellIndex) {
    // Writing into a builder cannot fail.
    let _ = write!(texts, "{cell}");
    texts.append_value("");
}
