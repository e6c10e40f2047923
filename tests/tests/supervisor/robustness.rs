//! Poor surroundings: nothing to write to, nobody to be, nothing to spare. reliability.md, section 2, cases 52, 55, 56.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use pilot_tests::cgroup::MemoryLimit;
use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, Scratch, fixture, processes, tools};
use serde_json::{Value, json};

/// A directory that holds the static pilot and a configuration whose only program is pilot itself, and nothing else.
fn empty_root() -> Scratch {
    let root = Scratch::new();
    fs::copy(tools::static_pilot(), root.path().join("pilot")).unwrap();
    let config = json!({
        "consul": false, "logging": { "level": "DEBUG" },
        "jobs": [
            { "name": "main", "exec": ["/pilot", "-version"], "critical": true },
            { "name": "next", "exec": "/pilot -version", "when": { "source": "main", "once": "exitSuccess" } },
        ],
    });
    root.write("pilot.json5", &config.to_string());
    root
}

/// Runs pilot with that directory as its root, as PID 1, through these extra words of `unshare`.
fn run_in(root: &Scratch, unshare: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--pid", "--fork", "--kill-child"]).args(unshare);
    command.arg(format!("--root={}", root.path().display())).arg("--wd=/");
    command.args(["/pilot", "-config", "/pilot.json5"]).env_clear().output().unwrap()
}

#[track_caller]
fn assert_ran(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(" main ") && said.contains("Version: "), "{said}");
    assert!(said.contains("event: {ExitSuccess main}"), "{said}");
    assert!(said.contains("pilot goes on without a control socket"), "there is no place for it: {said}");
}

// Case 55: no shell, no /etc/passwd, no /tmp, no /proc, no /dev, no library.
#[test]
fn in_a_root_with_nothing_but_pilot_it_runs_as_pid_1() {
    assert_ran(&run_in(&empty_root(), &[]));
}

// Case 55: an arbitrary uid without an entry anywhere.
#[test]
fn as_an_unknown_user_it_runs() {
    let root = empty_root();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if nix::unistd::geteuid().is_root() {
        assert_ran(&run_in(&root, &["--setuid=54321", "--setgid=54321"]));
    } else {
        assert_ran(&run_in(&root, &[]));
    }
}

// Case 55: a root that nothing can be written to.
#[test]
fn on_a_read_only_root_it_runs() {
    let root = empty_root();
    let bind = format!(
        "mount --bind {0} {0} && mount -o remount,bind,ro {0} && ! touch {0}/x 2>/dev/null && exec unshare --pid --fork \
         --kill-child --root={0} --wd=/ /pilot -config /pilot.json5",
        root.path().display()
    );
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    assert_ran(&command.args(["--mount", "sh", "-c", &bind]).output().unwrap());
}

// Case 55: no capability at all.
#[test]
fn without_any_capability_it_starts_and_stops() {
    let config = jobs(json!([{ "name": "main", "exec": [fixture(), "say", "main runs", "forever"] }]));
    let drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"];
    let mut pilot = Pilot::with(&config).through(&drop).start();
    pilot.wait_for("main runs");
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}

/// Five jobs that tick for ever, started through a limit; they must go on ticking, or begin to once there is room.
fn ticking() -> Value {
    let list: Vec<Value> = (0..5)
        .map(|n| {
            json!({ "name": format!("tick-{n}"), "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/ticks"], "when": { "interval": "100ms" } })
        })
        .collect();
    jobs(list.into())
}

