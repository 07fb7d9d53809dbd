//! A table of distinct keys, each with a slot: a small dense number under which callers keep their own columns.
//! Slots of removed keys are given to new ones.

use arrow_array::ArrayRef;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::codec::{self, EncodedKeys, KeyCodec, hash_bytes, hash_u64, hash_u128};
use crate::ViewsError;

/// Distinct keys and their slots.
pub(crate) struct KeyTable {
    codec: KeyCodec,
    keys: SlotKeys,
    index: HashTable<u32>,
    free: Vec<u32>,
    heap_bytes: usize,
}

/// The key of each slot (stale in free slots).
enum SlotKeys {
    Unit(usize),
    Packed64(Vec<u64>),
    Packed128(Vec<u128>),
    Bytes(Vec<Box<[u8]>>),
}

impl SlotKeys {
    fn len(&self) -> usize {
        match self {
            Self::Unit(slots) => *slots,
            Self::Packed64(keys) => keys.len(),
            Self::Packed128(keys) => keys.len(),
            Self::Bytes(keys) => keys.len(),
        }
    }
}

impl KeyTable {
    /// An empty table of keys made by `codec`.
    pub(crate) fn new(codec: KeyCodec) -> Self {
        let keys = match &codec {
            KeyCodec::Unit => SlotKeys::Unit(0),
            KeyCodec::Packed64(_) => SlotKeys::Packed64(Vec::new()),
            KeyCodec::Packed128(_) => SlotKeys::Packed128(Vec::new()),
            KeyCodec::Bytes(_) => SlotKeys::Bytes(Vec::new()),
        };
        Self { codec, keys, index: HashTable::new(), free: Vec::new(), heap_bytes: 0 }
    }

