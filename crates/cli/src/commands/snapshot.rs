//! `highwater snapshot` and `highwater restore`.

use std::path::Path;
use std::sync::Arc;

use highwater_client::Client;
use highwater_engine::{DataFolder, FolderAccess, restore_snapshot};
use highwater_model::SystemClock;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{Restore, Snapshot};
use crate::failure::Failure;
use crate::settings::Settings;

pub(super) async fn take(arguments: &Snapshot, settings: &Settings) -> Result<(), Failure> {
    let report = Client::new(&settings.to)?.snapshot(&arguments.name).await?;
    println!("{}", report.folder);
    eprintln!(
        "{} files of {} bytes, on the machine of the server; copy the folder, then `highwater restore` makes a data folder of it",
        report.files, report.bytes
    );
    Ok(())
}

pub(super) fn restore(arguments: &Restore, settings: &Settings) -> Result<(), Failure> {
    let data: &Path = &settings.data;
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let restored = restore_snapshot(&arguments.snapshot, data, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = restored.map_err(highwater_api::ApiError::from)?;
    // Lengths were compared; what the bytes say is checked as for any folder.
    let folder = match DataFolder::open(data, Arc::new(SystemClock)) {
        FolderAccess::Free(folder) => folder,
        FolderAccess::HeldBy(holder) => {
            return Err(Failure::Usage(format!("{} is in use by {holder}", data.display())));
        }
    };
    let found = folder.inspect().map_err(highwater_api::ApiError::from)?.findings.len();
    if found > 0 {
        let what = format!("{found} findings in {0}: see highwater doctor --data {0}", data.display());
        return Err(Failure::Unsound(what));
    }
    println!("{} is restored and sound: {} files of {} bytes", data.display(), report.files, report.bytes);
    Ok(())
}
