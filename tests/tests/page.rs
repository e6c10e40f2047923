//! The status page in a real Chromium, on a phone and on a desk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that fails should fail loudly.

use nix::sys::signal::Signal;
use pilot_tests::{Browser, Pilot, SOON, fixture, ports, processes, until};
use serde_json::json;

const HOSTILE: &str = "<img src=x onerror=\"document.title='owned'\">";

fn started() -> (Pilot, String) {
    let port = ports::free();
    let config = json!({
        "consul": false, "logging": { "level": "DEBUG" },
        "telemetry": { "port": port, "interfaces": "static:127.0.0.1" },
        "jobs": [
            { "name": "app", "exec": [fixture(), "forever"], "restarts": "unlimited", "port": 8080,
              "interfaces": "static:127.0.0.1", "health": { "exec": "true", "interval": "100ms", "ttl": 5 } },
            { "name": HOSTILE, "exec": [fixture(), "exit", "3"] },
            { "name": "a".repeat(300), "when": { "source": "watch.db", "once": "healthy" }, "exec": [fixture(), "forever"] },
        ],
        "watches": [{ "name": "db", "tcp": "127.0.0.1:1", "interval": 1 }],
    });
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("telemetry: serving at");
    pilot.wait_for_event("StatusHealthy app");
    pilot.wait_for(&format!("event: {{Stopped {HOSTILE}}}"));
    (pilot, format!("http://127.0.0.1:{port}/"))
}

#[test]
fn on_a_phone_and_on_a_desk_the_page_shows_what_there_is_and_fits() {
    let (mut pilot, url) = started();
    let mut browser = Browser::new();
    for (width, height, mobile) in [(360, 740, true), (1280, 800, false)] {
        browser.resize(width, height, mobile);
        browser.open(&url);
        let text = browser.value("document.body.innerText");
        let text = text.as_str().unwrap();
        for shown in [
            "running",
            "healthy",
            "ended",
            "waiting",
            "exit status 3",
            "127.0.0.1:8080",
            "containerpilot",
            "db",
            HOSTILE,
        ] {
            assert!(text.contains(shown), "{width}: {shown}\n{text}");
        }
        assert!(browser.value("document.documentElement.scrollWidth").as_u64().unwrap() <= u64::from(width));
        let head = browser.value("getComputedStyle(document.querySelector('thead')).display");
        assert_eq!(head, if mobile { "none" } else { "table-header-group" });
        let colour = |browser: &mut Browser, of: &str| {
            browser.value(&format!("getComputedStyle(document.querySelector('{of}')).color"))
        };
        assert_ne!(colour(&mut browser, ".running"), colour(&mut browser, "body"), "the policy lets the style through");
        assert_eq!(browser.requests(), [url.as_str()], "nothing but the page is asked for");
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn no_script_runs_in_the_page_whatever_it_shows() {
    let (mut pilot, url) = started();
    let mut browser = Browser::new();
    browser.open(&url);
    assert_eq!(browser.value("document.scripts.length + document.images.length + document.forms.length"), json!(0));
    assert_eq!(browser.value("document.title"), json!("pilot"));
    // As if somebody had found a way to bring one in.
    let inject = "var s = document.createElement('script'); s.text = 'window.owned = 1'; document.body.append(s); \
                  var i = document.createElement('div'); i.innerHTML = '<img src=x onerror=\"window.owned = 2\">'; document.body.append(i); 0";
    browser.value(inject);
    until("the policy to be told of both", SOON, || {
        let _ = browser.value("0");
        (browser.complaints().len() >= 2).then_some(())
    });
    assert_eq!(browser.value("typeof window.owned"), json!("undefined"));
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn the_page_follows_what_happens_by_itself() {
    let (mut pilot, url) = started();
    let mut browser = Browser::new();
    browser.open(&url);
    assert!(!browser.value("document.body.innerText").as_str().unwrap().contains("1 restart"));
    processes::signal(pilot.child_running("forever"), Signal::SIGKILL);
    until("the page to show the restart", SOON, || {
        let text = browser.value("document.body ? document.body.innerText : ''");
        let text = text.as_str()?;
        (text.contains("1 restart") && text.contains("signal: killed")).then_some(())
    });
    assert_eq!(pilot.stop(), 0);
}
