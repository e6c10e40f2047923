//! What a client sends wrong is its error (4xx), with a sentence that says what is wrong, and nothing is stored.

use pilot_test_support::Scratch;

use crate::http::{self, Answer, FORM};
use crate::instance::Instance;

fn is_refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body.contains(says), "{answer:?}");
}

#[test]
fn a_form_without_a_usable_username_is_refused_with_the_reason() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    is_refused(&app.post(""), 422, "missing field `username`");
    is_refused(&app.post("name=ada"), 422, "missing field `username`");
    is_refused(&app.post("username=ada&username=bob"), 422, "duplicate field `username`");
    is_refused(&app.post("username="), 422, "not blank");
    is_refused(&app.post("username=+%09+"), 422, "not blank");
    is_refused(&app.post(format!("username={}", "%C3%A9".repeat(65))), 422, "at most 64 characters");
    is_refused(&app.post("username=a%00b"), 422, "without control characters");
    is_refused(&app.post("username=a%0Ab"), 422, "without control characters");
    is_refused(&app.post("username=a%FFb"), 422, "UTF-8");
    is_refused(&app.post(b"username=a\xffb"), 422, "UTF-8");
    is_refused(&app.post(format!("username={}", "a".repeat(5000))), 413, "length limit exceeded");
    assert!(app.usernames().is_empty());
    assert_eq!(app.create(&"%C3%A9".repeat(64)), "/success");
}

#[test]
fn a_body_of_unknown_length_is_refused_when_it_grows_too_large() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    let head =
        format!("POST /create HTTP/1.1\r\nhost: app\r\nconnection: close\r\n{FORM}transfer-encoding: chunked\r\n");
    let chunks = format!("1000\r\n{}\r\n1\r\na\r\n0\r\n\r\n", "a".repeat(0x1000));
    is_refused(&app.send(format!("{head}\r\n{chunks}").as_bytes()), 413, "length limit exceeded");
}

#[test]
fn another_content_type_or_method_or_page_is_refused() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    let json = http::request("POST", "/create", "content-type: application/json\r\n", b"{\"username\":\"ada\"}");
    is_refused(&app.send(&json), 415, "application/x-www-form-urlencoded");
    is_refused(&app.send(&http::request("POST", "/create", "", b"username=ada")), 415, "x-www-form-urlencoded");
    is_refused(&app.get("/create"), 405, "no such method");
    let delete = app.send(&http::request("DELETE", "/users", "", b""));
    is_refused(&delete, 405, "no such method");
    assert_eq!(delete.header("allow"), Some("GET,HEAD"));
    is_refused(&app.get("/create/"), 404, "no such page");
    assert!(app.usernames().is_empty());
}

#[test]
fn paging_takes_numbers_in_their_range_and_no_other_parameter() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    for wrong in ["0", "101", "256", "-1", "1.5", "x", "", "18446744073709551616"] {
        is_refused(&app.get(&format!("/users?limit={wrong}")), 400, "limit");
    }
    for wrong in ["-1", "1.5", "x", "", "18446744073709551616", "1%27"] {
        is_refused(&app.get(&format!("/users?after={wrong}")), 400, "after");
    }
    is_refused(&app.get("/users?limit=1&limit=2"), 400, "duplicate field `limit`");
    is_refused(&app.get("/users?page=2"), 400, "unknown field `page`");
}
