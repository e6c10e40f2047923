//! How pilot ends and what signals do. reliability.md, section 2, cases 1 to 9.

use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture, processes};
use serde_json::json;

/// A job whose end is the container's end.
fn critical(arguments: &[&str]) -> serde_json::Value {
    let mut exec = vec![fixture()];
    exec.extend(arguments.iter().map(|word| (*word).to_owned()));
    jobs(json!([{ "name": "main", "exec": exec, "critical": true }]))
}

// Case 1.
#[test]
fn every_exit_code_of_a_critical_job_is_pilots_exit_code() {
    for code in 0..=255 {
        let mut pilot = Pilot::run(&critical(&["exit", &code.to_string()]));
        assert_eq!(pilot.exit_code(), code, "{}", pilot.log());
    }
}

// Case 1, as PID 1: v3 hid every code here.
#[test]
fn as_pid_1_the_exit_code_is_not_hidden() {
    for code in [0, 1, 3, 127, 255] {
        let mut pilot = Pilot::run_as_pid_1(&critical(&["exit", &code.to_string()]));
        assert_eq!(pilot.exit_code(), code, "{}", pilot.log());
    }
}

// Case 1: the remap list.
#[test]
fn chosen_success_codes_become_0_and_others_stay() {
    for code in [0, 1, 3, 142, 143, 144, 255] {
        let exec = [fixture(), "exit".into(), code.to_string()];
        let config = jobs(json!([{ "name": "main", "exec": exec, "critical": true, "successCodes": [3, 143] }]));
        let mut pilot = Pilot::run(&config);
        let remapped = matches!(code, 3 | 143);
        assert_eq!(pilot.exit_code(), if remapped { 0 } else { code });
        let event = if matches!(code, 0 | 3 | 143) { "ExitSuccess main" } else { "ExitFailed main" };
        assert_eq!(pilot.count_events(event), 1, "{code}: {}", pilot.log());
    }
}

// Case 1, the other half of the contract: without `critical` a job's code is nobody's.
#[test]
fn a_job_that_is_not_critical_does_not_decide_the_exit_code() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": [fixture(), "exit", "3"] }])));
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
}

#[test]
fn a_critical_job_ends_the_others_in_order() {
    let config = jobs(json!([
        { "name": "side", "exec": [fixture(), "on-term", "{{ .PILOT_TEST_DIR }}/side", "50", "0", "forever"] },
        { "name": "main", "exec": [fixture(), "wait", "100", "exit", "7"], "critical": true },
    ]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 7);
    assert_eq!(pilot.marks("side").len(), 1, "the other job was asked to stop\n{}", pilot.log());
    assert_eq!(pilot.processes(), Vec::<i32>::new());
}

// Case 2.
#[test]
fn a_critical_job_killed_by_a_signal_gives_128_and_the_signal() {
    let ends = (1..=31).filter(|n| ![17, 18, 19, 20, 21, 22, 23, 28].contains(n)).chain([34, 35, 63, 64]);
    for signal in ends {
        let mut pilot = Pilot::run(&critical(&["die", &signal.to_string()]));
        assert_eq!(pilot.exit_code(), 128 + signal, "signal {signal}\n{}", pilot.log());
        assert_eq!(pilot.count_events("ExitFailed main"), 1);
    }
}

// Case 2: the rules see a failure and its name.
#[test]
fn a_job_killed_by_a_signal_has_failed_and_the_event_names_the_signal() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": [fixture(), "die", "9"] }])));
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count_events("Error main: signal: killed"), 1, "{}", pilot.log());
    assert_eq!(pilot.count_events("ExitSuccess main"), 0);
}

// Case 3.
#[test]
fn each_signal_sent_to_pid_1_has_its_documented_effect() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "say", "main runs", "forever"] },
        { "name": "on-hup", "exec": [fixture(), "say", "hup seen"], "when": { "source": "SIGHUP" } },
        { "name": "on-usr2", "exec": [fixture(), "say", "usr2 seen"], "when": { "source": "SIGUSR2" } },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("main runs");
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for_event("Signal SIGHUP");
    pilot.wait_for("hup seen");
    pilot.signal(Signal::SIGUSR2);
    pilot.wait_for_event("Signal SIGUSR2");
    pilot.wait_for("usr2 seen");
    for harmless in
        [Signal::SIGUSR1, Signal::SIGPIPE, Signal::SIGALRM, Signal::SIGWINCH, Signal::SIGCHLD, Signal::SIGCONT]
    {
        pilot.signal(harmless);
    }
    pilot.signal(Signal::SIGHUP);
    pilot.wait_for_count("hup seen", 2);
    pilot.signal(Signal::SIGINT);
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
}

