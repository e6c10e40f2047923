//! What becomes of a job's output. reliability.md, section 2, cases 13, 49, 50; v3 spec 4; baselines.md j.

use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture, processes};
use serde_json::{Value, json};

/// One job with these verbs, and logs in this format.
fn job(format: &str, verbs: &[&str]) -> Value {
    let mut exec = vec![fixture()];
    exec.extend(verbs.iter().map(|verb| (*verb).to_owned()));
    json!({ "consul": false, "logging": { "level": "INFO", "format": format }, "jobs": [{ "name": "main", "exec": exec }] })
}

#[test]
fn the_default_format_puts_time_job_and_pid_before_a_line() {
    let mut pilot = Pilot::run(&job("default", &["say", "hello there", "cry", "to stderr"]));
    assert_eq!(pilot.exit_code(), 0);
    let line = pilot.wait_for("hello there").text;
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    assert!(words[0].len() >= 20 && words[0].contains('T'), "{line}");
    assert_eq!(words[1], "main");
    assert!(words[2].parse::<i32>().is_ok(), "{line}");
    assert_eq!(words[3], "hello there");
    assert!(pilot.count(" to stderr") == 1, "{}", pilot.log());
}

#[test]
fn the_text_format_is_key_and_value() {
    let mut pilot = Pilot::run(&job("text", &["say", "hello there"]));
    assert_eq!(pilot.exit_code(), 0);
    let line = pilot.wait_for("hello there").text;
    assert!(line.starts_with("time=\"") && line.contains("level=info msg=\"hello there\" job=main pid="), "{line}");
}

#[test]
fn the_json_format_is_one_object_a_line() {
    let mut pilot = Pilot::run(&job("json", &["say", "a \"quoted\" <line>\t\\"]));
    assert_eq!(pilot.exit_code(), 0);
    let line = pilot.wait_for("quoted").text;
    let object: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(object["msg"], "a \"quoted\" <line>\t\\");
    assert_eq!((&object["job"], &object["level"]), (&json!("main"), &json!("info")));
    assert!(object["pid"].is_number() && object["time"].is_string(), "{line}");
}

// 12.1: with level WARN a job's output disappears, as in v3.
#[test]
fn the_level_hides_output_as_in_v3() {
    let mut config = job("default", &["say", "not to be seen"]);
    config["logging"]["level"] = json!("WARN");
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("not to be seen"), 0);
}

// v3 spec 2.1 and appendix B.
#[test]
fn the_loaded_configuration_is_in_the_debug_log_as_json_without_its_secrets() {
    let config = json!({
        "consul": { "address": "127.0.0.1:1", "token": "t0ken-that-must-not-leak" }, "logging": { "level": "DEBUG" },
        "jobs": [{ "name": "main", "exec": [fixture(), "exit", "0"] }],
    });
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count("loaded config:"), 1, "{}", pilot.log());
    let line = pilot.wait_for("loaded config:").text;
    let shown: Value = serde_json::from_str(line.split_once("loaded config: ").unwrap().1).unwrap();
    let mut told = config.clone();
    told["consul"]["token"] = json!("***");
    // It has a variable's value in it, and any of these may be a secret.
    told["control"] = json!({ "socket": "***" });
    assert_eq!(shown, told);
    assert!(!pilot.log().contains("t0ken-that-must-not-leak"), "{}", pilot.log());
}

