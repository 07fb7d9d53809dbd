//! Names in syntax trees: folded as PostgreSQL does (unquoted to lower case), with their places.

use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart};

use crate::source::Place;
use crate::statement::NameRef;

/// The name an identifier stands for.
pub(crate) fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// `name` or `schema.name` of a syntax tree; `None` for anything longer or stranger.
pub(crate) fn name_ref(name: &ObjectName) -> Option<NameRef> {
    let parts: Option<Vec<&Ident>> = name.0.iter().map(ObjectNamePart::as_ident).collect();
    from_parts(&parts?)
}

/// The name that an expression such as `s` or `app.s` spells.
pub(crate) fn name_in_expr(expr: &Expr) -> Option<NameRef> {
    match expr {
        Expr::Identifier(ident) => from_parts(&[ident]),
        Expr::CompoundIdentifier(parts) => from_parts(&parts.iter().collect::<Vec<_>>()),
        _ => None,
    }
}

fn from_parts(parts: &[&Ident]) -> Option<NameRef> {
    match parts {
        [name] => Some(NameRef { schema: None, name: fold(name), place: Place::of(name.span) }),
        [schema, name] => {
            let (start, end) = (Place::of(schema.span), Place::of(name.span));
            let length = if start.line == end.line {
                (end.column + end.length).saturating_sub(start.column)
            } else {
                start.length
            };
            Some(NameRef { schema: Some(fold(schema)), name: fold(name), place: Place { length, ..start } })
        }
        _ => None,
    }
}
