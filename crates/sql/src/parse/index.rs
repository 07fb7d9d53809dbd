//! `CREATE INDEX … RANKED`.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::command::Head;
use super::cursor::{Cursor, Read};
use crate::statement::{CreateIndex, IndexOrder, WrittenColumn};

/// Reads from `ON` to the end.
pub(super) fn create_index(cursor: &mut Cursor<'_, '_>, head: Head) -> Read<CreateIndex> {
    let sql = cursor.sql();
    cursor.expect("ON")?;
    let relation = cursor.object_name("the name of a table, keyed stream or materialized view")?;
    if cursor.word_at(0, "USING") || cursor.peek() == Some(&Token::LParen) {
        return cursor.fail(
            "only ranked indexes are declared",
            "write ON relation RANKED (PARTITION BY … ORDER BY …); rows are found by their key without an index",
        );
    }
    cursor.expect("RANKED")?;
    cursor.expect_token(&Token::LParen)?;
    let mut partition = Vec::new();
    if cursor.take_all(&["PARTITION", "BY"]) {
        partition.push(column(cursor)?);
        while cursor.take_token(&Token::Comma) {
            partition.push(column(cursor)?);
        }
    }
    cursor.expect("ORDER")?;
    cursor.expect("BY")?;
    let mut order = vec![ordered(cursor)?];
    while cursor.take_token(&Token::Comma) {
        order.push(ordered(cursor)?);
    }
    cursor.expect_token(&Token::RParen)?;
    cursor.expect_end()?;
    let Head { name, if_not_exists, .. } = head;
    Ok(CreateIndex { sql, name, if_not_exists, relation, partition, order })
}

fn column(cursor: &mut Cursor<'_, '_>) -> Read<WrittenColumn> {
    let (name, place) = cursor.identifier("a column")?;
    Ok(WrittenColumn { name, place })
}

/// `column [ASC | DESC] [NULLS FIRST | NULLS LAST]`, with PostgreSQL's defaults: NULL is greater than everything.
fn ordered(cursor: &mut Cursor<'_, '_>) -> Read<IndexOrder> {
    let column = column(cursor)?;
    let descending = cursor.take("DESC");
    if !descending {
        cursor.take("ASC");
    }
    let nulls_first = if cursor.take("NULLS") {
        let first = cursor.take("FIRST");
        if !first {
            cursor.expect("LAST")?;
        }
        first
    } else {
        descending
    };
    Ok(IndexOrder { column, descending, nulls_first })
}
