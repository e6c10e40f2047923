//! Orphans, process trees and pipes. reliability.md, section 2, cases 10, 11, 13, 14, 15.

use std::collections::HashSet;
use std::time::Duration;

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture, processes};
use serde_json::json;

// Case 10: v3's integration test_reap_zombies.
#[test]
fn a_health_check_that_leaves_a_child_leaves_no_zombies() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "forever"],
          "health": { "exec": [fixture(), "orphans", "5", "10", "leave", "wait", "50"], "interval": 1, "ttl": 5 } },
        { "name": "forking", "exec": [fixture(), "orphans", "3", "20"], "when": { "interval": "100ms" } },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for_count("event: {StatusHealthy main}", 3);
    let pid = pilot.pid();
    pilot.wait("a moment without zombies", SOON, |_| (processes::zombies(pid) == 0).then_some(()));
    assert!(!pilot.log().contains("no child processes"), "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

// Case 11.
#[test]
fn next_to_other_processes_pilot_adopts_orphans_and_reaps_them() {
    let file = "{{ .PILOT_TEST_DIR }}/daemon";
    let config =
        jobs(json!([{ "name": "main", "exec": [fixture(), "daemon", file, "700", "say", "daemon lives", "forever"] }]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("daemon lives");
    let daemon: i32 = pilot.scratch.lines("daemon")[0].parse().unwrap();
    assert_eq!(processes::stat(daemon).unwrap().parent, pilot.pid(), "the orphan's parent is pilot");
    pilot.wait("the orphan to be reaped", SOON, |_| processes::stat(daemon).is_none().then_some(()));
    assert_eq!(pilot.stop(), 0);
}

// Case 13.
#[test]
fn a_grandchild_that_holds_the_log_pipe_does_not_hide_the_end_of_its_job() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "leave", "ignore", "15", "say", "holding", "wait", "60000"] },
        { "name": "next", "exec": [fixture(), "say", "next runs"], "when": { "source": "main", "once": "exitSuccess" } },
        { "name": "keep", "exec": [fixture(), "forever"] },
    ]));
    let mut pilot = Pilot::run(&config);
    // Nothing waits for the pipe, which is open for a minute.
    pilot.wait_for("next runs");
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}

// Case 13: what the job wrote before its end is not lost for that.
#[test]
fn the_last_words_of_a_job_are_logged_although_a_grandchild_holds_the_pipe() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "last words", "leave", "ignore", "15", "wait", "3000"] },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("last words");
    pilot.wait_for_event("ExitSuccess main");
}

// Case 14.
#[test]
fn a_probe_that_outlives_its_timeout_is_killed_with_its_group_and_fails_once() {
    let children = [fixture(), "background".into(), "say".into(), "grandchild".into(), "forever".into()];
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "forever"],
          "health": { "exec": children, "interval": 2, "ttl": 9, "timeout": "300ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusUnhealthy main");
    let left = |pilot: &mut Pilot| {
        let probes = pilot.processes().into_iter().filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("grandchild")
        });
        (probes.count() == 0).then_some(())
    };
    pilot.wait("the probe's group to be gone", Duration::from_millis(1200), left);
    assert_eq!(pilot.count_events("ExitFailed check.main"), 1, "{}", pilot.log());
    assert_eq!(pilot.count_events("StatusUnhealthy main"), 1);
    assert_eq!(pilot.stop(), 0);
}

// Case 14: exit 1 with a child left behind.
#[test]
fn a_probe_that_fails_and_leaves_a_child_fails_once_a_round() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "forever"],
          "health": { "exec": ["/bin/sh", "-c", "sleep 60 & exit 1"], "interval": 1, "ttl": 9 } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_count("event: {StatusUnhealthy main}", 2);
    assert_eq!(pilot.count_events("Error check.main: exit status 1"), pilot.count_events("StatusUnhealthy main"));
    let sleepers = |pilot: &mut Pilot| (pilot.processes().len() <= 1).then_some(());
    pilot.wait("the left child to be killed with the probe's group", Duration::from_millis(900), sleepers);
}

// Case 15: the pid of an ended run belongs to somebody else when the job's timeout would have come.
#[test]
fn a_pid_that_was_reused_by_a_stranger_is_never_signalled() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = jobs(json!([
        { "name": "short", "exec": [fixture(), "mark", format!("{dir}/short"), "exit", "0"], "timeout": "1500ms",
          "when": { "source": "thief", "once": "healthy" } },
        { "name": "thief", "exec": [fixture(), "steal", format!("{dir}/short"), format!("{dir}/signals")],
          "health": { "exec": ["/bin/true"], "interval": 1, "ttl": 5 } },
        { "name": "clock", "exec": [fixture(), "say", "tick"], "when": { "interval": "500ms" } },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("stolen");
    let ticks = pilot.count("tick");
    pilot.wait_for_count("tick", ticks + 5);
    assert_eq!(pilot.scratch.lines("signals"), Vec::<String>::new());
}

// Case 15, the storm: numbers recur all the time, while pilot stops, kills and sweeps up after jobs and checks.
#[test]
fn in_a_storm_of_reused_pids_no_stranger_is_ever_signalled() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let marking = |more: &[&str]| {
        let mark = [fixture(), "mark".into(), format!("{dir}/jobs")];
        mark.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect::<Vec<_>>()
    };
    let mut list = vec![json!({
        "name": "storm", "exec": [fixture(), "storm", "6000", format!("{dir}/strangers"), format!("{dir}/killed")],
    })];
    for n in 0..4 {
        let ways = [
            ("ending", marking(&["exit", "0"])),
            // Over its time: the whole group is killed.
            ("late", marking(&["background", "forever"])),
            // Leaves a member behind that ignores SIGTERM: its group is watched and signalled after its leader has gone.
            ("leaving", marking(&["leave", "ignore", "15", "wait", "40"])),
        ];
        for (way, exec) in ways {
            list.push(json!({ "name": format!("{way}-{n}"), "exec": exec, "timeout": "20ms", "when": { "interval": "70ms" } }));
        }
    }
    for n in 0..2 {
        list.push(json!({
            "name": format!("checked-{n}"), "exec": [fixture(), "forever"],
            "health": { "exec": marking(&["background", "wait", "60"]), "interval": "50ms", "timeout": "20ms", "ttl": 5 },
        }));
    }
    let mut pilot = Pilot::run_as_pid_1(&jobs(list.into()));
    pilot.wait_for_within("storm is over", SOON * 2);
    assert_eq!(pilot.scratch.lines("killed"), Vec::<String>::new(), "strangers ended by a signal");
    // That numbers did recur is what makes the line above say anything.
    let ours: HashSet<i32> = pilot.marks("jobs").into_iter().map(|(_, pid)| pid).collect();
    let strangers = pilot.scratch.lines("strangers");
    let recurred = strangers.iter().filter(|pid| pid.parse().is_ok_and(|pid| ours.contains(&pid))).count();
    assert!(recurred >= 100, "{recurred} of {} strangers had a number of {} jobs", strangers.len(), ours.len());
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}
