//! Services in Consul: registered, kept, reported on, taken out; and an agent that is late, faulty or gone.
//! reliability.md, section 2, cases 7, 34, 37, 38, 39, 41, 42, 44; v3 spec 5.6 and 5.7.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that fails should fail loudly.

mod observer;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pilot_tests::agent::Agent;
use pilot_tests::proxy::{Proxy, forward};
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Consul, Pilot, SOON, Scratch, fixture, ports, processes, until};
use serde_json::{Value, json};

/// pilot's name for a job's service.
fn id(job: &str) -> String {
    format!("{job}-{}", std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim())
}

fn config(consul: &str, jobs: Value) -> Value {
    json!({ "consul": consul, "logging": { "level": "DEBUG" }, "stopTimeout": 2, "jobs": jobs })
}

/// A service that answers HTTP as the file `<name>.says` tells it, checked every 100 ms, good for 2 s.
fn app(name: &str) -> Value {
    let port = ports::free();
    json!({
        "name": name, "port": port, "interfaces": "static:127.0.0.1", "restarts": "unlimited",
        "exec": [fixture(), "http", port.to_string(), format!("{{{{ .PILOT_TEST_DIR }}}}/{name}.says")],
        "health": { "http": "/", "interval": "100ms", "ttl": 2 },
    })
}

/// [`app`] with more keys; those of `health` are added to it.
fn app_with(name: &str, more: &Value) -> Value {
    let mut job = app(name);
    for (key, value) in more.as_object().unwrap() {
        if key == "health" {
            value.as_object().unwrap().iter().for_each(|(key, value)| job["health"][key] = value.clone());
        } else {
            job[key] = value.clone();
        }
    }
    job
}

/// Lets an [`app`] mark a file at its SIGTERM and end so many milliseconds later.
fn end_slowly(job: &mut Value, mark: &str, ms: u32) {
    let words = job["exec"].as_array_mut().unwrap();
    words.splice(1..1, [json!("on-term"), json!(mark), json!(ms.to_string()), json!("0")]);
}

/// Stands before the agent and lets whatever is written arrive late: a write is always under way. Says what has arrived.
fn slow_writes(port: u16, pause: Duration) -> (Scripted, Arc<Mutex<Vec<String>>>) {
    let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = arrived.clone();
    let proxy = Scripted::start(move |request| {
        if request.line.contains("check/update") || request.line.contains("service/register") {
            std::thread::sleep(pause);
        }
        let answer = forward(port, request);
        note.lock().unwrap().push(request.line.clone());
        answer
    });
    (proxy, arrived)
}

fn status(consul: &Consul, service: &str) -> String {
    consul.instances(service).first().map(|(_, status)| status.clone()).unwrap_or_default()
}

