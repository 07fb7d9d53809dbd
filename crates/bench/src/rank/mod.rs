//! `highwater bench rank`: the rank of one person among millions while their steps change, beside the same work of a Redis
//! sorted set in the same run.

mod measure;
mod redis;
mod resp;
mod results;

pub(crate) use measure::{RankPlan, rank};
pub(crate) use results::rows;
pub use results::{RankResult, RedisResult};
