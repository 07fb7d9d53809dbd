//! The tree of components. Only properties that availability depends on are kept, so memory stays a small multiple of
//! what matters, however large the descriptions and attachments of a file are.

use super::Property;
use super::lines::{ContentLine, ContentLines};
use crate::Limits;
use crate::findings::Findings;

/// Components within components; deeper ones are left out.
const DEPTH: usize = 16;

const KEPT: [&str; 19] = [
    "DTEND",
    "DTSTAMP",
    "DTSTART",
    "DURATION",
    "EXDATE",
    "EXRULE",
    "FREEBUSY",
    "METHOD",
    "RDATE",
    "RECURRENCE-ID",
    "RRULE",
    "SEQUENCE",
    "STATUS",
    "SUMMARY",
    "TRANSP",
    "TZID",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "UID",
];

/// What stands between a `BEGIN` and its `END`; the root holds everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Component {
    /// In upper case.
    pub(crate) name: String,
    /// The line of its `BEGIN`.
    pub(crate) line: u32,
    pub(crate) properties: Vec<Property>,
    pub(crate) components: Vec<Component>,
}

impl Component {
    /// The first property of a name.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// All properties of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }
}

/// Reads a file into a root component.
pub(crate) fn read_components(bytes: &[u8], limits: &Limits, findings: &mut Findings) -> Component {
    if bytes.len() > limits.file_bytes {
        let message = format!("the file has {} bytes; at most {} are read", bytes.len(), limits.file_bytes);
        findings.error(0, "", message, "export a shorter span of the calendar, or several files");
        return Component::default();
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        findings.error(0, "", "the file is UTF-16", "save it as UTF-8");
        return Component::default();
    }
    let mut reader = Reader { open: vec![Component::default()], skipped: 0, left: limits.components };
    let mut is_utf8 = true;
    for line in ContentLines::new(bytes, limits.line_bytes) {
        if line.is_cut {
            let message = format!("a line is longer than {} bytes; its end is dropped", limits.line_bytes);
            findings.warning(line.number, "", message, "shorten it");
        }
        let text = decoded(&line, &mut is_utf8, findings);
        match Property::parse(line.number, &text) {
            Ok(property) => reader.take(property, findings),
            Err(problem) => {
                let hint = "write NAME:value; a line that goes on begins with a space";
                findings.warning(line.number, &text, problem, hint);
            }
        }
    }
    reader.finish(findings)
}

/// The line's characters. What is no UTF-8 is read as Latin-1, which old programs write.
fn decoded(line: &ContentLine, is_utf8: &mut bool, findings: &mut Findings) -> String {
    match std::str::from_utf8(&line.bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let text: String = line.bytes.iter().map(|byte| char::from(*byte)).collect();
            if std::mem::take(is_utf8) {
                findings.warning(line.number, &text, "this is no UTF-8; read as Latin-1", "save the file as UTF-8");
            }
            text
        }
    }
}

struct Reader {
    /// From the root to the innermost open component.
    open: Vec<Component>,
    /// Open components that are left out because they lie too deep or are too many.
    skipped: usize,
    left: usize,
}

impl Reader {
    fn take(&mut self, property: Property, findings: &mut Findings) {
        match property.name.as_str() {
            "BEGIN" => self.begin(&property, findings),
            "END" => self.end(&property, findings),
            name if self.skipped == 0 && KEPT.contains(&name) => {
                if let Some(component) = self.open.last_mut() {
                    component.properties.push(property);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, property: &Property, findings: &mut Findings) {
        if self.skipped > 0 {
            self.skipped += 1;
        } else if self.open.len() > DEPTH {
            findings.wrong(property, format!("components lie more than {DEPTH} deep"), "close them with END");
            self.skipped = 1;
        } else if self.left == 0 {
            findings.wrong(property, "the file has too many components; the rest is left out", "split the file");
            self.skipped = 1;
        } else {
            self.left -= 1;
            let name = property.value.to_ascii_uppercase();
            self.open.push(Component { name, line: property.line, ..Component::default() });
        }
    }

    fn end(&mut self, property: &Property, findings: &mut Findings) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let name = property.value.to_ascii_uppercase();
        let Some(at) = self.open.iter().skip(1).rposition(|component| component.name == name) else {
            findings.doubtful(property, format!("END:{name} closes nothing"), "write BEGIN before it, or remove it");
            return;
        };
        self.close_down_to(at + 2, findings);
        self.close();
    }

    /// Closes what was left open within a component that ends.
    fn close_down_to(&mut self, depth: usize, findings: &mut Findings) {
        while self.open.len() > depth {
            if let Some(component) = self.open.last() {
                let (line, message) = (component.line, format!("BEGIN:{} is never closed", component.name));
                findings.warning(line, "", message, &format!("write END:{} where it ends", component.name));
            }
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(component) = self.open.pop()
            && let Some(parent) = self.open.last_mut()
        {
            parent.components.push(component);
        }
    }

    fn finish(mut self, findings: &mut Findings) -> Component {
        self.close_down_to(1, findings);
        self.open.pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Component, Vec<(u32, String)>) {
        let mut findings = Findings::new(10);
        let root = read_components(text.as_bytes(), &Limits::default(), &mut findings);
        (root, findings.finish().0.into_iter().map(|finding| (finding.line, finding.message)).collect())
    }

    #[test]
    fn components_nest_and_mistakes_are_named() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nX-OTHER:2\nBEGIN:VALARM\nEND:VEVENT\nnonsense\nEND:VTODO\n";
        let (root, findings) = read(text);
        let calendar = &root.components[0];
        assert_eq!(calendar.components[0].properties.len(), 1);
        assert_eq!(calendar.components[0].components[0].name, "VALARM");
        let lines: Vec<u32> = findings.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [5, 7, 8, 1], "{findings:?}");
    }

    #[test]
    fn too_deep_is_left_out_and_does_not_swallow_the_rest() {
        let text = format!("{}UID:deep\n{}UID:root\n", "BEGIN:A\n".repeat(50), "END:A\n".repeat(50));
        let (root, findings) = read(&text);
        assert_eq!((root.properties.len(), findings.len()), (1, 1));
    }
}
