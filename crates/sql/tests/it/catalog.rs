//! The catalog: lookup, dependencies, persistence.

use highwater_model::{ObjectId, ObjectName};
use highwater_sql::{Catalog, CatalogError, EntryKind, Face, RelationKind, Statement, parse};

use crate::fixture;

fn id(catalog: &Catalog, name: &str) -> ObjectId {
    let (schema, name) = name.split_once('.').unwrap();
    catalog.by_name(&ObjectName::new(schema, name)).unwrap().id
}

fn names(catalog: &Catalog, ids: &[ObjectId]) -> Vec<String> {
    ids.iter().map(|id| catalog.get(*id).unwrap().name.to_string()).collect()
}

#[test]
fn names_are_found_along_the_path() {
    let mut catalog = fixture::catalog();
    let found = |catalog: &Catalog, name: &str, current: &str| match catalog.resolve(None, name, current) {
        Ok(resolved) => format!("{} {:?}", resolved.entry.name, resolved.face),
        Err(error) => format!("{error}; {}", error.hint().unwrap()),
    };
    assert_eq!(found(&catalog, "steps", "steps_app"), "steps_app.steps Default");
    assert_eq!(found(&catalog, "steps", "public"), "steps_app.steps Default", "the only one");
    assert_eq!(found(&catalog, "shared", "steps_app"), "public.shared Default");
    assert_eq!(found(&catalog, "steps_rejects", "steps_app"), "steps_app.steps Rejects");
    assert_eq!(found(&catalog, "stepz", "steps_app"), "there is no relation \"stepz\"; did you mean steps?");
    assert_eq!(
        found(&catalog, "people_rejects", "steps_app"),
        "there is no relation \"people_rejects\"; SHOW STREAMS, SHOW TABLES, SHOW MATERIALIZED VIEWS and SHOW VIEWS list what there is"
    );
    let Statement::CreateStream(second) = &parse("CREATE STREAM other.steps (a INT)").unwrap()[0] else { panic!() };
    let kind = EntryKind::Stream { schema: second.schema.clone() };
    catalog.create(ObjectName::new("other", "steps"), String::new(), kind, vec![]).unwrap();
    assert_eq!(
        found(&catalog, "steps", "public"),
        "\"steps\" is ambiguous: steps_app.steps, other.steps; write schema.name"
    );
    assert_eq!(found(&catalog, "steps", "other"), "other.steps Default");
    let Statement::Drop(drop) = &parse("DROP VIEW daily_steps").unwrap()[0] else { panic!() };
    let wrong = catalog.find_kind(&drop.names[0], drop.kind.noun(), "steps_app").unwrap_err();
    assert_eq!(wrong.to_string(), "\"steps_app.daily_steps\" is a materialized view, not a view");
    let unknown = catalog.resolve(Some("step_app"), "steps", "public").unwrap_err();
    assert_eq!(unknown.hint().unwrap(), "did you mean steps_app?");
    assert!(unknown.is_not_found());
}

#[test]
fn a_drop_that_orphans_is_refused_and_names_the_orphans() {
    let mut catalog = fixture::catalog();
    let steps = id(&catalog, "steps_app.steps");
    let refused = catalog.drop_objects(&[steps], false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "stream \"steps_app.steps\" is used by steps_app.daily_steps, steps_app.leaderboard, steps_app.walkers"
    );
    let before = catalog.clone();
    assert_eq!(
        names(&before, &catalog.dependents(steps)),
        ["steps_app.daily_steps", "steps_app.leaderboard", "steps_app.walkers"]
    );
    let dropped = catalog.drop_objects(&[steps], true).unwrap();
    let order: Vec<String> = dropped.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(order, ["steps_app.walkers", "steps_app.leaderboard", "steps_app.daily_steps", "steps_app.steps"]);
    assert!(catalog.by_name(&ObjectName::new("steps_app", "steps")).is_none());
}

#[test]
fn dropping_all_of_a_chain_at_once_needs_no_cascade() {
    let mut catalog = fixture::catalog();
    let ids = [id(&catalog, "steps_app.daily_steps"), id(&catalog, "steps_app.leaderboard")];
    assert_eq!(catalog.drop_objects(&ids, false).unwrap().len(), 2);
}

#[test]
fn ids_are_never_given_twice() {
    let mut catalog = fixture::catalog();
    let next = catalog.next_id();
    let view = id(&catalog, "steps_app.leaderboard");
    catalog.drop_objects(&[view], false).unwrap();
    let reread = Catalog::from_json(&catalog.to_json().unwrap()).unwrap();
    assert_eq!(reread, catalog);
    assert_eq!(reread.next_id(), next);
}