// Section 11, test_logging: raw output has no prefix, wrapped output has.
#[test]
fn raw_output_is_the_childs_own_bytes_on_pilots_own_descriptor() {
    let mut config = jobs(json!([
        { "name": "job1", "exec": [fixture(), "say", "job1 exec"] },
        { "name": "job2", "exec": [fixture(), "say", "job2 exec"], "logging": { "raw": true } },
        { "name": "job3", "exec": [fixture(), "forever"],
          "health": { "exec": [fixture(), "say", "job3 health"], "interval": 1, "ttl": 5, "logging": { "raw": true } } },
        { "name": "job4", "exec": [fixture(), "forever"],
          "health": { "exec": [fixture(), "say", "job4 health"], "interval": 1, "ttl": 5 } },
    ]));
    config["logging"]["format"] = json!("text");
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("loaded config:");
    pilot.wait_for("msg=\"job1 exec");
    pilot.wait_for("msg=\"job4 health");
    for raw in ["job2 exec", "job3 health"] {
        pilot.wait(raw, SOON, |pilot| pilot.lines().iter().any(|line| line.text == raw).then_some(()));
    }
    assert_eq!(pilot.stop(), 0);
}

// Case 50; baselines.md j: v3 lost it all and the writer died of SIGPIPE.
#[test]
fn a_line_of_ten_megabytes_comes_out_whole_and_the_job_lives_on() {
    for format in ["default", "text", "json"] {
        let verbs = ["letters", "10000000", "say", "", "say", "after it"];
        let mut pilot = Pilot::run(&job(format, &verbs));
        assert_eq!(pilot.exit_code(), 0);
        assert_eq!(pilot.count("after it"), 1, "{format}");
        // In one piece or in several: every letter is there once.
        let lines = pilot.lines();
        let letters = |text: &str| text.bytes().filter(|byte| *byte == b'a').count();
        let total: usize = lines.iter().filter(|line| line.text.contains("aaaa")).map(|line| letters(&line.text)).sum();
        assert!((10_000_000..10_000_000 + 2000).contains(&total), "{format}: {total} letters");
    }
}

// Case 50.
#[test]
fn bytes_that_are_no_text_come_out_as_valid_lines() {
    let verbs = ["bytes", "100000", "say", "", "say", "after the bytes"];
    for format in ["default", "json"] {
        let mut pilot = Pilot::run(&job(format, &verbs));
        assert_eq!(pilot.exit_code(), 0);
        assert_eq!(pilot.count("after the bytes"), 1, "{format}");
        if format == "json" {
            for line in pilot.lines() {
                assert!(serde_json::from_str::<Value>(&line.text).is_ok(), "{:?}", line.text);
            }
        }
    }
}

// Case 50; baselines.md j: v3 lost it.
#[test]
fn a_last_word_without_a_newline_is_logged() {
    let mut pilot = Pilot::run(&job("default", &["write", "last word", "exit", "0"]));
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count(" last word"), 1, "{}", pilot.log());
}

// Case 50: interleaved writers.
#[test]
fn lines_of_ten_jobs_at_once_are_neither_mixed_nor_lost_nor_out_of_order() {
    let list: Vec<Value> =
        (0..10).map(|n| json!({ "name": format!("job-{n}"), "exec": [fixture(), "lines", "20000", "100"] })).collect();
    let config = json!({ "consul": false, "logging": { "level": "INFO" }, "jobs": list });
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code_within(SOON * 3), 0);
    let mut next = [0u32; 10];
    for line in pilot.lines() {
        let mut words = line.text.split(' ').skip(1);
        let job = words.next().and_then(|word| word.strip_prefix("job-")?.parse::<usize>().ok());
        // pilot's own sentences about a job have no process number.
        let Some(job) = job.filter(|_| words.next().is_some_and(|word| word.parse::<u32>().is_ok())) else { continue };
        let (number, filling) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!(number, format!("{:08}", next[job]), "{}", line.text);
        assert_eq!(filling, "x".repeat(90));
        next[job] += 1;
    }
    assert_eq!(next, [20_000; 10], "lost lines");
}