/// Sets a soft limit of a running pilot, as its own user: a limit is its owner's to change.
fn limit(pilot: &Pilot, what: &str) {
    let status = fs::read_to_string(format!("/proc/{}/status", pilot.pid())).unwrap();
    let id = |field: &str| status.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()).unwrap();
    let mut command = Command::new("setpriv");
    if nix::unistd::geteuid().is_root() {
        command.arg(format!("--reuid={}", id("Uid:"))).arg(format!("--regid={}", id("Gid:"))).arg("--clear-groups");
    }
    let output = command.args(["prlimit", "--pid", &pilot.pid().to_string(), what]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

// Case 52: descriptors.
#[test]
fn without_a_free_descriptor_pilot_lives_says_so_and_recovers() {
    let mut pilot = Pilot::run(&ticking());
    pilot.wait_for_marks("ticks", 5);
    let open = fs::read_dir(format!("/proc/{}/fd", pilot.pid())).unwrap().count();
    limit(&pilot, &format!("--nofile={}:", open.min(8)));
    pilot.wait_for("unable to start");
    assert!(processes::alive(pilot.pid()));
    limit(&pilot, "--nofile=1024:");
    let ticks = pilot.marks("ticks").len();
    pilot.wait_for_marks("ticks", ticks + 10);
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}

// Case 52: processes. Root is not bound by the limit, so pilot runs as a user without other processes.
#[test]
fn without_a_free_process_pilot_lives_says_so_and_recovers() {
    let mut start = Pilot::with(&ticking());
    let user = 40_000 + std::process::id() % 10_000;
    let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
    if nix::unistd::geteuid().is_root() {
        start = start.through(&[
            "sh",
            "-c",
            "chmod 777 . && exec \"$@\"",
            "sh",
            "setpriv",
            &user,
            &group,
            "--clear-groups",
        ]);
    }
    let mut pilot = start.start();
    pilot.wait_for_marks("ticks", 5);
    limit(&pilot, "--nproc=1:");
    pilot.wait_for("unable to start");
    assert!(processes::alive(pilot.pid()));
    limit(&pilot, "--nproc=4096:");
    let ticks = pilot.marks("ticks").len();
    pilot.wait_for_marks("ticks", ticks + 10);
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}

// Case 52: processes, from the beginning. There is no thread for the output either; lines wait until there is.
#[test]
fn started_without_a_free_process_pilot_waits_for_one() {
    let user = 50_000 + std::process::id() % 10_000;
    let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
    let own_user = ["sh", "-c", "chmod 777 . && exec \"$@\"", "sh", "setpriv", &user, &group, "--clear-groups"];
    let mut through: Vec<&str> = if nix::unistd::geteuid().is_root() { own_user.into() } else { Vec::new() };
    through.extend(["prlimit", "--nproc=1:4096"]);
    let mut pilot = Pilot::with(&ticking()).through(&through).start();
    let threads = |pilot: &mut Pilot| {
        let status = fs::read_to_string(format!("/proc/{}/status", pilot.pid())).ok()?;
        (status.starts_with("Name:\tpilot\n") && status.contains("Threads:\t1\n")).then_some(())
    };
    pilot.wait("pilot to run, alone", SOON, threads);
    // So many ticks that could not be started.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(
        threads(&mut pilot).is_some()
            && pilot.marks("ticks").is_empty()
            && pilot.lines().len() == 1
            && pilot.count("the system has no thread for the log") == 1,
        "{}",
        pilot.log()
    );
    limit(&pilot, "--nproc=4096:");
    pilot.wait_for("unable to start");
    pilot.wait_for_marks("ticks", 10);
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
}

// Case 52: memory. The kernel ends the greediest; that is not pilot.
#[test]
fn when_the_containers_memory_is_used_up_the_greedy_job_dies_and_pilot_starts_it_again() {
    let memory = MemoryLimit::new(64);
    let mut config = ticking();
    let jobs = config["jobs"].as_array_mut().unwrap();
    jobs.truncate(1);
    jobs.push(json!({ "name": "greedy", "restarts": "unlimited",
        "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/runs", "eat", "200", "forever"] }));
    let enter = memory.entering();
    let enter: Vec<&str> = enter.iter().map(String::as_str).collect();
    let mut pilot = Pilot::with(&config).through(&enter).start();
    pilot.wait_for("greedy exited with error: signal: killed");
    let ticks = pilot.marks("ticks").len();
    pilot.wait_for_marks("runs", 3);
    pilot.wait_for_marks("ticks", ticks + 10);
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    drop(pilot);
}

