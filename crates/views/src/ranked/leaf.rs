//! The leaf of a counted tree: some dozen keys in order, packed. What all of them begin with is kept once, so that keys
//! that are nearly the same (a day, a count of steps, leading zeros of an id) cost a few bytes each.

/// Keys of a leaf at most.
pub(super) const MOST_KEYS: usize = 64;
/// Keys of a new leaf, so that some more fit in.
pub(super) const NEW_KEYS: usize = 48;
/// Fewer keys, and a leaf that is written joins its neighbour.
pub(super) const FEW_KEYS: usize = 16;

/// A place between two keys.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound<'a> {
    /// Before the first key that is this one or greater.
    Before(&'a [u8]),
    /// After the last key that begins with this, or before the first greater one.
    After(&'a [u8]),
    /// After this very key, or before the first greater one.
    Behind(&'a [u8]),
}

/// Different keys in rising order.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The first 16 bytes of the first key, filled up with zeros.
    head: u128,
    /// What all keys begin with, then the rest of each.
    bytes: Box<[u8]>,
    shared: u32,
    /// Where the rest of each key ends in `bytes`.
    ends: Box<[u32]>,
}

impl<'a> Bound<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Before(bytes) | Self::After(bytes) | Self::Behind(bytes) => bytes,
        }
    }

    /// Whether the key `start` + `rest` lies before this place.
    fn is_above(self, start: &[u8], rest: &[u8]) -> bool {
        let bound = self.bytes();
        let common = start.len().min(bound.len());
        let order = start[..common].cmp(&bound[..common]).then_with(|| {
            let bound = &bound[common..];
            let common = rest.len().min(bound.len());
            // The key goes on where the bound has ended: equal so far.
            rest[..common].cmp(&bound[..common]).then(if rest.len() < bound.len() {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Equal
            })
        });
        match order {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => match self {
                Self::Before(_) => false,
                Self::After(_) => true,
                Self::Behind(_) => start.len() + rest.len() == bound.len(),
            },
        }
    }
}

impl Leaf {
    /// A leaf of these keys, which are in rising order; there is at least one.
    pub(super) fn new(keys: &[&[u8]]) -> Self {
        let (first, last) = (keys.first().copied().unwrap_or_default(), keys.last().copied().unwrap_or_default());
        let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let size = shared + keys.iter().map(|key| key.len() - shared).sum::<usize>();
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&first[..shared]);
        let mut ends = Vec::with_capacity(keys.len());
        for key in keys {
            bytes.extend_from_slice(&key[shared..]);
            ends.push(bytes.len() as u32);
        }
        Self {
            head: head(first),
            bytes: bytes.into_boxed_slice(),
            shared: shared as u32,
            ends: ends.into_boxed_slice(),
        }
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held, its own among them.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + self.ends.len() * size_of::<u32>()
    }

    /// What a key consists of: the shared start and the rest.
    fn parts(&self, at: usize) -> (&[u8], &[u8]) {
        let shared = self.shared as usize;
        let from = if at == 0 { shared } else { self.ends[at - 1] as usize };
        (&self.bytes[..shared], &self.bytes[from..self.ends[at] as usize])
    }

    /// Appends a key to `key`.
    pub(super) fn read(&self, at: usize, key: &mut Vec<u8>) {
        let (start, rest) = self.parts(at);
        key.extend_from_slice(start);
        key.extend_from_slice(rest);
    }

    /// Whether the first key lies before a place.
    pub(super) fn begins_before(&self, bound: Bound<'_>) -> bool {
        let bytes = bound.bytes();
        match self.head.cmp(&head(bytes)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater if bytes.len() >= size_of::<u128>() => false,
            _ => {
                let (start, rest) = self.parts(0);
                bound.is_above(start, rest)
            }
        }
    }

    /// How many keys lie before a place.
    pub(super) fn count_before(&self, bound: Bound<'_>) -> usize {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            let (start, rest) = self.parts(middle);
            if bound.is_above(start, rest) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }
}

/// The first 16 bytes as a number that compares as they do.
fn head(key: &[u8]) -> u128 {
    let mut head = [0; size_of::<u128>()];
    let known = key.len().min(head.len());
    head[..known].copy_from_slice(&key[..known]);
    u128::from_be_bytes(head)
}
