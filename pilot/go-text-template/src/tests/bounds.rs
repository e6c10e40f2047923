//! No template and no environment makes a render panic, run for ever or take unbounded memory.

use super::{environment, refused, rendered};
use crate::render;
use proptest::prelude::*;

#[test]
fn a_list_that_is_far_too_long_is_refused() {
    for text in [
        "{{ loop 0 999999999 }}",
        "{{ loop -9223372036854775808 9223372036854775807 }}",
        "{{ loop 9223372036854775807 -9223372036854775808 }}",
    ] {
        assert!(refused(text).message.contains("`loop` counts at most"), "{text}");
    }
    assert_eq!(rendered("{{ loop 9223372036854775807 9223372036854775806 }}").unwrap(), "[9223372036854775807]");
    assert_eq!(rendered("{{ loop -9223372036854775808 -9223372036854775807 }}").unwrap(), "[-9223372036854775808]");
}

#[test]
fn a_width_that_is_far_too_large_is_refused() {
    for text in [
        r#"{{ printf "%999999999d" 1 }}"#,
        r#"{{ printf "%.999999999f" 1.5 }}"#,
        r#"{{ printf "%99999999999999999999999s" "" }}"#,
        r#"{{ printf "%*d" 999999999 1 }}"#,
        r#"{{ printf "%.*d" -9223372036854775808 1 }}"#,
    ] {
        assert!(refused(text).message.contains("width or precision"), "{text}");
    }
}

#[test]
fn a_template_that_calls_itself_is_stopped() {
    for text in [
        r#"{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}"#,
        r#"{{ define "a" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ template "a" }}{{ end }}{{ template "a" }}"#,
        r#"x{{ template "" . }}"#,
        r#"{{ define "t" }}{{ if 1 }}{{ with 1 }}{{ range loop 1 }}{{ template "t" }}{{ end }}{{ end }}{{ end }}{{ end }}{{ template "t" }}"#,
        r#"{{ define "t" }}{{ template "t" ((((print (print (print .)))))) }}{{ end }}{{ template "t" "" }}"#,
    ] {
        let error = refused(text);
        assert!(error.hint.unwrap().contains("call itself without end"), "{text}: {}", error.message);
    }
}

#[test]
fn blocks_and_parentheses_nest_to_a_limit() {
    let nested =
        |open: &str, inside: &str, close: &str, depth| format!("{}{inside}{}", open.repeat(depth), close.repeat(depth));
    for (open, inside, close) in [("{{ if 1 }}", "x", "{{ end }}"), ("{{ range loop 1 }}", "x", "{{ end }}")] {
        assert_eq!(rendered(&nested(open, inside, close, 90)).unwrap(), "x");
        assert!(refused(&nested(open, inside, close, 100_000)).message.contains("inside each other"));
    }
    let parentheses = |depth| format!("{{{{ {} }}}}", nested("(", "1", ")", depth));
    assert_eq!(rendered(&parentheses(90)).unwrap(), "1");
    assert!(refused(&parentheses(100_000)).message.contains("inside each other"));
    // A long chain is not deep.
    let chain = format!("{{{{ if 0 }}}}{}{{{{ else }}}}x{{{{ end }}}}", "{{ else if 0 }}".repeat(10_000));
    assert_eq!(rendered(&chain).unwrap(), "x");
}

#[test]
fn work_and_size_have_an_end() {
    for text in [
        "{{ range loop 99999 }}{{ range loop 99999 }}{{ end }}{{ end }}",
        "{{ range loop 99999 }}{{ range loop 99999 }}{{ $x := 1 }}{{ end }}{{ end }}",
        // Doubles 64 times.
        r#"{{ define "d" }}{{ if lt (len .) 100000000000 }}{{ template "d" (print . .) }}{{ end }}{{ end }}{{ template "d" "x" }}"#,
        r#"{{ range loop 99999 }}{{ printf "%9999d" 1 }}{{ end }}"#,
        r#"{{ printf "%9999d" (loop 99999) }}"#,
        r#"{{ $x := printf "%9999d" (loop 999) }}{{ replaceAll "" $x $x }}"#,
        r#"{{ $x := printf "%9999d" (loop 10) }}{{ regexReplaceAll "(.*)" (replaceAll " " "$1" $x) $x }}"#,
        r#"{{ $x := printf "%9999d" (loop 99) }}{{ regexReplaceAll "x" "y" $x }}"#,
        r#"{{ regexReplaceAll "((a{1000}){1000}){1000}" "" "a" }}"#,
        r#"{{ $x := printf "%9999d" (loop 999) }}{{ join $x (split "" $x) }}"#,
        r#"{{ define "t" }}{{ template "u" }}{{ template "u" }}{{ end }}{{ define "u" }}{{ range loop 9999 }}{{ range loop 9999 }}{{ template "v" }}{{ end }}{{ end }}{{ end }}{{ define "v" }}{{ end }}{{ template "t" }}"#,
    ] {
        let message = refused(text).message;
        assert!(
            ["too many steps", "larger than", "at most", "too large", "too big", "size limit"]
                .iter()
                .any(|m| message.contains(m)),
            "{text}: {message}"
        );
    }
}

