//! Services in Consul: registered, kept, reported on. reliability.md, section 2, cases 39 and 41; v3 spec 5.6 and 5.7.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::services::{app, app_with, config, id, wait_for_status};
use pilot_tests::{Consul, Pilot, SOON, fixture, processes, until};
use serde_json::json;

use crate::observer;

// Spec 5.7.
#[test]
fn a_healthy_job_is_a_complete_service_whose_check_says_what_the_probe_found() {
    let consul = Consul::start();
    let more =
        json!({ "tags": ["blue", "v2"], "meta": { "version": "2.1.0" }, "consul": { "enableTagOverride": true } });
    let job = app_with("app", &more);
    let port = job["port"].as_u64().unwrap();
    let mut pilot = Pilot::run(&config(&consul.address(), json!([job])));
    wait_for_status(&consul, &mut pilot, "app", "passing");

    let found = until("the agent to tell the catalog", SOON, || {
        let found = observer::instances(&consul, "app");
        (!found.is_empty()).then_some(found)
    });
    let [instance] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((instance.service_id.clone(), instance.service_name.as_deref()), (Some(id("app")), Some("app")));
    assert_eq!((instance.service_address.as_deref(), instance.service_port), (Some("127.0.0.1"), Some(port)));
    assert_eq!(instance.service_tags.as_ref().unwrap(), &["blue", "v2"]);
    assert_eq!(instance.service_meta.as_ref().unwrap()["version"], "2.1.0");
    assert_eq!(instance.service_enable_tag_override, Some(true));

    // Registered is only the first of the two calls; the second brings the output.
    let output = pilot.wait("the probe's note in Consul", SOON, |_| {
        observer::checks(&consul)[&format!("service:{}", id("app"))].output.clone().filter(|text| !text.is_empty())
    });
    assert_eq!(output, format!("HTTP 200 from http://127.0.0.1:{port}/"));
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert_eq!(consul.services(), Vec::<String>::new());
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

#[test]
fn two_jobs_are_two_instances_of_one_service_and_a_killed_one_goes_and_comes() {
    let consul = Consul::start();
    let fast = json!({ "service": "web", "health": { "failFast": true } });
    let jobs = json!([app_with("web-1", &fast), app_with("web-2", &fast)]);
    let mut pilot = Pilot::run(&config(&consul.address(), jobs));
    consul.wait_for_passing("web", 2);
    let seen = || observer::instances(&consul, "web");
    let both = until("two instances in the catalog", SOON, || Some(seen()).filter(|list| list.len() == 2));
    assert_eq!(both.iter().filter_map(|one| one.service_id.clone()).collect::<Vec<_>>(), [id("web-1"), id("web-2")]);
    assert_ne!(both[0].service_port, both[1].service_port);

    // Killed again and again until a kill is seen in Consul: the restart is immediate and may be faster than we look.
    pilot.wait("Consul to see one go", SOON, |pilot| {
        let process = pilot.child_running("web-1.says");
        processes::signal(process, Signal::SIGKILL);
        let until = Instant::now() + Duration::from_millis(150);
        while Instant::now() < until {
            if consul.passing("web") == 1 {
                return Some(());
            }
        }
        None
    });
    consul.wait_for_passing("web", 2);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

#[test]
fn fail_fast_turns_the_check_critical_at_once_and_without_it_the_ttl_has_to_pass() {
    let consul = Consul::start();
    let jobs = json!([
        app_with("quick", &json!({ "health": { "failFast": true, "ttl": 60 } })),
        app_with("slow", &json!({ "health": { "ttl": 2 } })),
    ]);
    let mut pilot = Pilot::run(&config(&consul.address(), jobs));
    wait_for_status(&consul, &mut pilot, "quick", "passing");
    wait_for_status(&consul, &mut pilot, "slow", "passing");
    pilot.scratch.write("quick.says", "500");
    pilot.scratch.write("slow.says", "500");
    wait_for_status(&consul, &mut pilot, "quick", "critical");
    wait_for_status(&consul, &mut pilot, "slow", "critical");
    let checks = observer::checks(&consul);
    let output = |job: &str| checks[&format!("service:{}", id(job))].output.clone().unwrap();
    assert!(output("quick").starts_with("HTTP 500 from"), "{}", output("quick"));
    assert!(output("slow").starts_with("TTL expired"), "{}", output("slow"));
    pilot.scratch.write("quick.says", "200");
    pilot.scratch.write("slow.says", "200");
    wait_for_status(&consul, &mut pilot, "quick", "passing");
    wait_for_status(&consul, &mut pilot, "slow", "passing");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_job_with_an_initial_status_is_in_the_catalog_before_it_starts() {
    for initial in ["warning", "critical", "passing"] {
        let consul = Consul::start();
        let go = json!({ "initial_status": initial, "when": { "source": "gate", "once": "exitSuccess" } });
        let jobs = json!([
            { "name": "gate", "exec": [fixture(), "until", "{{ .PILOT_TEST_DIR }}/go"] },
            app_with("app", &go),
        ]);
        let mut pilot = Pilot::run(&config(&consul.address(), jobs));
        wait_for_status(&consul, &mut pilot, "app", initial);
        pilot.wait_for(&format!("Registering service app with initial status set to {initial}"));
        assert_eq!(pilot.count("app.Run start"), 0, "{}", pilot.log());
        pilot.scratch.write("go", "");
        pilot.wait_for_event("StatusHealthy app");
        wait_for_status(&consul, &mut pilot, "app", "passing");
        assert_eq!(pilot.stop(), 0);
        assert_eq!(consul.services(), Vec::<String>::new());
    }
}

// Case 41.
#[test]
fn after_an_agents_restart_with_empty_state_the_service_is_back_once() {
    let mut consul = Consul::start();
    let jobs =
        json!([app("app"), app_with("early", &json!({ "initial_status": "warning", "health": { "interval": 1 } }))]);
    let mut pilot = Pilot::run(&config(&consul.address(), jobs));
    wait_for_status(&consul, &mut pilot, "app", "passing");
    consul.kill();
    let healthy = pilot.count_events("StatusHealthy app");
    pilot.wait("checks to go on without an agent", SOON, |pilot| {
        (pilot.count_events("StatusHealthy app") > healthy + 5).then_some(())
    });
    consul.begin();
    wait_for_status(&consul, &mut pilot, "app", "passing");
    wait_for_status(&consul, &mut pilot, "early", "passing");
    let mut services = consul.services();
    services.sort();
    assert_eq!(services, [id("app"), id("early")]);
    assert_eq!(consul.instances("app").len(), 1);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Case 41; v3 spec 12.1, row 3 (#553).
#[test]
fn a_service_that_is_deregistered_behind_pilots_back_comes_back() {
    let consul = Consul::start();
    let mut pilot = Pilot::run(&config(&consul.address(), json!([app("app")])));
    for times in 1..=3 {
        pilot.wait_for_count("Service registered: app", times);
        wait_for_status(&consul, &mut pilot, "app", "passing");
        consul.deregister(&id("app"));
    }
    pilot.wait_for_count("Service registered: app", 4);
    wait_for_status(&consul, &mut pilot, "app", "passing");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn an_agent_that_comes_late_is_waited_for_while_the_jobs_already_run() {
    let mut consul = Consul::reserved();
    let jobs = json!([
        app("app"),
        { "name": "first", "exec": [fixture(), "say", "first runs"] },
        { "name": "second", "exec": [fixture(), "say", "second runs"], "when": { "source": "app", "once": "healthy" } },
    ]);
    let mut pilot = Pilot::run(&config(&consul.address(), jobs));
    pilot.wait_for("first runs");
    pilot.wait_for("second runs");
    pilot.wait_for("service registration failed");
    let said = pilot.wait("more attempts", SOON, |pilot| {
        (pilot.count_events("StatusHealthy app") > 10).then(|| pilot.count("WARN").max(pilot.count("; retrying)")))
    });
    assert_eq!(said, 1, "one warning for one trouble\n{}", pilot.log());
    consul.begin();
    wait_for_status(&consul, &mut pilot, "app", "passing");
    pilot.wait_for("Consul agent answers again");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Case 39, after the first half in `shutdown`.
#[test]
fn who_follows_a_pilot_that_was_killed_takes_its_services_place_at_another_address() {
    let consul = Consul::start();
    let at = |address: &str| {
        let settings = config(&consul.address(), json!([app_with("app", &json!({ "interfaces": address }))]));
        Pilot::with(&settings).as_pid_1().start()
    };
    let mut killed = at("static:127.0.0.1");
    consul.wait_for_passing("app", 1);
    killed.signal(Signal::SIGKILL);
    assert_ne!(killed.exit_code(), 0, "unshare's code");
    assert_eq!(consul.services(), [id("app")], "nobody has taken it out");
    let mut next = at("static:127.0.0.2");
    next.wait("the new address", SOON, |_| (consul.service(&id("app"))["Address"] == "127.0.0.2").then_some(()));
    consul.wait_for_passing("app", 1);
    assert_eq!(consul.services(), [id("app")], "the same id, once");
    assert_eq!(next.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

#[test]
fn without_a_catalog_jobs_with_a_port_run_and_are_checked_and_nobody_is_called() {
    let nobody = Scripted::start(|_| Reply::status(500));
    let mut config = config(
        "",
        json!([
            app("app"),
            { "name": "next", "exec": [fixture(), "say", "next runs"], "when": { "source": "app", "once": "healthy" } },
        ]),
    );
    config["consul"] = json!(false);
    let mut pilot = Pilot::with(&config).env("CONSUL_HTTP_ADDR", &format!("127.0.0.1:{}", nobody.port())).start();
    pilot.wait_for("next runs");
    pilot.wait("more checks", SOON, |pilot| (pilot.count_events("StatusHealthy app") > 3).then_some(()));
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert_eq!(nobody.requests().len(), 0);
}
