//! Every error has its place, its cause and, where there is one, its remedy; none shows a value.

use super::{refused, rendered};

/// Template, line and column, cause, remedy.
const TABLE: [(&str, (usize, usize), &str, &str); 49] = [
    ("{{ defalt 1 .X }}", (1, 4), "unknown function `defalt`", "did you mean `default`?"),
    ("{{ .X | Default 1 }}", (1, 9), "unknown function `Default`", "did you mean `default`?"),
    ("a\nb {{ regexReplace 1 }}", (2, 6), "unknown function `regexReplace`", ""),
    ("{{ PORT }}", (1, 4), "unknown function `PORT`", ".PORT"),
    ("{{ break }}", (1, 4), "`break` outside of a range", ""),
    (
        "{{ range loop 3 }}{{ template \"t\" }}{{ end }}{{ define \"t\" }}{{ continue }}{{ end }}",
        (1, 65),
        "`continue` outside of a range",
        "",
    ),
    ("{{ if .A }}\n{{ range loop 3 }}\n{{ end }}\n", (1, 4), "the `if` opened on line 1 is never closed", "{{ end }}"),
    ("x\n\n  {{- with .A }}\n{{ if .B }}{{ end }}", (3, 7), "the `with` opened on line 3 is never closed", "{{ end }}"),
    ("{{ define \"t\" }}", (1, 4), "the `define` opened on line 1 is never closed", ""),
    ("{{ if .A }}{{ else }}", (1, 4), "the `if` opened on line 1 is never closed", ""),
    ("{{ if .A }}{{ end }}\n{{ end }}", (2, 1), "`end` without a block", "closed too soon"),
    ("{{ else }}", (1, 1), "`else` without a block", ""),
    ("{{ if .A }}{{ else }}{{ else }}{{ end }}", (1, 32), "a second `else` for the same `if`", ""),
    ("{{ range . }}{{ else if .A }}{{ end }}", (1, 22), "`range` has no `else if`", ""),
    ("{{ if }}x{{ end }}", (1, 7), "missing value in if", ""),
    ("{{ }}", (1, 4), "missing value in action", ""),
    ("{{ () }}", (1, 5), "missing value in parentheses", ""),
    ("{{ (.A }}", (1, 4), "the parenthesis is never closed", ""),
    ("{{ .A) }}", (1, 6), "unexpected `)` in action", ""),
    ("\n{{ .A ", (2, 1), "the action is not closed", "}} after it"),
    ("a: {{ .A\nb: {{ .B }}", (1, 4), "the action is not closed", "}} after it"),
    ("{{ slice .FOO 9 }}", (1, 4), "`slice` is out of range", ""),
    ("{{ required \"PW is missing\" .PW }}", (1, 4), "PW is missing", ""),
    ("é{{ \"abc }}", (1, 5), "the \" is never closed", ""),
    ("{{ `abc }}", (1, 4), "the back quote is never closed", ""),
    ("{{/* abc", (1, 1), "the comment is never closed", "*/}}"),
    ("{{/* abc */ .X }}", (1, 12), "a comment must fill its whole action", ""),
    ("{{ /* abc */ }}", (1, 4), "unexpected '/'", "directly after the braces"),
    (r#"{{ "\q" }}"#, (1, 4), "unknown escape", ""),
    ("{{ 'ab' }}", (1, 4), "exactly one character", ""),
    ("{{ 1x }}", (1, 4), "bad number `1x`", ""),
    ("{{ 09 }}", (1, 4), "bad number `09`", ""),
    ("{{ 99999999999999999999 }}", (1, 4), "does not fit 64 bits", ""),
    ("{{ 1e999 }}", (1, 4), "bad number", ""),
    ("{{ $x }}", (1, 4), "undefined variable `$x`", "written .x"),
    ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", (1, 39), "undefined variable `$x`", ""),
    ("{{ $x := 1 }}{{ define \"t\" }}{{ $x }}{{ end }}", (1, 33), "undefined variable `$x`", ""),
    ("{{ $x := 1 }}{{ $x = 2 }}", (1, 20), "unexpected '='", ":="),
    ("{{ $x, $y := loop 2 }}", (1, 8), "too many variables declared", ""),
    ("{{ .my-name }}", (1, 7), "unexpected '-' in a name", "index"),
    ("{{ .X | 5 }}", (1, 9), "only a function can stand after `|`", ""),
    ("{{ .FOO 5 }}", (1, 4), "not a function", "comes first"),
    ("{{ print .FOO.BAR }}", (1, 10), "no field `BAR` in a string", ""),
    ("{{ range loop 2 }}{{ .FOO }}{{ end }}", (1, 22), "no field `FOO` in a int", "$.FOO"),
    ("{{ range .FOO }}{{ end }}", (1, 10), "range needs a list or a map, not string", "split"),
    ("{{ template \"t\" }}", (1, 4), "template \"t\" is not defined", ""),
    ("{{ define \"t\" }}a{{ end }}{{ define \"t\" }}b{{ end }}", (1, 30), "template \"t\" is defined twice", ""),
    ("{{ if .A }}{{ define \"t\" }}{{ end }}{{ end }}", (1, 15), "unexpected `define`", "outside of blocks"),
    ("{{ nil }}", (1, 4), "nil is not a value", ""),
];

#[test]
fn an_error_has_its_place_its_cause_and_its_remedy() {
    for (text, place, message, hint) in TABLE {
        let error = refused(text);
        assert_eq!((error.line, error.column), place, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{text}: {error}");
    }
}

#[test]
fn an_error_reads_as_one_sentence() {
    assert_eq!(
        refused("x\n {{ spilt \",\" .X }}").to_string(),
        "could not apply template: line 2, column 5: unknown function `spilt` (did you mean `split`?)"
    );
}

#[test]
fn the_first_mistake_is_the_one_reported() {
    assert_eq!(refused("{{ nope_nope_nope }}\n{{ \"open }}").line, 1);
    assert_eq!(refused("{{ if .X }}\n{{ \"open }}").line, 2);
}

#[test]
fn no_error_shows_the_value_of_a_variable() {
    for text in [
        "{{ loop .SECRET }}",
        "{{ regexReplaceAll (printf \"(%s\" .SECRET) `` `` }}",
        "{{ range .SECRET }}{{ end }}",
        "{{ .SECRET.x }}",
        "{{ eq .SECRET 1 }}",
        "{{ eq 1 .SECRET }}",
        "{{ .SECRET 1 }}",
        "{{ 1 | .SECRET }}",
        "{{ call .SECRET }}",
        "{{ index .SECRET 99 }}",
        "{{ index (split ` ` .SECRET) .SECRET }}",
        "{{ index . 1 }}",
        "{{ join `,` .SECRET }}",
        "{{ join `,` . }}",
        "{{ env . }}",
        "{{ printf . }}",
        "{{ printf \"%99999999d\" .SECRET }}",
        "{{ len 5 .SECRET }}",
        "{{ lt . .SECRET }}",
        "{{ with .SECRET }}{{ .FOO }}{{ end }}",
        "{{ $x := .SECRET }}{{ range $x }}{{ end }}",
    ] {
        let error = rendered(text).unwrap_err();
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("swordfish"), "{text}: {shown}");
        }
    }
}
