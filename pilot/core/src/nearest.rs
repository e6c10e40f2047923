//! The known word that is nearest to a misspelled one.

/// Characters of the longest word that is compared.
const LONGEST: usize = 64;

/// The candidate with the fewest typing mistakes to `word` (insert, delete, replace, swap), if they are few enough for
/// its length; letter case costs nothing.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    // Nobody misspells a key of five lines; the work is quadratic.
    if length > LONGEST {
        return None;
    }
    let allowed = ((length + 1) / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
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
