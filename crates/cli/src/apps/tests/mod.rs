//! Tests of apps: finding and loading them, and what the bundled ones compute.

mod finding;
mod letshang;
mod running;
