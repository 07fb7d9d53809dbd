//! Areas as GeoJSON (RFC 7946): polygons with holes, and whether a point is inside. Edges are straight in longitude and
//! latitude, as the RFC has it; an area across the antimeridian must be cut there in two.

use serde::Deserialize;

use super::point::Point;

/// Positions of a closed ring at least: a triangle and its first corner again.
const RING_POSITIONS_MIN: usize = 4;

/// A set of polygons.
#[derive(Debug)]
pub(super) struct Area {
    polygons: Vec<Polygon>,
}

#[derive(Debug)]
struct Polygon {
    outer: Ring,
    holes: Vec<Ring>,
}

/// A closed line, its first corner repeated at the end, and the rectangle around it.
#[derive(Debug)]
struct Ring {
    corners: Vec<Point>,
    least: Point,
    greatest: Point,
}

/// Where a point lies with respect to a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Inside,
    On,
    Outside,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum GeoJson {
    Polygon { coordinates: Vec<Vec<Vec<f64>>> },
    MultiPolygon { coordinates: Vec<Vec<Vec<Vec<f64>>>> },
    Feature { geometry: Box<GeoJson> },
    FeatureCollection { features: Vec<GeoJson> },
}

impl Area {
    /// Reads a Polygon, a MultiPolygon, or features made of them.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut area = Self { polygons: Vec::new() };
        area.add(json)?;
        Ok(area)
    }

    /// Whether the point is inside; one on an edge is not (as PostGIS has it).
    pub(super) fn contains(&self, point: Point) -> bool {
        self.polygons.iter().any(|polygon| polygon.contains(point))
    }

    fn add(&mut self, json: GeoJson) -> Result<(), String> {
        match json {
            GeoJson::Polygon { coordinates } => self.polygons.push(Polygon::new(coordinates)?),
            GeoJson::MultiPolygon { coordinates } => {
                for polygon in coordinates {
                    self.polygons.push(Polygon::new(polygon)?);
                }
            }
            GeoJson::Feature { geometry } => self.add(*geometry)?,
            GeoJson::FeatureCollection { features } => {
                for feature in features {
                    self.add(feature)?;
                }
            }
        }
        Ok(())
    }
}

impl Polygon {
    fn new(rings: Vec<Vec<Vec<f64>>>) -> Result<Self, String> {
        let mut rings = rings.into_iter();
        let Some(outer) = rings.next() else {
            return Err("a polygon has no rings".to_owned());
        };
        Ok(Self { outer: Ring::new(&outer)?, holes: rings.map(|ring| Ring::new(&ring)).collect::<Result<_, _>>()? })
    }

    fn contains(&self, point: Point) -> bool {
        self.outer.side(point) == Side::Inside && self.holes.iter().all(|hole| hole.side(point) == Side::Outside)
    }
}

impl Ring {
    fn new(positions: &[Vec<f64>]) -> Result<Self, String> {
        let corners = positions.iter().map(|position| corner(position)).collect::<Result<Vec<_>, _>>()?;
        if corners.len() < RING_POSITIONS_MIN {
            return Err(format!("a ring has {} positions, at least {RING_POSITIONS_MIN} are needed", corners.len()));
        }
        if corners.first() != corners.last() {
            return Err("the last position of a ring must be its first again".to_owned());
        }
        let most = |pick: fn(f64, f64) -> f64| Point {
            lon: corners.iter().map(|corner| corner.lon).fold(corners[0].lon, pick),
            lat: corners.iter().map(|corner| corner.lat).fold(corners[0].lat, pick),
        };
        let (least, greatest) = (most(f64::min), most(f64::max));
        Ok(Self { corners, least, greatest })
    }

    /// Counts the edges that a ray to the east crosses: an odd number from inside.
    fn side(&self, point: Point) -> Side {
        if point.lon < self.least.lon
            || point.lon > self.greatest.lon
            || point.lat < self.least.lat
            || point.lat > self.greatest.lat
        {
            return Side::Outside;
        }
        let mut inside = false;
        for edge in self.corners.windows(2) {
            let (a, b) = (edge[0], edge[1]);
            // Twice the area of the triangle, with the sign of the side the point is on.
            let turn = (b.lon - a.lon) * (point.lat - a.lat) - (b.lat - a.lat) * (point.lon - a.lon);
            if turn == 0.0 && between(point.lon, a.lon, b.lon) && between(point.lat, a.lat, b.lat) {
                return Side::On;
            }
            // The lower end belongs to an edge and the upper does not, so a ray through a corner is counted once.
            let upwards = a.lat <= point.lat && point.lat < b.lat;
            let downwards = b.lat <= point.lat && point.lat < a.lat;
            if (upwards && turn > 0.0) || (downwards && turn < 0.0) {
                inside = !inside;
            }
        }
        if inside { Side::Inside } else { Side::Outside }
    }
}

fn between(value: f64, a: f64, b: f64) -> bool {
    a.min(b) <= value && value <= a.max(b)
}

/// A position is longitude, latitude and perhaps an altitude.
fn corner(position: &[f64]) -> Result<Point, String> {
    let &[lon, lat, ..] = position else {
        return Err("a position is [longitude, latitude]".to_owned());
    };
    Point::new(lon, lat).ok_or_else(|| {
        format!("no place is at longitude {lon}, latitude {lat}: a position is [longitude, latitude] in degrees")
    })
}
