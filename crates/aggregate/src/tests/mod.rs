//! Tests: every aggregate, through the public contract, against an oracle that knows only the rows that are left.

mod edges;
mod exactness;
mod harness;
mod lists;
mod multisets;
mod oracle;
mod properties;
mod ranks;
mod sketches;
mod states;
