//! One content line as name, parameters and value (RFC 5545, 3.1 and 3.2).

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    /// The physical line it begins on, from 1.
    pub(crate) line: u32,
    /// In upper case, without a vCard group.
    pub(crate) name: String,
    /// Names in upper case, values without quotes; several values of one parameter stand separated by commas.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) value: String,
}

impl Property {
    /// Takes a content line apart.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(line: u32, text: &str) -> Result<Self, &'static str> {
        let end = text.find([';', ':']).ok_or("this line has no colon, so it is no property")?;
        let name = text[..end].trim();
        let name = name.rsplit('.').next().unwrap_or(name);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err("this line does not begin with the name of a property");
        }
        let (parameters, value) = parameters(&text[end..])?;
        Ok(Self { line, name: name.to_ascii_uppercase(), parameters, value: value.trim().to_owned() })
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter has a value, in any case of letters.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.parameter(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }

    /// The value as text: `\n`, `\,`, `\;` and `\\` undone.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut characters = self.value.chars();
        while let Some(character) = characters.next() {
            match (character, character == '\\') {
                (_, true) => match characters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => text.push('\\'),
                },
                (other, false) => text.push(other),
            }
        }
        text
    }

    /// For findings.
    pub(crate) fn shown(&self) -> String {
        let parameters: String = self.parameters.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        format!("{}{parameters}:{}", self.name, self.value)
    }
}

type Parameters = Vec<(String, String)>;

/// Parameters and value of a line from its first `;` or `:` on.
fn parameters(mut rest: &str) -> Result<(Parameters, &str), &'static str> {
    let mut parameters = Vec::new();
    loop {
        if let Some(value) = rest.strip_prefix(':') {
            return Ok((parameters, value));
        }
        let text = rest.strip_prefix(';').ok_or("a parameter does not end in \";\" or \":\"")?;
        let end = text.find(['=', ':', ';']).ok_or("this line has no colon after its parameters")?;
        let name = text[..end].trim().to_ascii_uppercase();
        rest = &text[end..];
        let mut value = String::new();
        if let Some(values) = rest.strip_prefix('=') {
            rest = parameter_value(values, &mut value)?;
        }
        if !name.is_empty() {
            parameters.push((name, value));
        }
    }
}

/// Reads up to the `;` or `:` that ends a parameter; those within quotes do not.
fn parameter_value<'a>(text: &'a str, value: &mut String) -> Result<&'a str, &'static str> {
    let mut is_quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            ';' | ':' if !is_quoted => return Ok(&text[at..]),
            other => value.push(other),
        }
    }
    Err(if is_quoted { "a parameter's quote is not closed" } else { "this line has no colon after its parameters" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parameters_and_values() {
        let property = Property::parse(3, "dtstart;X=\"a;b:c\",d;TZID=America/New_York:2026").unwrap();
        assert_eq!((property.name.as_str(), property.value.as_str()), ("DTSTART", "2026"));
        assert_eq!(property.parameter("X"), Some("a;b:c,d"));
        assert!(property.has("TZID", "america/new_york") && property.parameter("Y").is_none());
        assert_eq!(property.shown(), "DTSTART;X=a;b:c,d;TZID=America/New_York:2026");
        let property = Property::parse(1, r"item1.SUMMARY:a\, b\nc\\d\").unwrap();
        assert_eq!((property.name.as_str(), property.text().as_str()), ("SUMMARY", "a, b\nc\\d\\"));
    }

    #[test]
    fn broken_lines_say_what_is_wrong() {
        for line in ["", "no colon", ":x", "a b:c", "A;B", "A;B=c", "A;B=\"c:d", "A;B=\"c\"d", "É:1"] {
            assert!(Property::parse(1, line).is_err(), "{line}");
        }
    }
}
