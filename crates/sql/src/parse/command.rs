//! Which statement this is, by its first words; each kind is then read by its own file.

use super::cursor::{Cursor, Read, Reported};
use super::{alter, index, job, show, stream, table, view, write};
use crate::source::Place;
use crate::statement::{
    CancelBuild, CreateSchema, Drop, DropKind, Explain, ExplainTarget, NameRef, QueryStatement, ReplayRejects,
    SetVariable, Statement,
};
use crate::suggest;

/// Words a statement begins with.
const STARTS: &[&str] = &[
    "SELECT",
    "WITH",
    "VALUES",
    "EXPLAIN",
    "CREATE",
    "ALTER",
    "DROP",
    "SHOW",
    "DESCRIBE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "SET",
    "REPLAY",
    "AUDIT",
    "RECOMPUTE",
    "CANCEL",
];

/// Words that may follow `CREATE` or `DROP`.
const OBJECTS: &[&str] = &["STREAM", "TABLE", "MATERIALIZED VIEW", "VIEW", "INDEX", "SCHEMA"];

/// `CREATE [OR REPLACE] kind [IF NOT EXISTS] name`, as far as all kinds share it.
pub(super) struct Head {
    pub(super) name: NameRef,
    pub(super) or_replace: bool,
    pub(super) if_not_exists: bool,
}

/// Reads one statement. Problems are reported to the cursor; `Err` says that there were some.
pub(super) fn read_statement(cursor: &mut Cursor<'_, '_>) -> Read<Statement> {
    let before = cursor.problems.count();
    let statement = dispatch(cursor)?;
    if cursor.problems.count() == before { Ok(statement) } else { Err(Reported) }
}

fn dispatch(cursor: &mut Cursor<'_, '_>) -> Read<Statement> {
    use datafusion::sql::sqlparser::tokenizer::Token;

    let starts_query = ["SELECT", "WITH", "VALUES", "TABLE"].iter().any(|word| cursor.word_at(0, word));
    if starts_query || cursor.peek() == Some(&Token::LParen) {
        let (query, sql) = cursor.query()?;
        return Ok(Statement::Query(QueryStatement { sql, query }));
    }
    if cursor.take("EXPLAIN") {
        return explain(cursor).map(Statement::Explain);
    }
    if cursor.take("CREATE") {
        return create(cursor);
    }
    if cursor.word_at(0, "ALTER") {
        return alter::alter(cursor).map(Statement::AlterStream);
    }
    if cursor.take("CANCEL") {
        if cursor.word_at(0, "JOB") {
            return job::cancel(cursor).map(Statement::CancelJob);
        }
        let sql = cursor.sql();
        cursor.expect("BUILD")?;
        let _ = cursor.take_all(&["OF", "MATERIALIZED", "VIEW"]) || cursor.take("OF");
        let view = cursor.object_name("the view's name")?;
        cursor.expect_end()?;
        return Ok(Statement::CancelBuild(CancelBuild { sql, view }));
    }
    if cursor.take("REPLAY") {
        return replay_rejects(cursor).map(Statement::ReplayRejects);
    }
    if cursor.take("DROP") {
        return drop_statement(cursor).map(Statement::Drop);
    }
    if cursor.take("SHOW") {
        return show::show(cursor).map(Statement::Show);
    }
    if cursor.take("DESCRIBE") || cursor.take("DESC") {
        return show::describe(cursor).map(Statement::Show);
    }
    if cursor.take("SET") {
        return set(cursor).map(Statement::Set);
    }
    if cursor.take("AUDIT") {
        return job::relationwise(cursor).map(Statement::Audit);
    }
    if cursor.take("RECOMPUTE") {
        return job::relationwise(cursor).map(Statement::Recompute);
    }
    write::write(cursor).unwrap_or_else(|| unknown(cursor))
}

fn unknown(cursor: &mut Cursor<'_, '_>) -> Read<Statement> {
    let found = cursor.found();
    match found.to_uppercase().as_str() {
        "BEGIN" | "COMMIT" | "ROLLBACK" | "START" | "END" => cursor.fail(
            "transactions are not supported",
            "leave it out: each statement is atomic, and each query reads one consistent version",
        ),
        "TRUNCATE" => cursor.fail("TRUNCATE is not supported", "write DELETE FROM table"),
        _ => cursor.fail(format!("{found} begins no statement"), suggest::hint(&found, STARTS)),
    }
}

