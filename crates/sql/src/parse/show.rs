//! `SHOW …` and `DESCRIBE …`.

use super::cursor::{Cursor, Read};
use crate::statement::{Show, ShowKind};

pub(super) fn show(cursor: &mut Cursor<'_, '_>) -> Read<Show> {
    let sql = cursor.sql();
    let listed = if cursor.take("STREAMS") {
        Some(ShowKind::Streams)
    } else if cursor.take("TABLES") {
        Some(ShowKind::Tables)
    } else if cursor.take_all(&["MATERIALIZED", "VIEWS"]) {
        Some(ShowKind::MaterializedViews)
    } else if cursor.take("VIEWS") {
        Some(ShowKind::Views)
    } else if cursor.take("SCHEMAS") {
        Some(ShowKind::Schemas)
    } else if cursor.take("JOBS") {
        Some(ShowKind::Jobs)
    } else if cursor.take("INDEXES") {
        Some(ShowKind::Indexes)
    } else {
        None
    };
    if let Some(kind) = listed {
        let in_schema =
            if cursor.take("FROM") || cursor.take("IN") { Some(cursor.identifier("a schema")?.0) } else { None };
        cursor.expect_end()?;
        return Ok(Show { sql, kind, in_schema });
    }
    let kind = if cursor.take("COLUMNS") {
        if !cursor.take("IN") {
            cursor.expect("FROM")?;
        }
        ShowKind::Columns(cursor.object_name("the name of a stream, table or view")?)
    } else if cursor.take("CREATE") {
        let _ = cursor.take_all(&["MATERIALIZED", "VIEW"])
            || ["STREAM", "TABLE", "VIEW", "INDEX"].iter().any(|kind| cursor.take(kind));
        ShowKind::Create(cursor.object_name("the name of a stream, table or view")?)
    } else {
        variable(cursor)?
    };
    cursor.expect_end()?;
    Ok(Show { sql, kind, in_schema: None })
}

pub(super) fn describe(cursor: &mut Cursor<'_, '_>) -> Read<Show> {
    let sql = cursor.sql();
    let kind = ShowKind::Columns(cursor.object_name("the name of a stream, table or view")?);
    cursor.expect_end()?;
    Ok(Show { sql, kind, in_schema: None })
}

fn variable(cursor: &mut Cursor<'_, '_>) -> Read<ShowKind> {
    const LISTS: &[&str] =
        &["STREAMS", "TABLES", "VIEWS", "MATERIALIZED VIEWS", "INDEXES", "SCHEMAS", "JOBS", "COLUMNS FROM", "CREATE"];
    if cursor.take_all(&["TIME", "ZONE"]) {
        return Ok(ShowKind::Variable("timezone".to_owned()));
    }
    let found = cursor.found();
    if cursor.done() {
        return cursor.fail("SHOW what?", crate::suggest::hint("", LISTS));
    }
    if let Some(near) = crate::suggest::nearest(&found, LISTS.iter().copied()) {
        return cursor.fail(format!("{found} is nothing to show"), format!("did you mean SHOW {near}?"));
    }
    let (mut name, _) = cursor.identifier("what to show")?;
    while cursor.take_token(&datafusion::sql::sqlparser::tokenizer::Token::Period) {
        let (part, _) = cursor.identifier("a variable")?;
        name = format!("{name}.{part}");
    }
    Ok(ShowKind::Variable(name))
}
