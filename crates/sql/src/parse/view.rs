//! `CREATE VIEW` and `CREATE MATERIALIZED VIEW`.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::command::Head;
use super::cursor::{Cursor, Read};
use super::options::Options;
use crate::statement::{CreateMaterializedView, CreateView};

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
    let retain_micros = options.duration(cursor, "retain");
    options.finish(cursor, "a materialized view");
    cursor.expect("AS")?;
    let (query, query_sql) = cursor.query()?;
    let Head { name, or_replace, if_not_exists } = head;
    Ok(CreateMaterializedView { sql, name, or_replace, if_not_exists, columns, query, query_sql, retain_micros })
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
