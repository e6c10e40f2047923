//! Hundreds of jobs, thousands of events, signals and orphans at once. reliability.md, section 2, cases 3, 4, 10, 29, 31.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture, processes};
use serde_json::{Value, json};

use crate::ordering::{first, once, position};

// Case 29.
#[test]
fn a_chain_of_two_hundred_jobs_runs_in_order() {
    let mut list = vec![first("job-0")];
    list.extend((1..200).map(|n| once(&format!("job-{n}"), &format!("job-{}", n - 1))));
    list.reverse(); // The order of the file must not matter.
    let mut pilot = Pilot::run(&jobs(list.into()));
    assert_eq!(pilot.exit_code_within(SOON * 2), 0);
    let positions: Vec<usize> = (0..200).map(|n| position(&pilot, &format!("job-{n}"))).collect();
    assert!(positions.is_sorted() && positions[199] != usize::MAX, "{positions:?}");
}

// Case 29.
#[test]
fn a_fan_out_to_two_hundred_jobs_starts_them_all_near_the_critical_path() {
    let mut list = vec![first("top")];
    list.extend((0..200).map(|n| once(&format!("job-{n}"), "top")));
    let mut pilot = Pilot::run(&jobs(list.into()));
    assert_eq!(pilot.exit_code_within(SOON * 2), 0);
    assert_eq!(pilot.marks("order").len(), 201);
    let marks = pilot.marks("order");
    assert!(marks[200].0 - marks[0].0 < 8.0, "from first to last: {} s", marks[200].0 - marks[0].0);
}

// Case 31: as many events as the machine gives, and a job that is far too slow for them.
#[test]
fn thousands_of_events_and_a_slow_job_neither_freeze_pilot_nor_grow_it() {
    let mut list: Vec<Value> = (0..10)
        .map(|n| json!({ "name": format!("tick-{n}"), "exec": "/bin/true", "when": { "interval": "5ms" } }))
        .collect();
    let sources: Vec<String> = (0..10).map(|n| format!("tick-{n}")).collect();
    list.push(json!({ "name": "slow", "exec": [fixture(), "wait", "100"], "when": { "source": sources, "each": "exitSuccess" } }));
    let clock = json!({ "name": "clock", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/clock"], "when": { "interval": "100ms" } });
    list.push(clock);
    let config = json!({ "consul": false, "logging": { "level": "INFO" }, "jobs": list });
    let mut pilot = Pilot::run(&config);
    let pid = pilot.pid();
    pilot.wait_for_marks("clock", 1);
    let began = Instant::now();
    let mut highest = 0;
    pilot.wait("six seconds of load", SOON, |pilot| {
        highest = highest.max(processes::resident_kib(pid));
        assert_eq!(pilot.asked(&["ping"]), "ok\n");
        (began.elapsed() > Duration::from_secs(6)).then_some(())
    });
    assert!(highest < 40_000, "{highest} KiB resident");
    // A clock among all the events is late by what the machine needs for its processes, not by theirs.
    let clock = pilot.marks("clock");
    let longest = clock.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(0.0, f64::max);
    assert!(clock.len() >= 30 && longest < 1.5, "{} of some 60 ticks, the longest gap was {longest} s", clock.len());
    assert_eq!(pilot.stop(), 0);
}

// Case 3: the kernel merges equal pending signals, so one of each kind is left of what comes while pilot cannot run.
#[test]
fn in_a_burst_of_a_thousand_mixed_signals_none_is_forgotten() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "on-hup", "exec": [fixture(), "say", "hup seen"], "when": { "source": "SIGHUP" } },
        { "name": "on-usr2", "exec": [fixture(), "say", "usr2 seen"], "when": { "source": "SIGUSR2" } },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("main runs");
    let kinds = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGCHLD, Signal::SIGWINCH];
    pilot.signal(Signal::SIGSTOP);
    let pid = pilot.pid();
    pilot.wait("pilot to stand still", SOON, |_| (processes::stat(pid)?.state == 'T').then_some(()));
    for index in 0..1000 {
        pilot.signal(kinds[index % kinds.len()]);
    }
    pilot.signal(Signal::SIGCONT);
    pilot.wait_for_event("Signal SIGHUP");
    pilot.wait_for_event("Signal SIGUSR2");
    // Of those that come one after another none may be lost, and none is taken twice.
    for sent in 2..=200 {
        for kind in kinds {
            pilot.signal(kind);
        }
        pilot.wait_for_count("event: {Signal SIGHUP}", sent);
        pilot.wait_for_count("event: {Signal SIGUSR2}", sent);
    }
    pilot.wait_for_count("hup seen", 200);
    pilot.wait_for_count("usr2 seen", 200);
    assert_eq!((pilot.count_events("Signal SIGHUP"), pilot.count_events("Signal SIGUSR2")), (200, 200));
    assert_eq!((pilot.count("hup seen"), pilot.count("usr2 seen")), (200, 200));
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}

