//! One JSON record into the columns: which key goes to which column, in one pass, predicting the order of keys.

use std::cmp::Ordering;

use highwater_model::Column;
use jiter::{Jiter, Peek};

use crate::column::ColumnBuilder;
use crate::fault::{Fault, Outcome};
use crate::json;

/// Slot of a key that no column wants.
const UNKNOWN: u16 = u16::MAX;

/// What to do with the keys of an object (the record, an object on a path, or a struct column's value).
#[derive(Debug, Default)]
pub(crate) struct ObjectPlan {
    /// Which of the [`Orders`] is this object's.
    id: usize,
    keys: Vec<Key>,
    /// Indexes of `keys` by name.
    sorted: Vec<u16>,
    /// All columns within it.
    columns: Vec<u16>,
}

#[derive(Debug)]
struct Key {
    name: Box<str>,
    /// The name as a list index.
    index: Option<usize>,
    /// Columns that take the value itself.
    leaves: Vec<u16>,
    /// What lies deeper on a path.
    inner: Option<ObjectPlan>,
    /// All columns at and beneath this key.
    columns: Vec<u16>,
}

/// Where a column's value lies in a record: its path, or the key of its name.
pub(crate) fn path_of(column: &Column) -> Vec<&str> {
    match &column.path {
        Some(path) if !path.0.is_empty() => path.0.iter().map(String::as_str).collect(),
        _ => vec![&column.name],
    }
}

/// For each object of a plan, the slots of the last one's keys in their order: the next record's are likely the same.
#[derive(Debug)]
pub(crate) struct Orders(Vec<Vec<u16>>);

impl Orders {
    pub(crate) fn new(plan: &ObjectPlan) -> Self {
        Self(vec![Vec::new(); plan.count()])
    }
}

impl ObjectPlan {
    /// The plan of a whole record: each column by its path or its name.
    pub(crate) fn record(columns: &[Column]) -> Self {
        let mut root = Self::default();
        for (index, column) in (0_u16..).zip(columns) {
            root.insert(&path_of(column), index);
        }
        root.number(&mut 0);
        root
    }

    /// The plan of a struct: each field by its name.
    pub(crate) fn flat<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut root = Self::default();
        for (index, name) in (0_u16..).zip(names) {
            root.insert(&[name], index);
        }
        root.number(&mut 0);
        root
    }

    fn insert(&mut self, path: &[&str], column: u16) {
        let Some((name, rest)) = path.split_first() else { return };
        let slot = match self.keys.iter().position(|key| &*key.name == *name) {
            Some(slot) => slot,
            None => {
                let index = name.parse().ok();
                self.keys.push(Key {
                    name: (*name).into(),
                    index,
                    leaves: Vec::new(),
                    inner: None,
                    columns: Vec::new(),
                });
                self.keys.len() - 1
            }
        };
        let key = &mut self.keys[slot];
        key.columns.push(column);
        if rest.is_empty() {
            key.leaves.push(column);
        } else {
            key.inner.get_or_insert_default().insert(rest, column);
        }
    }

    /// Gives every object its number and sorts its keys.
    fn number(&mut self, next: &mut usize) {
        self.id = *next;
        *next += 1;
        self.sorted = (0_u16..).zip(&self.keys).map(|(slot, _)| slot).collect();
        let keys = &self.keys;
        self.sorted.sort_by(|a, b| by_length(&keys[*a as usize].name, &keys[*b as usize].name));
        self.columns = keys.iter().flat_map(|key| key.columns.iter().copied()).collect();
        self.keys.iter_mut().filter_map(|key| key.inner.as_mut()).for_each(|inner| inner.number(next));
    }

    fn count(&self) -> usize {
        1 + self.keys.iter().filter_map(|key| key.inner.as_ref()).map(Self::count).sum::<usize>()
    }

    /// The slot of the key at a position of the object, from the prediction or by search.
    #[inline]
    fn slot(&self, order: &mut Vec<u16>, position: usize, name: &str) -> u16 {
        if let Some(slot) = order.get(position)
            && let Some(key) = self.keys.get(*slot as usize)
            && *key.name == *name
        {
            return *slot;
        }
        self.search(order, position, name)
    }

    fn search(&self, order: &mut Vec<u16>, position: usize, name: &str) -> u16 {
        let found = self.sorted.binary_search_by(|slot| by_length(&self.keys[*slot as usize].name, name));
        let slot = found.map_or(UNKNOWN, |at| self.sorted[at]);
        match order.get_mut(position) {
            Some(predicted) => *predicted = slot,
            // An object with more keys than this gains nothing from prediction and must not grow the memory.
            None if position < 4096 => order.push(slot),
            None => {}
        }
        slot
    }
}

