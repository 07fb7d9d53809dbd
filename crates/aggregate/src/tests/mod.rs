//! Tests: every aggregate, through the public contract, against an oracle that knows only the rows that are left.

mod edges;
mod exactness;
mod harness;
mod oracle;
mod properties;
mod states;
