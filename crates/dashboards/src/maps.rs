//! What a map needs and may be told, by what it draws: checked after the keys themselves, so that an option that would
//! show nothing is a mistake and not a surprise.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::DeTable;

use crate::checks::{Findings, first_key};
use crate::options::{Key, Shape, may};

/// A way to draw a map.
struct Way {
    name: &'static str,
    /// Each group needs exactly one of its options.
    needs: &'static [&'static [&'static str]],
    /// Options that it may have besides.
    takes: &'static [&'static str],
}

const WAYS: &[Way] = &[
    Way { name: "points", needs: &[&["lat"], &["lon"]], takes: &["label", "group", "size", "key", "trail_seconds"] },
    Way { name: "clusters", needs: &[&["lat"], &["lon"]], takes: &["label", "group", "size", "hull"] },
    Way { name: "heat", needs: &[&["lat"], &["lon"]], takes: &["size"] },
    Way { name: "regions", needs: &[&["region", "shape"], &["value"]], takes: &["label", "format", "unit"] },
];

/// What `draw` may be; the first is what a map draws unless it says otherwise.
const DRAWS: &[&str] = &["points", "clusters", "heat", "regions"];

/// Options of a map.
pub(crate) const MAP: &[Key] = &[
    may("draw", Shape::OneOf(DRAWS)),
    may("lat", Shape::Text),
    may("lon", Shape::Text),
    may("label", Shape::Text),
    may("group", Shape::Text),
    may("size", Shape::Text),
    may("key", Shape::Texts),
    may("trail_seconds", Shape::Count(3600)),
    may("hull", Shape::Text),
    may("region", Shape::Text),
    may("shape", Shape::Text),
    may("value", Shape::Text),
    may("format", crate::options::FORMATS),
    may("unit", Shape::Text),
    may("center", Shape::Pair),
    may("zoom", Shape::Number),
];

/// Notes what the way of drawing lacks, and what it does not take.
pub(crate) fn check(
    table: &DeTable<'_>,
    span: &Range<usize>,
    values: &Map<String, Value>,
    findings: &mut Findings<'_>,
) {
    let wanted = values.get("draw").and_then(Value::as_str);
    if table.contains_key("draw") && wanted.is_none() {
        return;
    }
    let Some(way) = WAYS.iter().find(|way| way.name == wanted.unwrap_or(DRAWS[0])) else { return };
    for group in way.needs {
        let given: Vec<&str> = group.iter().copied().filter(|name| table.contains_key(*name)).collect();
        let quoted: Vec<String> = group.iter().map(|name| format!("\"{name}\"")).collect();
        match given.as_slice() {
            [_] => {}
            [] => findings.error(
                format!("a map of {} lacks {}", way.name, quoted.join(" or ")),
                table.get("draw").map_or_else(|| first_key(table, span), |node| node.span()),
                lacking(group),
            ),
            [_, second, ..] => findings.error(
                format!("a map has either {}", quoted.join(" or ")),
                table.get(*second).map_or(span.clone(), |node| node.span()),
                "leave one of them out",
            ),
        }
    }
    for key in MAP {
        let fits = way.takes.contains(&key.name)
            || way.needs.iter().any(|group| group.contains(&key.name))
            || matches!(key.name, "draw" | "center" | "zoom");
        let Some((name, _)) = table.iter().find(|(name, _)| !fits && name.get_ref().as_ref() == key.name) else {
            continue;
        };
        let takers: Vec<&str> = WAYS.iter().filter(|way| takes(way, key.name)).map(|way| way.name).collect();
        let hint = format!("leave it out, or write draw = \"{}\"", takers.join("\" or \""));
        findings.error(format!("a map of {} takes no \"{}\"", way.name, key.name), name.span(), hint);
    }
}

fn takes(way: &Way, name: &str) -> bool {
    way.takes.contains(&name) || way.needs.iter().any(|group| group.contains(&name))
}

fn lacking(group: &[&str]) -> String {
    match group {
        ["region", "shape"] => {
            "add region = \"…\", a column with countries (US, USA, 840 or a name), or shape = \"…\", \
                                a column with GeoJSON"
                .to_owned()
        }
        names => format!("add a line {} = \"…\"", names.first().copied().unwrap_or_default()),
    }
}
