//! Keys: rows of key columns turned into compact values, and tables that give each distinct key a slot.
//! Group aggregates, joins, keyed streams, lookups and view stores all find their rows through this module.

mod codec;
mod groups;
mod packed;
mod table;

pub(crate) use codec::{EncodedKeys, KeyCodec};
pub(crate) use groups::SlotGroups;
pub(crate) use table::KeyTable;
