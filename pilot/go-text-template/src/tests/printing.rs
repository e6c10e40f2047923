//! `print`, `println` and every verb of `printf`; the expected texts are what Go's `fmt` documents.

use super::{assert_renders, refused};

#[test]
fn print_puts_a_blank_between_operands_that_are_not_texts() {
    assert_renders(&[
        (r#"{{ print 1 2 "a" "b" 3 4 true }}"#, "1 2ab3 4 true"),
        (r#"{{ print "a" 1 "b" }}{{ print }}"#, "a1b"),
        (r#"{{ println "a" 1 2 }}{{ println }}"#, "a 1 2\n\n"),
        (r#"{{ print (split "," .LIST) (loop 2) }}"#, "[a b c] [0 1]"),
    ]);
}

#[test]
fn floats_print_as_in_go() {
    assert_renders(&[
        ("{{ 1.0 }} {{ 100000.0 }} {{ 1000000.0 }} {{ 1234567.5 }}", "1 100000 1e+06 1.2345675e+06"),
        ("{{ 0.0001 }} {{ 0.00001 }} {{ 1e100 }} {{ -0.0 }}", "0.0001 1e-05 1e+100 -0"),
        (r#"{{ printf "%g %G %e %E" 1e21 1e21 1234.5678 1234.5678 }}"#, "1e+21 1E+21 1.234568e+03 1.234568E+03"),
        (
            r#"{{ printf "%.3g %.3g %.3g %.10g %.0g" 1234.5 0.00012345 100.0 100.0 2.5 }}"#,
            "1.23e+03 0.000123 100 100 2",
        ),
        (
            r#"{{ printf "%f %.2f %5.2f|%-8.1f|%08.3f|%+.1f" 1.5 1.005 3.14159 2.25 -3.14159 2.0 }}"#,
            "1.500000 1.00  3.14|2.2     |-003.142|+2.0",
        ),
        (r#"{{ printf "% .1f %F" 2.0 2.0 }}"#, " 2.0 2.000000"),
        (r#"{{ printf "%6.2f%%" 12.345 }}"#, " 12.35%"),
    ]);
}

#[test]
fn integers() {
    assert_renders(&[
        (r#"{{ printf "%d %5d|%-5d|%05d|%+d|% d" 42 42 42 42 42 42 }}"#, "42    42|42   |00042|+42| 42"),
        (r#"{{ printf "%02d %02d %02d" 5 15 -5 }}"#, "05 15 -5"),
        (r#"{{ printf "%x %X %#x %o %#o %b %08b" 255 255 255 8 8 5 5 }}"#, "ff FF 0xff 10 010 101 00000101"),
        (r#"{{ printf "%.3d|%6.3d|%.0d|%+05d" 7 7 0 7 }}"#, "007|   007||+0007"),
        (r#"{{ printf "%c%c %q %U %#x" 65 233 65 233 -255 }}"#, "A\u{e9} 'A' U+00E9 -0xff"),
        (r#"{{ printf "%v %+v %#v %T" 5 5 5 5 }}"#, "5 5 5 int"),
        (r#"{{ printf "%-05d|" 7 }}"#, "7    |"),
        (r#"{{ printf "%*d|%-*d|%.*f" 5 42 4 7 1 2.55 }}"#, "   42|7   |2.5"),
    ]);
}

#[test]
fn texts() {
    assert_renders(&[
        (r#"{{ printf "%s %v %q" "a" "b" "c\"d\n" }}"#, r#"a b "c\"d\n""#),
        (r#"{{ printf "%5s|%-5s|%.2s|%05s" "ab" "ab" "abc" "ab" }}"#, "   ab|ab   |ab|000ab"),
        (r#"{{ printf "%4s|%.1s" "é" "éa" }}"#, "   é|é"),
        (r#"{{ printf "%x %X % x %#x %.1x" "hi" "hi" "hi" "hi" "hi" }}"#, "6869 6869 68 69 0x6869 68"),
        (r#"{{ printf "%+q %#q %#v %T" "é" "a" "b" "c" }}"#, "\"\\u00e9\" `a` \"b\" string"),
        (r#"{{ printf "%t %v %5t|%T" true false true true }}"#, "true false  true|bool"),
        (r#"{{ printf "100%%" }}{{ printf "plain" }}"#, "100%plain"),
    ]);
}

#[test]
fn lists() {
    assert_renders(&[
        (
            r#"{{ printf "%v %s %q %x" (split "," "a,b") (split "," "a,b") (split "," "a,b") (split "," "a,b") }}"#,
            r#"[a b] [a b] ["a" "b"] [61 62]"#,
        ),
        (r#"{{ printf "%d %02d %v %T" (loop 3) (loop 2) (loop 2) (loop 2) }}"#, "[0 1 2] [00 01] [0 1] []int"),
        (r#"{{ printf "%#v %#v" (split "," "a,b") (loop 2) }}"#, r#"[]string{"a", "b"} []int{0, 1}"#),
        (r#"{{ printf "%d" (split "," "a") }}"#, "[%!d(string=a)]"),
    ]);
}

#[test]
fn verbs_that_do_not_fit_say_so_in_the_output() {
    assert_renders(&[
        (r#"{{ printf "%d" "hi" }}"#, "%!d(string=hi)"),
        (r#"{{ printf "%s %t %f" 5 "x" 5 }}"#, "%!s(int=5) %!t(string=x) %!f(int=5)"),
        (r#"{{ printf "%d %s" 1.5 true }}"#, "%!d(float64=1.5) %!s(bool=true)"),
        (r#"{{ printf "%d %v" nil nil }}"#, "%!d(<nil>) <nil>"),
        (r#"{{ printf "%d %d" 1 }}"#, "1 %!d(MISSING)"),
        (r#"{{ printf "%d" 1 2 "x" }}"#, "1%!(EXTRA int=2, string=x)"),
        (r#"{{ printf "%" }}{{ printf "%5" }}{{ printf "a%!" 1 }}"#, "%!(NOVERB)%!(NOVERB)a%!!(int=1)"),
        (r#"{{ printf "%z" 1 }}"#, "%!z(int=1)"),
        (r#"{{ printf "%[2]s-%[1]s-%[2]s" "a" "b" }}"#, "b-a-b"),
        (r#"{{ printf "%[3]d %[x]d" 1 }}"#, "%!d(BADINDEX) %!d(BADINDEX)"),
        (r#"{{ printf "%*d" "x" 5 }}"#, "%!(BADWIDTH)5"),
    ]);
    assert!(refused("{{ printf 5 }}").message.contains("argument 1 of `printf` must be string, not int"));
}

#[test]
fn the_environment_prints_as_a_map() {
    let env = super::environment(&[("A", "1"), ("B", "two")]);
    let output = crate::render(r#"{{ printf "%v %q %#v" . . . }}"#, &env).unwrap();
    assert_eq!(output, r#"map[A:1 B:two] map["A":"1" "B":"two"] template.Environment{"A":"1", "B":"two"}"#);
}
