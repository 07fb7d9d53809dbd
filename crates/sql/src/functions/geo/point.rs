//! Points: `STRUCT<lon DOUBLE, lat DOUBLE>`. Any struct with numbers called `lon` and `lat` is taken for one. Coordinates
//! outside longitude −180 to 180 and latitude −90 to 90, and NaN, make NULL: one bad event must not stop a view.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::{Result, internal_datafusion_err};

use crate::functions::scalar::{Arguments, Function, any_constants, is_number};

const LON: &str = "lon";
const LAT: &str = "lat";

/// `ST_Point(lon, lat)`.
pub(in crate::functions) const ST_POINT: Function = Function {
    name: "st_point",
    aliases: &[],
    usage: "ST_Point(lon DOUBLE, lat DOUBLE)",
    accepts: |types| match types {
        [lon, lat] if is_number(lon) && is_number(lat) => Some(vec![DataType::Float64; 2]),
        _ => None,
    },
    returns: |_| point_type(),
    check: any_constants,
    compute: |arguments| {
        let points = Points::of_columns(&arguments.column(0)?, &arguments.column(1)?)?;
        let valid: NullBuffer = (0..points.rows()).map(|row| points.at(row).is_some()).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(points.lon), Arc::new(points.lat)];
        Ok(Arc::new(StructArray::try_new(point_fields(), columns, Some(valid))?))
    },
};

/// `ST_X(point)`: its longitude.
pub(in crate::functions) const ST_X: Function = Function {
    name: "st_x",
    aliases: &[],
    usage: "ST_X(point), the point as ST_Point(lon, lat) gives it",
    accepts: accepts_one_point,
    returns: |_| DataType::Float64,
    check: any_constants,
    compute: |arguments| coordinate(arguments, |point| point.lon),
};

/// `ST_Y(point)`: its latitude.
pub(in crate::functions) const ST_Y: Function = Function {
    name: "st_y",
    aliases: &[],
    usage: "ST_Y(point), the point as ST_Point(lon, lat) gives it",
    accepts: accepts_one_point,
    returns: |_| DataType::Float64,
    check: any_constants,
    compute: |arguments| coordinate(arguments, |point| point.lat),
};

fn coordinate(arguments: &Arguments<'_>, which: fn(Point) -> f64) -> Result<ArrayRef> {
    let points = Points::of_argument(arguments, 0)?;
    Ok(Arc::new((0..points.rows()).map(|row| points.at(row).map(which)).collect::<Float64Array>()))
}

fn point_fields() -> Fields {
    Fields::from(vec![Field::new(LON, DataType::Float64, true), Field::new(LAT, DataType::Float64, true)])
}

/// The type of points we make.
pub(super) fn point_type() -> DataType {
    DataType::Struct(point_fields())
}

/// The type a point argument is taken as, if it is one.
pub(super) fn accepted_point(given: &DataType) -> Option<DataType> {
    let number =
        |fields: &Fields, name| fields.iter().any(|field| field.name() == name && is_number(field.data_type()));
    match given {
        DataType::Struct(fields) if number(fields, LON) && number(fields, LAT) => Some(given.clone()),
        DataType::Null => Some(point_type()),
        _ => None,
    }
}

/// For functions of one point.
pub(super) fn accepts_one_point(types: &[DataType]) -> Option<Vec<DataType>> {
    let [point] = types else { return None };
    Some(vec![accepted_point(point)?])
}

/// A place on Earth, in degrees; always a valid one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) lon: f64,
    pub(super) lat: f64,
}

impl Point {
    /// `None` for coordinates that no place has.
    pub(super) fn new(lon: f64, lat: f64) -> Option<Self> {
        ((-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat)).then_some(Self { lon, lat })
    }
}

/// A column of points.
pub(super) struct Points {
    lon: Float64Array,
    lat: Float64Array,
    nulls: Option<NullBuffer>,
}

impl Points {
    /// The points of an argument.
    pub(super) fn of_argument(arguments: &Arguments<'_>, index: usize) -> Result<Self> {
        let column = arguments.column(index)?;
        let structs =
            column.as_struct_opt().ok_or_else(|| internal_datafusion_err!("{} is not a point", column.data_type()))?;
        let field = |name| {
            structs.column_by_name(name).ok_or_else(|| internal_datafusion_err!("a point without a field {name}"))
        };
        let mut points = Self::of_columns(field(LON)?, field(LAT)?)?;
        points.nulls = NullBuffer::union(points.nulls.as_ref(), structs.nulls());
        Ok(points)
    }

    /// The points of two columns of numbers.
    pub(super) fn of_columns(lon: &ArrayRef, lat: &ArrayRef) -> Result<Self> {
        let numbers = |column| -> Result<Float64Array> {
            Ok(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
        };
        let (lon, lat) = (numbers(lon)?, numbers(lat)?);
        let nulls = NullBuffer::union(lon.nulls(), lat.nulls());
        Ok(Self { lon, lat, nulls })
    }

    /// How many.
    pub(super) fn rows(&self) -> usize {
        self.lon.len()
    }

    /// A row's point; `None` where it is NULL or no place.
    pub(super) fn at(&self, row: usize) -> Option<Point> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        Point::new(self.lon.value(row), self.lat.value(row))
    }
}
