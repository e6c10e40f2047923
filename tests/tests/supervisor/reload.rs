//! A configuration that changes under a running pilot: only what is different is touched, a bad file touches nothing.
//! v3 spec 10.6 and 11; defects 2, 19, 20; wishes A4. [docs/guide/reload.md] says the same to people.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Consul, Pilot, SOON, fixture, ports, processes, until};
use serde_json::{Value, json};

const DIR: &str = "{{ .PILOT_TEST_DIR }}";

/// A job that runs for ever and is known by its word.
fn forever(name: &str, word: &str) -> Value {
    json!({ "name": name, "exec": [fixture(), "say", word, "forever"] })
}

/// A service in `consul` with this tag.
fn service(name: &str, port: u16, tag: &str) -> Value {
    json!({
        "name": name, "exec": [fixture(), "say", name, "forever"], "port": port, "interfaces": "static:127.0.0.1",
        "tags": [tag], "health": { "exec": "/bin/true", "interval": "200ms", "ttl": 5 },
    })
}

fn with_consul(consul: &Consul, jobs: Value) -> Value {
    json!({ "consul": consul.address(), "logging": { "level": "DEBUG" }, "jobs": jobs })
}

fn reloads(pilot: &Pilot) -> usize {
    pilot.count("control: reloaded app via control plane")
}