// Case 4.
#[test]
fn five_hundred_children_that_die_while_pilot_stands_still_are_all_reaped_and_attributed() {
    let list: Vec<_> =
        (0..500).map(|n| json!({ "name": format!("job-{n}"), "exec": [fixture(), "forever"] })).collect();
    let mut pilot = Pilot::run_as_pid_1(&jobs(list.into()));
    let pid = pilot.pid();
    let running = |pilot: &mut Pilot| {
        let children = processes::children(pid);
        let started = children.iter().all(|child| {
            std::fs::read_to_string(format!("/proc/{}/comm", child.pid))
                .is_ok_and(|name| name.starts_with("pilot-fixture"))
        });
        assert!(!pilot.ended(), "{}", pilot.log());
        (started && children.len() == 500).then_some(children)
    };
    let children = pilot.wait("500 children", SOON * 3, running);
    pilot.signal(Signal::SIGSTOP);
    for child in children {
        processes::signal(child.pid, Signal::SIGKILL);
    }
    pilot.wait("500 zombies", SOON, |_| (processes::zombies(pid) == 500).then_some(()));
    pilot.signal(Signal::SIGCONT);
    assert_eq!(pilot.exit_code_within(SOON * 2), 0);
    for n in 0..500 {
        assert_eq!(pilot.count_events(&format!("ExitFailed job-{n}")), 1, "job-{n}");
        assert_eq!(pilot.count_events(&format!("Error job-{n}: signal: killed")), 1, "job-{n}");
        assert_eq!(pilot.count_events(&format!("Stopped job-{n}")), 1, "job-{n}");
    }
}

// Case 10.
#[test]
fn two_thousand_double_forked_orphans_are_reaped_as_they_end() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "orphans", "2000", "0", "say", "all forked", "forever"] },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for_within("all forked", SOON * 4);
    let pid = pilot.pid();
    pilot.wait("one child and no zombie", SOON, |_| (processes::children(pid).len() == 1).then_some(()));
    assert_eq!(pilot.stop(), 0);
}

// Case 10: all at the same instant.
#[test]
fn two_thousand_orphans_that_end_in_one_instant_are_all_reaped() {
    let config = jobs(json!([{ "name": "main", "exec": [fixture(), "burst", "2000", "forever"] }]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for_within("burst is ready", SOON * 4);
    let pid = pilot.pid();
    pilot.wait("one child and no zombie", SOON, |_| (processes::children(pid).len() == 1).then_some(()));
    assert_eq!(pilot.stop(), 0);
}

/// Two pipes a job: with the limit that most containers have pilot runs out of descriptors long before the machine does.
#[test]
fn pilot_raises_its_own_limit_of_open_files_and_its_jobs_keep_theirs() {
    let job = |at: usize| json!({ "name": format!("job-{at}"), "exec": [fixture(), "forever"] });
    let mut list: Vec<Value> = (0..60).map(job).collect();
    list.push(json!({ "name": "limit", "exec": ["sh", "-c", "echo soft $(ulimit -Sn) hard $(ulimit -Hn)"] }));
    list.push(json!({ "name": "own", "exec": ["sh", "-c", "echo own $(ulimit -Sn)"], "limits": { "nofile": 200 } }));
    let mut pilot = Pilot::with(&jobs(list.into())).through(&["prlimit", "--nofile=100:4000"]).start();
    pilot.wait_for(" soft 100 hard 4000");
    pilot.wait_for(" own 200");
    pilot.wait("all jobs to run", SOON, |pilot| (pilot.processes().len() >= 60).then_some(()));
    assert_eq!(pilot.count("Too many open files"), 0, "{}", pilot.log());
    assert_eq!(pilot.count("no descriptor is left"), 0, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}
