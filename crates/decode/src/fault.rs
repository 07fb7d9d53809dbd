//! What is wrong with one record while it is being read. Becomes a reject at ingest and an error at replay.

use jiter::JiterError;

/// Result of reading a value. The fault is boxed: the good path stays a register wide.
pub(crate) type Outcome<T = ()> = Result<T, Box<Fault>>;

/// What is wrong with a record.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The bytes are no JSON: where the record ends is unknown.
    Syntax { at: usize, reason: String },
    /// Well-formed, but a value does not fit its column (or the record is no record).
    Value { column: Option<String>, reason: String },
}

impl Fault {
    /// A value that does not fit.
    #[cold]
    pub(crate) fn value<T>(reason: impl Into<String>) -> Outcome<T> {
        Err(Box::new(Self::Value { column: None, reason: reason.into() }))
    }

    /// A value that does not fit: what was found and what was expected.
    #[cold]
    pub(crate) fn expected<T>(what: &str, found: &str) -> Outcome<T> {
        Self::value(format!("expected {what}, found {}", shorten(found)))
    }

    /// Names the column (or, inside it, the field) at fault; called from the inside out.
    #[cold]
    pub(crate) fn within(self: Box<Self>, name: &str) -> Box<Self> {
        match *self {
            Self::Value { column: None, reason } => Box::new(Self::Value { column: Some(name.to_owned()), reason }),
            Self::Value { column: Some(inner), reason } => {
                let dot = if inner.starts_with('[') { "" } else { "." };
                Box::new(Self::Value { column: Some(format!("{name}{dot}{inner}")), reason })
            }
            Self::Syntax { .. } => self,
        }
    }

    /// The same fault of a text that starts `by` bytes earlier.
    #[cold]
    pub(crate) fn shifted(mut self: Box<Self>, by: usize) -> Box<Self> {
        if let Self::Syntax { at, .. } = &mut *self {
            *at += by;
        }
        self
    }

    /// The same as a value fault: bad syntax inside a text that itself was read whole.
    #[cold]
    pub(crate) fn inside_text(self: Box<Self>) -> Box<Self> {
        match *self {
            Self::Syntax { at, reason } => Box::new(Self::Value {
                column: None,
                reason: format!("the JSON inside the text: {reason} at byte {at}"),
            }),
            Self::Value { .. } => self,
        }
    }
}

impl From<JiterError> for Box<Fault> {
    #[cold]
    fn from(error: JiterError) -> Self {
        Box::new(Fault::Syntax { at: error.index, reason: error.error_type.to_string() })
    }
}

/// A value as shown in a reason: quoted, at most 80 characters.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}
