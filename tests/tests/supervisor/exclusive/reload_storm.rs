//! Two hundred reloads in a row. v3 answers one to three of them, leaves processes of old generations running for good, and
//! with a hundred jobs it crashes (baselines.md, section k).

use std::time::Duration;

use pilot_tests::{Consul, Pilot, SOON, fixture, ports, processes, until};
use serde_json::{Value, json};

const DIR: &str = "{{ .PILOT_TEST_DIR }}";
const TIMES: usize = 200;
/// For a stop of a hundred jobs on a machine that does much else.
const LONG: Duration = Duration::from_secs(60);

/// What must not grow: descriptors, threads, children of pilot, resident KiB.
#[derive(Debug)]
struct Belongings {
    descriptors: usize,
    threads: usize,
    children: usize,
    kib: u64,
}

impl Belongings {
    fn of(pilot: &Pilot) -> Belongings {
        let count = |folder: &str| std::fs::read_dir(format!("/proc/{}/{folder}", pilot.pid())).unwrap().count();
        Belongings {
            descriptors: count("fd"),
            threads: count("task"),
            children: processes::children(pilot.pid()).len(),
            kib: processes::resident_kib(pilot.pid()),
        }
    }
}

/// Asks for a reload by hand, quickly.
fn reload(pilot: &Pilot) -> u16 {
    pilot.control("POST", "/v3/reload", "").unwrap().status
}

// v3 spec 11, test_config_reload.
#[test]
fn config_reload() {
    let consul = Consul::start();
    let port = ports::free();
    let config = json!({
        "consul": consul.address(), "logging": { "level": "DEBUG", "format": "text" },
        "jobs": [
            { "name": "preStart", "exec": [fixture(), "say", "preStart"] },
            { "name": "app", "exec": [fixture(), "say", "app", "forever"], "port": port, "interfaces": "static:127.0.0.1",
              "when": { "source": "preStart", "once": "exitSuccess" },
              "health": { "exec": "/bin/true", "interval": "200ms", "ttl": 5 } },
            { "name": "onChange1", "exec": [fixture(), "say", "changed"], "when": { "source": "watch.upstream", "each": "changed" } },
            { "name": "onChange2", "exec": [fixture(), "say", "changed"], "when": { "source": "watch.app", "each": "changed" } },
        ],
        "watches": [{ "name": "upstream", "interval": 1 }, { "name": "app", "interval": 1 }],
        "telemetry": { "port": ports::free(), "interfaces": ["static:127.0.0.1"] },
    });
    let mut pilot = Pilot::run_as_pid_1(&config);
    consul.wait_for_passing("app", 1);
    pilot.asked(&["-reload"]);
    pilot.wait_for("control: reloaded app via control plane");
    pilot.wait_for_count("control: serving at", 2);
    assert_eq!((pilot.count("control: reloaded app via control plane"), pilot.count("control: serving at")), (1, 2));

    for _ in 0..TIMES {
        assert_eq!(reload(&pilot), 200);
    }
    pilot.asked(&["-reload"]);
    pilot.wait_for_count("control: reloaded app via control plane", 2 + TIMES);
    assert_eq!(consul.passing("app"), 1);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(pilot.processes(), [0; 0]);
}

