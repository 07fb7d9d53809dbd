//! "Did you mean …?" for keys, kinds and parameters.

/// A hint that names the nearest known word, or all of them.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (distance(word, known), *known)).min();
    match near {
        Some((edits, near)) if edits <= near.len().min(word.len()).div_ceil(3) => format!("did you mean {near}?"),
        _ if known.is_empty() => "there are none here".to_owned(),
        _ => format!("known here: {}", known.join(", ")),
    }
}

/// Levenshtein distance, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