// Case 52: the disk with the log.
#[test]
fn when_the_logs_disk_is_full_pilot_works_on_and_tells_of_the_loss_once_there_is_room() {
    let mut config = ticking();
    let jobs = config["jobs"].as_array_mut().unwrap();
    jobs.truncate(1);
    jobs.push(json!({ "name": "loud", "exec": [fixture(), "lines", "5000", "100", "forever"] }));
    jobs.push(json!({ "name": "talking", "exec": [fixture(), "say", "still here"], "when": { "interval": "100ms" } }));
    config["logging"] = json!({ "output": "{{ .PILOT_TEST_DIR }}/disk/log" });
    let disk =
        "mkdir disk && mount -t tmpfs -o size=256k none disk && head -c 200000 /dev/zero > disk/filler && exec \"$@\"";
    let mut space = vec!["unshare", "--mount"];
    if !nix::unistd::geteuid().is_root() {
        space.extend(["--user", "--map-root-user"]);
    }
    space.extend(["sh", "-c", disk, "sh"]);
    let mut pilot = Pilot::with(&config).through(&space).start();
    // The disk is in pilot's mount namespace.
    let file = |pilot: &Pilot, name: &str| format!("/proc/{}/root{}", pilot.pid(), pilot.scratch.file(name));
    pilot.wait("the disk to be full", SOON, |pilot| {
        let full = fs::metadata(file(pilot, "disk/log")).is_ok_and(|log| log.len() > 50_000);
        (full && pilot.marks("ticks").len() > 2).then_some(())
    });
    let ticks = pilot.marks("ticks").len();
    pilot.wait_for_marks("ticks", ticks + 10);
    fs::remove_file(file(&pilot, "disk/filler")).unwrap();
    pilot.wait("the loss to be told, and lines after it", SOON, |pilot| {
        let log = fs::read_to_string(file(pilot, "disk/log")).unwrap_or_default();
        let (_, after) = log.split_once("lost: writing them failed: No space left on device")?;
        after.contains("still here").then_some(())
    });
    assert_eq!(pilot.stop(), 0);
}

// Case 56.
#[test]
fn a_job_has_three_descriptors_whatever_pilot_was_started_with() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "state"] },
        { "name": "raw", "exec": [fixture(), "state"], "logging": { "raw": true } },
    ]));
    let opening = ["sh", "-c", "exec 3</etc/hostname 7</dev/null 9>/dev/null \"$@\"", "sh"];
    let opening: Vec<&str> =
        vec![opening[0], opening[1], "exec 3</etc/hostname 7</dev/null 9>/dev/null; exec \"$@\"", opening[3]];
    let mut pilot = Pilot::with(&config).through(&opening).start();
    assert_eq!(pilot.exit_code(), 0);
    let states: Vec<Value> = pilot
        .lines()
        .iter()
        .filter_map(|line| serde_json::from_str(line.text.get(line.text.find("{\"blocked\"")?..)?).ok())
        .collect();
    assert_eq!(states.len(), 2, "{}", pilot.log());
    for state in states {
        let numbers: Vec<&String> = state["descriptors"].as_object().unwrap().keys().collect();
        assert_eq!(numbers, ["0", "1", "2"], "{state}");
    }
}

// Case 56.
#[test]
fn sockets_that_were_passed_to_pilot_are_passed_on_and_nothing_else_is() {
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "state", "env", "LISTEN_FDS", "env", "LISTEN_PID"] },
    ]));
    let passing = "exec 3</dev/null 4</dev/zero 5</dev/null; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$@\"";
    let mut pilot = Pilot::with(&config).through(&["sh", "-c", passing, "sh"]).start();
    assert_eq!(pilot.exit_code(), 0);
    let line = pilot.wait_for("{\"blocked\"").text;
    let state: Value = serde_json::from_str(&line[line.find("{\"blocked\"").unwrap()..]).unwrap();
    let numbers: Vec<&String> = state["descriptors"].as_object().unwrap().keys().collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4"], "{state}");
    assert_eq!(state["descriptors"]["4"], "/dev/zero");
    pilot.wait_for("LISTEN_FDS=2");
    pilot.wait_for(&format!("LISTEN_PID={}", state["pid"]));
}

// Case 54's simplest half: pilot that stood still is not behind when it goes on.
#[test]
fn after_standing_still_pilot_runs_a_tick_and_not_the_missed_ones() {
    let mut config = ticking();
    config["jobs"] = json!([config["jobs"][0]]);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_marks("ticks", 3);
    pilot.signal(nix::sys::signal::Signal::SIGSTOP);
    std::thread::sleep(std::time::Duration::from_secs(2)); // The pause is the stimulus.
    let before = pilot.marks("ticks").len();
    pilot.signal(nix::sys::signal::Signal::SIGCONT);
    let began = std::time::Instant::now();
    pilot.wait("ten more ticks", SOON, |pilot| (pilot.marks("ticks").len() >= before + 10).then_some(()));
    assert!(began.elapsed().as_millis() > 500, "twenty missed ticks were made up for in {:?}", began.elapsed());
    assert_eq!(pilot.stop(), 0);
}
