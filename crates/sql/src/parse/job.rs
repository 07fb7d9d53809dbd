//! `AUDIT …`, `RECOMPUTE …` and `CANCEL JOB n`.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Read};
use crate::statement::{CancelJob, RelationsOf, Relationwise};

/// What follows `AUDIT` or `RECOMPUTE`.
pub(super) fn relationwise(cursor: &mut Cursor<'_, '_>) -> Read<Relationwise> {
    let sql = cursor.sql();
    // A relation may be called "all" or "app": then it is not the last word, or it is.
    let of = if cursor.word_at(0, "ALL") && cursor.peek_at(1).is_none() {
        cursor.advance();
        RelationsOf::All
    } else if cursor.word_at(0, "APP") && cursor.peek_at(1).is_some_and(|next| *next != Token::Period) {
        cursor.advance();
        RelationsOf::App(cursor.identifier("the name of an app")?.0)
    } else {
        let _ = cursor.take_all(&["MATERIALIZED", "VIEW"])
            || ["VIEW", "TABLE", "STREAM"].iter().any(|kind| cursor.take(kind));
        let mut names = vec![cursor.object_name("ALL, or the name of a view")?];
        while cursor.take_token(&Token::Comma) {
            names.push(cursor.object_name("the name of a view")?);
        }
        RelationsOf::These(names)
    };
    cursor.expect_end()?;
    Ok(Relationwise { sql, of })
}

/// What follows `CANCEL`.
pub(super) fn cancel(cursor: &mut Cursor<'_, '_>) -> Read<CancelJob> {
    let sql = cursor.sql();
    cursor.expect("JOB")?;
    let job = match cursor.peek() {
        Some(Token::Number(number, _)) => number.parse().ok(),
        _ => None,
    };
    let Some(job) = job else {
        return cursor
            .fail(format!("{} is no job", cursor.found()), "write CANCEL JOB 7; SHOW JOBS lists their numbers");
    };
    cursor.advance();
    cursor.expect_end()?;
    Ok(CancelJob { sql, job })
}
