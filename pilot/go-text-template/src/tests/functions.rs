//! Go's builtins and the functions v3 adds.

use super::{assert_renders, refused};

/// v3 spec, appendix A.
#[test]
fn the_vectors_of_v3s_own_tests() {
    assert_renders(&[
        ("{{ loop 2 5 }}", "[2 3 4]"),
        ("{{ loop 10 1 }}", "[10 9 8 7 6 5 4 3 2]"),
        ("{{ loop 1 .COUNT }}", "[1 2]"),
        ("{{ default 10.1 .MISSING }}", "10.1"),
        (r#"{{ "a:b:c" | split ":" | join "." }}"#, "a.b.c"),
        (r#"{{ .TESTRUN | regexReplaceAll "[epa]+" "_" }}"#, "T_m_l_t_"),
    ]);
}

#[test]
fn default_takes_only_a_text_that_is_not_empty() {
    assert_renders(&[
        (r#"{{ default "d" .FOO }}"#, "bar"),
        (r#"{{ default "d" .EMPTY }}"#, "d"),
        (r#"{{ .MISSING | default "d" }}"#, "d"),
        // A number or a list is discarded in favour of the default.
        (r#"{{ default "d" 5 }}{{ default "d" (loop 3) }}"#, "dd"),
        ("{{ default true .MISSING }} {{ default 1000000.0 .MISSING }} {{ default (loop 2) `` }}", "true 1e+06 [0 1]"),
        // The result is always a text.
        (r#"{{ if eq (default 80 .MISSING) "80" }}text{{ end }}"#, "text"),
    ]);
}

#[test]
fn env_reads_the_environment_it_was_given() {
    assert_renders(&[(r#"[{{ env "FOO" }}|{{ env "MISSING" }}|{{ env "PATH" }}]"#, "[bar||]")]);
}

#[test]
fn split_and_join() {
    assert_renders(&[
        (r#"{{ split ":" .SPACED }}{{ len (split ":" .SPACED) }}"#, "[x y]2"),
        (r#"{{ len (split ":" "") }}{{ len (split ":" "  \n") }}{{ split ":" "" }}"#, "00[]"),
        (r#"{{ split "" "añb" }}"#, "[a ñ b]"),
        (r#"{{ split ":" "a::b:" | printf "%q" }}"#, r#"["a" "" "b" ""]"#),
        (r#"{{ join "," (split ":" "") }}|{{ join "" (split ":" "a:b") }}"#, "|ab"),
    ]);
    assert!(refused(r#"{{ join "," (loop 3) }}"#).message.contains("must be a list of strings, not []int"));
    assert!(refused(r#"{{ join "," .FOO }}"#).message.contains("must be a list of strings, not string"));
    assert!(refused(r#"{{ split "," 5 }}"#).message.contains("argument 2 of `split` must be string, not int"));
    assert!(refused(r#"{{ env 5 }}"#).message.contains("argument 1 of `env` must be string, not int"));
}

#[test]
fn replacing() {
    assert_renders(&[
        (r#"{{ replaceAll "b" "B" .FOO }}{{ .FOO | replaceAll "ar" "" }}"#, "Barb"),
        (r#"{{ replaceAll "" "-" "ab" }}"#, "-a-b-"),
        (r#"{{ regexReplaceAll "(b)(a)" "$2$1" .FOO }}"#, "abr"),
        (r#"{{ regexReplaceAll "(?P<x>b)" "${x}1$$" .FOO }}"#, "b1$ar"),
        // `$1x` is the group named `1x`, which does not exist.
        (r#"{{ regexReplaceAll "(b)" "$1x" .FOO }}"#, "ar"),
        (r#"{{ regexReplaceAll "a*" "x" "baaac" }}"#, "xbxcx"),
        (r#"{{ regexReplaceAll "(?i)BAR|\\d" "y" "bar1" }}"#, "yy"),
        (r#"{{ regexReplaceAll "^[[:alpha:]]+$" "word" "abc" }}"#, "word"),
    ]);
    assert!(refused(r#"{{ regexReplaceAll "(" "" .FOO }}"#).message.contains("bad regular expression"));
}

#[test]
fn loop_counts_up_and_down() {
    assert_renders(&[
        ("{{ loop 3 }}{{ loop -3 }}{{ loop 0 }}", "[0 1 2][0 -1 -2][]"),
        ("{{ loop 2 2 }}{{ loop -1 2 }}{{ loop 2 -1 }}", "[][-1 0 1][2 1 0]"),
        (r#"{{ loop "2" }}{{ loop .COUNT }}{{ loop .COUNT 1 }}{{ loop "+1" "-1" }}"#, "[0 1][0 1 2][3 2][1 0]"),
        ("{{ loop (default 2 .MISSING) }}", "[0 1]"),
    ]);
    for bad in
        ["{{ loop }}", "{{ loop 1 2 3 }}", "{{ loop 2.0 }}", "{{ loop .FOO }}", "{{ loop .EMPTY }}", "{{ loop nil }}"]
    {
        assert!(refused(bad).message.contains("`loop`"), "{bad}");
    }
    assert_eq!(refused("{{ loop .MISSING }}").hint.unwrap(), "give a default: loop (.COUNT | default 3)");
}

#[test]
fn comparing_follows_go() {
    assert_renders(&[
        (
            r#"{{ eq .FOO "bar" }} {{ ne .FOO "bar" }} {{ eq .FOO "x" "y" "bar" }} {{ eq .FOO "x" "y" }}"#,
            "true false true false",
        ),
        ("{{ eq 1 1 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 2 2 }}", "true true true false true"),
        (r#"{{ lt "a" "b" }} {{ gt "10" "9" }} {{ eq 1.5 1.5 }} {{ lt 1.5 2.5 }}"#, "true false true true"),
        ("{{ eq true true }} {{ ne true false }} {{ eq 'a' 97 }}", "true true true"),
        // Stops at the first that is equal, as Go does.
        (r#"{{ eq "a" "a" 5 }}"#, "true"),
    ]);
    for (bad, message) in [
        ("{{ eq .PORT 9090 }}", "cannot compare a string with a int"),
        ("{{ lt .COUNT 5 }}", "cannot compare a string with a int"),
        ("{{ eq 1 1.0 }}", "cannot compare a int with a float64"),
        ("{{ lt true false }}", "bools have no order"),
        ("{{ eq (loop 1) (loop 1) }}", "a []int cannot be compared"),
        ("{{ eq .FOO nil }}", "a <nil> cannot be compared"),
        ("{{ eq .FOO }}", "nothing to compare with"),
        ("{{ ne .FOO }}", "`ne` takes 2 arguments, not 1"),
    ] {
        assert!(refused(bad).message.contains(message), "{bad}: {}", refused(bad));
    }
    assert!(refused("{{ eq .PORT 9090 }}").hint.unwrap().contains("environment variables are strings"));
}

#[test]
fn and_or_not_len_index() {
    assert_renders(&[
        (r#"{{ and "a" "b" }}{{ and "" "b" }}{{ or "" "b" }}{{ or "a" "b" }}{{ or "" 0 }}{{ and 1 }}"#, "bba01"),
        ("{{ not .FOO }} {{ not .MISSING }}", "false true"),
        (r#"{{ len "añ" }}{{ len (loop 4) }}{{ len (split "," .LIST) }}"#, "343"),
        (r#"{{ index (split "," .LIST) 1 }}{{ index (loop 5 8) 2 }}{{ index "abc" 0 }}{{ index "x" }}"#, "b797x"),
        (r#"{{ index (split "," .LIST) 1 0 }}"#, "98"),
    ]);
    // All arguments are evaluated in Go 1.9.
    assert!(refused(r#"{{ or .FOO (loop "x") }}"#).message.contains("`loop`"));
    for bad in [
        "{{ index (loop 3) 3 }}",
        "{{ index (loop 3) -1 }}",
        r#"{{ index (loop 3) "1" }}"#,
        "{{ index (loop 3) 1.0 }}",
        "{{ index . 1 }}",
        "{{ index 5 1 }}",
        "{{ index nil 1 }}",
        "{{ index }}",
        "{{ len 5 }}",
        "{{ len nil }}",
        "{{ not }}",
        "{{ call .FOO }}",
        "{{ call 1 2 }}",
    ] {
        refused(bad);
    }
}

#[test]
fn escapes() {
    assert_renders(&[
        (r#"{{ html "<a href='x'>\"&\"</a>" }}"#, "&lt;a href=&#39;x&#39;&gt;&#34;&amp;&#34;&lt;/a&gt;"),
        (r#"{{ html 1 "<" 2 }}{{ html nil }}"#, "1&lt;2&lt;no value&gt;"),
        (r#"{{ js "it's <b>\"\\\n\u00e9" }}"#, r#"it\'s \x3Cb\x3E\"\\\u000Aé"#),
        (r#"{{ urlquery "a b/c?d=e&f~é" }}"#, "a+b%2Fc%3Fd%3De%26f~%C3%A9"),
        ("{{ .FOO | html | urlquery }}{{ js }}", "bar"),
    ]);
}