// v3 stops and starts everything.
#[test]
fn the_same_file_again_touches_nothing_and_says_so() {
    let config = jobs(json!([forever("app", "one"), { "name": "setup", "exec": [fixture(), "exit", "0"] }]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for_event("Stopped setup");
    let (pid, events) = (pilot.child_running("one"), pilot.events().len());
    assert_eq!(pilot.asked(&["reload"]), "nothing has changed\n");
    assert_eq!(pilot.asked(&["-reload"]), "", "v3's flag says nothing");
    assert_eq!(pilot.control("POST", "/v3/reload", "").unwrap().body, "\n", "nor does v3's endpoint");
    pilot.wait_for_count("control: reloaded app via control plane", 3);
    assert_eq!((pilot.child_running("one"), pilot.events().len()), (pid, events));
    assert_eq!(pilot.stop(), 0);
}

// v3 spec 11, test_coprocess.
#[test]
fn coprocess() {
    let consul = Consul::start();
    let port = ports::free();
    let config = |word: &str| {
        let coprocess = json!({ "name": "coprocess", "exec": [fixture(), "say", word, "forever"], "restarts": 1 });
        with_consul(&consul, json!([service("app", port, "one"), coprocess]))
    };
    let mut pilot = Pilot::run_as_pid_1(&config("arg1"));
    let app = pilot.child_running("say app");
    consul.wait_for_passing("app", 1);
    processes::signal(pilot.child_running("arg1"), Signal::SIGKILL);
    pilot.wait_for_count("coprocess.Run start", 2);
    processes::signal(pilot.child_running("arg1"), Signal::SIGKILL);
    pilot.wait_for_event("Stopped coprocess");
    assert_eq!(pilot.count("coprocess.Run start"), 2, "its one restart is used up");

    pilot.rewrite(&config("arg2"));
    assert_eq!(pilot.asked(&["reload"]), "jobs changed: coprocess; 1 job goes on\n");
    processes::signal(pilot.child_running("arg2"), Signal::SIGKILL);
    pilot.wait_for_count("coprocess.Run start", 4);
    pilot.child_running("arg2");
    assert_eq!((pilot.child_running("say app"), consul.passing("app")), (app, 1));
    assert_eq!(pilot.stop(), 0);
}

// 12.1, defect 2: v3 ends, with code 0 and without its jobs.
#[test]
fn a_bad_file_changes_nothing_and_everybody_learns_why() {
    let mut pilot = Pilot::run_as_pid_1(&jobs(json!([forever("app", "one")])));
    let pid = pilot.child_running("one");
    let bad = "{ consul: false,\n  jobs: [{ name: \"app\", exce: \"x\" }] }";
    let missing = pilot.scratch.path().join("pilot.json5");
    let rows: [(&dyn Fn(), &str); 4] = [
        (&|| pilot.rewrite_text(bad), "pilot.json5:2:25"),
        (&|| pilot.rewrite_text("{ jobs: [ }"), "error initializing config"),
        (&|| pilot.rewrite_text("{{ nonsense }}"), "could not apply template"),
        (&|| std::fs::remove_file(&missing).unwrap(), "cannot read the configuration"),
    ];
    for (spoil, why) in rows {
        spoil();
        for words in [["-reload"], ["reload"]] {
            let asked = pilot.ask(&words);
            assert_eq!((asked.code, asked.out.as_str()), (1, ""), "{words:?}");
            assert!(asked.err.starts_with("pilot reload: ") && asked.err.contains(why), "{}", asked.err);
        }
        let answer = pilot.control("POST", "/v3/reload", "").unwrap();
        assert!(answer.status == 422 && answer.body.contains(why), "{answer:?}");
    }
    pilot.wait_for_count("the configuration is not reloaded, and nothing is changed:", 12);
    pilot.wait_for("exce is not a known key");
    pilot.wait_for("did you mean `exec`?");
    assert_eq!((pilot.child_running("one"), reloads(&pilot)), (pid, 0));
    assert!(!pilot.ended());

    pilot.rewrite(&jobs(json!([forever("app", "two")])));
    pilot.asked(&["reload"]);
    pilot.child_running("two");
    assert_eq!(pilot.stop(), 0);
}

// 12.1, defect 20: in v3 the old process lives on next to the new one, here with the port that both need.
#[test]
fn an_old_process_that_ignores_its_stop_signal_is_gone_before_its_successor_starts() {
    let port = ports::free();
    let config = |ignore: &str, word: &str| {
        let mut config = jobs(json!([{
            "name": "web", "restarts": 0,
            "exec": [fixture(), "ignore", ignore, "say", word, "mark", format!("{DIR}/begun"), "http", port.to_string(), "says"],
        }]));
        config["stopTimeout"] = json!(1);
        config
    };
    let mut pilot = Pilot::run_as_pid_1(&config("15", "old web"));
    pilot.wait_for("old web");
    let old = pilot.child_running("old web");
    pilot.rewrite(&config("1", "new web"));
    pilot.asked(&["reload"]);
    assert!(processes::alive(old), "it ignores its stop signal, and the answer does not wait for its end");
    pilot.wait_for("killing processes for job \"web\"");
    let began = pilot.wait_for_marks("begun", 2);
    assert!(!processes::alive(old), "{began:?}");
    let new = pilot.child_running("new web");
    until("the new one to serve the port of the old one", SOON, || pilot_tests::http::get(port, "/").ok());
    assert_eq!(pilot.child_running("new web"), new);
    assert_eq!(pilot.stop(), 0);
}

// 12.1, defect 19: v3 swallows it and reloads.
#[test]
fn a_sigterm_during_a_reload_is_not_lost() {
    let config = |word: &str| {
        let exec = json!([fixture(), "on-term", format!("{DIR}/told"), "2000", "0", "say", word, "forever"]);
        jobs(json!([{ "name": "slow", "exec": exec }, forever("other", "other"), forever(word, word)]))
    };
    let mut pilot = Pilot::run_as_pid_1(&config("first"));
    pilot.wait_for("first");
    pilot.child_running("other");
    pilot.rewrite(&config("second"));
    pilot.asked(&["reload"]);
    pilot.wait_for_marks("told", 1);
    pilot.signal(Signal::SIGTERM);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!((reloads(&pilot), pilot.count("second.Run start")), (0, 0), "{}", pilot.log());
    assert_eq!(pilot.count_events("Stopped other"), 1);
    assert_eq!(pilot.processes(), [0; 0]);
}

#[test]
fn a_sigterm_while_the_file_cannot_be_read_is_not_lost_either() {
    let mut pilot = Pilot::run_as_pid_1(&jobs(json!([forever("app", "one")])));
    pilot.child_running("one");
    let file = pilot.scratch.path().join("pilot.json5");
    std::fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRUSR).unwrap();
    let mut connection = pilot.connection();
    write!(connection, "POST /v3/reload HTTP/1.1\r\nHost: control\r\nContent-Length: 0\r\n\r\n").unwrap();
    pilot.wait_for("control: reloading app via control plane");
    assert_eq!(pilot.stop(), 0);
}

// Nobody writes to the pipe, as on a disk that hangs.
#[test]
fn a_file_that_cannot_be_read_in_time_is_refused_and_pilot_goes_on_meanwhile() {
    let config = jobs(json!([
        forever("app", "one"),
        { "name": "clock", "exec": [fixture(), "mark", format!("{DIR}/clock")], "when": { "interval": "200ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.child_running("one");
    let file = pilot.scratch.path().join("pilot.json5");
    std::fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRUSR).unwrap();
    let before = pilot.marks("clock").len();
    let asked = pilot.ask(&["reload"]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("could not be read within 5s"), "{}", asked.err);
    assert!(pilot.marks("clock").len() >= before + 5, "jobs went on");
    std::fs::remove_file(&file).unwrap();
    pilot.rewrite(&config);
    assert_eq!(pilot.asked(&["reload"]), "nothing has changed\n");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_reload_during_a_stop_is_refused_in_a_sentence() {
    let exec = json!([fixture(), "on-term", format!("{DIR}/told"), "3000", "0", "say", "runs", "forever"]);
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "slow", "exec": exec }])));
    pilot.wait_for("runs");
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for_marks("told", 1);
    pilot.rewrite(&jobs(json!([forever("new", "new")])));
    let asked = pilot.ask(&["reload"]);
    assert_eq!(
        (asked.code, asked.err.as_str()),
        (1, "pilot reload: pilot is stopping: nothing is reloaded any more\n")
    );
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("new.Run start"), 0);
}

