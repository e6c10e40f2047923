//! Where values of variables stand in what is rendered, and which variables are missing.

use super::environment;
use crate::{Rendered, render, render_with_places};

fn places(text: &str) -> Rendered {
    render_with_places(text, &environment(&super::ENV)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The rendered text with brackets around what came from variables.
fn marked(text: &str) -> String {
    let Rendered { text, values, .. } = places(text);
    let mut out = String::new();
    let mut copied = 0;
    for value in values {
        out += &format!("{}<{}>", &text[copied..value.start], &text[value.clone()]);
        copied = value.end;
    }
    out + &text[copied..]
}

#[test]
fn what_came_from_variables_is_known() {
    for (text, expected) in [
        ("a {{ .FOO }} b", "a <bar> b"),
        ("{{ .FOO }}{{ .FOO }}", "<bar><bar>"),
        ("{{ .NOPE | default \"x\" }}", "<x>"),
        ("{{ printf \"%s!\" .FOO }} {{ env \"PORT\" }}", "<bar!> <9090>"),
        ("{{ range split \",\" .LIST }}{{ . }};{{ end }}", "<a>;<b>;<c>;"),
        ("{{ range $i := loop 2 }}{{ $i }}{{ end }} {{ \"{{\" }} {{ `x` }} {{ true }}", "01 {{ x true"),
        ("{{ with $x := .FOO }}{{ $x }}{{ end }}", "<bar>"),
        ("{{ define \"t\" }}{{ . }}{{ end }}{{ template \"t\" .FOO }}", "<bar>"),
        ("{{ .EMPTY }}", ""),
    ] {
        assert_eq!(marked(text), expected, "{text}");
    }
}

#[test]
fn variables_that_are_used_and_not_set_are_named_once_with_their_place() {
    for (text, expected) in [
        ("a{{ .NOPE }}b{{ .NOPE }}{{ .NADA }}", &[("NOPE", 1), ("NADA", 2)][..]),
        ("{{ .FOO }}{{ .EMPTY }}", &[]),
        ("{{ if .NOPE }}x{{ end }}{{ if not .NOPE }}y{{ end }}", &[]),
        ("{{ .NOPE | default \"x\" }}{{ default \"\" .NOPE }}", &[]),
        ("{{ if eq .NOPE \"x\" }}{{ end }}{{ with .NOPE }}{{ . }}{{ end }}{{ if len .NOPE }}{{ end }}", &[]),
        ("{{ or .NOPE .FOO }}", &[]),
        ("{{ or .NOPE .NADA }}", &[("NADA", 0)]),
        ("{{ env \"NOPE\" }}", &[("NOPE", 0)]),
        ("{{ index . \"NO-PE\" }}", &[("NO-PE", 0)]),
        ("{{ printf \"%s:%s\" .FOO .NOPE }}", &[("NOPE", 0)]),
        ("{{ $x := .NOPE }}a{{ $x }}", &[("NOPE", 1)]),
        ("{{ range split \",\" .NOPE }}{{ end }}", &[("NOPE", 0)]),
    ] {
        let found: Vec<_> = places(text).unset.into_iter().map(|unset| (unset.name, unset.at)).collect();
        let expected: Vec<_> = expected.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_required_value_is_there_or_there_is_no_text() {
    let env = environment(&super::ENV);
    assert_eq!(render("{{ required \"FOO is missing\" .FOO }}", &env).as_deref(), Ok("bar"));
    assert_eq!(render("{{ .PORT | required \"\" }}", &env).as_deref(), Ok("9090"));
    for (text, message) in [
        ("{{ .NOPE | required \"set NOPE\" }}", "set NOPE"),
        ("{{ required \"set EMPTY\" .EMPTY }}", "set EMPTY"),
        ("{{ required \"\" .NOPE }}", "the variable NOPE is required"),
    ] {
        assert_eq!(render(text, &env).map_err(|error| error.message), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn what_later_versions_of_go_added_is_taken() {
    for (text, expected) in [
        ("{{ range loop 5 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}", "012"),
        ("{{ range loop 5 }}{{ if eq . 3 }}{{ continue }}{{ end }}{{ . }}{{ end }}", "0124"),
        ("{{ range loop 2 }}{{ range loop 3 }}{{ with 1 }}{{ break }}{{ end }}x{{ end }}y{{ end }}", "yy"),
        ("{{ range loop 2 }}{{ continue }}{{ else }}none{{ end }}.", "."),
        ("{{ slice .FOO 1 }} {{ slice .FOO 1 2 }} {{ slice (split \",\" .LIST) 1 }}", "ar a [b c]"),
        ("{{\n  .FOO\n  | printf \"%s!\"\n}}", "bar!"),
        ("a {{-\n .FOO\n -}} b", "abarb"),
        ("{{ if\n .FOO }}x{{ end\n}}", "x"),
    ] {
        assert_eq!(render(text, &environment(&super::ENV)).as_deref(), Ok(expected), "{text}");
    }
}
