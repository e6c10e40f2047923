//! The status page in a real Chromium, on a phone and on a desk.

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

/// What the graph says of a job or a watch: how it is drawn, and its lines.
fn shape(browser: &mut Browser, name: &str) -> String {
    let find = "(name => { const g = [...document.querySelectorAll('.graph g')] \
                .find(g => g.querySelector('.name')?.textContent === name); \
                return g ? g.getAttribute('class') + ': ' + g.textContent : ''; })";
    browser.value(&format!("{find}({})", json!(name))).as_str().unwrap().to_owned()
}

/// What has happened, newest first.
fn timeline(browser: &mut Browser) -> Vec<String> {
    let rows = "[...document.querySelectorAll('section')].filter(s => s.querySelector('h2')?.textContent === 'Timeline') \
                .flatMap(s => [...s.querySelectorAll('tbody tr')]).map(row => row.innerText)";
    serde_json::from_value(browser.value(rows)).unwrap()
}

#[test]
fn on_a_phone_and_on_a_desk_the_page_shows_what_there_is_and_fits() {
    let (mut pilot, url) = started();
    let url = format!("{url}?still");
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
        // Only what is in the graph's own box may be wider.
        let wide = "[...document.querySelectorAll('body *')].filter(e => !e.closest('svg') && \
                    e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)";
        assert_eq!(browser.value(wide), json!([]), "{width}");
        let graph = "(box => [box.scrollWidth > box.clientWidth, getComputedStyle(box).overflowX])";
        let graph = browser.value(&format!("{graph}(document.querySelector('.graph'))"));
        assert_eq!(graph, json!([true, "auto"]), "a name of 300 letters does not fit");
        let app = shape(&mut browser, "app");
        assert!(app.starts_with("well: ") && app.contains("running for") && app.contains("check exec 100ms"), "{app}");
        assert!(shape(&mut browser, HOSTILE).starts_with("unwell: "));
        assert!(shape(&mut browser, &"a".repeat(300)).contains("waiting for"));
        assert!(shape(&mut browser, "watch.db").contains("tcp 127.0.0.1:1 every 1s"));
        let stroke = browser.value("getComputedStyle(document.querySelector('.graph .well rect')).strokeWidth");
        assert_eq!(stroke, json!("2.4px"), "the policy lets the graph's style through");
        let timeline = timeline(&mut browser);
        let first = timeline.last().unwrap();
        assert!(first.contains("event startup of global") && first.contains("pilot started"), "{timeline:?}");
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
    assert!(!shape(&mut browser, "app").contains("1 restart"));
    processes::signal(pilot.child_running("forever"), Signal::SIGKILL);
    until("the page to show the restart", SOON, || {
        let text = browser.value("document.body ? document.body.innerText : ''");
        let text = text.as_str()?;
        (text.contains("1 restart") && text.contains("signal: killed")).then_some(())
    });
    until("the graph and the timeline to show it", SOON, || {
        let app = shape(&mut browser, "app");
        let rows = timeline(&mut browser);
        let ended = rows.iter().position(|row| row.contains("app ended after") && row.contains("signal: killed"))?;
        let started = rows[..ended].iter().any(|row| row.contains("app was started"));
        (started && app.contains("1 restart, last: signal: killed")).then_some(())
    });
    pilot.asked(&["stop", "app"]);
    until("the graph to show that it is stopped", SOON, || {
        let app = shape(&mut browser, "app");
        (app.starts_with("over: ") && app.contains("stopped")).then_some(())
    });
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn the_page_holds_still_for_whoever_reads_it() {
    let (mut pilot, url) = started();
    let mut browser = Browser::new();
    browser.open(&url);
    let follow = |browser: &mut Browser, text: &str| {
        let link = format!("[...document.links].find(a => a.textContent === '{text}')?.href");
        // The page may be asking again at this very moment: then the link is there a little later.
        let there = until("the link", SOON, || browser.value(&link).as_str().map(str::to_owned));
        browser.open(&there);
        browser.value("[location.search, document.querySelectorAll('meta[http-equiv=refresh]').length]")
    };
    assert_eq!(follow(&mut browser, "pause"), json!(["?still", 0]));
    assert_eq!(follow(&mut browser, "refresh every 5 s"), json!(["", 1]));
    assert_eq!(pilot.stop(), 0);
}