/// Pieces that make deep and strange but often valid templates.
fn fragment() -> impl Strategy<Value = String> {
    let pieces = [
        "{{",
        "}}",
        "{{-",
        "-}}",
        " -}}",
        " ",
        "\n",
        "|",
        "(",
        ")",
        ".",
        ",",
        ":=",
        "=",
        "$",
        "$x",
        "$i, $v :=",
        "{{ if ",
        "{{ else }}",
        "{{ else if ",
        "{{ end }}",
        "{{ range $i, $v := ",
        "{{ range ",
        "{{ with ",
        "{{ define \"t\" }}",
        "{{ template \"t\" . }}",
        "{{ template \"\" }}",
        "{{ block \"t\" . }}",
        "{{/* ",
        " */}}",
        ".A",
        ".B.C",
        "$.A",
        "\"",
        "`",
        "'",
        "'a'",
        "\"a\\n\"",
        "\"\\x",
        "\"\\400\"",
        "0x",
        "1e9",
        "-1",
        "1.5",
        "nil",
        "true",
        " loop 3 ",
        " loop .A ",
        " split \"\" .B ",
        " join \",\" ",
        " print ",
        " printf \"%*[1]d%+q%.3x\" ",
        " printf \"%5.2f %v\" ",
        " default 1 ",
        " env \"A\" ",
        " index . ",
        " len ",
        " and ",
        " or ",
        " not ",
        " eq ",
        " lt ",
        " regexReplaceAll \"(a*)\" \"$1\" ",
        " replaceAll \"\" \"x\" ",
        " html ",
        " js ",
        " urlquery ",
        " call ",
        "é",
        "😀",
        "%",
        "\\",
        "1",
        "0",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

/// Lists of whole actions: most of them render.
fn actions() -> impl Strategy<Value = String> {
    let operand = prop::sample::select(vec![
        ".A",
        ".B",
        ".",
        "$",
        "1",
        "-7",
        "2.5",
        "\"a,b\"",
        "`x`",
        "true",
        "nil",
        "'c'",
        "(loop 3)",
        "(split \",\" .B)",
        "(len .A)",
        "(print .A 1)",
        "\"%d %s %v\"",
        "\"%[2]*.[1]*f|%x\"",
        "\"(a|b)*\"",
        "1e300",
    ]);
    let function = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "len",
        "index",
        "print",
        "printf",
        "println",
        "html",
        "js",
        "urlquery",
        "call",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "default",
        "env",
        "split",
        "join",
        "replaceAll",
        "regexReplaceAll",
        "loop",
    ]);
    let call = (function.clone(), prop::collection::vec(operand, 0..4), prop::option::of(function)).prop_map(
        |(name, operands, piped)| {
            let piped = piped.map(|name| format!(" | {name}")).unwrap_or_default();
            format!("{name} {}{piped}", operands.join(" "))
        },
    );
    let block = prop::sample::select(vec!["if", "with", "range", "range $i, $v :="]);
    prop::collection::vec((block, call.clone(), call), 1..4).prop_map(|blocks| {
        blocks
            .iter()
            .map(|(block, head, body)| format!("{{{{ {block} {head} }}}}{{{{ {body} }}}}{{{{ else }}}}-{{{{ end }}}}"))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_a_text_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), value in ".{0,20}") {
        let _ = render(&String::from_utf8_lossy(&bytes), &environment(&[("A", &value)]));
    }

    #[test]
    fn any_fragments_give_a_text_or_an_error_that_lies_in_the_template(text in fragment(), value in ".{0,20}") {
        if let Err(error) = render(&text, &environment(&[("A", &value), ("B", "1,2")])) {
            prop_assert!((1..=text.matches('\n').count() + 1).contains(&error.line));
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }

    #[test]
    fn any_calls_give_a_text_or_an_error(text in actions(), value in ".{0,20}") {
        let _ = render(&text, &environment(&[("A", &value), ("B", "1,2")]));
    }

    #[test]
    fn any_printf_format_gives_a_text_or_an_error(format in "[%a-zA-Z0-9\\[\\]*.+# -]{0,20}") {
        let text = format!("{{{{ printf `{format}` 1 -2.5 `x` true nil (loop 2) (split `,` `a,b`) . }}}}");
        let _ = render(&text, &environment(&[("A", "1")]));
    }

    #[test]
    fn text_without_braces_is_copied(text in "[^{]{0,60}") {
        prop_assert_eq!(render(&text, &environment(&[])).unwrap(), text);
    }

    #[test]
    fn any_value_comes_out_as_it_is(value in any::<String>()) {
        let env = environment(&[("A", &value)]);
        prop_assert_eq!(&render("{{ .A }}", &env).unwrap(), &value);
        prop_assert_eq!(&render("{{ env `A` }}", &env).unwrap(), &value);
        prop_assert_eq!(&render("{{ .A | print }}", &env).unwrap(), &value);
    }
}