#[test]
fn replacing_keeps_what_dependents_read() {
    let mut catalog = fixture::catalog();
    let old = id(&catalog, "steps_app.daily_steps");
    let entry = catalog.get(old).unwrap().clone();
    let EntryKind::MaterializedView { columns, .. } = &entry.kind else { panic!() };
    let mut fewer = entry.kind.clone();
    if let EntryKind::MaterializedView { columns, .. } = &mut fewer {
        columns.pop();
    }
    assert_eq!(columns.len(), 3);
    let refused = catalog.replace(&entry.name, String::new(), fewer, entry.depends_on.clone()).unwrap_err();
    assert!(matches!(refused, CatalogError::HasDependents { replacing: true, .. }), "{refused}");
    let replaced =
        catalog.replace(&entry.name, "new".to_owned(), entry.kind.clone(), entry.depends_on.clone()).unwrap();
    assert_ne!(replaced.new, old);
    assert_eq!(names(&catalog, &replaced.dependents), ["steps_app.leaderboard"]);
    let leaderboard = id(&catalog, "steps_app.leaderboard");
    assert_eq!(catalog.get(leaderboard).unwrap().depends_on, [replaced.new]);
    let cycle = catalog.replace(&entry.name, String::new(), entry.kind, vec![leaderboard]).unwrap_err();
    assert!(matches!(cycle, CatalogError::Cycle { .. }));
}

#[test]
fn a_replaced_stream_keeps_its_id() {
    let mut catalog = fixture::catalog();
    let shared = id(&catalog, "public.shared");
    let Statement::CreateStream(new) = &parse("CREATE STREAM shared (c TEXT)").unwrap()[0] else { panic!() };
    let kind = EntryKind::Stream { schema: new.schema.clone() };
    let replaced = catalog.replace(&ObjectName::new("public", "shared"), String::new(), kind, vec![]).unwrap();
    assert_eq!((replaced.old, replaced.new), (shared, shared));
}

#[test]
fn schemas_come_and_go() {
    let mut catalog = fixture::catalog();
    assert!(matches!(catalog.create_schema("highwater"), Err(CatalogError::SystemSchema(_))));
    assert!(matches!(catalog.create_schema("other"), Err(CatalogError::SchemaExists(_))));
    let full = catalog.drop_schema("other", false).unwrap_err();
    assert_eq!(full.to_string(), "schema \"other\" holds other.readings");
    assert_eq!(catalog.drop_schema("other", true).unwrap().len(), 1);
    assert!(matches!(catalog.drop_schema("public", true), Err(CatalogError::SystemSchema(_))));
}

#[test]
fn damage_and_other_versions_are_refused() {
    let json = fixture::catalog().to_json().unwrap();
    let newer = json.replace("\"format_version\": 1", "\"format_version\": 2");
    assert_eq!(
        Catalog::from_json(&newer).unwrap_err().to_string(),
        "the catalog has format version 2; this version reads 1"
    );
    let low = json.replace("\"next_id\": 9", "\"next_id\": 3");
    assert_ne!(low, json);
    assert!(matches!(Catalog::from_json(&low), Err(CatalogError::Damaged(_))));
    assert!(matches!(Catalog::from_json("{"), Err(CatalogError::Json(_))));
}

#[test]
fn faces_have_their_columns_and_keys() {
    let catalog = fixture::catalog();
    let face = |name: &str, face: Face| {
        let entry = catalog.get(id(&catalog, name)).unwrap();
        let columns: Vec<String> = entry.relation_schema(face).fields().iter().map(|f| f.name().clone()).collect();
        (columns.join(" "), entry.relation_source(face).map(|source| (source.kind, source.key)))
    };
    assert_eq!(
        face("steps_app.steps", Face::Default),
        ("source uuid steps ts _partition _offset _ingested_at".to_owned(), Some((RelationKind::Events, vec![4, 5])))
    );
    assert_eq!(face("steps_app.rsvps", Face::Default).1, Some((RelationKind::Current, vec![0])));
    assert_eq!(face("steps_app.rsvps", Face::History).1, Some((RelationKind::Events, vec![4, 5])));
    assert_eq!(
        face("steps_app.people", Face::Default),
        ("uuid name zone joined".to_owned(), Some((RelationKind::Current, vec![0])))
    );
    // Every change, for what a table was.
    assert_eq!(
        face("steps_app.people", Face::History),
        (
            "uuid name zone joined _deleted _partition _offset _ingested_at".to_owned(),
            Some((RelationKind::Events, vec![5, 6]))
        )
    );
    let (rejects, source) = face("steps_app.steps", Face::Rejects);
    assert_eq!(rejects, "rejected_at record byte line column reason raw encoding format replayed_at _offset");
    assert!(source.is_none());
}
