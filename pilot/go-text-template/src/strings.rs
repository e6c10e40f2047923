//! The functions that v3 adds: `split`, `join`, `replaceAll`, `regexReplaceAll`, `loop`.

use super::bounds::{Budget, LIST, Output, REGEX_SIZE, REGEX_SUBJECT, TEXT};
use super::error::Cause;
use super::funcs::Arguments;
use super::value::Value;
use std::rc::Rc;

/// `split SEP S`: S without surrounding white space, cut at every SEP; an empty SEP cuts between characters.
pub(super) fn split<'e>(args: &Arguments<'_, 'e>) -> Result<Value<'e>, Cause> {
    let (separator, text) = (args.text(0)?, args.text(1)?.trim());
    let parts: Rc<[Rc<str>]> = if text.is_empty() {
        Rc::from([])
    } else if separator.is_empty() {
        text.chars().map(|c| Rc::from(c.encode_utf8(&mut [0; 4]) as &str)).collect()
    } else {
        text.split(separator).map(Rc::from).collect()
    };
    Ok(Value::Texts(parts))
}

/// `join SEP LIST`, where LIST holds strings.
pub(super) fn join(out: &mut Output, args: &Arguments<'_, '_>) -> Result<(), Cause> {
    let separator = args.text(0)?;
    let list = match args.get(1)? {
        Value::Texts(list) => list,
        other @ Value::Ints(_) => {
            return Err(args.wrong(1, "a list of strings", other).hint("print each number in a range instead"));
        }
        other => return Err(args.wrong(1, "a list of strings", other)),
    };
    for (i, text) in list.iter().enumerate() {
        if i > 0 {
            out.push(separator)?;
        }
        out.push(text)?;
    }
    Ok(())
}

/// `replaceAll FROM TO S`. An empty FROM stands before each character and at the end, as in Go.
pub(super) fn replace_all(out: &mut Output, args: &Arguments<'_, '_>) -> Result<(), Cause> {
    let (from, to, text) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let mut copied = 0;
    for (at, matched) in text.match_indices(from) {
        out.push(text.get(copied..at).unwrap_or(""))?;
        out.push(to)?;
        copied = at + matched.len();
    }
    out.push(text.get(copied..).unwrap_or(""))
}

/// `regexReplaceAll RE TO S`; TO may hold `$1`, `${name}` and `$$`.
pub(super) fn regex_replace_all(out: &mut Output, args: &Arguments<'_, '_>, budget: &mut Budget) -> Result<(), Cause> {
    let (pattern, to, text) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if text.len() > REGEX_SUBJECT {
        return Err(Cause::new(format!("`regexReplaceAll` takes at most {} KiB of text", REGEX_SUBJECT >> 10)));
    }
    // The library's messages are fixed sentences: they do not quote the pattern, which may come from a variable.
    let regex = regex_lite::RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build();
    let regex = regex.map_err(|error| Cause::new(format!("bad regular expression: {error}")))?;
    let groups = to.matches('$').count();
    let mut copied = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        // A search may read the rest of the text in vain before it settles for a short match. With this price the
        // worst patterns tried (`a*c|a`) end after about ten seconds, and ordinary ones never notice.
        budget.spend((1 + (text.len() - whole.start()) / 8) * (1 + pattern.len() / 32))?;
        out.push(text.get(copied..whole.start()).unwrap_or(""))?;
        copied = whole.end();
        // No group is longer than the whole match, so this is the most that the expansion can take.
        let most = groups.saturating_mul(whole.len()).saturating_add(to.len());
        if most > TEXT {
            return Err(Cause::new("the replacement of `regexReplaceAll` is too large"));
        }
        let mut replacement = String::new();
        captures.expand(to, &mut replacement);
        out.push(&replacement)?;
    }
    out.push(text.get(copied..).unwrap_or(""))
}

/// `loop N` counts from 0 up (or down) to before N, `loop A B` from A to before B.
pub(super) fn count<'e>(args: &Arguments<'_, 'e>) -> Result<Value<'e>, Cause> {
    let (start, stop) = match args.all() {
        [_] => (0, integer(args, 0)?),
        _ => (integer(args, 0)?, integer(args, 1)?),
    };
    if start.abs_diff(stop) > LIST as u64 {
        return Err(Cause::new(format!("`loop` counts at most {LIST} numbers")));
    }
    let numbers = if stop < start { (stop + 1..=start).rev().collect() } else { (start..stop).collect() };
    Ok(Value::Ints(numbers))
}

/// A number, or a text that is one in decimal.
fn integer(args: &Arguments<'_, '_>, index: usize) -> Result<i64, Cause> {
    match args.get(index)? {
        Value::Int(integer) => Ok(*integer),
        Value::Text(text) => text.parse().map_err(|_| {
            let what =
                if text.is_empty() { "an empty text (is the variable set?)" } else { "a text that is no number" };
            Cause::new(format!("argument {} of `loop` is {what}", index + 1))
                .hint("give a default: loop (.COUNT | default 3)")
        }),
        other => Err(args.wrong(index, "a whole number", other)),
    }
}
