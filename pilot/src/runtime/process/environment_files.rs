//! Variables that a child reads from files before it becomes its program: `envFile` and `env: { NAME: { file } }`.
//!
//! No message repeats a value, not even of a line that cannot be read.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::child_spec::ChildSpec;
use super::exec_shim::{Environment, put};
use crate::runtime::net::small_file;

/// Adds the files' variables; those that the job settles itself are not touched by an `envFile`.
pub(super) fn apply(env: &mut Environment, spec: &ChildSpec, settled: &[String]) -> Result<(), String> {
    for file in &spec.env_files {
        let content = read("envFile", file)?;
        let variables = parse(&content).map_err(|(line, complaint)| {
            format!("envFile {}: line {line} {complaint}; write NAME=value", file.display())
        })?;
        for (name, value) in variables {
            if !settled.iter().any(|other| *name == **other) {
                put(env, &name, value);
            }
        }
    }
    for (name, file) in &spec.variable_files {
        let place = format!("env.{name}");
        let content = read(&place, file)?;
        if content.contains(&0) {
            return Err(format!("{place}: {} contains a NUL byte, which no process can be given", file.display()));
        }
        put(env, OsStr::new(name), OsStr::from_bytes(without_line_ends(&content)).to_owned());
    }
    Ok(())
}

fn read(place: &str, file: &Path) -> Result<Vec<u8>, String> {
    small_file::read_now(file).map_err(|error| format!("{place}: {error}; check the path, and that pilot may read it"))
}

fn without_line_ends(content: &[u8]) -> &[u8] {
    let length = content.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    content.get(..length).unwrap_or_default()
}

/// The variables of a file, in its order, or the number of the first bad line and what is wrong with it.
fn parse(content: &[u8]) -> Result<Vec<(OsString, OsString)>, (usize, &'static str)> {
    let mut variables = Vec::new();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") {
            variables.push(variable(line).map_err(|complaint| (index + 1, complaint))?);
        }
    }
    Ok(variables)
}

fn variable(line: &[u8]) -> Result<(OsString, OsString), &'static str> {
    let line = line.strip_prefix(b"export ").map_or(line, <[u8]>::trim_ascii_start);
    let equals = line.iter().position(|byte| *byte == b'=').ok_or("has no `=`")?;
    let (name, value) = (line.get(..equals).unwrap_or_default(), line.get(equals + 1..).unwrap_or_default());
    if name.is_empty() {
        return Err("has no name before the `=`");
    }
    if name.iter().any(u8::is_ascii_whitespace) {
        return Err("has a space before the `=`");
    }
    if line.contains(&0) {
        return Err("contains a NUL byte");
    }
    let owned = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    Ok((owned(name), owned(unquoted(value.trim_ascii_start())?)))
}

/// A value in quotes is what stands between them; nothing else is special in it.
fn unquoted(value: &[u8]) -> Result<&[u8], &'static str> {
    match value {
        [quote @ (b'"' | b'\''), inner @ .., last] if quote == last => Ok(inner),
        [b'"' | b'\'', ..] => Err("has a value that begins with a quote and does not end with it"),
        plain => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, String)>, (usize, &'static str)> {
        let text_of = |text: OsString| text.into_string().unwrap();
        parse(text.as_bytes()).map(|list| list.into_iter().map(|(n, v)| (text_of(n), text_of(v))).collect())
    }

    #[test]
    fn a_line_is_a_name_and_everything_behind_the_first_equals_sign() {
        let text = "# comment\n\nA=1\r\n  B = \nexport C=x=y # z\nD=\nE= spaced \nF=' as it is \"$X\" '\nG=\"two\"\nH=a'b\nA=2";
        assert_eq!(parsed(text), Err((4, "has a space before the `=`")));
        let want = [("A", "1"), ("C", "x=y # z"), ("D", ""), ("E", "spaced"), ("F", " as it is \"$X\" ")];
        let want = [&want[..], &[("G", "two"), ("H", "a'b"), ("A", "2")]].concat();
        let want: Vec<_> = want.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(parsed(&text.replace("  B = \n", "")), Ok(want));
        assert_eq!(parsed(""), Ok(Vec::new()));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_never_repeated() {
        for (text, error) in [
            ("A=1\nhunter2", (2, "has no `=`")),
            ("\n\n=hunter2", (3, "has no name before the `=`")),
            ("A B=hunter2", (1, "has a space before the `=`")),
            ("A='hunter2", (1, "has a value that begins with a quote and does not end with it")),
            ("A='hunter2\"", (1, "has a value that begins with a quote and does not end with it")),
            ("A=\"", (1, "has a value that begins with a quote and does not end with it")),
            ("A=hunter\0", (1, "contains a NUL byte")),
        ] {
            assert_eq!(parsed(text), Err(error), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_content_is_too_strange(content in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let lines = content.split(|byte| *byte == b'\n').count();
            match parse(&content) {
                Ok(variables) => proptest::prop_assert!(variables.len() <= lines),
                Err((line, _)) => proptest::prop_assert!((1..=lines).contains(&line)),
            }
        }
    }

    #[test]
    fn a_secret_is_the_whole_file_without_the_line_ends_at_its_end() {
        for (content, value) in
            [("geheim\n", "geheim"), ("a\nb\r\n\r\n", "a\nb"), (" x ", " x "), ("", ""), ("\n\n", "")]
        {
            assert_eq!(without_line_ends(content.as_bytes()), value.as_bytes());
        }
    }
}
