//! Pictures against their files, and what no name may break.

use super::*;
use crate::committed;
use pilot_config::{Interfaces, Surroundings, load};

const PAGE: &str = "docs/guide/graph.md";

fn plan(text: &str) -> Plan {
    let around =
        Surroundings { hostname: "box".into(), interfaces: Interfaces::new(Vec::new), ..Surroundings::default() };
    let loaded = load("x", text, &around);
    loaded.plan.clone().unwrap_or_else(|| panic!("{}", loaded.report(text)))
}

fn example(page: &str) -> Plan {
    plan(page.split("```json5\n").nth(1).unwrap().split("```").next().unwrap())
}

#[test]
fn the_page_is_up_to_date() {
    let mut page = committed::text(PAGE);
    let plan = example(&page);
    let graph = Graph::of(&plan);
    let diagram = Diagram { plan: &plan, graph: &graph, now: None };
    for (form, made) in [("text", diagram.text()), ("mermaid", diagram.mermaid()), ("dot", diagram.dot())] {
        let fence = format!("```{form}\n");
        let (before, rest) = page.split_once(&fence).unwrap();
        let (_, after) = rest.split_once("```\n").unwrap();
        page = format!("{before}{fence}{made}```\n{after}");
    }
    let json: serde_json::Value = serde_json::from_str(&diagram.json()).unwrap();
    let made = serde_json::to_string_pretty(&json["jobs"][0]).unwrap();
    let (before, rest) = page.split_once("```json\n").unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    page = format!("{before}```json\n{made}\n```\n{after}");
    committed::must_be(PAGE, &page);
    committed::must_be("docs/guide/graph.svg", &diagram.svg());
}

#[test]
fn the_state_of_each_job_can_be_drawn_in() {
    let plan = plan(
        "{consul: false, watches: [{name: 'db', tcp: 'h:1', interval: 1}], jobs: [{name: 'a', exec: 'x'}, {name: 'b', exec: 'x', when: {source: 'a', once: 'exitSuccess'}}]}",
    );
    let graph = Graph::of(&plan);
    let live = |words: &str, mood| Live { text: words.into(), mood };
    let now = Now {
        jobs: vec![live("running for 5m", Mood::Well), live("waiting", Mood::Quiet)],
        watches: vec![live("unhealthy for 3s", Mood::Unwell)],
    };
    let diagram = Diagram { plan: &plan, graph: &graph, now: Some(&now) };
    for rendered in Format::ALL.map(|format| diagram.render(format)) {
        for words in ["running for 5m", "waiting", "unhealthy for 3s"] {
            assert!(rendered.contains(words), "{words}: {rendered}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&diagram.json()).unwrap();
    assert_eq!(json["jobs"][0]["now"], serde_json::json!({ "words": "running for 5m", "mood": "well" }));
    assert_eq!(json["watches"][0]["now"]["mood"], "unwell");
    assert!(diagram.svg().contains("<g class=\"well\">") && diagram.mermaid().contains(":::well"));
}

#[test]
fn json_says_who_starts_whom_and_what_never_comes() {
    let plan = plan(
        "{consul: false, watches: [{name: 'db', tcp: 'h:1', interval: 1}], jobs: [
           {name: 'a', exec: 'x', health: {exec: 'y', interval: 1, ttl: 3}, when: {any: [{source: 'watch.db', once: 'healthy'}, {source: 'SIGHUP'}]}},
           {name: 'b', exec: 'x', when: {all: [{source: 'check.a', once: 'exitSuccess'}, {source: 'zz', once: 'healthy'}]}},
           {name: 'c', exec: 'x', when: {source: 'a', once: 'stopping'}}, {name: 'd', exec: 'x'}]}",
    );
    let graph = Graph::of(&plan);
    let json: serde_json::Value =
        serde_json::from_str(&Diagram { plan: &plan, graph: &graph, now: None }.json()).unwrap();
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| &json["jobs"][at]);
    assert_eq!(
        a["waits"],
        serde_json::json!([
            { "event": "healthy", "source": "watch.db", "from": "watch", "name": "db", "comes": "open" },
            { "event": "signal", "source": "SIGHUP", "from": "signal", "comes": "open" },
        ])
    );
    assert_eq!(
        b["waits"],
        serde_json::json!([
            { "event": "exitSuccess", "source": "check.a", "from": "job", "name": "a", "comes": "open" },
            { "event": "healthy", "source": "zz", "from": "nobody", "comes": "never", "obstacle": "there is no \"zz\"" },
        ])
    );
    assert_eq!([&a["starts"], &b["starts"], &c["starts"]], ["open", "never", "open"]);
    assert_eq!([&a["mode"], &b["mode"], &c["mode"]], ["any", "all", "all"]);
    assert_eq!((&d["waits"][0]["from"], &d["waits"][0]["event"]), (&"pilot".into(), &"startup".into()));
    assert_eq!(json["watches"], serde_json::json!([{ "name": "db", "looksAt": "tcp h:1 every 1s" }]));
    assert!(a.get("now").is_none());
}

