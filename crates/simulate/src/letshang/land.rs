//! Where walkers may be: the box of the original project, and within it the island, so that nobody walks on a river.
//! Places are counted in moves from the box's south-west corner.

/// Degrees of a move (1.25 m north), in units of 1e-11 degrees: 0.00001124152°.
pub(super) const MOVE: i64 = 1_124_152;

/// The box's south-west corner in units of 1e-11 degrees.
pub(super) const SOUTH: i64 = 4_070_875_100_000;
pub(super) const WEST: i64 = -7_402_587_900_000;

/// Moves from the box's southern to its northern edge (40.802895°), and from the western to the eastern (−73.930435°).
pub(super) const NORTH_MOVES: i64 = (4_080_289_500_000 - SOUTH) / MOVE;
pub(super) const EAST_MOVES: i64 = (-7_393_043_500_000 - WEST) / MOVE;

/// Manhattan within the box, as latitude and longitude: a hundred metres or so inside the shore, up the Hudson and down the
/// East River. Drawn by hand.
const ISLAND: [(f64, f64); 31] = [
    (40.7092, -74.0162),
    (40.7170, -74.0140),
    (40.7260, -74.0114),
    (40.7330, -74.0102),
    (40.7410, -74.0092),
    (40.7480, -74.0076),
    (40.7540, -74.0060),
    (40.7620, -74.0003),
    (40.7715, -73.9948),
    (40.7815, -73.9885),
    (40.7865, -73.9845),
    (40.7975, -73.9762),
    (40.8025, -73.9728),
    (40.8025, -73.9325),
    (40.7945, -73.9328),
    (40.7910, -73.9378),
    (40.7868, -73.9398),
    (40.7825, -73.9448),
    (40.7765, -73.9442),
    (40.7715, -73.9488),
    (40.7655, -73.9538),
    (40.7590, -73.9608),
    (40.7530, -73.9652),
    (40.7480, -73.9692),
    (40.7435, -73.9732),
    (40.7355, -73.9762),
    (40.7280, -73.9738),
    (40.7145, -73.9772),
    (40.7115, -73.9802),
    (40.7110, -73.9900),
    (40.7092, -73.9995),
];

/// The island as moves from the corner.
#[derive(Clone, Debug)]
pub(super) struct Land(Vec<(f64, f64)>);

impl Land {
    pub(super) fn new() -> Self {
        let moves = |degrees: f64, corner: i64| (degrees * 1e11 - corner as f64) / MOVE as f64;
        Self(ISLAND.iter().map(|(lat, lon)| (moves(*lon, WEST), moves(*lat, SOUTH))).collect())
    }

    /// Whether a place is on the island: a ray to the east crosses its shore an odd number of times.
    #[inline]
    pub(super) fn holds(&self, x: i64, y: i64) -> bool {
        if !(0..=EAST_MOVES).contains(&x) || !(0..=NORTH_MOVES).contains(&y) {
            return false;
        }
        let (x, y) = (x as f64, y as f64);
        let mut is_inside = false;
        let mut before = self.0.last().copied().unwrap_or_default();
        for shore in &self.0 {
            let ((x1, y1), (x2, y2)) = (before, *shore);
            if (y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 {
                is_inside = !is_inside;
            }
            before = *shore;
        }
        is_inside
    }
}
