//! From text to [`Value`]: the `json5` crate says whether the text is valid, the tokens say where each value stands.
//!
//! A syntax error becomes one sentence with its cause and its remedy. Nesting is refused beyond [`DEEPEST`] before
//! anything recursive looks at the text.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::syntax_error::{Brackets, DEEPEST, SyntaxError, error, explain};
use super::tokens::{Kind as TokenKind, Token, Tokens, tokens};
use super::value::{Kind, Member, Value};

/// Parses a whole text, in which these bytes are values of variables.
pub(super) fn parse_rendered(text: &str, values: &[Range<usize>]) -> Result<Value, SyntaxError> {
    let brackets = Brackets::of(text);
    if let Some(at) = brackets.too_deep {
        return Err(error(
            at,
            format!("objects and lists are nested more than {DEEPEST} deep"),
            "write a flatter file",
        ));
    }
    if tokens(text).next().is_none() {
        return Err(error(0, "the file is empty".into(), "the smallest configuration is `{}`"));
    }
    json5::from_str::<IgnoredAny>(text).map_err(|e| explain(text, &e, &brackets, values))?;
    // The text is valid from here on, and these errors cannot occur: they stand for a panic.
    let mut rest = Reader { tokens: tokens(text), values };
    let first = rest.next().ok_or_else(|| unreadable(0))?;
    value(first, &mut rest)
}

/// The tokens that are still to be read, and the values of variables from there on.
struct Reader<'a> {
    tokens: Tokens<'a>,
    values: &'a [Range<usize>],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.tokens.next()
    }

    /// Whether a value of a variable is in this token, which is not before an earlier one.
    fn is_rendered(&mut self, token: Token<'_>) -> bool {
        let before = self.values.partition_point(|value| value.end <= token.at);
        self.values = self.values.get(before..).unwrap_or_default();
        self.values.first().is_some_and(|value| value.start < token.at + token.text.len())
    }
}

fn value(token: Token<'_>, rest: &mut Reader<'_>) -> Result<Value, SyntaxError> {
    let rendered = rest.is_rendered(token);
    let kind = match token.kind {
        TokenKind::Open('{') => Kind::Object(members(token.at, rest)?),
        TokenKind::Open(_) => Kind::List(items(token.at, rest)?),
        TokenKind::Quoted => Kind::Text(unquote(token)?),
        TokenKind::Word | TokenKind::Close(_) | TokenKind::Colon | TokenKind::Comma => match token.text {
            "null" => Kind::Null,
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            number => Kind::Number(json5::from_str(number).map_err(|_| unreadable(token.at))?),
        },
    };
    Ok(Value { at: token.at, kind, rendered })
}

fn members(at: usize, rest: &mut Reader<'_>) -> Result<Vec<Member>, SyntaxError> {
    let mut members = Vec::new();
    loop {
        let key = rest.next().ok_or_else(|| unreadable(at))?;
        match key.kind {
            TokenKind::Close(_) => return Ok(members),
            TokenKind::Comma => {}
            TokenKind::Quoted | TokenKind::Word | TokenKind::Colon | TokenKind::Open(_) => {
                let name = if key.kind == TokenKind::Quoted { unquote(key)? } else { key.text.to_owned() };
                rest.next();
                let first = rest.next().ok_or_else(|| unreadable(at))?;
                members.push(Member { key: name, at: key.at, value: value(first, rest)? });
            }
        }
    }
}

fn items(at: usize, rest: &mut Reader<'_>) -> Result<Vec<Value>, SyntaxError> {
    let mut items = Vec::new();
    loop {
        let token = rest.next().ok_or_else(|| unreadable(at))?;
        match token.kind {
            TokenKind::Close(_) => return Ok(items),
            TokenKind::Comma => {}
            TokenKind::Quoted | TokenKind::Word | TokenKind::Colon | TokenKind::Open(_) => {
                items.push(value(token, rest)?);
            }
        }
    }
}

fn unquote(token: Token<'_>) -> Result<String, SyntaxError> {
    json5::from_str(token.text).map_err(|_| unreadable(token.at))
}