/// Shorter names first: most comparisons end at the length.
fn by_length(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Reads the object that `json` stands at into the columns; afterwards each column has `row` or `row + 1` rows.
pub(crate) fn walk(
    plan: &ObjectPlan,
    orders: &mut Orders,
    columns: &mut [ColumnBuilder],
    row: usize,
    json: &mut Jiter,
    depth: usize,
) -> Outcome {
    let depth = json::deeper(depth)?;
    let mut position = 0;
    let mut slot = json.known_object()?.map(|name| plan.slot(&mut orders.0[plan.id], 0, name));
    while let Some(known) = slot {
        let peek = json.peek()?;
        match plan.keys.get(known as usize) {
            Some(key) => take(key, orders, columns, row, json, peek, depth)?,
            None => json::skip(json, peek, depth)?,
        }
        position += 1;
        slot = json.next_key()?.map(|name| plan.slot(&mut orders.0[plan.id], position, name));
    }
    Ok(())
}

/// NULL for every column the record did not have; refused where a value is required.
#[inline]
pub(crate) fn fill(columns: &mut [ColumnBuilder], row: usize) -> Outcome {
    columns.iter_mut().filter(|column| column.len() == row).try_for_each(ColumnBuilder::append_missing)
}

/// Gives one value to all columns that want it or something beneath it.
#[inline]
fn take(
    key: &Key,
    orders: &mut Orders,
    columns: &mut [ColumnBuilder],
    row: usize,
    json: &mut Jiter,
    peek: Peek,
    depth: usize,
) -> Outcome {
    // A key that came before in this object: the last one wins.
    for column in &key.columns {
        let column = &mut columns[*column as usize];
        if column.len() > row {
            column.truncate(row);
        }
    }
    match (key.leaves.as_slice(), &key.inner) {
        (&[leaf], None) => take_leaf(&mut columns[leaf as usize], row, json, peek, depth),
        (&[], Some(inner)) => take_inner(key, inner, orders, columns, row, json, peek, depth),
        (leaves, inner) => {
            for leaf in leaves {
                take_leaf(&mut columns[*leaf as usize], row, &mut json.clone(), peek, depth)?;
            }
            if let Some(inner) = inner {
                take_inner(key, inner, orders, columns, row, &mut json.clone(), peek, depth)?;
            }
            json::skip(json, peek, depth)
        }
    }
}

#[inline]
fn take_leaf(column: &mut ColumnBuilder, row: usize, json: &mut Jiter, peek: Peek, depth: usize) -> Outcome {
    if peek == Peek::Null {
        // The same as a missing key, so that `fill` decides.
        return Ok(json.known_null()?);
    }
    if column.is_lenient() {
        let column = std::slice::from_mut(column);
        return attempt(column, &[0], row, json, peek, depth, |column, json| column[0].append_json(json, peek, depth));
    }
    column.append_json(json, peek, depth).map_err(|fault| fault.within(column.name()))
}

/// Follows a path; where nobody asked for anything along it when the record was stored, it may lead nowhere.
#[expect(clippy::too_many_arguments, reason = "one step of a recursion over five independent states")]
fn take_inner(
    key: &Key,
    inner: &ObjectPlan,
    orders: &mut Orders,
    columns: &mut [ColumnBuilder],
    row: usize,
    json: &mut Jiter,
    peek: Peek,
    depth: usize,
) -> Outcome {
    if !inner.columns.iter().all(|column| columns[*column as usize].is_lenient()) {
        return descend(key, inner, orders, columns, row, json, peek, depth);
    }
    attempt(columns, &inner.columns, row, json, peek, depth, |columns, json| {
        descend(key, inner, orders, columns, row, json, peek, depth)
    })
}

/// Reads a value into the columns `into`, which are NULL when it does not fit; the record then goes on behind it.
fn attempt<'j>(
    columns: &mut [ColumnBuilder],
    into: &[u16],
    row: usize,
    json: &mut Jiter<'j>,
    peek: Peek,
    depth: usize,
    read: impl FnOnce(&mut [ColumnBuilder], &mut Jiter<'j>) -> Outcome,
) -> Outcome {
    let mut ahead = json.clone();
    if read(columns, &mut ahead).is_ok() {
        *json = ahead;
        return Ok(());
    }
    into.iter().for_each(|column| columns[*column as usize].truncate(row));
    json::skip(json, peek, depth)
}

/// Follows a path into an object, a list, or a text that holds one.
#[expect(clippy::too_many_arguments, reason = "one step of a recursion over five independent states")]
fn descend(
    key: &Key,
    inner: &ObjectPlan,
    orders: &mut Orders,
    columns: &mut [ColumnBuilder],
    row: usize,
    json: &mut Jiter,
    peek: Peek,
    depth: usize,
) -> Outcome {
    match peek {
        Peek::Null => Ok(json.known_null()?),
        Peek::Object => walk(inner, orders, columns, row, json, depth),
        Peek::Array => walk_list(inner, orders, columns, row, json, depth),
        Peek::String => {
            let text = json.known_str()?.to_owned();
            let depth = json::deeper(depth)?;
            if !text.trim_ascii_start().starts_with(['{', '[']) {
                return Err(off_path(key, columns, "a text"));
            }
            let mut nested = Jiter::new(text.as_bytes());
            let mut read = || {
                let peek = nested.peek()?;
                descend(key, inner, orders, columns, row, &mut nested, peek, depth)?;
                Ok(nested.finish()?)
            };
            read().map_err(Fault::inside_text)
        }
        peek => {
            json::skip(json, peek, depth)?;
            Err(off_path(key, columns, "a plain value"))
        }
    }
}

fn walk_list(
    plan: &ObjectPlan,
    orders: &mut Orders,
    columns: &mut [ColumnBuilder],
    row: usize,
    json: &mut Jiter,
    depth: usize,
) -> Outcome {
    let depth = json::deeper(depth)?;
    let mut index = 0;
    let mut next = json.known_array()?;
    while let Some(peek) = next {
        match plan.keys.iter().find(|key| key.index == Some(index)) {
            Some(key) => take(key, orders, columns, row, json, peek, depth)?,
            None => json::skip(json, peek, depth)?,
        }
        index += 1;
        next = json.array_step()?;
    }
    Ok(())
}

#[cold]
fn off_path(key: &Key, columns: &[ColumnBuilder], found: &str) -> Box<Fault> {
    let reason = format!("expected an object or a list at \"{}\" of the column's path, found {found}", key.name);
    let column = key.columns.first().map(|column| columns[*column as usize].name().to_owned());
    Box::new(Fault::Value { column, reason })
}