#[test]
fn a_second_reload_while_old_processes_end_takes_the_place_of_the_first() {
    let slow = |word: &str| {
        let exec = json!([fixture(), "on-term", format!("{DIR}/told"), "1500", "0", "say", word, "forever"]);
        json!({ "name": "slow", "exec": exec })
    };
    let mut pilot = Pilot::run_as_pid_1(&jobs(json!([slow("first"), forever("stays", "stays")])));
    pilot.wait_for("first");
    let stays = pilot.child_running("stays");
    pilot.rewrite(&jobs(json!([slow("second"), forever("stays", "stays"), forever("between", "between")])));
    pilot.asked(&["reload"]);
    pilot.wait_for_marks("told", 1);
    // Asked for the same while it waits: nothing changes.
    assert_eq!(pilot.asked(&["reload"]), "nothing has changed\n");
    let refused = pilot.ask(&["restart", "slow"]);
    assert_eq!(refused.err, "pilot restart: a reload is taking slow down: ask again when that is done\n");
    pilot.rewrite(&jobs(json!([slow("third"), forever("stays", "stays")])));
    assert_eq!(pilot.asked(&["reload"]), "jobs changed: slow; 1 job goes on\n");
    pilot.child_running("third");
    assert_eq!((reloads(&pilot), pilot.count("slow.Run start"), pilot.count("between.Run start")), (1, 2, 0));
    assert_eq!(pilot.child_running("stays"), stays);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn many_requests_at_once_are_all_answered_and_the_last_file_is_the_one_that_holds() {
    let mut pilot = Pilot::run(&jobs(json!([forever("app", "file 0")])));
    pilot.child_running("file 0");
    thread::scope(|scope| {
        let pilot = &pilot;
        for number in 1..=5 {
            pilot.rewrite(&jobs(json!([forever("app", &format!("file {number}"))])));
            for _ in 0..4 {
                scope.spawn(|| pilot.asked(&["reload"]));
            }
        }
    });
    pilot.child_running("file 5");
    assert_eq!(pilot.asked(&["reload"]), "nothing has changed\n");
    assert_eq!(pilot.stop(), 0);
}

// v3 users rely on it: preStart renders what the app reads.
#[test]
fn what_a_changed_job_waits_for_runs_again_before_it_and_hooks_do_their_work_first() {
    let config = |word: &str| {
        let mark = |name: &str| json!([fixture(), "mark", format!("{DIR}/{name}"), "wait", "100"]);
        jobs(json!([
            { "name": "preStart", "exec": mark("preStart") },
            { "name": "app", "exec": [fixture(), "mark", format!("{DIR}/app"), "say", word, "forever"],
              "when": { "source": "preStart", "once": "exitSuccess" } },
            { "name": "preStop", "exec": mark("preStop"), "when": { "source": "app", "once": "stopping" } },
            { "name": "postStop", "exec": mark("postStop"), "when": { "source": "app", "once": "stopped" } },
            forever("other", "other"),
        ]))
    };
    let mut pilot = Pilot::run_as_pid_1(&config("one"));
    pilot.child_running("one");
    let other = pilot.child_running("other");
    pilot.rewrite(&config("two"));
    let want = "jobs changed: app; jobs started again: preStart, preStop, postStop; 1 job goes on\n";
    assert_eq!(pilot.asked(&["reload"]), want);
    pilot.child_running("two");
    pilot.wait_for_marks("app", 2);
    let at = |name: &str, nth: usize| pilot.marks(name)[nth].0;
    let order = [at("preStop", 0), at("postStop", 0), at("preStart", 1), at("app", 1)];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(pilot.child_running("other"), other);
    assert_eq!(pilot.stop(), 0);
    assert_eq!((pilot.marks("preStop").len(), pilot.marks("postStop").len()), (2, 2), "the new app has its hooks too");
}

// The template sees what putenv has set since, as in v3.
#[test]
fn the_template_is_rendered_with_what_putenv_has_set() {
    let config = jobs(json!([forever("app", "{{ .WORD | default `nothing` }}"), forever("other", "other")]));
    let mut pilot = Pilot::with(&config).without_env("WORD").start();
    pilot.child_running("nothing");
    let other = pilot.child_running("other");
    pilot.asked(&["-putenv", "WORD=something"]);
    pilot.asked(&["-reload"]);
    pilot.child_running("something");
    assert_eq!(pilot.child_running("other"), other);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn the_log_changes_with_the_file_and_a_log_that_cannot_be_opened_is_refused() {
    let config = |logging: Value| json!({ "consul": false, "logging": logging, "jobs": [forever("app", "one")] });
    let mut pilot = Pilot::run(&config(json!({ "level": "DEBUG" })));
    let pid = pilot.child_running("one");
    pilot.rewrite(&config(json!({ "level": "DEBUG", "output": "/no/such/folder/log" })));
    let asked = pilot.ask(&["reload"]);
    assert!(asked.code == 1 && asked.err.contains("cannot open the log file /no/such/folder/log"), "{}", asked.err);
    pilot.wait_for("cannot open the log file");

    pilot.rewrite(&config(json!({ "level": "INFO", "format": "json", "output": format!("{DIR}/log") })));
    assert_eq!(pilot.asked(&["reload"]), "settings changed: logging; 1 job goes on\n");
    let heard = pilot.lines().len();
    pilot.signal(Signal::SIGHUP);
    pilot.asked(&["maintenance", "enable"]);
    until("the log file to be written", SOON, || {
        let lines = pilot.scratch.lines("log");
        lines.iter().any(|line| line.contains("entering maintenance")).then_some(())
    });
    let lines = pilot.scratch.lines("log");
    assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("event:")), "debug lines are gone: {lines:?}");
    assert_eq!(pilot.lines().len(), heard, "nothing more on stdout: {}", pilot.log());
    assert_eq!(pilot.child_running("one"), pid);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn the_control_socket_moves_and_a_place_that_cannot_be_had_is_refused() {
    let config = |socket: &str| {
        let mut config = jobs(json!([forever("app", "one")]));
        config["control"] = json!({ "socket": socket });
        config
    };
    let mut pilot = Pilot::run(&config(&format!("{DIR}/control.socket")));
    pilot.child_running("one");
    let precious = pilot.scratch.write("precious", "not a socket");
    pilot.rewrite(&config(&precious));
    let asked = pilot.ask(&["reload"]);
    assert!(asked.code == 1 && asked.err.contains("is a file, not a control socket"), "{}", asked.err);
    assert_eq!(pilot.asked(&["ping"]), "ok\n");
    assert_eq!(pilot.scratch.lines("precious"), ["not a socket"]);

    pilot.rewrite(&config(&format!("{DIR}/elsewhere.socket")));
    assert_eq!(pilot.asked(&["reload"]), "settings changed: control; 1 job goes on\n");
    let elsewhere = pilot.scratch.file("elsewhere.socket");
    assert_eq!(pilot_tests::control::client(&["ping", "--socket", &elsewhere]).out, "ok\n");
    assert!(!pilot.socket().exists());
    pilot.wait_for(&format!("control: serving at {elsewhere}"));
    assert_eq!(pilot.stop(), 0);
    assert!(!std::path::Path::new(&elsewhere).exists());
}

// docs/guide/reload.md; v3's own documentation promised it.
#[test]
fn a_service_that_is_not_changed_stays_in_consul_without_a_gap() {
    let consul = Consul::start();
    let port = ports::free();
    let config =
        |tag: &str| with_consul(&consul, json!([service("kept", port, "same"), service("changed", port + 1, tag)]));
    let mut pilot = Pilot::run_as_pid_1(&config("first"));
    consul.wait_for_passing("kept", 1);
    consul.wait_for_passing("changed", 1);
    let created = |name: &str| consul.get(&format!("/v1/catalog/service/{name}"))[0]["CreateIndex"].clone();
    let (kept, changed) = (created("kept"), created("changed"));
    let pid = pilot.child_running("kept");
    let over = AtomicBool::new(false);
    let gaps = thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let mut gaps = 0;
            while !over.load(Ordering::Relaxed) {
                gaps += usize::from(consul.passing("kept") != 1);
            }
            gaps
        });
        for round in 1..=10 {
            pilot.rewrite(&config(&format!("round{round}")));
            assert_eq!(pilot.asked(&["reload"]), "jobs changed: changed; 1 job goes on\n");
            let tags = || consul.get("/v1/catalog/service/changed")[0]["ServiceTags"].clone();
            until("the new tags", SOON, || (tags() == json!([format!("round{round}")])).then_some(()));
        }
        over.store(true, Ordering::Relaxed);
        observer.join().unwrap()
    });
    assert_eq!(gaps, 0);
    assert_eq!(created("kept"), kept, "it was not registered again");
    assert_ne!(created("changed"), changed);
    assert_eq!(pilot.child_running("kept"), pid);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