fn unreadable(at: usize) -> SyntaxError {
    SyntaxError { at, message: "this cannot be read".into(), remedy: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Value, SyntaxError> {
        parse_rendered(text, &[])
    }

    #[test]
    fn values_of_variables_are_known_as_such() {
        let text = "{a: 'xSECRETx', b: SECRET, c: 'y'}";
        let values: Vec<_> = text.match_indices("SECRET").map(|(at, found)| at..at + found.len()).collect();
        let text = text.replace("b: SECRET", "b: 123456");
        let Kind::Object(members) = parse_rendered(&text, &values).unwrap().kind else { panic!() };
        assert_eq!(members.iter().map(|member| member.value.rendered).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = "// c\n{a: [1, 'x'], 'b c': {d: null}}";
        let Kind::Object(members) = parse(text).unwrap().kind else { panic!() };
        assert_eq!(members[0].key, "a");
        assert_eq!(members[1].key, "b c");
        assert!(text[members[1].at..].starts_with("'b c'"));
        let Kind::List(items) = &members[0].value.kind else { panic!() };
        assert!(text[items[1].at..].starts_with("'x'"));
        assert!(text[members[1].value.member("D").unwrap().at..].starts_with("null"));
    }

    #[test]
    fn v3s_dialect_is_accepted() {
        let numbers = [
            ("+1", 1.0),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("0x1F", 31.0),
            ("-0X10", -16.0),
            ("Infinity", f64::INFINITY),
            ("0xFFFFFFFFFFFFFFFF", 18_446_744_073_709_551_615.0),
        ];
        for (text, number) in numbers {
            assert_eq!(parse(text).unwrap().kind, Kind::Number(number), "{text}");
        }
        assert!(matches!(parse("NaN").unwrap().kind, Kind::Number(n) if n.is_nan()));
        for (text, value) in
            [("'a\\\nb'", "ab"), (r#""\b\f\n\r\t\\\/\"\'A""#, "\u{8}\u{c}\n\r\t\\/\"'A"), ("'\\ud83d\\ude00'", "😀")]
        {
            assert_eq!(parse(text).unwrap().kind, Kind::Text(value.into()), "{text}");
        }
        for text in ["{$a_1: 1,}", "[1,]", "\u{c}{}//end", "{a:1/*x*/}", "{ a\n:\r\n1 }"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_syntax_error_says_its_cause() {
        for (text, place, message) in [
            ("{a: 1 b: 2}", "b: 2", "a comma is missing before this"),
            ("[1 2]", "2]", "a comma is missing before this"),
            ("{consul: consul:8500}", "consul:8500", "text must stand in quotes"),
            ("{a: nginx, b: 1}", "nginx", "text must stand in quotes"),
            ("{a: tomcat}", "tomcat", "text must stand in quotes"),
            ("{a: Nginx}", "Nginx", "text must stand in quotes"),
            ("{a: [1, {b: 2}", "[1", "this bracket is not closed"),
            ("{a: {b: 2}", "{a", "this brace is not closed"),
            ("{a: 'x\n}", "'x", "this text is not closed"),
            ("{a: 'x", "'x", "this text is not closed"),
            ("{a: 1,, b: 2}", ", b", "there is a comma too many"),
            ("[,]", ",]", "there is a comma where a value must stand"),
            ("{a: }", "}", "a value is missing before this"),
            ("{a 1}", "1}", "a colon is missing after the key"),
            ("{my-key: 1}", "my-key", "a colon is missing after the key"),
            ("{a: 010}", "010", "a number may not begin with 0"),
            ("{a: 1]", "]", "`]` stands where the object that begins in line 1 is still open"),
            ("{jobs: [{name: 'a'}}]}", "}]}", "there is one `}` too many"),
            ("{a: 1}}", "}", "there is one `}` too many"),
            ("{a: [1]]}", "]}", "there is one `]` too many"),
            ("{\n a: [{b: 1],\n c: 2}", "],", "`]` stands where the object that begins in line 2 is still open"),
            (
                "{a: 'x, b: 'y'}",
                "y",
                "the text before this ends at its quote: one quote is missing in this line, or one is too many",
            ),
            ("{ # note\n a: 1}", "# note", "`#` does not begin a comment here"),
            ("{a: 1 # note\n}", "# note", "`#` does not begin a comment here"),
            (
                "jobs:\n  - name: a",
                "jobs",
                "the configuration must begin with a brace: this looks like YAML, or the outer braces are missing",
            ),
            (
                "---\njobs: []",
                "---",
                "the configuration must begin with a brace: this looks like YAML, or the outer braces are missing",
            ),
            ("{} x", "x", "there is text after the end of the configuration"),
            ("{a: 1 /* x", "/* x", "this comment is not closed"),
            ("{a: '\\x1'}", "\\x1", "this escape does not exist"),
            ("{{ a }}", "{ a", "a key must stand here, not a brace"),
            (" // nothing", " //", "the file is empty"),
        ] {
            let found = parse(text).unwrap_err();
            assert_eq!(found.message, message, "{text}");
            assert!(text[found.at..].starts_with(place), "{text}: {}", &text[found.at..]);
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_can_overflow() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(DEEPEST)).is_ok());
        let found = parse(&nested(DEEPEST + 1)).unwrap_err();
        assert_eq!((found.at, found.message.as_str()), (DEEPEST, "objects and lists are nested more than 64 deep"));
        assert!(parse(&"{a:[".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "([{}\\[\\],:\"'/*\\\\ \n\r]|[a-z0-9.+-]|\\PC){0,40}") {
            if let Err(found) = parse(&text) {
                prop_assert!(found.at <= text.len() && text.is_char_boundary(found.at));
            }
        }

        /// The crate and the tokens agree on what a text says.
        #[test]
        fn the_tokens_see_what_the_crate_sees(text in "[{}\\[\\],:\"'/*\\\\ ntab01.e+-]{0,24}") {
            if json5::from_str::<IgnoredAny>(&text).is_ok() {
                prop_assert!(parse(&text).is_ok());
            }
        }
    }
}
