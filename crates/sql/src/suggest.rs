//! "Did you mean …?": the nearest word to a misspelt one. Called wherever a name, option, type or keyword is unknown.

/// The candidate nearest to `word`, when it is near enough to be a likely misspelling.
///
/// Near means at most one edit for words up to four letters, two up to eight, three beyond
/// (optimal string alignment distance, case ignored).
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let limit = match word.len() {
        0..=1 => 0,
        2..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A hint naming the nearest candidate, or listing all of them when none is near.
pub(crate) fn hint(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known: {}", candidates.join(", ")),
    }
}

/// Longer words are cut: nobody misspells by the hundredth letter.
const LONGEST: usize = 100;

fn distance(a: &[char], candidate: &str) -> usize {
    let b: Vec<char> = candidate.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut current = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitution = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            current[j] = substitution.min(previous[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                current[j] = current[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_misspellings_and_nothing_else() {
        let words = ["partitions", "partition_by", "format", "version"];
        assert_eq!(nearest("partitons", words), Some("partitions"));
        assert_eq!(nearest("fromat", words), Some("format"));
        assert_eq!(nearest("VERSOIN", words), Some("version"));
        assert_eq!(nearest("banana", words), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