#[test]
fn the_clock_starts_a_cron_job() {
    let plan = plan("{consul: false, jobs: [{name: 'nightly', exec: 'x', when: {cron: '30 3 * * *'}, restarts: 1}]}");
    let graph = Graph::of(&plan);
    let diagram = Diagram { plan: &plan, graph: &graph, now: None };
    let text = diagram.text();
    let json: serde_json::Value = serde_json::from_str(&diagram.json()).unwrap();
    assert_eq!((&json["jobs"][0]["mode"], &json["jobs"][0]["starts"]), (&"cron".into(), &"open".into()));
    assert!(text.contains("  nightly  by the clock  at \"30 3 * * *\", 2 times\n"), "{text}");
    for rendered in Format::ALL.map(|format| diagram.render(format)) {
        assert!(rendered.contains("30 3 * * *") && !rendered.contains("never starts"), "{rendered}");
    }
}

#[test]
fn what_happens_once_is_not_said_to_happen_one_times() {
    let often = |restarts: u32| {
        let plan = plan(&format!(
            "{{consul: false, jobs: [{{name: 'a', exec: 'x', restarts: {restarts}}},
               {{name: 'b', exec: 'x', when: {{interval: 1}}, restarts: {restarts}}}]}}"
        ));
        Diagram { plan: &plan, graph: &Graph::of(&plan), now: None }.text()
    };
    let (none, one, two) = (often(0), often(1), often(2));
    assert!(!none.contains("restarts") && none.contains("every 1s, once\n"), "{none}");
    assert!(one.contains("restarts once\n") && one.contains("every 1s, 2 times\n"), "{one}");
    assert!(two.contains("restarts 2 times\n") && two.contains("every 1s, 3 times\n"), "{two}");
}

#[test]
fn names_of_any_kind_break_no_form() {
    let text = r#"{jobs: [
        {name: '<b>&"\'\u0007', exec: 'x'},
        {name: '"] --> x', exec: 'x', when: {source: '<b>&"\'\u0007', each: 'exitFailed'}},
        {name: '\\"', exec: 'x', when: {any: [{source: '</svg>', once: 'healthy'}, {source: '\\"', once: 'stopped'}]}},
      ]}"#;
    let plan = plan(text);
    let graph = Graph::of(&plan);
    let diagram = Diagram { plan: &plan, graph: &graph, now: None };
    let svg = diagram.svg();
    assert_eq!(svg.matches("</svg>").count(), 1);
    assert!(svg.contains("&lt;b&gt;&amp;&quot;' ") && !svg.contains("<b>"), "{svg}");
    let json: serde_json::Value = serde_json::from_str(&diagram.json()).unwrap();
    assert_eq!(json["jobs"][0]["name"], "<b>&\"'\u{7}");
    for line in diagram.mermaid().lines() {
        assert!(line.matches('"').count() % 2 == 0 && !line.contains("<b>"), "{line}");
    }
    let bare = |line: &str| line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
    for line in diagram.dot().lines() {
        assert!(bare(line) % 2 == 0, "{line}");
    }
}

#[test]
fn circles_loops_nothing_and_long_chains_can_be_drawn() {
    let chain: String = (0..300)
        .map(|n| format!("{{name: 'j{}', exec: 'x', when: {{source: 'j{n}', once: 'exitSuccess'}}}},", n + 1))
        .collect();
    for text in [
        "{}".to_owned(),
        "{jobs: [{name: 'a', when: {source: 'a', once: 'exitSuccess'}}]}".to_owned(),
        "{jobs: [{name: 'a', when: {source: 'b', once: 'healthy'}}, {name: 'b', when: {source: 'a', once: 'healthy'}}]}".to_owned(),
        format!("{{jobs: [{{name: 'j0', exec: 'x'}}, {chain}]}}"),
    ] {
        let plan = plan(&text);
        let graph = Graph::of(&plan);
        let diagram = Diagram { plan: &plan, graph: &graph, now: None };
        let svg = diagram.svg();
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{text}");
        assert!(!diagram.text().is_empty() && diagram.dot().ends_with("}\n") && diagram.mermaid().contains("classDef"));
    }
}

/// Arrows over several columns have a place of their own in each, so that they pass no shape.
#[test]
fn no_shape_stands_on_another() {
    let page = committed::text(PAGE);
    let plan = example(&page);
    let graph = Graph::of(&plan);
    let svg = Diagram { plan: &plan, graph: &graph, now: None }.svg();
    let number = |line: &str, key: &str| -> f64 {
        line.split(&format!(" {key}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    let rects: Vec<[f64; 4]> = svg
        .lines()
        .filter(|line| line.starts_with("<g "))
        .map(|line| ["x", "y", "width", "height"].map(|key| number(line, key)))
        .collect();
    assert_eq!(rects.len(), 10);
    for (index, [x, y, width, height]) in rects.iter().enumerate() {
        for [x2, y2, width2, height2] in &rects[index + 1..] {
            assert!(x + width <= *x2 || x2 + width2 <= *x || y + height <= *y2 || y2 + height2 <= *y);
        }
    }
}
