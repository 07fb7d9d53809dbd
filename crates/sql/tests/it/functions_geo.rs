//! Points, distances, areas, cells and cities against values from elsewhere and against each other.

use highwater_sql::datafusion::arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int64Array, StringArray, StructArray,
};
use highwater_sql::datafusion::arrow::datatypes::{DataType, Field, Fields, Float64Type};
use highwater_sql::datafusion::common::ScalarValue;
use highwater_sql::datafusion::logical_expr::ColumnarValue;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::call::{call, column, constant};
use crate::fixture::{plan, value};

fn check(cases: &[(&str, &str)]) {
    for (expr, expected) in cases {
        assert_eq!(value(&format!("SELECT {expr}")).as_deref(), Ok(*expected), "{expr}");
    }
}

fn refused(cases: &[(&str, &str)]) {
    for (expr, message) in cases {
        let problem = plan(&format!("SELECT {expr}"), "public").unwrap_err().to_string();
        assert!(problem.contains(message), "{expr}: {problem}");
    }
}

fn number(expr: &str) -> f64 {
    value(&format!("SELECT {expr}")).unwrap().parse().unwrap()
}

/// Points all over the world, with the poles, the antimeridian, NULLs and places that are none among them.
fn points(seed: u64, rows: usize) -> ColumnarValue {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut coordinates = |limit: f64| -> Vec<Option<f64>> {
        (0..rows)
            .map(|_| match random.random_range(0..20) {
                0 => None,
                1 => Some(limit),
                2 => Some(-limit),
                3 => Some(0.0),
                4 => Some(limit * 1.01),
                5 => Some(f64::NAN),
                _ => Some(random.random_range(-limit..limit)),
            })
            .collect()
    };
    let (lon, lat) = (column(Float64Array::from(coordinates(180.0))), column(Float64Array::from(coordinates(90.0))));
    ColumnarValue::Array(call("st_point", vec![lon, lat]).unwrap())
}

#[test]
fn points_hold_places_only() {
    check(&[
        ("ST_Point(-122.5, 37)", "{lon: -122.5, lat: 37.0}"),
        ("ST_X(ST_Point(-122.5, 37))", "-122.5"),
        ("ST_Y(ST_Point(-122.5, 37))", "37.0"),
        ("ST_Point(180, -90) IS NULL", "false"),
        ("ST_Point(180.1, 0) IS NULL", "true"),
        ("ST_Point(0, -90.1) IS NULL", "true"),
        ("ST_Point('NaN'::DOUBLE, 0) IS NULL", "true"),
        ("ST_Point(NULL, 0) IS NULL", "true"),
        ("ST_X(NULL) IS NULL", "true"),
        // Any struct with both fields, in any order and of any numbers, is a point.
        ("ST_Y(named_struct('name', 'x', 'lat', 37, 'lon', CAST(-122 AS REAL)))", "37.0"),
        ("ST_X(named_struct('lat', 37, 'lon', -222)) IS NULL", "true"),
    ]);
    refused(&[
        ("ST_Point('a', 1)", "write ST_Point(lon DOUBLE, lat DOUBLE)"),
        ("ST_X(1)", "write ST_X(point)"),
        ("ST_X(named_struct('x', 1, 'y', 2))", "write ST_X(point)"),
    ]);
}

/// A struct column that is NULL, or has NULL fields, or holds no place.
#[test]
fn structs_of_events_are_points() {
    let fields = Fields::from(vec![
        Field::new("lat", DataType::Float64, true),
        Field::new("tag", DataType::Utf8, true),
        Field::new("lon", DataType::Float64, true),
    ]);
    let venues = StructArray::new(
        fields,
        vec![
            std::sync::Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None, Some(91.0)])),
            std::sync::Arc::new(StringArray::from(vec!["a"; 4])),
            std::sync::Arc::new(Float64Array::from(vec![5.0, 6.0, 7.0, 8.0])),
        ],
        Some(vec![true, false, true, true].into()),
    );
    let lon = call("st_x", vec![column(venues)]).unwrap();
    assert_eq!(lon.as_primitive::<Float64Type>(), &Float64Array::from(vec![Some(5.0), None, None, None]));
}