// Case 49: v3 restarted nothing until somebody read again.
#[test]
fn while_nobody_reads_pilot_supervises_on_and_says_afterwards_what_was_lost() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = json!({
        "consul": false, "logging": { "level": "INFO" },
        "jobs": [
            { "name": "loud", "exec": [fixture(), "lines", "400000", "200", "forever"] },
            { "name": "main", "exec": [fixture(), "mark", format!("{dir}/runs"), "forever"], "restarts": "unlimited",
              "health": { "exec": [fixture(), "mark", format!("{dir}/checks")], "interval": 1, "ttl": 5 } },
        ],
    });
    let (mut pilot, unread) = Pilot::with(&config).with_unread_output();
    let (_, pid) = pilot.wait_for_marks("runs", 1)[0];
    pilot.wait_for_marks("checks", 2);
    processes::signal(pid, Signal::SIGKILL);
    pilot.wait_for_marks("runs", 2);
    let checks = pilot.marks("checks").len();
    pilot.wait_for_marks("checks", checks + 2);
    assert!(processes::resident_kib(pilot.pid()) < 60_000, "{} KiB", processes::resident_kib(pilot.pid()));
    unread.release();
    pilot.wait("the loss to be told, or all lines to be there", SOON * 2, |pilot| {
        let told = pilot.count("lost") + pilot.count("dropped") > 0;
        (told || pilot.count(" loud ") >= 400_000).then_some(())
    });
    assert_eq!(pilot.stop(), 0);
}

// Case 49: the stop.
#[test]
fn a_stop_does_not_wait_for_a_reader_that_has_stalled() {
    let config = json!({
        "consul": false,
        "jobs": [{ "name": "loud", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs", "lines", "1000000", "200"] }],
    });
    let (mut pilot, unread) = Pilot::with(&config).with_unread_output();
    pilot.wait_for_marks("runs", 1);
    std::thread::sleep(Duration::from_millis(300)); // Long enough to fill every pipe; more would change nothing.
    assert_eq!(pilot.stop(), 0);
    drop(unread);
}

// baselines.md j: v3 died of SIGPIPE.
#[test]
fn a_reader_that_has_gone_does_not_take_pilot_with_it() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = json!({
        "consul": false,
        "jobs": [
            { "name": "talking", "exec": [fixture(), "say", "hello", "mark", format!("{dir}/ticks")], "when": { "interval": "100ms" } },
        ],
    });
    let (mut pilot, unread) = Pilot::with(&config).with_unread_output();
    pilot.wait_for_marks("ticks", 2);
    unread.hang_up();
    let ticks = pilot.marks("ticks").len();
    pilot.wait_for_marks("ticks", ticks + 5);
    assert_eq!(pilot.stop(), 0);
}

// v3 integration test_reopen; case 51's simple half.
#[test]
fn sigusr1_reopens_a_log_file_that_was_moved_away() {
    let config = json!({
        "consul": false, "logging": { "output": "{{ .PILOT_TEST_DIR }}/log" },
        "jobs": [{ "name": "main", "exec": [fixture(), "say", "still here"], "when": { "interval": 1 } }],
    });
    let mut pilot = Pilot::run_as_pid_1(&config);
    let has = |name: &'static str, count: usize| {
        move |pilot: &mut Pilot| {
            (pilot.scratch.lines(name).iter().filter(|l| l.contains("still here")).count() >= count).then_some(())
        }
    };
    pilot.wait("lines in the file", SOON, has("log", 2));
    std::fs::rename(pilot.scratch.file("log"), pilot.scratch.file("log.1")).unwrap();
    let before = pilot.scratch.lines("log.1").len();
    pilot.wait("lines in the moved file", SOON, has("log.1", before + 1));
    pilot.signal(Signal::SIGUSR1);
    pilot.wait("lines in a new file", SOON, has("log", 2));
    assert_eq!(pilot.stop(), 0);
}

// Case 52: the disk is full.
#[test]
fn a_log_that_cannot_be_written_does_not_stop_supervision() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = json!({
        "consul": false, "logging": { "output": "/dev/full" },
        "jobs": [{ "name": "main", "exec": [fixture(), "say", "nowhere", "mark", format!("{dir}/ticks")], "when": { "interval": "100ms" } }],
    });
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_marks("ticks", 5);
    assert_eq!(pilot.stop(), 0);
}
