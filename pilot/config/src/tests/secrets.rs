//! Values of variables are shown nowhere, whatever is wrong with the file that they are in.

use serde_json::json;

use super::schema::{all_keys, around};
use super::*;

/// Each with the parts that must not be seen.
const SECRETS: [(&str, &[&str]); 9] = [
    ("hunter2-swordfish", &["hunter2", "swordfish"]),
    ("hunter2\"swordfish", &["hunter2", "swordfish"]),
    ("hunter2\\q'swordfish", &["hunter2", "swordfish"]),
    ("hunter2\nswordfish: [", &["hunter2", "swordfish"]),
    ("8412345678", &["8412345678"]),
    ("hunter2 swordfish", &["hunter2", "swordfish"]),
    ("hunter2-longer-than-a-message-shows-of-any-text-swordfish", &["hunter2", "swordfish"]),
    ("hunter2/swordfish:1?a=b", &["hunter2", "swordfish"]),
    ("hunter2\\u0020swordfish", &["hunter2", "swordfish"]),
];

/// All that may be shown of a text.
fn outputs(text: &str, secret: &str) -> String {
    let around = machine(&[("SECRET", secret)]);
    let question = Question { stop_budget: Some(std::time::Duration::from_secs(1)) };
    let mut shown = String::new();
    for loaded in [load("f", text, &around), examine("f", text, &around, &question)] {
        shown += &loaded.report(text);
        shown += &loaded.shown();
        shown += &format!("{:?}", loaded.diagnostics);
    }
    shown
}

fn must_not_show(text: &str) {
    for (secret, parts) in SECRETS {
        let shown = outputs(text, secret);
        for part in parts {
            assert!(!shown.contains(part), "{part} of {secret:?} is shown of {text}\n{shown}");
        }
    }
}

/// Documents with a secret in the place of every value of every key.
fn documents() -> Vec<String> {
    let mut documents = Vec::new();
    for (object, key) in all_keys() {
        for value in [json!("@"), json!("x @ y"), json!(["@"]), json!({ "a": "@" }), json!([{ "a": "@" }])] {
            let document = around(object, key.name, [(key.name.to_owned(), value)].into_iter().collect()).to_string();
            documents.push(document.replace('@', "{{ .SECRET }}"));
        }
        let document = around(object, key.name, [(key.name.to_owned(), json!("@"))].into_iter().collect()).to_string();
        documents.push(document.replace("\"@\"", "{{ .SECRET }}"));
    }
    documents
}

#[test]
fn a_secret_in_any_key_is_not_shown() {
    let documents = documents();
    assert!(documents.len() > 1000, "{}", documents.len());
    documents.iter().for_each(|document| must_not_show(document));
}

#[test]
fn a_secret_is_not_shown_wherever_the_syntax_is_broken() {
    let text = r#"{ consul: { address: "c:1", token: "{{ .SECRET }}" }, jobs: [
  { name: "app", exec: ["/bin/app", "--key={{ .SECRET }}"], env: { KEY: '{{ .SECRET }}' }, port: {{ .SECRET }},
    health: { http: { url: "http://u:{{ .SECRET }}@h/x", headers: { A: "{{ .SECRET }}" } }, interval: 1, ttl: 5 } } ] }"#;
    let ends = |at: usize| text.is_char_boundary(at) && !text[..at].ends_with('{') && !text[at..].starts_with('}');
    for at in (0..=text.len()).filter(|at| ends(*at)) {
        let (before, after) = text.split_at(at);
        // Inside of an action it is the template that is broken.
        for broken in ["\"", "'", "}", "]", "[", ",", ":", "/*", "\\", "\n", "#", " x "] {
            must_not_show(&[before, broken, after].concat());
        }
        must_not_show(before);
    }
}

#[test]
fn a_password_in_the_address_of_consul_is_not_shown() {
    for text in [
        "{ consul: 'http://u:hunter2@:bad:port' }",
        "{ consul: 'u:hunter2@consul:8500' }",
        "{ consul: { address: 'https://u:hunter2@consul:8500' } }",
        "{ consul: 'http://u:hun@ter2hunter2@consul' x }",
    ] {
        let shown = outputs(text, "");
        assert!(shown.contains("error") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn what_is_masked_keeps_its_place() {
    let text = "{ jobs: [{ name: 'app', timeout: '{{ .SECRET }}', exec: 5 }] }";
    let loaded = load("f", text, &machine(&[("SECRET", "hunter2")]));
    assert_eq!(
        loaded.report(text),
        "error: job \"app\": timeout is not a duration: ***
 --> f:1:34
  |
1 | { jobs: [{ name: 'app', timeout: '*******', exec: 5 }] }
  |                                  ^
  = write seconds (10) or a time with a unit (\"500ms\", \"1h30m\")

error: job \"app\": exec must be text or a list, not 5
 --> f:1:51
  |
1 | { jobs: [{ name: 'app', timeout: '*******', exec: 5 }] }
  |                                                   ^
  = write \"program argument\" or [\"program\", \"argument\"], or leave it out

Lines are those of the rendered template, with values of variables masked; `pilot -template` prints them.
"
    );
}
