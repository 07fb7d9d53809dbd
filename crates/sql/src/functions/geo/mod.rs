//! Places on Earth: points, distances, areas, hexagonal cells, cities. The sphere's formulas use `libm`, whose results are
//! the same bits on every machine, so that a log replayed elsewhere gives the same views.

mod area;
mod cell;
mod city;
mod contains;
mod distance;
mod point;

pub(super) use cell::{H3_CELL, H3_CELL_BOUNDARY, H3_DISK};
pub(super) use city::NEAREST_CITY;
pub(super) use contains::ST_CONTAINS;
pub(super) use distance::{ST_DISTANCE, ST_DWITHIN};
pub(super) use point::{ST_POINT, ST_X, ST_Y};