fn explain(cursor: &mut Cursor<'_, '_>) -> Read<Explain> {
    let sql = cursor.sql();
    let (mut incremental, mut analyze) = (false, false);
    loop {
        if cursor.take("INCREMENTAL") {
            incremental = true;
        } else if cursor.take("ANALYZE") {
            analyze = true;
        } else if !cursor.take("VERBOSE") {
            break;
        }
    }
    let names_view = matches!(cursor.peek(), Some(datafusion::sql::sqlparser::tokenizer::Token::Word(_)))
        && !STARTS.iter().any(|word| cursor.word_at(0, word));
    let inner = if names_view {
        let _ = cursor.take_all(&["MATERIALIZED", "VIEW"]) || cursor.take("VIEW");
        let name = cursor.object_name("a query or the name of a view")?;
        cursor.expect_end()?;
        ExplainTarget::View(name)
    } else {
        let place = cursor.place();
        let inner = dispatch(cursor)?;
        if !matches!(inner, Statement::Query(_) | Statement::CreateMaterializedView(_)) {
            cursor.problems.error_hint(
                place,
                format!("{} has no plan to explain", inner.tag()),
                "EXPLAIN takes a query, CREATE MATERIALIZED VIEW … AS …, or the name of a view",
            );
            return Err(Reported);
        }
        ExplainTarget::Statement(Box::new(inner))
    };
    Ok(Explain { sql, incremental, analyze, inner })
}

fn create(cursor: &mut Cursor<'_, '_>) -> Read<Statement> {
    let or_replace = cursor.take_all(&["OR", "REPLACE"]);
    if cursor.take("STREAM") {
        let head = head(cursor, or_replace, "the stream's name")?;
        return stream::create_stream(cursor, head).map(Statement::CreateStream);
    }
    if cursor.take("TABLE") {
        let head = head(cursor, or_replace, "the table's name")?;
        return table::create_table(cursor, head).map(Statement::CreateTable);
    }
    if cursor.take_all(&["MATERIALIZED", "VIEW"]) {
        let head = head(cursor, or_replace, "the view's name")?;
        return view::create_materialized_view(cursor, head).map(Statement::CreateMaterializedView);
    }
    if cursor.take("VIEW") {
        let head = head(cursor, or_replace, "the view's name")?;
        return view::create_view(cursor, head).map(Statement::CreateView);
    }
    if cursor.take("SCHEMA") {
        return create_schema(cursor).map(Statement::CreateSchema);
    }
    if cursor.take("INDEX") {
        if or_replace {
            return cursor.fail("an index is not replaced", "write CREATE INDEX IF NOT EXISTS, or DROP INDEX first");
        }
        let head = head(cursor, false, "the index's name")?;
        return index::create_index(cursor, head).map(Statement::CreateIndex);
    }
    not_creatable(cursor)
}

fn not_creatable(cursor: &mut Cursor<'_, '_>) -> Read<Statement> {
    let found = cursor.found();
    match found.to_uppercase().as_str() {
        kind @ ("SOURCE" | "SINK" | "ALERT" | "MODEL") => cursor.fail(
            format!("CREATE {kind} is not available in this version"),
            "streams, tables, materialized views and views are",
        ),
        "MATERIALIZED" => {
            cursor.advance();
            cursor.expect("VIEW")?;
            Err(Reported)
        }
        "TEMPORARY" | "TEMP" | "UNLOGGED" | "EXTERNAL" => cursor
            .fail(format!("CREATE {} is not supported", found.to_uppercase()), "write CREATE TABLE or CREATE VIEW"),
        _ => cursor.fail(format!("{found} is nothing to create"), object_hint(&found)),
    }
}

fn object_hint(found: &str) -> String {
    match suggest::nearest(found, ["MATERIALIZED"]) {
        Some(near) => format!("did you mean {near}?"),
        None => suggest::hint(found, OBJECTS),
    }
}

fn head(cursor: &mut Cursor<'_, '_>, or_replace: bool, what: &str) -> Read<Head> {
    let if_place = cursor.place();
    let if_not_exists = cursor.if_not_exists();
    if or_replace && if_not_exists {
        cursor.problems.error_hint(
            if_place,
            "OR REPLACE and IF NOT EXISTS exclude each other",
            "keep OR REPLACE to change what is there, IF NOT EXISTS to keep it",
        );
    }
    let name = cursor.object_name(what)?;
    check_object_name(cursor, &name);
    Ok(Head { name, or_replace, if_not_exists })
}

