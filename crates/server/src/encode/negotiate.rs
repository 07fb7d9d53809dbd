//! Which form an answer takes, by the `Accept` header (RFC 9110, section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use crate::problem::{Problem, ProblemKind};

/// The forms of an answer, best first when the client likes several equally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    NdJson,
    Csv,
    Arrow,
}

impl Form {
    const ALL: [Form; 4] = [Form::Json, Form::NdJson, Form::Csv, Form::Arrow];

    /// The media type as negotiated.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The media type as sent.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.media_type(),
        }
    }
}

/// One range of an `Accept` header: how well it fits a media type (0 not at all) and how much it is liked.
struct Range<'a> {
    media: &'a str,
    quality: f32,
}

impl Range<'_> {
    fn precision(&self, media: &str) -> u8 {
        if self.media.eq_ignore_ascii_case(media) {
            return 3;
        }
        let kind = media.split('/').next().unwrap_or_default();
        match self.media.split_once('/') {
            Some((range, "*")) if range.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ => 0,
        }
    }
}

/// The form the client likes best; JSON when it does not say.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Form, Problem> {
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accept.join(",");
    if accept.trim().is_empty() {
        return Ok(Form::Json);
    }
    let ranges: Vec<Range<'_>> = accept.split(',').filter_map(range).collect();
    let liking = |form: Form| {
        let fitting = ranges.iter().map(|range| (range.precision(form.media_type()), range.quality));
        fitting.filter(|(precision, _)| *precision > 0).max_by_key(|(precision, _)| *precision).map_or(0.0, |(_, q)| q)
    };
    let mut best: Option<(Form, f32)> = None;
    for form in Form::ALL {
        let quality = liking(form);
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((form, quality));
        }
    }
    best.map(|(form, _)| form).ok_or_else(|| {
        let known = Form::ALL.map(Form::media_type).join(", ");
        Problem::new(ProblemKind::NotAcceptable, format!("no form of the answer fits Accept: {accept}"))
            .with_hint(format!("accept one of: {known}"))
    })
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().filter(|media| !media.is_empty())?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some(Range { media, quality: quality.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        negotiate(&headers).ok()
    }

    #[test]
    fn the_best_liked_form_wins() {
        assert_eq!(negotiate(&HeaderMap::new()).unwrap(), Form::Json);
        assert_eq!(chosen("*/*"), Some(Form::Json));
        assert_eq!(chosen("text/*"), Some(Form::Csv));
        assert_eq!(chosen("application/json;q=0.1, text/csv;q=0.9"), Some(Form::Csv));
        assert_eq!(chosen("application/json;q=0, */*;q=0.5"), Some(Form::NdJson));
        assert_eq!(chosen("Application/Vnd.Apache.Arrow.Stream"), Some(Form::Arrow));
        assert_eq!(chosen("text/html, image/png"), None);
        assert_eq!(chosen("application/json;q=0"), None);
    }
}
