//! `INSERT`, `UPDATE`, `DELETE`: read by `sqlparser`, then cut down to what tables offer; the rest is refused by name.

use datafusion::sql::sqlparser::ast::{self, Ident, TableFactor, TableWithJoins};

use super::cursor::{Cursor, Read, Reported};
use crate::source::Place;
use crate::statement::{Delete, Insert, NameRef, Statement, Update};

/// Reads a write; `None` when the statement is none.
pub(super) fn write(cursor: &mut Cursor<'_, '_>) -> Option<Read<Statement>> {
    if !["INSERT", "UPDATE", "DELETE"].iter().any(|word| cursor.word_at(0, word)) {
        return None;
    }
    let sql = cursor.sql();
    Some(cursor.parsed(|parser| parser.parse_statement()).and_then(|parsed| match parsed {
        ast::Statement::Insert(insert) => read_insert(cursor, sql, insert).map(Statement::Insert),
        ast::Statement::Update(update) => read_update(cursor, sql, update).map(Statement::Update),
        ast::Statement::Delete(delete) => read_delete(cursor, sql, delete).map(Statement::Delete),
        _ => cursor.expected("INSERT, UPDATE or DELETE"),
    }))
}

fn read_insert(cursor: &mut Cursor<'_, '_>, sql: String, insert: ast::Insert) -> Read<Insert> {
    let ast::TableObject::TableName(name) = &insert.table else {
        return refuse(cursor, "INSERT into a function", "write INSERT INTO table");
    };
    let table = name_ref(cursor, name)?;
    if insert.on.is_some() {
        return refuse(cursor, "ON CONFLICT", "leave it out: a row with a key that is there replaces the old row");
    }
    if insert.returning.is_some() {
        return refuse(cursor, "RETURNING", "read the rows with a SELECT afterwards");
    }
    let extras = insert.or.is_some()
        || insert.ignore
        || insert.overwrite
        || insert.replace_into
        || !insert.assignments.is_empty()
        || insert.partitioned.is_some()
        || !insert.after_columns.is_empty()
        || insert.output.is_some();
    if extras {
        return refuse(cursor, "this form of INSERT", "write INSERT INTO table [(columns)] VALUES … or SELECT …");
    }
    let columns = insert.columns.iter().map(|column| single(cursor, column)).collect::<Read<Vec<_>>>()?;
    let Some(source) = insert.source else {
        return refuse(cursor, "INSERT without rows", "write VALUES (…) or a SELECT after the columns");
    };
    Ok(Insert { sql, table, columns, source })
}

fn read_update(cursor: &mut Cursor<'_, '_>, sql: String, update: ast::Update) -> Read<Update> {
    if update.from.is_some() {
        return refuse(cursor, "UPDATE … FROM", "use a subquery in SET or WHERE");
    }
    if update.returning.is_some() || update.output.is_some() {
        return refuse(cursor, "RETURNING", "read the rows with a SELECT afterwards");
    }
    if update.or.is_some() || !update.order_by.is_empty() || update.limit.is_some() {
        return refuse(cursor, "this form of UPDATE", "write UPDATE table SET column = value WHERE condition");
    }
    let (table, alias) = plain_table(cursor, &update.table)?;
    let mut assignments = Vec::new();
    for assignment in update.assignments {
        let ast::AssignmentTarget::ColumnName(name) = &assignment.target else {
            return refuse(cursor, "SET (a, b) = (…)", "write SET a = …, b = …");
        };
        assignments.push((single(cursor, name)?, assignment.value));
    }
    Ok(Update { sql, table, alias, assignments, filter: update.selection })
}

fn read_delete(cursor: &mut Cursor<'_, '_>, sql: String, delete: ast::Delete) -> Read<Delete> {
    if delete.using.is_some() || !delete.tables.is_empty() {
        return refuse(cursor, "DELETE … USING", "use a subquery in WHERE");
    }
    if delete.returning.is_some() || delete.output.is_some() {
        return refuse(cursor, "RETURNING", "read the rows with a SELECT before");
    }
    if !delete.order_by.is_empty() || delete.limit.is_some() {
        return refuse(cursor, "this form of DELETE", "write DELETE FROM table WHERE condition");
    }
    let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) = &delete.from;
    let [from] = from.as_slice() else {
        return refuse(cursor, "DELETE from several tables", "write one DELETE for each");
    };
    let (table, alias) = plain_table(cursor, from)?;
    Ok(Delete { sql, table, alias, filter: delete.selection })
}

fn plain_table(cursor: &mut Cursor<'_, '_>, from: &TableWithJoins) -> Read<(NameRef, Option<Ident>)> {
    match &from.relation {
        TableFactor::Table { name, alias, args: None, .. } if from.joins.is_empty() => {
            Ok((name_ref(cursor, name)?, alias.as_ref().map(|a| a.name.clone())))
        }
        _ => refuse(cursor, "a write to anything but one table", "name one table"),
    }
}

fn refuse<T>(cursor: &mut Cursor<'_, '_>, what: &str, hint: &str) -> Read<T> {
    let place = cursor.tokens.first().map_or(Place::default(), |t| Place::of(t.span));
    cursor.problems.error_hint(place, format!("{what} is not supported"), hint);
    Err(Reported)
}

fn single(cursor: &mut Cursor<'_, '_>, name: &ast::ObjectName) -> Read<Ident> {
    match name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(ident)] => Ok(ident.clone()),
        _ => refuse(cursor, &format!("the column {name}"), "name a column of the table, unqualified"),
    }
}

fn name_ref(cursor: &mut Cursor<'_, '_>, name: &ast::ObjectName) -> Read<NameRef> {
    match crate::names::name_ref(name) {
        Some(name) => Ok(name),
        None => refuse(cursor, &format!("the name {name}"), "write name or schema.name"),
    }
}