#[test]
fn known_distances() {
    let close = |expr: &str, expected: f64| {
        let metres = number(expr);
        assert!((metres - expected).abs() <= expected * 1e-12, "{expr}: {metres}, not {expected}");
    };
    let radius = 6_371_008.8;
    // A degree of the equator, a quarter and a half of a great circle.
    close("ST_Distance(ST_Point(10, 0), ST_Point(11, 0))", radius * std::f64::consts::PI / 180.0);
    close("ST_Distance(0, 0, 0, 90)", radius * std::f64::consts::FRAC_PI_2);
    close("ST_Distance(0, -90, 77, 90)", radius * std::f64::consts::PI);
    close("ST_Distance(-180, 0, 0, 0)", radius * std::f64::consts::PI);
    // Nashville to Los Angeles: 2887.2599506071106 km with a radius of 6372.8 km (rosettacode.org/wiki/Haversine_formula).
    close("ST_Distance(-86.67, 36.12, -118.40, 33.94)", 2_887_259.950_607_110_6 * (radius / 6_372_800.0));
    // Across the antimeridian the short way.
    close("ST_Distance(179.5, 0, -179.5, 0)", radius * std::f64::consts::PI / 180.0);
    check(&[
        ("ST_Distance(1, 2, 1, 2)", "0.0"),
        ("ST_Distance(180, 0, -180, 0) < 1e-6", "true"),
        ("ST_Distance(1, 2, 1, 200) IS NULL", "true"),
        ("ST_Distance(ST_Point(1, 2), NULL) IS NULL", "true"),
        ("ST_DWithin(ST_Point(0, 0), ST_Point(0, 1), 111195.1)", "true"),
        ("ST_DWithin(ST_Point(0, 0), ST_Point(0, 1), 111195)", "false"),
        ("ST_DWithin(ST_Point(0, 0), ST_Point(0, 0), 0)", "true"),
        ("ST_DWithin(ST_Point(0, 0), ST_Point(0, 0), -1)", "false"),
        ("ST_DWithin(ST_Point(0, 0), ST_Point(0, 0), NULL) IS NULL", "true"),
        ("ST_DWithin(ST_Point(0, 0), ST_Point(0, 0), 'NaN'::DOUBLE) IS NULL", "true"),
    ]);
    refused(&[
        ("ST_Distance(1, 2, 3)", "write ST_Distance(point, point) or ST_Distance(lon1, lat1, lon2, lat2)"),
        ("ST_DWithin(ST_Point(0, 0), 1, 2)", "write ST_DWithin(point, point, metres DOUBLE)"),
    ]);
}

/// Symmetric, both forms the same, at most half a great circle; `ST_DWithin` is `ST_Distance(…) <= metres` for limits at,
/// just below and just above the distance.
#[test]
fn distances_agree() {
    let (a, b) = (points(1, 4_000), points(2, 4_000));
    let there = call("st_distance", vec![a.clone(), b.clone()]).unwrap();
    let back = call("st_distance", vec![b.clone(), a.clone()]).unwrap();
    assert_eq!(&there, &back);
    let coordinate = |name, point: &ColumnarValue| ColumnarValue::Array(call(name, vec![point.clone()]).unwrap());
    let four = vec![coordinate("st_x", &a), coordinate("st_y", &a), coordinate("st_x", &b), coordinate("st_y", &b)];
    assert_eq!(&there, &call("st_distance", four).unwrap());
    let there = there.as_primitive::<Float64Type>();
    assert!(there.iter().flatten().all(|metres| (0.0..=20_015_115.0).contains(&metres)));
    assert!(there.null_count() > 100 && there.null_count() < 3_000);
    for shift in [f64::next_down, std::convert::identity, f64::next_up, |metres| metres * 0.9, |metres| metres * 1.1] {
        let limits: Float64Array = there.iter().map(|metres| metres.map(shift)).collect();
        let within = call("st_dwithin", vec![a.clone(), b.clone(), column(limits.clone())]).unwrap();
        let expected: BooleanArray = there.iter().zip(&limits).map(|(metres, limit)| Some(metres? <= limit?)).collect();
        assert_eq!(within.as_boolean(), &expected);
    }
}