// Case 5.
#[test]
fn children_start_with_clean_signals_even_if_pilots_parent_blocked_and_ignored_them_all() {
    // Not the fixture: the Rust runtime would change SIGPIPE before it could look.
    let config = jobs(json!([
        { "name": "main", "exec": ["sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; exec sleep 1000"] },
        { "name": "short", "exec": [fixture(), "exit", "0"] },
    ]));
    let mut pilot = Pilot::with(&config).through(&[&fixture(), "dirty"]).start();
    for field in ["SigBlk:", "SigIgn:"] {
        let line = pilot.wait_for(field).text;
        let mask = u64::from_str_radix(line.rsplit('\t').next().unwrap().trim(), 16).unwrap();
        // 32 and 33 belong to the C library, which lets nobody touch them.
        assert_eq!(mask & !(3 << 31), 0, "{line}");
    }
    // SIGCHLD was ignored, which would have made the kernel reap in pilot's stead.
    pilot.wait_for_event("ExitSuccess short");
    assert_eq!(pilot.stop(), 0, "pilot itself hears signals");
}

#[test]
fn a_job_leads_its_own_group_and_has_dev_null_as_stdin() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": [fixture(), "state"] }])));
    let line = pilot.wait_for("\"group\"").text;
    let state: serde_json::Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    assert_eq!(state["group"], state["pid"]);
    assert_eq!(state["descriptors"]["0"], "/dev/null");
    assert_eq!(state["parent"], pilot.pid());
}

// Case 6.
#[test]
fn a_second_sigterm_speeds_the_stop_up() {
    let stubborn = [fixture(), "ignore".into(), "15".into(), "say".into(), "deaf".into(), "forever".into()];
    let mut config = jobs(json!([{ "name": "main", "exec": stubborn }]));
    config["stopTimeout"] = json!(60);
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("deaf");
    pilot.signal(Signal::SIGTERM);
    pilot.wait_for_event("Stopping main");
    pilot.signal(Signal::SIGTERM);
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
}

// Case 7: a signal at any moment of the start. Before pilot can have a handler the default action ends it.
#[test]
fn sigterm_at_a_random_moment_of_the_start_ends_it_and_leaves_nothing() {
    let config = jobs(json!([
        { "name": "prestart", "exec": [fixture(), "wait", "30"] },
        { "name": "main", "exec": [fixture(), "forever"], "when": { "source": "prestart", "once": "exitSuccess" } },
    ]));
    for delay in 0..40 {
        let mut pilot = Pilot::run(&config);
        std::thread::sleep(Duration::from_millis(delay * 2)); // The moment is what is varied here.
        pilot.signal(Signal::SIGTERM);
        let code = pilot.exit_code();
        assert!(code == 0 || code == 128 + 15, "after {delay} ms: {code}\n{}", pilot.log());
        assert_eq!(pilot.processes(), Vec::<i32>::new(), "after {delay} ms\n{}", pilot.log());
    }
}

