//! The allowed shape of the workspace: which crate uses which, who owns which heavy dependency. The table of
//! ARCHITECTURE.md says the same and is checked against this one.

/// One crate.
#[derive(Clone, Copy, Debug)]
pub struct CratePolicy {
    /// Without the prefix `highwater-`.
    pub name: &'static str,
    /// Crates it uses.
    pub uses: &'static [&'static str],
    /// Crates that only its tests use.
    pub uses_in_tests: &'static [&'static str],
}

/// One heavy dependency.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The package.
    pub dependency: &'static str,
    /// Crates that may use it.
    pub owners: &'static [&'static str],
    /// Crates whose tests may use it besides.
    pub in_tests: &'static [&'static str],
}

/// The shape of a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// From the bottom up: a crate uses only crates listed before it.
    pub crates: &'static [CratePolicy],
    /// Owners of heavy dependencies.
    pub owners: &'static [Owner],
}

impl Policy {
    /// The shape of this repository.
    pub const REPOSITORY: Self = Self { crates: CRATES, owners: OWNERS };
}

const CRATES: &[CratePolicy] = &[
    CratePolicy { name: "model", uses: &[], uses_in_tests: &[] },
    CratePolicy { name: "api", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "aggregate", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "decode", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "log", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "archive", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "calendar", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "simulate", uses: &[], uses_in_tests: &[] },
    CratePolicy { name: "client", uses: &["api", "model"], uses_in_tests: &[] },
    CratePolicy { name: "sql", uses: &["aggregate", "model"], uses_in_tests: &[] },
    CratePolicy { name: "views", uses: &["aggregate", "model", "sql"], uses_in_tests: &[] },
    CratePolicy { name: "dashboards", uses: &["model"], uses_in_tests: &[] },
    CratePolicy { name: "ui", uses: &[], uses_in_tests: &[] },
    CratePolicy { name: "server", uses: &["api", "dashboards", "model", "ui"], uses_in_tests: &[] },
    CratePolicy {
        name: "engine",
        uses: &["api", "archive", "decode", "log", "model", "sql", "views"],
        uses_in_tests: &[],
    },
    CratePolicy { name: "bench", uses: &["api", "client", "simulate"], uses_in_tests: &[] },
    CratePolicy {
        name: "cli",
        uses: &["api", "bench", "client", "dashboards", "engine", "model", "server", "simulate"],
        uses_in_tests: &[],
    },
    CratePolicy { name: "testkit", uses: &["api", "client"], uses_in_tests: &["engine", "model"] },
    CratePolicy { name: "xtask", uses: &[], uses_in_tests: &[] },
];

const OWNERS: &[Owner] = &[
    Owner { dependency: "datafusion", owners: &["sql"], in_tests: &[] },
    Owner { dependency: "datafusion-functions-json", owners: &["sql"], in_tests: &[] },
    Owner { dependency: "h3o", owners: &["sql"], in_tests: &[] },
    Owner { dependency: "reverse_geocoder", owners: &["sql"], in_tests: &[] },
    Owner { dependency: "axum", owners: &["server"], in_tests: &[] },
    Owner { dependency: "hyper-util", owners: &["server"], in_tests: &[] },
    Owner { dependency: "tower-http", owners: &["server"], in_tests: &[] },
    Owner { dependency: "utoipa", owners: &["server"], in_tests: &[] },
    Owner { dependency: "metrics-exporter-prometheus", owners: &["server"], in_tests: &[] },
    Owner { dependency: "tokio-tungstenite", owners: &["server"], in_tests: &[] },
    Owner { dependency: "jiter", owners: &["decode"], in_tests: &[] },
    Owner { dependency: "lz4_flex", owners: &["log"], in_tests: &[] },
    Owner { dependency: "deltalake-core", owners: &["archive"], in_tests: &[] },
    Owner { dependency: "parquet", owners: &["archive"], in_tests: &[] },
    Owner { dependency: "num-bigint", owners: &["aggregate"], in_tests: &[] },
    Owner { dependency: "rayon", owners: &["views"], in_tests: &[] },
    Owner { dependency: "reqwest", owners: &["client"], in_tests: &["server"] },
    Owner { dependency: "clap", owners: &["bench", "cli"], in_tests: &[] },
    Owner { dependency: "comfy-table", owners: &["bench", "cli"], in_tests: &[] },
    Owner { dependency: "indicatif", owners: &["cli"], in_tests: &[] },
    Owner { dependency: "mimalloc", owners: &["cli"], in_tests: &[] },
    Owner { dependency: "rust-embed", owners: &["ui"], in_tests: &[] },
    Owner { dependency: "rustyline", owners: &["cli"], in_tests: &[] },
    Owner { dependency: "hdrhistogram", owners: &["bench"], in_tests: &[] },
    Owner { dependency: "sqllogictest", owners: &["testkit"], in_tests: &[] },
    Owner { dependency: "syn", owners: &["xtask"], in_tests: &[] },
];
