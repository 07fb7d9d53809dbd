//! The apps inside the binary. A bundled app is listed here by hand: a few lines, no build step.

/// An app's files as they were when the binary was built.
#[derive(Debug)]
pub(super) struct Bundled {
    /// The app's name.
    pub name: &'static str,
    /// `app.sql`.
    pub sql: &'static str,
    /// `app.toml`.
    pub manifest: &'static str,
    /// `dashboards/*.toml`: names and texts.
    pub dashboards: &'static [(&'static str, &'static str)],
}

/// All bundled apps, in the order they are shown.
pub(super) const BUNDLED: &[Bundled] = &[
    Bundled {
        name: "letshang",
        sql: include_str!("../../../../apps/letshang/app.sql"),
        manifest: include_str!("../../../../apps/letshang/app.toml"),
        dashboards: &[
            ("map", include_str!("../../../../apps/letshang/dashboards/map.toml")),
            ("availability", include_str!("../../../../apps/letshang/dashboards/availability.toml")),
            ("person", include_str!("../../../../apps/letshang/dashboards/person.toml")),
        ],
    },
    Bundled {
        name: "rankmysteps",
        sql: include_str!("../../../../apps/rankmysteps/app.sql"),
        manifest: include_str!("../../../../apps/rankmysteps/app.toml"),
        dashboards: &[
            ("overview", include_str!("../../../../apps/rankmysteps/dashboards/overview.toml")),
            ("top", include_str!("../../../../apps/rankmysteps/dashboards/top.toml")),
            ("me", include_str!("../../../../apps/rankmysteps/dashboards/me.toml")),
        ],
    },
];
