//! The command: looks, repairs if asked to, looks again, tells. Called by `commands`.

use std::path::Path;
use std::sync::Arc;

use highwater_engine::{DataFolder, FolderAccess, Inspection};
use highwater_model::SystemClock;

use super::repair::{Consent, Repairs, repair};
use super::{document, held, sizes, text};
use crate::arguments::Doctor;
use crate::failure::Failure;
use crate::settings::Settings;

/// What the command found and did.
pub(super) struct Checkup {
    /// The folder as it was.
    pub(super) found: Inspection,
    /// What was repaired.
    pub(super) repairs: Repairs,
    /// The folder as it is now, if anything was.
    pub(super) left: Option<Inspection>,
    /// Bytes on disk, by part.
    pub(super) sizes: Vec<(String, u64)>,
}

impl Checkup {
    /// The folder as it is now.
    pub(super) fn now(&self) -> &Inspection {
        self.left.as_ref().unwrap_or(&self.found)
    }
}

pub(crate) async fn run(arguments: &Doctor, settings: &Settings) -> Result<(), Failure> {
    let data = &settings.data;
    check_folder(data)?;
    let folder = match DataFolder::open(data, Arc::new(SystemClock)) {
        FolderAccess::Free(folder) => folder,
        FolderAccess::HeldBy(holder) => return held::tell(data, &holder, arguments.json).await,
    };
    let found = folder.inspect().map_err(highwater_api::ApiError::from)?;
    if !arguments.json {
        print!("{}", text::inspection(data, &found));
    }
    let repairs = match arguments.repair {
        true => repair(&folder, &found, &Consent::new(arguments.yes))?,
        false => Repairs::default(),
    };
    let left =
        if repairs.done.is_empty() { None } else { Some(folder.inspect().map_err(highwater_api::ApiError::from)?) };
    let checkup = Checkup { found, repairs, left, sizes: sizes::sizes(data) };
    match arguments.json {
        true => println!("{}", document::document(data, &checkup)),
        false => print!("{}", text::outcome(&checkup)),
    }
    conclude(&checkup, data)
}

/// Refuses folders that are none of ours: opening them would make them ours.
fn check_folder(data: &Path) -> Result<(), Failure> {
    if !data.is_dir() {
        return Err(Failure::Usage(format!("there is no data folder {}; name one with --data", data.display())));
    }
    if ["catalog.json", "log", "state"].iter().all(|part| !data.join(part).exists()) {
        return Err(Failure::Usage(format!(
            "{} is no data folder: it holds neither log nor catalog; name one with --data",
            data.display()
        )));
    }
    Ok(())
}

/// Success only when nothing is wrong any more.
fn conclude(checkup: &Checkup, data: &Path) -> Result<(), Failure> {
    let wrong = checkup.now().findings.len();
    if wrong == 0 {
        return Ok(());
    }
    let things = if wrong == 1 { "thing is" } else { "things are" };
    let why = checkup.repairs.refused.as_ref().map_or_else(String::new, |why| format!("; {why}"));
    Err(Failure::Unsound(format!("{wrong} {things} wrong in {}{why}", data.display())))
}
