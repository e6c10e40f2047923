//! The data, the actions, the constants, the scopes.

use super::{assert_renders, environment};
use crate::render;

#[test]
fn the_environment_is_the_dot() {
    assert_renders(&[
        ("{{ .FOO }}", "bar"),
        ("{{.FOO}}", "bar"),
        ("{{ .MISSING }}", ""),
        ("[{{ .EMPTY }}]", "[]"),
        ("{{ $.FOO }}", "bar"),
        (r#"{{ index . "weird.name" }}"#, "odd"),
        (r#"{{ index . "MISSING" }}"#, ""),
        ("{{ if .MISSING }}yes{{ else }}no{{ end }}", "no"),
        ("{{ if .EMPTY }}yes{{ else }}no{{ end }}", "no"),
        ("no actions at all, } }} { and \u{e9}", "no actions at all, } }} { and \u{e9}"),
        ("", ""),
        ("text {{ .FOO }} {{ .PORT }}\n", "text bar 9090\n"),
    ]);
}

#[test]
fn a_value_with_equals_signs_is_whole_573() {
    assert_renders(&[("{{ .EQUALS }}", "abc=def=ghi"), (r#"{{ env "EQUALS" }}"#, "abc=def=ghi")]);
}

#[test]
fn ranging_over_the_environment_is_sorted_by_name() {
    let env = environment(&[("B", "2"), ("A", "1"), ("C", "3")]);
    assert_eq!(render("{{ range $k, $v := . }}{{ $k }}={{ $v }};{{ end }}", &env).unwrap(), "A=1;B=2;C=3;");
    assert_eq!(render("{{ range . }}{{ . }}{{ end }}", &env).unwrap(), "123");
    assert_eq!(render("{{ . }}", &env).unwrap(), "map[A:1 B:2 C:3]");
    assert_eq!(render("{{ len . }}", &env).unwrap(), "3");
}

#[test]
fn numbered_variables_as_the_field_writes_them() {
    assert_renders(&[(
        r#"{{ range $i := loop 0 5 }}{{ with env (printf "NAME_%d" $i) }}{{ $i }}:{{ . }} {{ end }}{{- end }}"#,
        "0:zero 1:one ",
    )]);
    assert_renders(&[(
        "jobs: [\n{{- range $i := loop 1 .COUNT }}\n  { name: \"job-{{ $i }}\" },\n{{- end }}\n]",
        "jobs: [\n  { name: \"job-1\" },\n  { name: \"job-2\" },\n]",
    )]);
}

#[test]
fn conditions() {
    assert_renders(&[
        ("{{ if .FOO }}yes{{ end }}", "yes"),
        ("{{ if not .FOO }}yes{{ end }}", ""),
        (r#"{{ if eq .FOO "bar" }}1{{ else }}2{{ end }}"#, "1"),
        (r#"{{ if eq .FOO "x" }}1{{ else if eq .FOO "bar" }}2{{ else }}3{{ end }}"#, "2"),
        (r#"{{ if eq .FOO "x" }}1{{ else if eq .FOO "y" }}2{{ else if .PORT }}3{{ else }}4{{ end }}"#, "3"),
        (r#"{{ if eq .FOO "x" }}1{{ else if eq .FOO "y" }}2{{ else }}4{{ end }}"#, "4"),
        ("{{ if and .FOO .PORT }}both{{ end }}", "both"),
        ("{{ if or .MISSING .PORT }}one{{ end }}", "one"),
        ("{{ if .FOO }}{{ if .MISSING }}a{{ else }}b{{ end }}{{ else }}c{{ end }}", "b"),
        ("{{ if 0 }}t{{ else }}f{{ end }}{{ if 1 }}t{{ end }}{{ if 0.0 }}t{{ else }}f{{ end }}", "ftf"),
        ("{{ if true }}t{{ end }}{{ if false }}t{{ else }}f{{ end }}", "tf"),
        ("{{ if loop 0 }}t{{ else }}f{{ end }}{{ if loop 1 }}t{{ end }}", "ft"),
        // The text is a string; only the empty one is false.
        (r#"{{ if "false" }}t{{ end }}{{ if "0" }}t{{ end }}"#, "tt"),
        ("{{ if $x := .FOO }}{{ $x }}{{ end }}", "bar"),
        ("{{ if $x := .MISSING }}{{ else if $y := .FOO }}[{{ $x }}{{ $y }}]{{ end }}", "[bar]"),
    ]);
}

#[test]
fn ranges_and_withs() {
    assert_renders(&[
        (r#"{{ range split "," .LIST }}<{{ . }}>{{ end }}"#, "<a><b><c>"),
        (r#"{{ range $v := split "," .LIST }}<{{ $v }}>{{ end }}"#, "<a><b><c>"),
        (r#"{{ range $i, $v := split "," .LIST }}{{ if $i }}, {{ end }}{{ $i }}={{ $v }}{{ end }}"#, "0=a, 1=b, 2=c"),
        (r#"{{ range split "," .MISSING }}x{{ else }}none{{ end }}"#, "none"),
        ("{{ range $i := loop 0 }}x{{ else }}none{{ end }}", "none"),
        ("{{ with .FOO }}<{{ . }}>{{ end }}", "<bar>"),
        ("{{ with .MISSING }}x{{ else }}<{{ .FOO }}>{{ end }}", "<bar>"),
        ("{{ with $x := .FOO }}{{ $x }}{{ . }}{{ end }}", "barbar"),
        (r#"{{ range split "," .LIST }}{{ . }}{{ $.FOO }} {{ end }}"#, "abar bbar cbar "),
        (r#"{{ with "x" }}{{ with "y" }}{{ . }}{{ end }}{{ . }}{{ $.FOO }}{{ end }}"#, "yxbar"),
    ]);
}

#[test]
fn variables_live_until_the_end_of_their_block() {
    assert_renders(&[
        (r#"{{ $x := "a" }}{{ $x }}"#, "a"),
        (r#"{{ $x := .FOO | printf "%s!" }}{{ $x }}"#, "bar!"),
        // Go 1.9 has no assignment: a declaration in a block hides the outer one until the block ends.
        (r#"{{ $x := "a" }}{{ if true }}{{ $x := "b" }}{{ $x }}{{ end }}{{ $x }}"#, "ba"),
        (r#"{{ $x := "a" }}{{ range loop 2 }}{{ $x := "b" }}{{ end }}{{ $x }}"#, "a"),
        ("{{ range $i := loop 2 }}{{ range $j := loop 2 }}{{ $i }}{{ $j }} {{ end }}{{ end }}", "00 01 10 11 "),
        ("{{ range $i := loop 2 }}{{ range $i := loop 5 7 }}{{ $i }} {{ end }}{{ $i }};{{ end }}", "5 6 0;5 6 1;"),
        (
            "{{ range $i, $v := loop 4 6 }}{{ range $j, $w := loop 8 10 }}{{ $i }}{{ $v }}{{ $j }}{{ $w }} {{ end }}{{ end }}",
            "0408 0419 1508 1519 ",
        ),
        ("{{ range $i := loop 2 }}{{ $n := $i }}{{ $n }}{{ end }}", "01"),
        ("{{ $x := loop 3 }}{{ $x }}{{ len $x }}", "[0 1 2]3"),
    ]);
}

#[test]
fn templates_and_blocks() {
    assert_renders(&[
        (r#"{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .FOO }}"#, "<bar>"),
        (r#"{{ template "t" . }}{{ define "t" }}<{{ .FOO }}>{{ end }}"#, "<bar>"),
        (r#"{{ define "t" }}<{{ $.FOO }}>{{ end }}{{ template "t" . }}"#, "<bar>"),
        ("{{ define `t` }}x{{ end }}{{ template `t` }}", "x"),
        // Go: the dot of a template called without an argument is nil.
        (r#"{{ define "t" }}[{{ .FOO }}{{ if . }}x{{ end }}]{{ end }}{{ template "t" }}"#, "[<no value>]"),
        (r#"{{ block "b" .FOO }}<{{ . }}>{{ end }}{{ template "b" .PORT }}"#, "<bar><9090>"),
        (r#"{{ define "a" }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ . }}{{ end }}{{ template "a" 5 }}"#, "5"),
        // Ends by itself: a countdown made of text.
        (
            r#"{{ define "n" }}{{ len . }}{{ if . }}{{ template "n" (replaceAll "xx" "" .) }}{{ end }}{{ end }}{{ template "n" "xx" }}"#,
            "20",
        ),
        (r#"{{ define "t" }} {{ end }}{{ define "t" }}later{{ end }}{{ template "t" }}"#, "later"),
        (r#"{{ if false }}{{ template "never defined" }}{{ end }}ok"#, "ok"),
    ]);
}

#[test]
fn trim_markers_and_comments() {
    assert_renders(&[
        ("a {{- .FOO -}} b", "abarb"),
        ("a\n\t {{- .FOO }} b", "abar b"),
        ("a {{ .FOO -}} \r\n b", "a barb"),
        ("a {{- /* gone */ -}} b", "ab"),
        ("a {{/* gone {{ .FOO */}} b", "a  b"),
        ("a {{/* over\nlines */}}b", "a b"),
        ("{{- if .FOO }}\n  x\n{{- end }}\n", "\n  x\n"),
        ("{{ range $i := loop 2 -}}\n  {{ $i }}\n{{- end }}", "01"),
        ("{{-3}}", "-3"),
        ("{{ 3 -}} x", "3x"),
        ("{{ 3   -}} x", "3x"),
        (r#"{{ "}}" }}{{ `{{` }}"#, "}}{{"),
    ]);
}

#[test]
fn constants() {
    assert_renders(&[
        (r#"{{ "a\"b\\c\n\t\x41\u00e9\U0001F600\101\a" }}"#, "a\"b\\c\n\tA\u{e9}\u{1f600}A\x07"),
        (r#"{{ "\xc3\xa9" }}"#, "\u{e9}"),
        ("{{ `raw \\n\nline` }}", "raw \\n\nline"),
        (r#"{{ 'a' }} {{ '\n' }} {{ '\'' }} {{ '\u00e9' }}"#, "97 10 39 233"),
        ("{{ 1 }} {{ -2 }} {{ +3 }} {{ 0x1F }} {{ 010 }} {{ 0 }}", "1 -2 3 31 8 0"),
        ("{{ 1.5 }} {{ -.5 }} {{ 1. }} {{ 1e3 }} {{ 1e+06 }} {{ 1E-7 }}", "1.5 -0.5 1 1000 1e+06 1e-07"),
        ("{{ 9223372036854775807 }} {{ -9223372036854775808 }}", "9223372036854775807 -9223372036854775808"),
        ("{{ true }} {{ false }}", "true false"),
        ("{{ print nil }}", "<nil>"),
    ]);
}

#[test]
fn pipelines_and_parentheses() {
    assert_renders(&[
        (r#"{{ "x" | printf "%s-%s" "a" }}"#, "a-x"),
        (r#"{{ .LIST | split "," | join "." }}"#, "a.b.c"),
        ("{{ .PORT | default 8080 }}{{ .MISSING | default 8080 }}", "90908080"),
        (r#"{{ (.FOO) }}{{ (split "," .LIST) | len }}{{ len (split "," .LIST) }}"#, "bar33"),
        (r#"{{ printf "%s" (print (print "a") "b") }}"#, "ab"),
        ("{{ (.).FOO }}{{ (index . `FOO`) }}", "barbar"),
        ("{{ $e := . }}{{ $e.FOO }}", "bar"),
        // As in Go 1.9: what follows a parenthesised pipeline is ignored.
        (r#"{{ (print "x") "y" }}"#, "x"),
        ("{{ .FOO|print }}", "bar"),
    ]);
}

/// A configuration as the field writes them: it is JSON5 only once it is rendered.
#[test]
fn a_whole_file_keeps_its_bytes_around_the_actions() {
    assert_renders(&[(
        r#"{
  consul: "{{ .CONSUL | default "localhost" }}:8500", // {{/* left out */}}kept
  jobs: [
    {{- $hosts := split "," .LIST }}
    {{- range $i, $host := $hosts }}
    { name: "app-{{ $host }}"{{ if eq $i 0 }}, port: {{ $.PORT }}{{ end }} },
    {{- end }}
    {{- if .MISSING }}
    { name: "never" },
    {{- else if eq (env "FOO") "foo" "bar" }}
    { name: "{{ .FOO | replaceAll "b" "c" }}", exec: "echo '{{ .EQUALS }}'" }
    {{- end }}
  ]
}
"#,
        r#"{
  consul: "localhost:8500", // kept
  jobs: [
    { name: "app-a", port: 9090 },
    { name: "app-b" },
    { name: "app-c" },
    { name: "car", exec: "echo 'abc=def=ghi'" }
  ]
}
"#,
    )]);
}
