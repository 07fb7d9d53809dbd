//! Rows kept in order within partitions: the first rows of an order (`LIMIT`, `ROW_NUMBER() <= n` and the like), and
//! window functions over whole partitions.

mod input;
mod partitions;
mod top;
mod window;

pub(crate) use input::Order;
pub(crate) use top::{Numbering, Top, TopPlan};
pub(crate) use window::{Window, WindowPlan};
