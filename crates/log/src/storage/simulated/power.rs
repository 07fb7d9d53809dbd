//! Which states a power cut may leave, chosen by a seed so that a failure can be repeated. Used by
//! `SimulatedStorage::after_power_cut` alone.

use std::path::Path;

use super::{Disk, FileId, Operation, SECTOR_BYTES};

/// What becomes of operations that were not made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// All are there.
    All,
    /// None is there.
    None,
    /// Names are there, data is not.
    NamesOnly,
    /// Data is there, names are not.
    DataOnly,
    /// Each may be, decided by the seed; writes sector by sector.
    Some(u64),
}

/// The disk after `operations`, of which only the durable ones are sure.
pub(super) fn survivors(first: &Disk, operations: &[Operation], survival: Survival) -> Disk {
    let mut disk = first.clone();
    let mut dice = Dice(match survival {
        Survival::Some(seed) => seed.wrapping_add(0x9e37_79b9_7f4a_7c15),
        _ => 0,
    });
    for (number, operation) in operations.iter().enumerate() {
        let later = &operations[number + 1..];
        if is_durable(operation, later) {
            disk.apply(operation);
            continue;
        }
        match survival {
            Survival::All => disk.apply(operation),
            Survival::None => keep_file(&mut disk, operation),
            Survival::NamesOnly if is_name(operation) => disk.apply(operation),
            Survival::DataOnly if !is_name(operation) => disk.apply(operation),
            Survival::NamesOnly | Survival::DataOnly => keep_file(&mut disk, operation),
            Survival::Some(_) => in_part(&mut disk, operation, &mut dice),
        }
    }
    disk
}

/// Even a file whose name is lost must exist for the operations on it.
fn keep_file(disk: &mut Disk, operation: &Operation) {
    if let Operation::Name(_, file) = operation
        && disk.files.len() <= *file
    {
        disk.files.resize(file + 1, Vec::new());
    }
}

fn is_name(operation: &Operation) -> bool {
    !matches!(operation, Operation::Write(..) | Operation::Resize(..) | Operation::Sync(..))
}

fn is_durable(operation: &Operation, later: &[Operation]) -> bool {
    let file_synced = |file: &FileId| later.iter().any(|op| matches!(op, Operation::Sync(synced) if synced == file));
    let folder_synced = |path: &Path| {
        let mut folder = path.parent().map(Path::to_owned);
        later.iter().any(|op| {
            // The folder may have been renamed in between.
            if let (Operation::Move(from, to), Some(inside)) = (op, &folder)
                && let Ok(rest) = inside.strip_prefix(from)
            {
                folder = Some(to.join(rest));
            }
            matches!(op, Operation::SyncFolder(synced) if Some(synced.as_path()) == folder.as_deref())
        })
    };
    match operation {
        Operation::Write(file, ..) | Operation::Resize(file, _) => file_synced(file),
        Operation::Name(path, _) | Operation::Unname(path) | Operation::RemoveFolder(path) => folder_synced(path),
        Operation::MakeFolder(path) => {
            path.parent().is_none_or(|above| above.as_os_str().is_empty()) || folder_synced(path)
        }
        Operation::Move(_, to) => folder_synced(to),
        Operation::Sync(_) | Operation::SyncFolder(_) => true,
    }
}

fn in_part(disk: &mut Disk, operation: &Operation, dice: &mut Dice) {
    let Operation::Write(file, position, bytes) = operation else {
        return if dice.coin() { disk.apply(operation) } else { keep_file(disk, operation) };
    };
    let mut from = 0;
    while from < bytes.len() {
        let at = *position as usize + from;
        let to = bytes.len().min(from + SECTOR_BYTES - at % SECTOR_BYTES);
        if dice.coin() {
            disk.apply(&Operation::Write(*file, at as u64, bytes[from..to].to_vec()));
        }
        from = to;
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn coin(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) & 1 == 1
    }
}
