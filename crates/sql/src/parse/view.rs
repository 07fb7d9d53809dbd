//! `CREATE VIEW` and `CREATE MATERIALIZED VIEW`.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::command::Head;
use super::cursor::{Cursor, Read};
use super::options::Options;
use crate::statement::{CreateMaterializedView, CreateView, Retain};

pub(super) fn create_view(cursor: &mut Cursor<'_, '_>, head: Head) -> Read<CreateView> {
    let sql = cursor.sql();
    let columns = aliases(cursor)?;
    if cursor.word_at(0, "WITH") {
        return cursor.fail("a plain VIEW takes no options", "leave out WITH (…)");
    }
    cursor.expect("AS")?;
    let (query, query_sql) = cursor.query()?;
    let Head { name, or_replace, if_not_exists } = head;
    Ok(CreateView { sql, name, or_replace, if_not_exists, columns, query, query_sql })
}

pub(super) fn create_materialized_view(cursor: &mut Cursor<'_, '_>, head: Head) -> Read<CreateMaterializedView> {
    let sql = cursor.sql();
    let columns = aliases(cursor)?;
    let mut options = Options::read(cursor)?;
    let retain = options.duration(cursor, "retain");
    let by = options.text(cursor, "retain_by");
    options.finish(cursor, "a materialized view");
    if let (None, Some((_, place))) = (retain, &by) {
        let message = "retain_by says by which column rows leave, but not after how long";
        cursor.problems.error_hint(*place, message, "write retain = '30 days' too");
    }
    let retain = retain.map(|micros| Retain { micros, by: by.map(|(column, _)| column) });
    cursor.expect("AS")?;
    let (query, query_sql) = cursor.query()?;
    let Head { name, or_replace, if_not_exists } = head;
    Ok(CreateMaterializedView { sql, name, or_replace, if_not_exists, columns, query, query_sql, retain })
}

/// `(a, b, …)`, if there.
fn aliases(cursor: &mut Cursor<'_, '_>) -> Read<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    if !cursor.take_token(&Token::LParen) {
        return Ok(columns);
    }
    loop {
        let (name, place) = cursor.identifier("a column name")?;
        if columns.contains(&name) {
            let message = format!("column \"{name}\" is named twice");
            cursor.problems.error_hint(place, message, "give each column its own name");
        }
        columns.push(name);
        if !cursor.take_token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)?;
    Ok(columns)
}