/// A hundred jobs of every kind, of which each file changes those of one residue.
fn hundred(round: usize, consul: &Consul, ports: &[u16]) -> Value {
    let mut jobs: Vec<Value> = (0..96)
        .map(|number| {
            let word = format!("job{number} version {}", last_change(number, round));
            let mut job = json!({ "name": format!("job{number}"), "exec": [fixture(), "say", word, "forever"], "restarts": "unlimited" });
            if number % 4 == 0 {
                job["health"] = json!({ "exec": [fixture(), "exit", "0"], "interval": "500ms", "ttl": 5 });
            }
            if let Some(port) = (number % 12 == 0).then(|| ports.get(number / 12)).flatten() {
                job["port"] = json!(port);
                job["interfaces"] = json!("static:127.0.0.1");
            }
            job
        })
        .collect();
    let changed = last_change(0, round).to_string();
    jobs.push(json!({ "name": "preStop", "exec": [fixture(), "mark", format!("{DIR}/preStop")], "when": { "source": "job0", "each": "stopping" } }));
    jobs.push(json!({ "name": "clock", "exec": [fixture(), "exit", "0"], "when": { "interval": "300ms" } }));
    jobs.push(json!({ "name": "leaves", "exec": [fixture(), "leave", "say", changed, "wait", "50"], "restarts": "unlimited" }));
    jobs.push(json!({ "name": format!("only{round}"), "exec": [fixture(), "forever"] }));
    json!({
        "consul": consul.address(), "stopTimeout": 2, "jobs": jobs,
        "watches": [{ "name": "job0", "interval": 1, "tag": changed }, { "name": "steady", "interval": 1 }],
    })
}

/// The last round up to this one in which the job's definition changed: one round in ten.
fn last_change(number: usize, round: usize) -> usize {
    (0..=round).rev().find(|round| round % 10 == number % 10).unwrap_or(0)
}

#[test]
fn two_hundred_reloads_of_a_hundred_jobs_at_work_leave_nothing_behind() {
    let consul = Consul::start();
    let ports: Vec<u16> = (0..8).map(|_| ports::free()).collect();
    let mut pilot = Pilot::run_as_pid_1(&hundred(0, &consul, &ports));
    consul.wait_for_passing("job12", 1);
    let steady = pilot.child_running("job1 version 0");
    let mut early = None;
    for round in 1..=TIMES {
        pilot.rewrite(&hundred(round, &consul, &ports));
        assert_eq!(reload(&pilot), 200, "round {round}\n{}", pilot.log());
        if round % 10 == 0 {
            // The last file holds, and not more than it says is running.
            let word = format!("job0 version {round}");
            pilot.wait(&word, LONG, |pilot| running(pilot).contains(&word).then_some(()));
        }
        if round == 50 {
            early = Some(settled(&mut pilot));
        }
    }
    let (early, late) = (early.unwrap(), settled(&mut pilot));
    println!("after 50: {early:?}\nafter {TIMES}: {late:?}");
    assert_eq!(late.children, early.children);
    assert!(late.descriptors <= early.descriptors + 8, "{early:?} {late:?}");
    assert!(late.threads <= early.threads + 2, "{early:?} {late:?}");
    assert!(late.kib <= early.kib + 2048, "{early:?} {late:?}");
    assert!(!processes::alive(steady), "even what changes seldom has changed");

    pilot.rewrite(&hundred(1, &consul, &ports));
    pilot.asked(&["-reload"]);
    let word = "job1 version 1".to_owned();
    pilot.wait(&word, LONG, |pilot| running(pilot).contains(&word).then_some(()));
    pilot.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(pilot.exit_code_within(LONG), 0);
    assert_eq!(pilot.processes(), [0; 0]);
    until("Consul to have nothing", SOON, || consul.services().is_empty().then_some(()));
}

/// What the job's processes were told to say.
fn running(pilot: &Pilot) -> Vec<String> {
    let words = |pid: i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').nth(2).unwrap_or_default().to_owned()
    };
    processes::children(pilot.pid()).into_iter().map(|child| words(child.pid)).collect()
}

/// The least that it has while exactly the long-running jobs of the last file run. Checks, ticks and old processes come and go
/// between two counts; what has leaked is there at every look.
fn settled(pilot: &mut Pilot) -> Belongings {
    let mut look = || {
        pilot.wait("97 processes and no more", LONG, |pilot| {
            let belongings = Belongings::of(pilot);
            (belongings.children == 97).then_some(belongings)
        })
    };
    let mut least = look();
    for _ in 1..20 {
        let seen = look();
        least.descriptors = least.descriptors.min(seen.descriptors);
        least.threads = least.threads.min(seen.threads);
        least.kib = least.kib.min(seen.kib);
    }
    least
}
