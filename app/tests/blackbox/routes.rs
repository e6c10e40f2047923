//! Every route answers what the README says.

use std::collections::HashSet;

use pilot_test_support::Scratch;

use crate::http;
use crate::instance::Instance;

#[test]
fn the_pages_of_the_seed_answer_as_they_always_did() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    for (path, text) in [("/", "Hello, World!"), ("/success", "Success!"), ("/fail", "Something went wrong.")] {
        let answer = app.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (200, text));
    }
    assert_eq!(app.send(&http::request("HEAD", "/", "", b"")).status, 200);
}

#[test]
fn a_created_user_is_stored_once_for_each_request_and_listed_with_its_time() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    assert_eq!(app.get("/users").json(), serde_json::json!({"users": [], "next": null}));
    assert_eq!(app.create("Ada+Lovelace"), "/success");
    assert_eq!(app.create("Ada+Lovelace"), "/success");
    assert_eq!(app.create("%27%3B+DROP+TABLE+users%3B--"), "/success");
    assert_eq!(app.create("%F0%9F%A6%80"), "/success");
    assert_eq!(app.usernames(), ["Ada Lovelace", "Ada Lovelace", "'; DROP TABLE users;--", "🦀"]);
    let page = app.get("/users").json();
    assert_eq!(page["users"][0]["id"], 1);
    is_a_time_of_today(page["users"][0]["created_at"].as_str().unwrap());
}

#[test]
fn pages_of_users_follow_each_other_without_gap_or_repetition() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    for number in 0..60 {
        assert_eq!(app.create(&format!("user{number}")), "/success");
    }
    let page = app.get("/users").json();
    assert_eq!(page["users"].as_array().unwrap().len(), 50);
    assert_eq!(page["next"], 50);
    let rest = app.get("/users?after=50").json();
    assert_eq!(rest["users"].as_array().unwrap().len(), 10);
    assert_eq!(rest["next"], serde_json::Value::Null);
    // A page that ends exactly with the last user has no next.
    assert_eq!(app.get("/users?after=50&limit=10").json()["next"], serde_json::Value::Null);
    assert_eq!(app.get("/users?after=50&limit=9").json()["next"], 59);
    assert_eq!(app.get("/users?after=18446744073709551615").json()["users"], serde_json::json!([]));
    assert_eq!(app.usernames().into_iter().collect::<HashSet<_>>().len(), 60);
}

#[test]
fn health_ready_and_version_tell_how_it_is() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    assert_eq!(app.get("/health").status, 200);
    assert_eq!(app.get("/ready").status, 200);
    let version = app.get("/version").json();
    let hash = version["git_hash"].as_str().unwrap();
    assert!(hash == "unknown" || (hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())), "{hash}");
    is_a_time_of_today(version["started_at"].as_str().unwrap());
}

#[test]
fn metrics_count_requests_by_route_users_and_connections() {
    let directory = Scratch::new();
    let app = Instance::start_ready(directory.path(), &[]);
    app.create("ada");
    app.post("username=");
    app.get("/");
    app.get("/");
    app.get("/no/such/page");
    app.send(&http::request("BREW", "/", "", b""));
    let count = |route: &str, method: &str, status: u16| {
        let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        app.metric(&format!("app_http_requests_total{labels}"))
    };
    assert_eq!(count("/", "GET", 200), Some(2.0));
    assert_eq!(count("/", "other", 405), Some(1.0));
    assert_eq!(count("/create", "POST", 302), Some(1.0));
    assert_eq!(count("/create", "POST", 422), Some(1.0));
    assert_eq!(count("other", "GET", 404), Some(1.0));
    assert_eq!(app.metric("app_users_created_total"), Some(1.0));
    assert_eq!(app.metric("app_http_requests_in_flight"), Some(1.0));
    assert!(app.metric("app_db_connections").unwrap() >= 1.0);
    assert!(app.metric("app_db_connections_idle").is_some());
    assert!(app.get("/metrics").header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
}

/// RFC 3339 in UTC; which day "today" is may change while the test runs.
fn is_a_time_of_today(text: &str) {
    let day = |time: time::OffsetDateTime| time.date().to_string();
    let now = time::OffsetDateTime::now_utc();
    let days = [day(now), day(now - time::Duration::MINUTE)];
    assert!(text.ends_with('Z') && days.iter().any(|day| text.starts_with(&format!("{day}T"))), "{text}");
}
