//! Distances along the surface of a sphere with the Earth's mean radius, by the haversine formula (R. W. Sinnott, "Virtues
//! of the Haversine", Sky and Telescope 68, 1984): up to 0.6 % from those on the ellipsoid.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;

use super::point::{Point, Points, accepted_point};
use crate::functions::scalar::{Arguments, Function, any_constants, is_number};

/// The mean radius R₁ of the Earth (International Union of Geodesy and Geophysics, GRS 80).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// `ST_Distance(a, b)`, `ST_Distance(lon1, lat1, lon2, lat2)`: metres.
pub(in crate::functions) const ST_DISTANCE: Function = Function {
    name: "st_distance",
    aliases: &[],
    usage: "ST_Distance(point, point) or ST_Distance(lon1, lat1, lon2, lat2)",
    accepts: |types| match types {
        [a, b] => Some(vec![accepted_point(a)?, accepted_point(b)?]),
        [_, _, _, _] if types.iter().all(is_number) => Some(vec![DataType::Float64; 4]),
        _ => None,
    },
    returns: |_| DataType::Float64,
    check: any_constants,
    compute: distances,
};

/// `ST_DWithin(a, b, metres)`: whether `ST_Distance(a, b) <= metres`.
pub(in crate::functions) const ST_DWITHIN: Function = Function {
    name: "st_dwithin",
    aliases: &[],
    usage: "ST_DWithin(point, point, metres DOUBLE)",
    accepts: |types| match types {
        [a, b, metres] if is_number(metres) => Some(vec![accepted_point(a)?, accepted_point(b)?, DataType::Float64]),
        _ => None,
    },
    returns: |_| DataType::Boolean,
    check: any_constants,
    compute: within,
};

fn distances(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let (a, b) = if arguments.count() == 2 {
        (Points::of_argument(arguments, 0)?, Points::of_argument(arguments, 1)?)
    } else {
        let points = |lon, lat| Points::of_columns(&arguments.column(lon)?, &arguments.column(lat)?);
        (points(0, 1)?, points(2, 3)?)
    };
    let metres = |row| Some(distance_m(a.at(row)?, b.at(row)?));
    Ok(Arc::new((0..arguments.rows).map(metres).collect::<Float64Array>()))
}

fn within(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let (a, b) = (Points::of_argument(arguments, 0)?, Points::of_argument(arguments, 1)?);
    let metres = arguments.column(2)?;
    let metres = metres.as_primitive::<Float64Type>();
    let is_within = |row| {
        let (a, b) = (a.at(row)?, b.at(row)?);
        let limit = metres.is_valid(row).then(|| metres.value(row)).filter(|limit| !limit.is_nan())?;
        Some(may_be_within(a, b, limit) && distance_m(a, b) <= limit)
    };
    Ok(Arc::new((0..arguments.rows).map(is_within).collect::<BooleanArray>()))
}

/// A cheap test that most far points fail: no way is shorter than the difference of latitudes. The margin is far above what
/// rounding can lose.
fn may_be_within(a: Point, b: Point, limit_m: f64) -> bool {
    EARTH_RADIUS_M * (a.lat - b.lat).abs().to_radians() <= limit_m * (1.0 + 1e-9) + 1e-3
}

/// Metres between two points.
pub(super) fn distance_m(a: Point, b: Point) -> f64 {
    let (lat_a, lat_b) = (a.lat.to_radians(), b.lat.to_radians());
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_lon = libm::sin((b.lon - a.lon).to_radians() / 2.0);
    let haversine = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * (half_lon * half_lon);
    // Rounding may give a little more than 1 for opposite points.
    2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(haversine.min(1.0)))
}
