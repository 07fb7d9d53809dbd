//! What each kind of panel may be told, as a table: checking, messages and documentation follow from it. What a map
//! needs depends on what it draws: `maps`.

use crate::maps::MAP;

/// What an option's value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A text.
    Text,
    /// A text or a list of texts.
    Texts,
    /// A whole number from 1 to the bound.
    Count(i64),
    /// A number.
    Number,
    /// Two numbers.
    Pair,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of tables with these keys.
    Tables(&'static [Key]),
}

/// An option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// A kind of panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Its width in columns unless it says so.
    pub(crate) width: u8,
    /// Its height in rows unless it says so.
    pub(crate) height: u8,
    pub(crate) keys: &'static [Key],
}

pub(crate) const fn may(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, required: false }
}

const fn must(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, required: true }
}

pub(crate) const FORMATS: Shape =
    Shape::OneOf(&["number", "integer", "compact", "percent", "bytes", "duration", "date", "time", "text"]);

const COLUMN: &[Key] = &[
    must("name", Shape::Text),
    may("label", Shape::Text),
    may("format", FORMATS),
    may("unit", Shape::Text),
    may("bar", Shape::Flag),
    may("link", Shape::Text),
    may("hidden", Shape::Flag),
];

const CHART: &[Key] = &[
    must("x", Shape::Text),
    must("y", Shape::Texts),
    may("series", Shape::Text),
    may("stacked", Shape::Flag),
    may("labels", Shape::Texts),
    may("format", FORMATS),
    may("unit", Shape::Text),
];

const PARTS: &[Key] = &[
    must("label", Shape::Text),
    must("value", Shape::Text),
    may("format", FORMATS),
    may("unit", Shape::Text),
    may("link", Shape::Text),
];

/// All kinds of panels.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "number",
        width: 3,
        height: 2,
        keys: &[
            must("value", Shape::Text),
            may("compare", Shape::Text),
            may("trend", Shape::Flag),
            may("caption", Shape::Text),
            may("better", Shape::OneOf(&["up", "down"])),
            may("format", FORMATS),
            may("unit", Shape::Text),
        ],
    },
    Kind {
        name: "table",
        width: 6,
        height: 6,
        keys: &[may("columns", Shape::Tables(COLUMN)), may("page_size", Shape::Count(500)), may("search", Shape::Flag)],
    },
    Kind {
        name: "leaderboard",
        width: 8,
        height: 10,
        keys: &[
            must("key", Shape::Text),
            must("rank", Shape::Text),
            must("value", Shape::Text),
            may("columns", Shape::Tables(COLUMN)),
            may("highlight", Shape::Text),
            may("page_size", Shape::Count(500)),
            may("search", Shape::Flag),
        ],
    },
    Kind { name: "line", width: 6, height: 5, keys: CHART },
    Kind { name: "area", width: 6, height: 5, keys: CHART },
    Kind { name: "column", width: 6, height: 5, keys: CHART },
    Kind { name: "bar", width: 6, height: 5, keys: PARTS },
    Kind { name: "pie", width: 4, height: 5, keys: PARTS },
    Kind {
        name: "histogram",
        width: 6,
        height: 5,
        keys: &[
            must("value", Shape::Text),
            may("bins", Shape::Count(100)),
            may("format", FORMATS),
            may("unit", Shape::Text),
            may("mark", Shape::Text),
        ],
    },
    Kind {
        name: "calendar",
        width: 6,
        height: 4,
        keys: &[must("day", Shape::Text), must("value", Shape::Text), may("format", FORMATS), may("unit", Shape::Text)],
    },
    Kind {
        name: "feed",
        width: 4,
        height: 6,
        keys: &[must("text", Shape::Text), may("time", Shape::Text), may("key", Shape::Texts)],
    },
    Kind { name: "map", width: 12, height: 9, keys: MAP },
    Kind { name: "text", width: 12, height: 2, keys: &[must("text", Shape::Text)] },
];

/// Keys that every panel may have.
pub(crate) const PANEL: &[Key] = &[
    must("kind", Shape::Text),
    may("id", Shape::Text),
    may("title", Shape::Text),
    may("description", Shape::Text),
    may("width", Shape::Count(12)),
    may("height", Shape::Count(20)),
    may("home", Shape::Flag),
    may("sql", Shape::Text),
    may("view", Shape::Text),
    may("where", Shape::Text),
    may("max_rows", Shape::Count(10_000)),
    may("refresh_ms", Shape::Count(3_600_000)),
];

/// Keys of a parameter; `choices` is checked by itself.
pub(crate) const PARAMETER: &[Key] = &[
    must("name", Shape::Text),
    must("kind", Shape::Text),
    may("label", Shape::Text),
    may("default", Shape::Text),
    may("placeholder", Shape::Text),
];

/// Signs that a page may have in the menu.
pub(crate) const ICONS: &[&str] = &[
    "activity", "calendar", "chart", "flag", "gauge", "globe", "home", "list", "map", "music", "trophy", "user",
    "users",
];