/// A square with a hole in it, and a triangle beside it.
const AREA: &str = concat!(
    r#"{"type": "MultiPolygon", "coordinates": ["#,
    "[[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[4, 4], [4, 6], [6, 6], [6, 4], [4, 4]]], ",
    "[[[20, 0, 99.5], [30, 0, 1], [25, 10, 2], [20, 0, 99.5]]]]}"
);

#[test]
fn what_an_area_contains() {
    let contains = |lon: f64, lat: f64| format!("ST_Contains('{AREA}', ST_Point({lon}, {lat}))");
    for (lon, lat, inside) in [
        (1.0, 1.0, true),
        (5.0, 5.0, false),
        (4.0, 5.0, false),
        (3.9, 5.0, true),
        (25.0, 5.0, true),
        (20.5, 5.0, false),
        (15.0, 5.0, false),
        // Rays through corners of the hole and of the square.
        (-1.0, 4.0, false),
        (1.0, 4.0, true),
        (-5.0, 0.0, false),
        (-5.0, 10.0, false),
        // Edges and corners are not inside.
        (0.0, 0.0, false),
        (10.0, 5.0, false),
        (5.0, 10.0, false),
        (22.5, 5.0, false),
    ] {
        check(&[(&contains(lon, lat), if inside { "true" } else { "false" })]);
    }
    // Rays through the right corner of a diamond, and along its top and bottom corners.
    let diamond = r#"{"type": "Polygon", "coordinates": [[[0, -5], [5, 0], [0, 5], [-5, 0], [0, -5]]]}"#;
    for (lon, lat, inside) in
        [(0, 0, true), (4, 0, true), (-4, 4, false), (-3, 5, false), (-3, -5, false), (0, 4, true)]
    {
        let expr = format!("ST_Contains('{diamond}', ST_Point({lon}, {lat}))");
        check(&[(&expr, if inside { "true" } else { "false" })]);
    }
    let feature = AREA.replacen('{', r#"{"type": "Feature", "properties": {"name": "x"}, "geometry": {"#, 1) + "}";
    let collection = format!(r#"{{"type": "FeatureCollection", "features": [{feature}]}}"#);
    check(&[
        (&format!("ST_Contains('{feature}', ST_Point(1, 1))"), "true"),
        (&format!("ST_Contains('{collection}', ST_Point(5, 5))"), "false"),
        (&format!("ST_Contains('{AREA}', ST_Point(181, 5)) IS NULL"), "true"),
        ("ST_Contains(NULL, ST_Point(1, 1)) IS NULL", "true"),
    ]);
}

/// Mistakes in a constant are told when planning, those in a column give NULL.
#[test]
fn what_is_no_area() {
    let polygon = |rings: &str| format!(r#"{{"type": "Polygon", "coordinates": {rings}}}"#);
    let bad = [
        ("nonsense".to_owned(), "expected"),
        (r#"{"type": "Point", "coordinates": [1, 2]}"#.to_owned(), "unknown variant `Point`"),
        (polygon("[]"), "a polygon has no rings"),
        (polygon("[[[0, 0], [1, 0], [0, 0]]]"), "a ring has 3 positions, at least 4 are needed"),
        (polygon("[[[0, 0], [1, 0], [1, 1], [0, 1]]]"), "must be its first again"),
        (polygon("[[[0], [1, 0], [1, 1], [0]]]"), "a position is [longitude, latitude]"),
        (polygon("[[[37, -122], [38, -122], [38, -121], [37, -122]]]"), "no place is at longitude 37, latitude -122"),
    ];
    for (text, message) in &bad {
        refused(&[(&format!("ST_Contains('{text}', ST_Point(1, 1))"), message)]);
    }
    let mut texts: Vec<Option<&str>> = bad.iter().map(|(text, _)| Some(text.as_str())).collect();
    texts.extend([None, Some(AREA), Some(AREA)]);
    let points = call(
        "st_point",
        vec![
            column(Float64Array::from_iter_values((0..texts.len()).map(|_| 1.0))),
            column(Float64Array::from_iter_values((0..texts.len()).map(|_| 1.0))),
        ],
    );
    let contains = call("st_contains", vec![column(StringArray::from(texts)), ColumnarValue::Array(points.unwrap())]);
    let mut expected = vec![None; bad.len() + 1];
    expected.extend([Some(true); 2]);
    assert_eq!(contains.unwrap().as_boolean(), &BooleanArray::from(expected));
}

/// Inside a star is where the angles to its corners add up to a full turn.
#[test]
fn areas_against_the_winding_number() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for corners in [3_u32, 5, 17, 100] {
        let corner = |i: u32| {
            let i = i % corners;
            let angle = f64::from(i) / f64::from(corners) * std::f64::consts::TAU;
            // A star, so that there are corners that turn inwards.
            let radius = if i.is_multiple_of(2) { 40.0 } else { 15.0 };
            (radius * angle.cos(), radius * angle.sin())
        };
        let ring: Vec<String> = (0..=corners).map(corner).map(|(lon, lat)| format!("[{lon},{lat}]")).collect();
        let polygon = format!(r#"{{"type":"Polygon","coordinates":[[{}]]}}"#, ring.join(","));
        let places: Vec<(f64, f64)> =
            (0..2_000).map(|_| (random.random_range(-45.0..45.0), random.random_range(-45.0..45.0))).collect();
        let (lon, lat): (Vec<f64>, Vec<f64>) = places.iter().copied().unzip();
        let points = call("st_point", vec![column(Float64Array::from(lon)), column(Float64Array::from(lat))]).unwrap();
        let inside = call("st_contains", vec![constant(polygon.as_str()), ColumnarValue::Array(points)]).unwrap();
        for (row, (x, y)) in places.iter().enumerate() {
            let turns: f64 = (0..corners)
                .map(|i| {
                    let ((ax, ay), (bx, by)) = (corner(i), corner(i + 1));
                    let (ax, ay, bx, by) = (ax - x, ay - y, bx - x, by - y);
                    (ax * by - ay * bx).atan2(ax * bx + ay * by)
                })
                .sum();
            assert_eq!(inside.as_boolean().value(row), turns.abs() > 3.0, "{corners} corners, {x} {y}");
        }
    }
}

#[test]
fn known_cells() {
    check(&[
        // From the README files of h3-js and h3-py.
        ("h3_cell(ST_Point(-122.0553238, 37.3615593), 7)", "87283472bffffff"),
        ("h3_cell(ST_Point(-122.388903, 37.769377), 9)", "89283082e73ffff"),
        ("h3_cell(ST_Point(200, 0), 9) IS NULL", "true"),
        ("h3_cell(ST_Point(1, 2), NULL) IS NULL", "true"),
        ("cardinality(h3_disk('89283082e73ffff', 0))", "1"),
        // 3k(k + 1) + 1 cells around a hexagon, five sixths of the rings around a pentagon.
        ("cardinality(h3_disk('89283082e73ffff', 3))", "37"),
        ("cardinality(h3_disk('8009fffffffffff', 1))", "6"),
        ("h3_disk('nonsense' || id, 1) IS NULL FROM (VALUES ('')) AS t (id)", "true"),
        ("h3_disk(NULL, 1) IS NULL", "true"),
        ("h3_cell_boundary('nonsense' || id) IS NULL FROM (VALUES ('')) AS t (id)", "true"),
        ("ST_Contains(h3_cell_boundary('89283082e73ffff'), ST_Point(-122.388903, 37.769377))", "true"),
        ("h3_cell_boundary(h3_cell(ST_Point(180, 0), 3)) LIKE '%[17%[18%'", "true"),
    ]);
    refused(&[
        ("h3_cell(ST_Point(1, 2), 16)", "an H3 resolution is 0 to 15, not 16"),
        ("h3_cell(1, 2)", "write h3_cell(point, resolution INT)"),
        ("h3_disk('89283082e73ffff', 101)", "k of h3_disk is 0 to 100, not 101"),
        ("h3_disk('89283082e73ffff', -1)", "k of h3_disk is 0 to 100, not -1"),
        ("h3_disk('x', 1)", "'x' is no H3 cell"),
        ("h3_cell_boundary('x')", "'x' is no H3 cell"),
    ]);
}

/// A disk contains its cell and is sorted; neighbours contain each other; a cell's outline contains the points in it.
#[test]
fn cells_and_their_neighbours() {
    let points = points(3, 300);
    let resolutions: Int64Array = (0..300).map(|row| (row % 18 != 17).then_some(row % 18)).collect();
    let cells = call("h3_cell", vec![points, column(resolutions)]).unwrap();
    let cells = cells.as_string::<i32>();
    assert!(cells.null_count() > 0 && cells.null_count() < 200);
    let disks = call("h3_disk", vec![column(cells.clone()), constant(1_i64)]).unwrap();
    for (row, cell) in cells.iter().enumerate() {
        let Some(cell) = cell else {
            assert!(disks.is_null(row));
            continue;
        };
        let disk = disks.as_list::<i32>().value(row);
        let neighbours: Vec<&str> = disk.as_string::<i32>().iter().flatten().collect();
        assert!(neighbours.contains(&cell) && neighbours.is_sorted(), "{cell}: {neighbours:?}");
        let theirs = call("h3_disk", vec![column(StringArray::from(neighbours)), constant(1_i64)]).unwrap();
        for disk in theirs.as_list::<i32>().iter().flatten() {
            assert!(disk.as_string::<i32>().iter().flatten().any(|found| found == cell), "{cell}");
        }
    }
}

#[test]
fn nearest_cities() {
    check(&[
        ("nearest_city(ST_Point(-73.9712, 40.7831)).name", "Manhattan"),
        ("nearest_city(ST_Point(-21.9, 64.14)).name", "Reykjavik"),
        ("nearest_city(ST_Point(-21.9, 64.14)).country", "IS"),
        ("nearest_city(ST_Point(1.65362, 42.57952)).distance_m", "0.0"),
        ("nearest_city(ST_Point(400, 0)) IS NULL", "true"),
        ("nearest_city(NULL) IS NULL", "true"),
        // The antimeridian is no border: Fiji lies on both sides of it.
        ("nearest_city(ST_Point(-179.99, -16.8)).country", "FJ"),
    ]);
    let places = points(9, 500);
    let cities = call("nearest_city", vec![places.clone()]).unwrap();
    let names = cities.as_struct().column_by_name("name").unwrap();
    let lon = call("st_x", vec![places]).unwrap();
    for row in 0..500 {
        assert_eq!(cities.is_null(row), lon.is_null(row), "row {row}");
        assert_eq!(names.is_null(row), lon.is_null(row), "row {row}");
    }
}

/// Constants give what columns give, and no rows give none.
#[test]
fn constants_and_empty_columns() {
    let lon = [Some(13.4), Some(-122.4), None];
    let lat = [Some(52.5), Some(37.7), Some(1.0)];
    let points =
        call("st_point", vec![column(Float64Array::from(lon.to_vec())), column(Float64Array::from(lat.to_vec()))]);
    let points = points.unwrap();
    for (name, rest) in [
        ("st_x", vec![]),
        ("nearest_city", vec![]),
        ("h3_cell", vec![constant(5_i64)]),
        ("st_dwithin", vec![constant(ScalarValue::try_from_array(&points, 0).unwrap()), constant(1e6)]),
    ] {
        let with = |point: ColumnarValue| call(name, std::iter::once(point).chain(rest.clone()).collect()).unwrap();
        let all = with(ColumnarValue::Array(points.clone()));
        for row in 0..3 {
            let one = with(ColumnarValue::Scalar(ScalarValue::try_from_array(&points, row).unwrap()));
            assert_eq!(&all.slice(row, 1), &one, "{name}, row {row}");
        }
        let none = with(ColumnarValue::Array(points.slice(0, 0)));
        assert_eq!(none.len(), 0, "{name}");
    }
}
