//! The known word that is nearest to a misspelled one.

/// The candidate with the fewest typing mistakes to `word` (insert, delete, replace, swap), if they are few enough for
/// its length; letter case costs nothing.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    // Nobody misspells a key of five lines; the table is quadratic.
    if word.len() > 64 {
        return None;
    }
    let allowed = ((word.len() + 1) / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase().chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Damerau-Levenshtein distance in its restricted form: no letter is moved twice.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(above.len());
        let mut left = i + 1;
        row.push(left);
        for (j, y) in b.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut best = (left + 1).min(cell(&above, j + 1) + 1).min(cell(&above, j) + usize::from(x != y));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(cell(&before, j - 1) + 1);
            }
            row.push(best);
            left = best;
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_found_and_far_ones_are_not() {
        let keys = ["name", "exec", "health", "interval", "timeout", "ttl", "initial_status", "watches"];
        for (word, found) in [
            ("helth", Some("health")),
            ("intervall", Some("interval")),
            ("tiemout", Some("timeout")),
            ("nmae", Some("name")),
            ("TTL", Some("ttl")),
            ("initialStatus", Some("initial_status")),
            ("watch", Some("watches")),
            ("tll", Some("ttl")),
            ("x", None),
            ("command", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), found, "{word}");
        }
    }
}
