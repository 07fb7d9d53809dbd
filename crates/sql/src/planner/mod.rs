//! From syntax trees to logical plans: ad-hoc queries, views to be maintained, writes, reads of one view.

mod adhoc;
mod check;
mod columns;
mod context;
mod diagnose;
mod index;
mod lookup;
mod maintainable;
mod past;
mod point;
mod read;
mod refuse;
mod rejects;
mod rewrite;
mod session;
mod view;
mod windows;
mod write;

pub use context::Relations;
pub use index::PlannedIndex;
pub use past::Past;
pub use point::{Equality, equalities};
pub use read::ViewRead;
pub use session::Planner;
pub use view::{PlainView, ViewQuery};
pub use windows::PANE;
pub use write::TableWrite;
