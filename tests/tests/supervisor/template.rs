//! A configuration's template, rendered and nothing more: `-template`, `-out`, `pilot template`. v3 spec 1.1 and 2.4.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use pilot_tests::control::{Asked, run};
use pilot_tests::{Scratch, tools};

fn rendered(words: &[&str]) -> Asked {
    run(Command::new(tools::pilot()).args(words).env("WHO", "me").env("CONTAINERPILOT", "/nowhere"))
}

#[test]
fn a_template_is_rendered_and_not_read() {
    let scratch = Scratch::new();
    let file = scratch.write("a.json5", "no JSON5, and no new line at its end: {{ .WHO }}{{ .NOBODY }}");
    let text = "no JSON5, and no new line at its end: me";
    for words in [
        &["-template", "-config", &file][..],
        &["--template=true", "-config", &file, "-out", "-"],
        &["template", &file],
        &["-config", &file, "template"],
    ] {
        let asked = rendered(words);
        assert_eq!((asked.code, asked.out.as_str(), asked.err.as_str()), (0, text, ""), "{words:?}");
    }

    let out = scratch.write("out", &"longer than what replaces it ".repeat(10));
    for words in [&["-template", "-config", &file, "-out", &out][..], &["template", &file, "--out", &out]] {
        let asked = rendered(words);
        assert_eq!((asked.code, asked.out.as_str()), (0, ""), "{words:?}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
    }
    std::fs::remove_file(&out).unwrap();
    let openly = r#"umask 0; "$0" -template -config "$1" -out "$2""#;
    run(Command::new("sh").args(["-c", openly, &tools::pilot(), &file, &out]));
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn what_cannot_be_rendered_is_told_and_nothing_is_written() {
    let scratch = Scratch::new();
    let (file, out) = (scratch.write("a.json5", "fine\n{{ nonsense }}"), scratch.file("out"));
    for words in [&["-template", "-config", &file, "-out", &out][..], &["template", &file, "--out", &out]] {
        let asked = rendered(words);
        assert_eq!((asked.code, asked.out.as_str()), (1, ""), "{words:?}");
        assert!(asked.err.contains("could not apply template") && asked.err.contains("a.json5"), "{}", asked.err);
    }
    assert!(!std::fs::exists(&out).unwrap());
    assert!(rendered(&["template"]).err.contains("/nowhere"), "the variable's file is meant where none is named");
}