#[track_caller]
fn wait_for_status(consul: &Consul, pilot: &mut Pilot, service: &str, wanted: &str) {
    pilot.wait(&format!("{service} to be {wanted} in Consul"), SOON, |_| {
        (status(consul, service) == wanted).then_some(())
    });
}

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

    let found = until("the agent to tell the catalogue", SOON, || {
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
    let both = until("two instances in the catalogue", SOON, || Some(seen()).filter(|list| list.len() == 2));
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
fn a_job_with_an_initial_status_is_in_the_catalogue_before_it_starts() {
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
    let began = Instant::now();
    wait_for_status(&consul, &mut pilot, "app", "passing");
    assert!(began.elapsed() < Duration::from_secs(1), "ten intervals: {:?}", began.elapsed());
    wait_for_status(&consul, &mut pilot, "early", "passing");
    let mut services = consul.services();
    services.sort();
    assert_eq!(services, [id("app"), id("early")]);
    assert_eq!(consul.instances("app").len(), 1);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Case 41; v3 defect 12.1 (#553).
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
        (pilot.count_events("StatusHealthy app") > 10)
            .then(|| pilot.count("WARN").max(pilot.count("pilot keeps trying")))
    });
    assert_eq!(said, 1, "one warning for one trouble\n{}", pilot.log());
    consul.begin();
    wait_for_status(&consul, &mut pilot, "app", "passing");
    pilot.wait_for("Consul agent answers again");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

/// Case 42: with an agent that fails in this way pilot does all its work and ends in time; when the agent is well again it
/// knows everything.
fn an_agent_that_fails(fault: Reply) {
    let consul = Consul::start();
    let proxy = Proxy::before(consul.port());
    proxy.fail_with(fault.clone());
    let jobs = json!([
        app_with("app", &json!({ "health": { "ttl": 1 } })),
        { "name": "crashing", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs", "exit", "1"],
          "restarts": { "max": 5, "delay": "10ms" } },
    ]);
    let mut pilot = Pilot::run(&config(&proxy.address(), jobs));
    pilot.wait_for_marks("runs", 6);
    pilot.wait("probes to go on", SOON, |pilot| (pilot.count_events("StatusHealthy app") >= 10).then_some(()));
    assert_eq!(consul.services(), Vec::<String>::new());
    assert_eq!(processes::children(pilot.pid()).len(), 1, "nothing but the app runs");

    proxy.heal();
    wait_for_status(&consul, &mut pilot, "app", "passing");
    proxy.fail_with(fault);
    wait_for_status(&consul, &mut pilot, "app", "critical");
    let output = observer::checks(&consul)[&format!("service:{}", id("app"))].output.clone().unwrap();
    assert!(output.starts_with("TTL expired"), "the state becomes unknown by time alone: {output}");
    let healthy = pilot.count_events("StatusHealthy app");
    pilot.wait("probes to go on", SOON, |pilot| (pilot.count_events("StatusHealthy app") > healthy + 3).then_some(()));

    // Case 37 as well: the agent's share of a stop is two seconds.
    let asked = Instant::now();
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}\n{}", asked.elapsed(), pilot.log());
    assert_eq!(pilot.processes(), Vec::<i32>::new());
    assert_eq!(pilot.count("panicked"), 0);
}

// Case 42.
#[test]
fn an_agent_that_answers_500_harms_nothing() {
    an_agent_that_fails(Reply::status(500));
}

// Case 42.
#[test]
fn an_agent_that_hangs_harms_nothing() {
    an_agent_that_fails(Reply::Hang);
}

// Case 42.
#[test]
fn an_agent_that_resets_connections_harms_nothing() {
    an_agent_that_fails(Reply::Reset);
}

// Case 42.
#[test]
fn an_agent_whose_answer_never_ends_harms_nothing() {
    an_agent_that_fails(Reply::Drip);
}

// Case 37.
#[test]
fn with_the_agent_away_a_stop_takes_no_more_than_its_share_and_the_ttl_does_the_rest() {
    let mut consul = Consul::start();
    let proxy = Proxy::before(consul.port());
    let mut silent = Pilot::run(&config(&proxy.address(), json!([app("silent")])));
    let mut gone = Pilot::run(&config(&consul.address(), json!([app("gone")])));
    consul.wait_for_passing("silent", 1);
    consul.wait_for_passing("gone", 1);
    let stop = |pilot: &mut Pilot| {
        let asked = Instant::now();
        assert_eq!(pilot.stop(), 0, "{}", pilot.log());
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}\n{}", asked.elapsed(), pilot.log());
    };
    proxy.fail_with(Reply::Hang);
    stop(&mut silent);
    assert_eq!(consul.instances("silent").len(), 1, "it could not be taken out");
    until("its TTL to pass", SOON, || (status(&consul, "silent") == "critical").then_some(()));
    consul.kill();
    stop(&mut gone);
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

// Case 42: nobody is hammered.
#[test]
fn attempts_at_a_faulty_agent_come_at_growing_distances() {
    let proxy = Scripted::start(|_| Reply::status(500));
    let never = json!({ "initial_status": "warning", "when": { "source": "SIGHUP" } });
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", proxy.port()), json!([app_with("app", &never)])));
    let attempts = pilot.wait("four attempts", SOON, |_| Some(proxy.requests()).filter(|all| all.len() >= 4));
    let gap = |n: usize| attempts[n + 1].at.duration_since(attempts[n].at);
    for (n, nominal) in [500, 1000, 2000].map(Duration::from_millis).into_iter().enumerate() {
        assert!(gap(n) >= nominal / 2 && gap(n) < nominal + Duration::from_millis(400), "{:?} for {nominal:?}", gap(n));
    }
    assert_eq!(pilot.stop(), 0);
}

// Case 7: the registration is on its way when the stop comes.
#[test]
fn a_stop_in_the_middle_of_the_first_registration_leaves_nothing() {
    let consul = Consul::start();
    let (proxy, arrived) = slow_writes(consul.port(), Duration::from_millis(500));
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", proxy.port()), json!([app("app")])));
    pilot.wait("the registration", SOON, |_| (proxy.count("service/register") == 1).then_some(()));
    assert_eq!(pilot.stop(), 0);
    let lines = until("everything to arrive", SOON, || {
        Some(arrived.lock().unwrap().clone()).filter(|arrived| arrived.len() == proxy.requests().len())
    });
    assert_eq!(
        lines,
        ["PUT /v1/agent/service/register".to_owned(), format!("PUT /v1/agent/service/deregister/{}", id("app"))]
    );
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Spec 5.7: a job leaves the catalogue whatever ends it; 10.5: another one goes on.
#[test]
fn a_job_that_ends_by_itself_leaves_the_catalogue_and_the_others_stay() {
    let consul = Consul::start();
    let mut short = app("short");
    short["restarts"] = json!("never");
    let mut pilot = Pilot::run(&config(&consul.address(), json!([short, app("app")])));
    consul.wait_for_passing("short", 1);
    consul.wait_for_passing("app", 1);
    let process = pilot.child_running("short.says");
    processes::signal(process, Signal::SIGKILL);
    pilot.wait_for_event("Stopped short");
    assert_eq!(consul.services(), [id("app")]);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

// Case 34's first half: v3 took a service out while or after its process was told to stop.
#[test]
fn a_service_has_left_the_catalogue_before_its_process_gets_sigterm() {
    let consul = Consul::start();
    let port = consul.port();
    let scratch = Scratch::new();
    let term = scratch.file("term");
    // The deregistration is held up, so that a SIGTERM beside it would be seen.
    let told: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (seen, file) = (told.clone(), term.clone());
    let slow = Scripted::start(move |request| {
        if request.line.contains("deregister") {
            std::thread::sleep(Duration::from_millis(400));
            seen.lock().unwrap().push(std::path::Path::new(&file).exists());
        }
        forward(port, request)
    });
    let mut job = app("app");
    end_slowly(&mut job, &term, 500);
    let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", slow.port()), json!([job])));
    wait_for_status(&consul, &mut pilot, "app", "passing");
    pilot.signal(Signal::SIGTERM);
    pilot.wait("the process to get SIGTERM", SOON, |_| std::path::Path::new(&term).exists().then_some(()));
    assert_eq!(consul.services(), Vec::<String>::new(), "the process still runs, its service is gone");
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(*told.lock().unwrap(), [false], "one deregistration, and SIGTERM only after its answer");
}

// Case 38.
#[test]
fn after_the_fence_nothing_is_written_any_more() {
    let consul = Consul::start();
    let (proxy, arrived) = slow_writes(consul.port(), Duration::from_millis(60));
    for moment in 0..8 {
        let mut app = app_with("app", &json!({ "health": { "interval": "20ms" } }));
        // It lives on and answers for a while after its SIGTERM.
        end_slowly(&mut app, "{{ .PILOT_TEST_DIR }}/term", 200);
        let jobs = json!([app, app_with("slow", &json!({ "health": { "interval": "50ms", "timeout": 1 } })),]);
        let mut pilot = Pilot::run(&config(&format!("127.0.0.1:{}", proxy.port()), jobs));
        pilot.scratch.write("slow.says", "slow 100");
        consul.wait_for_passing("app", 1);
        consul.wait_for_passing("slow", 1);
        // The moment of the stop is what is varied: within a probe, a heartbeat, the pause between them.
        std::thread::sleep(Duration::from_millis(moment * 13));
        let before = proxy.requests().len();
        assert_eq!(pilot.stop(), 0, "{}", pilot.log());
        until("everything to arrive", SOON, || (arrived.lock().unwrap().len() == proxy.requests().len()).then_some(()));
        assert_eq!(consul.services(), Vec::<String>::new(), "{}", pilot.log());
        let after = proxy.requests().split_off(before);
        for job in ["app", "slow"] {
            let fence = after.iter().position(|request| request.line.contains(&format!("deregister/{}", id(job))));
            let late = after[fence.unwrap()..].iter().filter(|request| {
                let about = request.line.contains(&id(job)) || request.body.contains(&id(job));
                about && !request.line.contains("deregister")
            });
            assert_eq!(late.count(), 0, "{after:?}");
        }
    }
}

// Case 34.
#[test]
fn a_consul_agent_that_is_a_job_stops_last_and_nothing_is_left_in_it() {
    let consul = Consul::reserved();
    let mut slow = app("slow");
    end_slowly(&mut slow, "{{ .PILOT_TEST_DIR }}/term", 300);
    let jobs = json!([
        { "name": "discovery", "exec": consul.command(), "restarts": "unlimited" },
        slow,
        app("app"),
        { "name": "goodbye", "exec": [fixture(), "wait", "100", "say", "goodbye said"], "when": { "source": "app", "once": "stopped" } },
    ]);
    let mut pilot = Pilot::run_as_pid_1(&config(&consul.address(), jobs));
    consul.wait_for_leader();
    consul.wait_for_passing("app", 1);
    consul.wait_for_passing("slow", 1);
    pilot.signal(Signal::SIGTERM);
    let mut last = None;
    pilot.wait("pilot to end", SOON, |pilot| {
        last = consul.get("/v1/agent/services").as_object().map(serde_json::Map::len).or(last);
        pilot.ended().then_some(())
    });
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
    assert_eq!(last, Some(0), "what the agent had when it answered for the last time");
    let lines = pilot.lines();
    let place = |text: &str| {
        let found = lines.iter().position(|line| line.holds(text));
        found.unwrap_or_else(|| panic!("no line with {text:?}\n{}", pilot.log()))
    };
    let end = place("discovery.term");
    let earlier = ["ExitSuccess slow}", "Stopped slow}", "Stopped app}", "goodbye said", "Stopped goodbye}"];
    for earlier in earlier {
        assert!(place(earlier) < end, "{earlier:?} comes before the agent's end\n{}", pilot.log());
    }
    for job in ["app", "slow"] {
        assert!(place(&format!("Deregistered service: service={}", id(job))) < end, "{}", pilot.log());
    }
}

/// What the operator of the guarded agent has.
const OPERATOR: &str = "11111111-2222-4333-8444-555555555555";
/// What pilot has: rights on the service `app`, nothing else.
const TOKEN: &str = "5f0c2a4e-11aa-4b6e-9d3e-70cec0de0001";
/// What nobody has given out.
const WRONG: &str = "0badc0de-0000-4000-8000-70cec0de0002";

/// A real agent that lets nobody do anything without a token.
fn guarded() -> (Consul, Agent) {
    let consul = Consul::reserved();
    let acl = format!(
        r#"acl {{ enabled = true default_policy = "deny" tokens {{ master = "{OPERATOR}" agent = "{OPERATOR}" }} }}"#
    );
    let agent = Agent::start(&consul, &acl);
    let operate = |path: &str, body: Value| {
        until(&format!("the operator to be heard at {path}"), SOON * 2, || {
            let path = format!("{path}?token={OPERATOR}");
            let answer = pilot_tests::http::request(consul.port(), "PUT", &path, &body.to_string()).ok()?;
            (answer.status == 200).then_some(())
        });
    };
    let rules = r#"service "app" { policy = "write" } node_prefix "" { policy = "read" }"#;
    operate("/v1/acl/policy", json!({ "Name": "pilot", "Rules": rules }));
    operate("/v1/acl/token", json!({ "SecretID": TOKEN, "Policies": [{ "Name": "pilot" }] }));
    (consul, agent)
}

/// The agent's own view, with the operator's eyes.
fn guarded_services(consul: &Consul) -> Vec<String> {
    let services = consul.get(&format!("/v1/agent/services?token={OPERATOR}"));
    services.as_object().expect("the operator may see everything").keys().cloned().collect()
}

fn wait_for_guarded(consul: &Consul, pilot: &mut Pilot) {
    pilot.wait("the service to pass behind ACLs", SOON, |_| {
        let checks = consul.get(&format!("/v1/agent/checks?token={OPERATOR}"));
        (checks[format!("service:{}", id("app"))]["Status"] == "passing").then_some(())
    });
}

// Case 44.
#[test]
fn a_token_file_is_read_anew_for_each_call_and_no_token_is_ever_logged() {
    let (consul, _agent) = guarded();
    let scratch = Scratch::new();
    let file = scratch.write("token", &format!("{WRONG}\n"));
    let mut config = config("", json!([app("app")]));
    config["consul"] = json!({ "address": consul.address(), "tokenFile": file });
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("permission denied: the token lacks service:write for app");
    assert_eq!(guarded_services(&consul), Vec::<String>::new());
    scratch.write("token", &format!("{TOKEN}\n"));
    wait_for_guarded(&consul, &mut pilot);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(guarded_services(&consul), Vec::<String>::new(), "the right token also takes it out");
    assert!(!pilot.log().contains(WRONG) && !pilot.log().contains(TOKEN), "{}", pilot.log());
}

#[test]
fn the_tokens_variable_goes_before_the_files_key_and_is_not_logged() {
    let (consul, _agent) = guarded();
    let mut config = config("", json!([app("app")]));
    config["consul"] = json!({ "address": consul.address(), "token": WRONG });
    let mut pilot = Pilot::with(&config).env("CONSUL_HTTP_TOKEN", TOKEN).start();
    wait_for_guarded(&consul, &mut pilot);
    assert_eq!(pilot.stop(), 0);
    assert!(!pilot.log().contains(WRONG) && !pilot.log().contains(TOKEN), "{}", pilot.log());
}

#[test]
fn an_agent_behind_a_unix_socket_is_as_good() {
    let consul = Consul::reserved();
    let scratch = Scratch::new();
    let socket = scratch.file("consul.sock");
    let _agent = Agent::start(&consul, &format!(r#"addresses {{ http = "127.0.0.1 unix://{socket}" }}"#));
    consul.wait_for_leader();
    let mut config = config(&format!("unix://{socket}"), json!([app("app")]));
    config["watches"] = json!([{ "name": "app", "interval": 1 }]);
    let mut pilot = Pilot::run(&config);
    wait_for_status(&consul, &mut pilot, "app", "passing");
    pilot.wait_for_event("StatusHealthy watch.app");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

#[test]
fn without_a_catalogue_jobs_with_a_port_run_and_are_checked_and_nobody_is_called() {
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