/// Reports a name that is kept for the system.
fn check_object_name(cursor: &mut Cursor<'_, '_>, name: &NameRef) {
    if name.name.starts_with('_') {
        let message = format!("\"{}\" begins with _, which is kept for system names", name.name);
        cursor.problems.error_hint(name.place, message, "choose a name that begins with a letter");
    }
    if name.name.ends_with(crate::catalog::REJECTS_SUFFIX) {
        let message = format!("\"{}\" ends with _rejects, which names the rejected records of a stream", name.name);
        cursor.problems.error_hint(name.place, message, "choose another name");
    }
    if let Some(schema) = &name.schema {
        check_schema_name(cursor, schema, name.place);
    }
}

fn check_schema_name(cursor: &mut Cursor<'_, '_>, schema: &str, place: Place) {
    if crate::catalog::is_system_schema(schema) || schema.starts_with('_') {
        let message = format!("schema \"{schema}\" belongs to the system");
        cursor.problems.error_hint(place, message, "choose another schema; public is always there");
    }
}

fn create_schema(cursor: &mut Cursor<'_, '_>) -> Read<CreateSchema> {
    let sql = cursor.sql();
    let if_not_exists = cursor.if_not_exists();
    let (name, place) = cursor.identifier("the schema's name")?;
    check_schema_name(cursor, &name, place);
    cursor.expect_end()?;
    Ok(CreateSchema { sql, name, place, if_not_exists })
}

fn drop_statement(cursor: &mut Cursor<'_, '_>) -> Read<Drop> {
    use datafusion::sql::sqlparser::tokenizer::Token;

    let sql = cursor.sql();
    let kind = if cursor.take("STREAM") {
        DropKind::Stream
    } else if cursor.take("TABLE") {
        DropKind::Table
    } else if cursor.take_all(&["MATERIALIZED", "VIEW"]) {
        DropKind::MaterializedView
    } else if cursor.take("VIEW") {
        DropKind::View
    } else if cursor.take("SCHEMA") {
        DropKind::Schema
    } else if cursor.take("INDEX") || cursor.take_all(&["RANKED", "INDEX"]) {
        DropKind::Index
    } else {
        let found = cursor.found();
        return cursor.fail(format!("{found} is nothing to drop"), object_hint(&found));
    };
    let if_exists = cursor.take_all(&["IF", "EXISTS"]);
    let mut names = vec![cursor.object_name("a name")?];
    while cursor.take_token(&Token::Comma) {
        names.push(cursor.object_name("a name")?);
    }
    let cascade = cursor.take("CASCADE");
    if !cascade {
        cursor.take("RESTRICT");
    }
    cursor.expect_end()?;
    Ok(Drop { sql, kind, names, if_exists, cascade })
}

fn replay_rejects(cursor: &mut Cursor<'_, '_>) -> Read<ReplayRejects> {
    let sql = cursor.sql();
    cursor.expect("REJECTS")?;
    cursor.expect("OF")?;
    let stream = cursor.object_name("the stream's name")?;
    let filter = match cursor.take("WHERE") {
        true => Some(cursor.parsed(|parser| parser.parse_expr())?),
        false => None,
    };
    cursor.expect_end()?;
    Ok(ReplayRejects { sql, stream, filter })
}

fn set(cursor: &mut Cursor<'_, '_>) -> Read<SetVariable> {
    use datafusion::sql::sqlparser::tokenizer::Token;

    let sql = cursor.sql();
    let global = cursor.take("GLOBAL");
    let _ = !global && (cursor.take("SESSION") || cursor.take("LOCAL"));
    let name = if cursor.take_all(&["TIME", "ZONE"]) {
        "timezone".to_owned()
    } else {
        let (mut name, _) = cursor.identifier("a variable")?;
        while cursor.take_token(&Token::Period) {
            let (part, _) = cursor.identifier("a variable")?;
            name = format!("{name}.{part}");
        }
        if !cursor.take_token(&Token::Eq) {
            cursor.expect("TO")?;
        }
        name
    };
    let from = cursor.at;
    if cursor.done() {
        return cursor.expected("a value");
    }
    while !cursor.done() {
        cursor.advance();
    }
    let value = cursor.text_since(from).trim_matches('\'').to_owned();
    Ok(SetVariable { sql, global, name, value })
}
