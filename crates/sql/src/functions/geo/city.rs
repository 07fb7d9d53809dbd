//! `nearest_city(point)` over the places of the crate `reverse_geocoder`: 144,563 of GeoNames (geonames.org, CC BY 4.0, see
//! NOTICE), read into memory when the function is first used.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, Float64Builder, NullBufferBuilder, StringBuilder, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use reverse_geocoder::{Record, ReverseGeocoder};

use super::distance::distance_m;
use super::point::{Point, Points, accepts_one_point};
use crate::functions::scalar::{Arguments, Function, any_constants};

static PLACES: LazyLock<ReverseGeocoder> = LazyLock::new(ReverseGeocoder::new);

/// `nearest_city(point)`.
pub(in crate::functions) const NEAREST_CITY: Function = Function {
    name: "nearest_city",
    aliases: &[],
    usage: "nearest_city(point), the point as ST_Point(lon, lat) gives it",
    accepts: accepts_one_point,
    returns: |_| DataType::Struct(fields()),
    check: any_constants,
    compute,
};

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("country", DataType::Utf8, true),
        Field::new("distance_m", DataType::Float64, true),
    ])
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let points = Points::of_argument(arguments, 0)?;
    let (mut names, mut countries) = (StringBuilder::new(), StringBuilder::new());
    let mut distances = Float64Builder::with_capacity(points.rows());
    let mut nulls = NullBufferBuilder::new(points.rows());
    for row in 0..points.rows() {
        let nearest = points.at(row).and_then(nearest);
        names.append_option(nearest.map(|(place, _)| place.name.as_str()));
        countries.append_option(nearest.map(|(place, _)| place.cc.as_str()));
        distances.append_option(nearest.map(|(_, metres)| metres));
        nulls.append(nearest.is_some());
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(names.finish()), Arc::new(countries.finish()), Arc::new(distances.finish())];
    Ok(Arc::new(StructArray::try_new(fields(), columns, nulls.finish())?))
}

/// The nearest place and the metres to it.
fn nearest(point: Point) -> Option<(&'static Record, f64)> {
    let place = PLACES.search((point.lat, point.lon)).record;
    Some((place, distance_m(point, Point::new(place.lon, place.lat)?)))
}
