//! Takes the values of variables out of messages: what a message quotes of the configuration may have been rendered.
//!
//! The last line of defence. Where a value itself is the matter, it is not quoted in the first place (`Value::rendered`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::keys::{Form, Object, TOP};
use super::value::HIDDEN;
use pilot_core::event::Code;

/// Characters of the shortest value that is taken out: shorter ones are parts of words.
const SHORTEST: usize = 4;

/// The values of one text.
pub(super) struct Concealer<'a> {
    /// By their first bytes; the longest first.
    by_start: BTreeMap<[u8; SHORTEST], Vec<Cow<'a, str>>>,
}

impl<'a> Concealer<'a> {
    /// Of these values, but not of those that are words of the configuration's own: they are no secrets, and messages
    /// would not be understood without them.
    pub fn new(values: impl Iterator<Item = &'a str>) -> Self {
        // An escape in a value is another text when the file is read; the pieces around it stay what they are.
        let pieces = |value: &'a str| {
            let between_quotes = value.split(['"', '\'', '\n', '\r']);
            std::iter::once(value).chain(between_quotes).chain(value.split(['\\', '"', '\'', '\n', '\r']))
        };
        let values: BTreeSet<&str> = values.flat_map(pieces).filter(|value| value.len() >= SHORTEST).collect();
        let mut by_start: BTreeMap<[u8; SHORTEST], Vec<Cow<'a, str>>> = BTreeMap::new();
        let mut words = BTreeSet::new();
        if !values.is_empty() {
            collect_words(&TOP, &mut words);
            words.extend(Code::SELECTABLE.iter().map(|(name, _)| *name));
        }
        let mut hide = |written: Cow<'a, str>| {
            if let Some(start) = written.as_bytes().first_chunk::<SHORTEST>() {
                by_start.entry(*start).or_default().push(written);
            }
        };
        for value in values.into_iter().filter(|value| !words.contains(value)) {
            for read in as_read(value).into_iter().filter(|read| !words.contains(read.as_str())) {
                in_quotes(&read).into_iter().for_each(|escaped| hide(Cow::Owned(escaped)));
                hide(Cow::Owned(read));
            }
            in_quotes(value).into_iter().for_each(|escaped| hide(Cow::Owned(escaped)));
            hide(Cow::Borrowed(value));
        }
        for values in by_start.values_mut() {
            values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
        Concealer { by_start }
    }

    /// `message` without any of the values.
    pub fn concealed(&self, message: String) -> String {
        if self.by_start.is_empty() {
            return message;
        }
        let mut out = String::with_capacity(message.len());
        let mut rest = message.as_str();
        while let Some(first) = rest.chars().next() {
            let candidates = rest.as_bytes().first_chunk::<SHORTEST>().and_then(|start| self.by_start.get(start));
            match candidates.into_iter().flatten().find(|value| rest.starts_with(&***value)) {
                Some(value) => {
                    out.push_str(HIDDEN);
                    rest = rest.get(value.len()..).unwrap_or_default();
                }
                None => {
                    out.push(first);
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                }
            }
        }
        out
    }
}

/// As messages write it in quotes, if that is another text.
fn in_quotes(value: &str) -> Option<String> {
    let debug = format!("{value:?}");
    debug.get(1..debug.len() - 1).filter(|escaped| *escaped != value).map(str::to_owned)
}

/// What becomes of escapes in a value when the file is read, in either kind of quotes.
fn as_read(value: &str) -> BTreeSet<String> {
    let quotes = if value.contains('\\') { ["\"", "'"].as_slice() } else { &[] };
    quotes.iter().filter_map(|quote| json5::from_str(&[*quote, value, *quote].concat()).ok()).collect()
}

/// Names of keys, and words that keys take.
fn collect_words(object: &'static Object, words: &mut BTreeSet<&'static str>) {
    for key in object.keys() {
        words.insert(key.name);
        if let Some(inner) = key.form.object() {
            collect_words(inner, words);
        }
        if let Form::Word(known) | Form::ExactWord(known) = key.form {
            words.extend(known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_out_of_messages_and_words_are_not() {
        let values = [
            "hunter2",
            "hunter2-longer",
            "a\"b\"c",
            "http",
            "json",
            "no",
            "healthy",
            "abc\\u0064ef",
            "key\\'s",
            "ab\\ncd",
        ];
        let concealer = Concealer::new(values.into_iter());
        for (message, concealed) in [
            ("job \"hunter2\": no", "job \"***\": no"),
            ("xhunter2-longerx hunter", "x***x hunter"),
            ("is \"a\\\"b\\\"c\"", "is \"***\""),
            ("http healthy json", "http healthy json"),
            ("ü hunter2 ü", "ü *** ü"),
            ("of \"abcdef\", abc\\u0064ef", "of \"***\", ***"),
            ("key's ab\ncd ab\\ncd", "*** *** ***"),
        ] {
            assert_eq!(concealer.concealed(message.to_owned()), concealed);
        }
    }
}