// Case 7, as PID 1, where the kernel drops signals without a handler: once pilot has said anything it must obey.
#[test]
fn as_pid_1_sigterm_during_a_prestart_job_is_obeyed() {
    let config = jobs(json!([
        { "name": "prestart", "exec": [fixture(), "say", "preparing", "wait", "60000"] },
        { "name": "main", "exec": [fixture(), "say", "never"], "when": { "source": "prestart", "once": "exitSuccess" } },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for("preparing");
    pilot.signal(Signal::SIGTERM);
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
    assert_eq!(pilot.count("never"), 0);
}

// Case 8.
#[test]
fn a_missing_program_is_an_exit_failed_with_a_clear_message_and_127() {
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": ["/no/such/program"], "critical": true }])));
    assert_eq!(pilot.exit_code(), 127);
    assert_eq!(pilot.count_events("ExitFailed main"), 1);
    assert!(pilot.count("unable to start main") >= 1 && pilot.log().contains("/no/such/program"), "{}", pilot.log());
}

// Case 8: looked up in PATH.
#[test]
fn a_program_that_is_not_on_path_is_127_too() {
    let mut pilot =
        Pilot::run(&jobs(json!([{ "name": "main", "exec": "no-such-program-anywhere", "critical": true }])));
    assert_eq!(pilot.exit_code(), 127, "{}", pilot.log());
}

// Case 8.
#[test]
fn a_file_that_is_not_executable_is_126() {
    let config = jobs(json!([{ "name": "main", "exec": ["{{ .PILOT_TEST_DIR }}/pilot.json5"], "critical": true }]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 126, "{}", pilot.log());
    assert_eq!(pilot.count_events("ExitFailed main"), 1);
}

// Case 8: and nothing is left of the attempt.
#[test]
fn a_missing_program_leaves_no_zombie_and_does_not_disturb_others() {
    let config = jobs(json!([
        { "name": "missing", "exec": ["/no/such/program"], "restarts": 3 },
        { "name": "main", "exec": [fixture(), "forever"] },
    ]));
    let mut pilot = Pilot::run_as_pid_1(&config);
    pilot.wait_for_event("Stopped missing");
    assert_eq!(pilot.count_events("ExitFailed missing"), 4);
    let children = processes::children(pilot.pid());
    assert_eq!(children.len(), 1, "{children:?}");
    assert_eq!(pilot.stop(), 0);
}

/// Ends the session's pilot when the test is over, whatever came of it.
struct Hangup(std::process::Child);

impl Drop for Hangup {
    fn drop(&mut self) {
        let leader = i32::try_from(self.0.id()).unwrap_or(0);
        for child in processes::children(leader).into_iter().map(|child| child.pid).chain([leader]) {
            processes::signal(child, Signal::SIGTERM);
        }
        let _ = self.0.wait();
    }
}

// Case 9.
#[test]
fn a_tty_job_has_the_terminal_and_ctrl_c_reaches_it_once() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let scratch = pilot_tests::Scratch::new();
    let config = json!({
        "consul": false, "control": { "socket": scratch.file("socket") },
        "jobs": [{ "name": "main", "tty": true, "critical": true, "logging": { "raw": true }, "exec": [fixture(), "terminal"] }],
    });
    let file = scratch.write("pilot.json5", &config.to_string());
    let pty = nix::pty::openpty(None, None).unwrap();
    let side = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut session = Command::new("setsid");
    session.args(["--ctty", "--wait", &pilot_tests::tools::pilot(), "-config", &file]);
    let child = session.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    let mut child = Hangup(child);
    drop(session);
    drop(pty.slave);

    let mut terminal = std::fs::File::from(pty.master);
    let mut reader = terminal.try_clone().unwrap();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let writer = heard.clone();
    std::thread::spawn(move || {
        use std::io::Read;
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            writer.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    let hear = |text: &str| {
        let mut last = String::new();
        pilot_tests::until(&format!("the terminal to show {text:?}"), SOON, || {
            last = heard.lock().unwrap().clone();
            last.contains(text).then_some(())
        });
    };
    hear("terminal: mine");
    terminal.write_all(b"\x03").unwrap();
    hear("interrupt 1");
    terminal.write_all(b"\x03").unwrap();
    hear("interrupt 2");
    let status = pilot_tests::until("pilot to end with its critical job", SOON, || child.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0), "{}", heard.lock().unwrap());
    assert_eq!(heard.lock().unwrap().matches("interrupt ").count(), 2, "each Ctrl-C came once");
}

// The exit contract: 1 for a configuration that cannot be used, also as PID 1, 2 for a command line.
#[test]
fn a_configuration_error_is_exit_code_1_and_names_file_line_and_column() {
    let text = "{\n  consul: false,\n  jobs: [\n    { name: \"main\", exce: \"true\" },\n  ],\n}\n";
    for as_pid_1 in [false, true] {
        let start = Pilot::with_text(text);
        let mut pilot = if as_pid_1 { start.as_pid_1().start() } else { start.start() };
        assert_eq!(pilot.exit_code(), 1, "{}", pilot.log());
        for part in ["pilot.json5", "4", "exce", "exec"] {
            assert!(pilot.log().contains(part), "{part} is missing in:\n{}", pilot.log());
        }
    }
}

#[test]
fn check_names_every_mistake_at_once_and_exits_non_zero() {
    let scratch = pilot_tests::Scratch::new();
    let file = scratch.write(
        "bad.json5",
        "{ consul: false, jobs: [{ name: \"a\", exce: \"x\" }, { name: \"b\", restarts: \"often\" }] }",
    );
    let output = std::process::Command::new(pilot_tests::tools::pilot()).args(["check", &file]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("exce") && said.contains("often"), "{said}");
    let file = scratch.write("good.json5", "{ consul: false, jobs: [{ name: \"a\", exec: \"true\" }] }");
    let output = std::process::Command::new(pilot_tests::tools::pilot()).args(["check", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_command_line_that_makes_no_sense_is_exit_code_2() {
    let output = std::process::Command::new(pilot_tests::tools::pilot()).arg("-no-such-flag").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