#[test]
fn another_token_registers_every_service_once_more_and_without_a_gap() {
    let consul = Consul::start();
    let port = ports::free();
    let config = |token: &str| {
        let mut config = with_consul(&consul, json!([service("app", port, "a")]));
        config["consul"] = json!({ "address": consul.address(), "token": token });
        config
    };
    let mut pilot = Pilot::run_as_pid_1(&config("first"));
    consul.wait_for_passing("app", 1);
    let created = || consul.get("/v1/catalog/service/app")[0]["CreateIndex"].clone();
    let before = created();
    pilot.rewrite(&config("second"));
    assert_eq!(pilot.asked(&["reload"]), "settings changed: consul; 1 job goes on\n");
    pilot.wait_for_count("Service registered: app", 2);
    assert_eq!((created(), consul.passing("app")), (before, 1));
    assert_eq!(pilot.count("deregistering"), 0);
    assert!(!pilot.log().contains("second"), "a token is nobody's business");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}

#[test]
fn another_agent_gets_every_service_and_the_old_one_keeps_none() {
    let (first, second) = (Consul::start(), Consul::start());
    let port = ports::free();
    let jobs = json!([service("app", port, "a"), service("ill", port + 1, "a")]);
    let mut pilot = Pilot::run_as_pid_1(&with_consul(&first, jobs.clone()));
    first.wait_for_passing("app", 1);
    first.wait_for_passing("ill", 1);
    let pid = pilot.child_running("app");
    pilot.rewrite(&with_consul(&second, jobs.clone()));
    assert_eq!(pilot.asked(&["reload"]), "settings changed: consul; 2 jobs go on\n");
    second.wait_for_passing("app", 1);
    second.wait_for_passing("ill", 1);
    until("the old agent to have none", SOON, || first.services().is_empty().then_some(()));
    assert_eq!(pilot.child_running("app"), pid);

    // And no catalog at all.
    let mut without = with_consul(&second, jobs);
    without["consul"] = json!(false);
    pilot.rewrite(&without);
    pilot.asked(&["reload"]);
    until("the agent to have none", SOON, || second.services().is_empty().then_some(()));
    assert_eq!(pilot.child_running("app"), pid);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn watches_come_go_and_start_over_with_what_they_look_at() {
    let consul = Consul::start();
    consul.register("one-1", "one", 81);
    consul.register("two-1", "two", 82);
    let config = |watches: Value| {
        let reacts = json!({ "name": "reacts", "exec": [fixture(), "env", "PILOT_WATCH_PEER"],
            "when": { "source": "watch.peer", "each": "changed" } });
        let late = json!({ "name": "late", "exec": [fixture(), "env", "PILOT_WATCH_PEER"],
            "when": { "source": "SIGHUP" } });
        let mut config = with_consul(&consul, json!([reacts, late, forever("app", "one")]));
        config["watches"] = watches;
        config
    };
    let mut pilot = Pilot::run(&config(json!([{ "name": "peer", "service": "one", "interval": 1 }])));
    pilot.wait_for("PILOT_WATCH_PEER=10.9.8.7:81");
    pilot.rewrite(&config(json!([{ "name": "peer", "service": "two", "interval": 1 }])));
    assert_eq!(pilot.asked(&["reload"]), "watches changed: peer; 3 jobs go on\n");
    pilot.wait_for("PILOT_WATCH_PEER=10.9.8.7:82");
    pilot.rewrite(&config(json!([])));
    assert_eq!(pilot.asked(&["reload"]), "watches removed: peer; 3 jobs go on\n");
    consul.register("two-2", "two", 83);
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for("PILOT_WATCH_PEER is unset");
    pilot.rewrite(&config(json!([{ "name": "peer", "service": "two", "interval": 1 }])));
    assert_eq!(pilot.asked(&["reload"]), "watches added: peer; 3 jobs go on\n");
    pilot.wait_for("PILOT_WATCH_PEER=10.9.8.7:82,10.9.8.7:83");
    assert_eq!(pilot.count_events("StatusChanged watch.peer"), 3);
    assert_eq!(pilot.stop(), 0);
}

// 12.1, defect 22: in v3 another help text makes the reload fail, and the metric that was removed stays.
#[test]
fn other_metrics_are_taken_and_those_that_are_the_same_keep_their_values() {
    let port = ports::free();
    let metric = |name: &str, help: &str| json!({ "namespace": "shop", "subsystem": "cart", "name": name, "help": help, "type": "counter" });
    let config = |word: &str, metrics: Value| {
        let mut config = jobs(json!([forever("app", word)]));
        config["telemetry"] = json!({ "port": port, "interfaces": "static:127.0.0.1", "metrics": metrics });
        config
    };
    let both = json!([metric("orders", "Orders."), metric("carts", "Carts.")]);
    let mut pilot = Pilot::run(&config("one", both.clone()));
    let page = || pilot_tests::http::get(port, "/metrics").map(|answer| answer.body).unwrap_or_default();
    until("telemetry to be served", SOON, || page().contains("shop_cart_orders 0").then_some(()));
    pilot.asked(&["-putmetric", "shop_cart_orders=5"]);
    assert!(page().contains("shop_cart_orders 5"), "{}", page());

    pilot.rewrite(&config("two", both));
    assert_eq!(pilot.asked(&["reload"]), "jobs changed: app; 1 job goes on\n");
    pilot.child_running("two");
    assert!(page().contains("shop_cart_orders 5"), "telemetry was not touched: {}", page());

    pilot.rewrite(&config("two", json!([metric("orders", "What people have ordered.")])));
    assert_eq!(pilot.asked(&["reload"]), "settings changed: telemetry; 2 jobs go on\n");
    until("the other help text", SOON, || {
        page().contains("# HELP shop_cart_orders What people have ordered.").then_some(())
    });
    assert!(!page().contains("shop_cart_carts"), "what was removed is gone: {}", page());
    pilot.asked(&["-putmetric", "shop_cart_orders=1"]);
    assert!(page().contains("shop_cart_orders 1"), "{}", page());
    assert_eq!(pilot.stop(), 0);
}
