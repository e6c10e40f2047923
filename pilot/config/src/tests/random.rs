//! No text makes this room panic, and an error is the only way to no plan; any plan is one that the engine starts and ends.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use pilot_core::effect::{Input, Switch, UserSignal};
use pilot_core::simulation::World;

/// Every block and most keys.
const EVERYTHING: &str = r#"{
  consul: { address: "consul:8500", token: "t", tokenFile: "/t", tls: { verify: true } },
  logging: { level: "DEBUG", format: "json", output: "stdout" }, stopTimeout: 9, control: { socket: "/s" },
  jobs: [
    { name: "app", exec: ["a", 1], port: 80, restarts: { max: 3, delay: "1s" }, interfaces: ["eth0"], tags: ["x"], meta: { a: "b" },
      health: { http: { url: "/", status: [200, "300-302"], headers: { a: "b" } }, interval: 1, ttl: 5, timeout: "1s" } },
    { name: "b", exec: "x y", when: { source: ["app", "watch.db"], once: "healthy", timeout: "1m" }, timeout: "5s" },
    { name: "c", when: { any: [{ source: "app", each: "changed" }, { source: "SIGHUP" }] }, successCodes: [1] },
    { name: "e", when: { cron: "*/5 0-12 L * MON#1", timezone: "UTC", overlap: "kill" }, timeout: "never" },
    { name: "ff", port: 81, health: { interval: 1, ttl: 5 }, advertise: { address: "10.0.0.1", port: 5 }, weights: { passing: 5 },
      taggedAddresses: { wan: { address: "::1" } }, services: [{ name: "gg", port: 5, register: false }] },
    { name: "d", when: { interval: "1s" }, health: { mysql: { host: "h", user: "u" }, interval: 1 } },
  ],
  watches: [{ name: "db", interval: 3, tag: "t" }, { name: "sql", interval: 3, mysql: "mysql://u:p@h:1/d" }],
  telemetry: { port: 9090, metrics: [{ name: "m", help: "h", type: "gauge" }] },
}"#;

/// Text that stands where a value stood.
fn anything() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("NaN".to_owned()),
        Just("-Infinity".to_owned()),
        Just("''".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<f64>().prop_filter("has a text", |n| n.is_finite()).prop_map(|n| n.to_string()),
        "[a-z0-9:/@%.\\[\\]-]{0,12}".prop_map(|text| format!("'{text}'")),
        "\\PC{0,6}".prop_map(|text| format!("{text:?}")),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof![
            "[a-zA-Z]{1,8}",
            prop::sample::select(vec!["name", "source", "once", "each", "max", "exec", "url", "port", "token"])
                .prop_map(str::to_owned)
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..4).prop_map(|members| format!(
                "{{{}}}",
                members.iter().map(|(k, v)| format!("{k}:{v},")).collect::<String>()
            )),
        ]
    })
}

fn survives(text: &str) -> Result<(), TestCaseError> {
    let loaded = loaded(text);
    let failed = loaded.diagnostics.iter().any(|d| d.severity == Severity::Error);
    prop_assert_eq!(loaded.plan.is_none(), failed, "{}\n{}", text, loaded.report(text));
    for diagnostic in &loaded.diagnostics {
        prop_assert!(diagnostic.line >= 1 && diagnostic.line <= text.split('\n').count());
        prop_assert!(diagnostic.column >= 1);
    }
    loaded.report(text);
    // Where no interface fits, `check` may run on another machine than the one it is for: a note there, an error here.
    if loaded.diagnostics.iter().any(|found| found.rule == Rule::NoInterface) {
        return Ok(());
    }
    // What is said of the whole takes nothing back, and keeps nothing from starting.
    let question = Question { stop_budget: Some(std::time::Duration::from_secs(1)) };
    let examined = examine("pilot.json5", text, &machine(&[]), &question);
    prop_assert_eq!(&examined.plan, &loaded.plan);
    let other = |found: &&crate::Diagnostic| found.rule != Rule::StopPlan && found.severity == Severity::Error;
    prop_assert_eq!(examined.diagnostics.iter().any(|found| other(&found)), failed);
    prop_assert!(loaded.diagnostics.iter().all(|found| examined.diagnostics.contains(found)));
    examined.report(text);
    if let Some(plan) = loaded.plan {
        ends(plan, text)?;
    }
    Ok(())
}

/// The engine's own tests hold it against plans; these are what files become.
fn ends(plan: Plan, text: &str) -> Result<(), TestCaseError> {
    let mut world = World::new(plan).started();
    for input in
        [Input::Signal(UserSignal::Hup), Input::Maintenance(Switch::On), Input::Maintenance(Switch::Off), Input::Stop]
    {
        world.pass(Duration::from_millis(700));
        if world.exit.is_none() {
            world.give(input);
        }
    }
    world.pass(Duration::from_secs(3600));
    prop_assert!(world.exit.is_some(), "asked to stop, and an hour later it has not:\n{}", text);
    Ok(())
}

#[test]
fn the_whole_configuration_is_a_plan() {
    plan(EVERYTHING);
}

proptest! {
    #[test]
    fn any_value_as_a_document(text in anything()) {
        survives(&text)?;
    }

    #[test]
    fn any_value_instead_of_a_word(at in any::<prop::sample::Index>(), value in anything()) {
        let words: Vec<_> = crate::tokens::tokens(EVERYTHING).collect();
        let word = at.get(&words);
        let text = [&EVERYTHING[..word.at], &value, &EVERYTHING[word.at + word.text.len()..]].concat();
        survives(&text)?;
    }

    #[test]
    fn any_character_changed(at in any::<prop::sample::Index>(), c in any::<char>()) {
        let (at, old) = *at.get(&EVERYTHING.char_indices().collect::<Vec<_>>());
        survives(&[&EVERYTHING[..at], &c.to_string(), &EVERYTHING[at + old.len_utf8()..]].concat())?;
    }

    #[test]
    fn any_end_cut_off(at in any::<prop::sample::Index>()) {
        survives(&EVERYTHING[..at.index(EVERYTHING.len())])?;
    }
}