    /// The codec whose keys this table takes.
    pub(crate) fn codec(&self) -> &KeyCodec {
        &self.codec
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Slots are below this number.
    pub(crate) fn slots(&self) -> usize {
        self.keys.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let keys = match &self.keys {
            SlotKeys::Unit(_) => 0,
            SlotKeys::Packed64(keys) => keys.capacity() * 8,
            SlotKeys::Packed128(keys) => keys.capacity() * 16,
            SlotKeys::Bytes(keys) => keys.capacity() * size_of::<Box<[u8]>>(),
        };
        keys + self.heap_bytes + self.index.allocation_size() + self.free.capacity() * 4
    }

    /// The slot of each selected row's key, new keys included, appended to `slots`; slots of new keys to `created`.
    /// `hashes` are [`EncodedKeys::hashes`]; `rows` selects rows (all when `None`).
    pub(crate) fn intern(
        &mut self,
        keys: &EncodedKeys,
        hashes: &[u64],
        rows: Option<&[u32]>,
        slots: &mut Vec<u32>,
        created: &mut Vec<u32>,
    ) {
        let Self { keys: own, index, free, heap_bytes, .. } = self;
        match (own, keys) {
            (SlotKeys::Packed64(own), EncodedKeys::Packed64(keys)) => {
                let mut interner = Interner { own, index, free, created, hash: |key: &u64| hash_u64(*key) };
                select(rows, keys.len(), |row| slots.push(interner.intern(hashes[row], keys[row])));
            }
            (SlotKeys::Packed128(own), EncodedKeys::Packed128(keys)) => {
                let mut interner = Interner { own, index, free, created, hash: |key: &u128| hash_u128(*key) };
                select(rows, keys.len(), |row| slots.push(interner.intern(hashes[row], keys[row])));
            }
            (SlotKeys::Bytes(own), EncodedKeys::Bytes(keys)) => {
                select(rows, keys.num_rows(), |row| {
                    let key = keys.row(row);
                    slots.push(intern_bytes(own, index, free, created, heap_bytes, hashes[row], key.as_ref()));
                });
            }
            (SlotKeys::Unit(own), EncodedKeys::Unit(len)) => {
                let selected = rows.map_or(*len, <[u32]>::len);
                if selected > 0 && index.is_empty() {
                    *own = 1;
                    free.clear();
                    index.insert_unique(0, 0, |_| 0);
                    created.push(0);
                }
                slots.resize(slots.len() + selected, 0);
            }
            _ => debug_assert!(false, "keys of another codec"),
        }
    }

    /// The slot of a row's key, if it is in the table.
    pub(crate) fn find(&self, keys: &EncodedKeys, row: usize, hash: u64) -> Option<u32> {
        match (&self.keys, keys) {
            (SlotKeys::Packed64(own), EncodedKeys::Packed64(keys)) => {
                self.index.find(hash, |slot| own[*slot as usize] == keys[row]).copied()
            }
            (SlotKeys::Packed128(own), EncodedKeys::Packed128(keys)) => {
                self.index.find(hash, |slot| own[*slot as usize] == keys[row]).copied()
            }
            (SlotKeys::Bytes(own), EncodedKeys::Bytes(keys)) => {
                let key = keys.row(row);
                self.index.find(hash, |slot| *own[*slot as usize] == *key.as_ref()).copied()
            }
            (SlotKeys::Unit(_), EncodedKeys::Unit(_)) => self.index.find(hash, |_| true).copied(),
            _ => None,
        }
    }

    /// Removes the keys of these slots; the slots are given out again.
    pub(crate) fn remove(&mut self, slots: &[u32]) {
        for &slot in slots {
            let hash = match &self.keys {
                SlotKeys::Unit(_) => 0,
                SlotKeys::Packed64(keys) => hash_u64(keys[slot as usize]),
                SlotKeys::Packed128(keys) => hash_u128(keys[slot as usize]),
                SlotKeys::Bytes(keys) => hash_bytes(&keys[slot as usize]),
            };
            if let Ok(entry) = self.index.find_entry(hash, |found| *found == slot) {
                entry.remove();
                self.free.push(slot);
                if let SlotKeys::Bytes(keys) = &mut self.keys {
                    self.heap_bytes -= std::mem::take(&mut keys[slot as usize]).len();
                }
            }
        }
    }

    /// The key columns of these slots.
    pub(crate) fn decode(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, ViewsError> {
        match (&self.codec, &self.keys) {
            (KeyCodec::Packed64(fields), SlotKeys::Packed64(keys)) => {
                codec::unpack(fields, slots.iter().map(|slot| keys[*slot as usize]).collect())
            }
            (KeyCodec::Packed128(fields), SlotKeys::Packed128(keys)) => {
                codec::unpack(fields, slots.iter().map(|slot| keys[*slot as usize]).collect())
            }
            (KeyCodec::Bytes(converter), SlotKeys::Bytes(keys)) => {
                let parser = converter.parser();
                Ok(converter.convert_rows(slots.iter().map(|slot| parser.parse(&keys[*slot as usize])))?)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Marks all slots in use.
    pub(crate) fn mark_occupied(&self, marks: &mut [bool]) {
        self.index.iter().for_each(|slot| marks[*slot as usize] = true);
    }

    /// All slots in use, in rising order.
    pub(crate) fn occupied(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.index.iter().copied().collect();
        slots.sort_unstable();
        slots
    }
}

fn select(rows: Option<&[u32]>, len: usize, mut each: impl FnMut(usize)) {
    match rows {
        None => (0..len).for_each(each),
        Some(rows) => rows.iter().for_each(|row| each(*row as usize)),
    }
}

/// Interning of keys that are plain integers.
struct Interner<'a, K, H> {
    own: &'a mut Vec<K>,
    index: &'a mut HashTable<u32>,
    free: &'a mut Vec<u32>,
    created: &'a mut Vec<u32>,
    hash: H,
}

impl<K: Copy + Eq, H: Fn(&K) -> u64> Interner<'_, K, H> {
    fn intern(&mut self, hash: u64, key: K) -> u32 {
        let own = &*self.own;
        match self.index.entry(hash, |slot| own[*slot as usize] == key, |slot| (self.hash)(&own[*slot as usize])) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(vacant) => {
                let slot = self.free.pop().unwrap_or(self.own.len() as u32);
                vacant.insert(slot);
                if slot as usize == self.own.len() {
                    self.own.push(key);
                } else {
                    self.own[slot as usize] = key;
                }
                self.created.push(slot);
                slot
            }
        }
    }
}

fn intern_bytes(
    own: &mut Vec<Box<[u8]>>,
    index: &mut HashTable<u32>,
    free: &mut Vec<u32>,
    created: &mut Vec<u32>,
    heap_bytes: &mut usize,
    hash: u64,
    key: &[u8],
) -> u32 {
    match index.entry(hash, |slot| *own[*slot as usize] == *key, |slot| hash_bytes(&own[*slot as usize])) {
        Entry::Occupied(found) => *found.get(),
        Entry::Vacant(vacant) => {
            let slot = free.pop().unwrap_or(own.len() as u32);
            vacant.insert(slot);
            *heap_bytes += key.len();
            if slot as usize == own.len() {
                own.push(key.into());
            } else {
                own[slot as usize] = key.into();
            }
            created.push(slot);
            slot
        }
    }
}
