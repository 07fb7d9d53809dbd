//! `highwater settings`: every setting, its value and where it was given.

use comfy_table::{Table, presets};

use crate::failure::Failure;
use crate::settings::{KEYS, Settings};

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["setting", "value", "given by", "variable", "meaning"]);
    for key in KEYS {
        let given = settings.raw.get(key.name);
        table.add_row([
            key.name.to_owned(),
            given.text,
            given.origin.to_string(),
            key.variable(),
            key.meaning.to_owned(),
        ]);
    }
    println!("{table}");
    Ok(())
}
