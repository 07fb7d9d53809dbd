//! The crash harness: the real binary takes numbered events over HTTP, is killed with SIGKILL at random instants, gets torn
//! bytes at the end of its log, and is started again. Meanwhile it archives, lets go of what is archived, recomputes views and
//! replaces one by other definitions of itself. After every start what it answers through SQL is compared with
//! what was acknowledged. Everything random follows from one seed, save the instants themselves.

mod aims;
mod app;
mod archive;
mod campaign;
mod checker;
mod event;
mod feeder;
mod invariants;
mod ledger;
mod observed;
#[cfg(test)]
mod tests;
mod torn;

pub use campaign::{Campaign, CampaignSettings, Summary};
