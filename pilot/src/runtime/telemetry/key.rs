//! What a recording names: a metric, and values for its labels.

/// A key such as `orders` or `orders{country:de,paid:card}`. The values are not quoted and hold no comma; `:` and not `=`,
/// because `-putmetric` cuts at the first `=`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub name: &'a str,
    pub labels: Vec<(&'a str, &'a str)>,
}

impl<'a> Key<'a> {
    /// Takes a key apart; `None`: the braces are not a list of labels.
    pub fn parse(key: &'a str) -> Option<Self> {
        let Some((name, rest)) = key.split_once('{') else { return Some(Key { name: key, labels: Vec::new() }) };
        let inside = rest.trim_end().strip_suffix('}')?;
        let pairs = inside.split(',').filter(|pair| !pair.trim().is_empty());
        let labels = pairs.map(|pair| pair.split_once(':').map(|(label, value)| (label.trim(), value.trim())));
        Some(Key { name, labels: labels.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_name_or_a_name_with_labels() {
        let parsed = |key| Key::parse(key).map(|key| (key.name, key.labels));
        assert_eq!(parsed("a_b"), Some(("a_b", vec![])));
        assert_eq!(parsed("a{}"), Some(("a", vec![])));
        assert_eq!(parsed("a{x:1, y: two words }"), Some(("a", vec![("x", "1"), ("y", "two words")])));
        assert_eq!(parsed("a{x:http://h:80/}"), Some(("a", vec![("x", "http://h:80/")])));
        for bad in ["a{x}", "a{x:1", "a{x:1}b", "{"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
