//! Readiness told by the process itself: the sd_notify protocol. reliability.md, section 2, cases 26, 55 and 60.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::pilot::jobs;
use pilot_tests::{Consul, Pilot, SOON, Scratch, fixture, notify, tools, until};
use serde_json::{Value, json};

/// A job called `main` that does this, with this health; it is looked at all the time unless `interval` says otherwise.
fn main_job(words: &[&str], health: Value) -> Value {
    let exec: Vec<String> = [fixture()].into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect();
    let mut job = json!({ "name": "main", "exec": exec, "health": { "notify": true, "interval": "20ms" } });
    for (key, value) in health.as_object().unwrap() {
        job["health"][key] = value.clone();
    }
    job
}

/// The value of a variable that a running process was started with.
fn variable(pid: i32, name: &str) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let entries = bytes.split(|byte| *byte == 0).map(|entry| String::from_utf8_lossy(entry).into_owned());
    entries.into_iter().find_map(|entry| Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

/// The address that the job `main` was given, once it says `main runs`.
#[track_caller]
fn address(pilot: &mut Pilot) -> String {
    pilot.wait_for("main runs");
    let main = pilot.child_running("main runs");
    variable(main, "NOTIFY_SOCKET").unwrap()
}

/// Waits until this many messages were ignored; powers of two are said.
#[track_caller]
fn wait_for_ignored(pilot: &mut Pilot, count: u32) {
    pilot.wait_for(&format!("({count} so far)"));
}

#[test]
fn a_process_that_says_that_it_is_ready_is_healthy_at_once() {
    let config = jobs(json!([
        main_job(&["until", "{{ .PILOT_TEST_DIR }}/go", "notify", "READY=1", "forever"], json!({ "interval": 3600 })),
        { "name": "next", "exec": [fixture(), "say", "next runs"], "when": { "source": "main", "once": "healthy" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.child_running("until");
    assert_eq!(pilot.count_events("StatusHealthy main"), 0);
    pilot.scratch.write("go", "");
    pilot.wait_for("next runs");
    assert_eq!(pilot.count_events("StatusHealthy main"), 1, "the next look is an hour away");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn until_a_process_is_ready_nothing_is_said_of_its_health_and_then_every_look_is_a_heartbeat() {
    let config = jobs(json!([
        main_job(&["until", "{{ .PILOT_TEST_DIR }}/go", "notify", "READY=1", "forever"], json!({})),
        { "name": "clock", "exec": [fixture(), "mark", "{{ .PILOT_TEST_DIR }}/ticks"], "when": { "interval": "50ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_marks("ticks", 10);
    assert_eq!((pilot.count_events("StatusHealthy main"), pilot.count_events("StatusUnhealthy main")), (0, 0));
    pilot.scratch.write("go", "");
    pilot.wait("heartbeats", SOON, |pilot| (pilot.count_events("StatusHealthy main") > 5).then_some(()));
    assert_eq!(pilot.count_events("StatusUnhealthy main"), 0);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn only_a_job_that_was_asked_knows_the_socket_and_its_own_watchdog() {
    let config = jobs(json!([
        main_job(&["say", "main runs", "forever"], json!({ "notify": { "watchdog": "1500ms" } })),
        main_job(&["say", "plain runs", "forever"], json!({})),
        { "name": "other", "exec": [fixture(), "say", "other runs", "forever"] },
        { "name": "bare", "exec": [fixture(), "say", "bare runs", "forever"], "inheritEnv": false,
          "health": { "notify": true, "interval": 10 } },
    ]));
    let mut config = config;
    config["jobs"][1]["name"] = json!("plain");
    let mut pilot = Pilot::with(&config).env("WATCHDOG_USEC", "77").start();
    let address = address(&mut pilot);
    assert!(address.starts_with('@'), "no folder is needed: {address}");
    let mut of = |who: &str, name: &str| {
        pilot.wait_for(&format!("{who} runs"));
        variable(pilot.child_running(&format!("{who} runs")), name)
    };
    assert_eq!(of("main", "WATCHDOG_USEC").as_deref(), Some("1500000"));
    assert_eq!(of("plain", "NOTIFY_SOCKET").as_deref(), Some(&*address));
    assert_eq!(of("bare", "NOTIFY_SOCKET").as_deref(), Some(&*address));
    assert_eq!(of("other", "NOTIFY_SOCKET"), None);
    assert_eq!(of("other", "WATCHDOG_USEC"), None, "what pilot was given is for pilot");
    assert_eq!(pilot.stop(), 0);
}

/// A shell that says it through this command and stays.
fn through(command: &str) -> Pilot {
    let script = format!("{command} && echo told; exec sleep 1000");
    let mut config = jobs(json!([main_job(&[], json!({ "interval": 3600 }))]));
    config["jobs"][0]["exec"] = json!(["sh", "-c", script]);
    Pilot::run(&config)
}

#[test]
fn a_shell_can_say_it_through_pilot_notify() {
    let mut pilot = through(&format!("{} notify READY=1 'STATUS=3 clients'", tools::pilot()));
    pilot.wait_for("told");
    pilot.wait_for_event("StatusHealthy main");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_descendant_in_a_session_of_its_own_belongs_to_the_job() {
    let mut pilot = through(&format!("setsid --wait {} notify", tools::pilot()));
    pilot.wait_for_event("StatusHealthy main");
    assert_eq!(pilot.stop(), 0);
}

/// Other people's client, which waits until the descriptor that it sends is closed.
#[test]
fn systemds_own_client_is_understood() {
    let client = tools::find(&["systemd-notify"]);
    let mut pilot = through(&format!("{client} --ready --status='it says'"));
    pilot.wait_for("told");
    pilot.wait_for_event("StatusHealthy main");
    assert_eq!((pilot.count("is ignored"), pilot.stop()), (0, 0), "{}", pilot.log());
}

#[test]
fn a_job_of_another_user_can_say_it_too() {
    let mut config = jobs(json!([main_job(&["notify", "READY=1", "forever"], json!({ "interval": 3600 }))]));
    config["jobs"][0]["user"] = json!(54321);
    config["jobs"][0]["inheritEnv"] = json!(false);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusHealthy main");
    assert_eq!(pilot.stop(), 0);
}

// Case 60.
#[test]
fn strangers_are_ignored_whoever_they_are() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = jobs(json!([
        main_job(&["say", "main runs", "until", &format!("{dir}/go"), "notify", "READY=1", "forever"], json!({})),
        { "name": "neighbour", "exec": ["sh", "-c", format!("{} until {dir}/address; NOTIFY_SOCKET=$(cat {dir}/address) \
            {} notify; exec sleep 1000", fixture(), tools::pilot())] },
    ]));
    let mut pilot = Pilot::run(&config);
    let address = address(&mut pilot);
    // Root, from outside.
    notify::send(&address, b"READY=1");
    wait_for_ignored(&mut pilot, 1);
    // Another user.
    let mut other = Command::new("setpriv");
    other.args(["--reuid=54321", "--regid=54321", "--clear-groups", &tools::pilot(), "notify", "READY=1"]);
    assert!(other.env("NOTIFY_SOCKET", &address).status().unwrap().success(), "it was received");
    wait_for_ignored(&mut pilot, 2);
    // Another job of the same pilot, which was not asked.
    // Whole as soon as it is there.
    let written = pilot.scratch.write("address.new", &address);
    fs::rename(written, pilot.scratch.path().join("address")).unwrap();
    notify::send(&address, b"STOPPING=1");
    wait_for_ignored(&mut pilot, 4);
    assert_eq!(pilot.count_events("StatusHealthy main"), 0, "{}", pilot.log());
    pilot.scratch.write("go", "");
    pilot.wait_for_event("StatusHealthy main");
    assert_eq!(pilot.count_events("StatusUnhealthy main"), 0);
    assert_eq!(pilot.stop(), 0);
}

// Case 60: a process that the job's run of before left behind.
#[test]
fn what_an_earlier_run_left_behind_cannot_speak_for_the_next_one() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let run = fixture();
    let script = format!(
        "[ -e {dir}/left ] && exec {run} mark {dir}/second forever
         {run} ignore 15 touch {dir}/left until {dir}/go notify READY=1 until {dir}/heard &
         exec {run} until {dir}/left"
    );
    let mut config = jobs(json!([main_job(&[], json!({}))]));
    config["jobs"][0]["exec"] = json!(["sh", "-c", script]);
    config["jobs"][0]["restarts"] = json!("unlimited");
    // What is left behind is ended after this time: it has to have spoken by then, on a busy machine too.
    config["jobs"][0]["stopTimeout"] = json!("30s");
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_marks("second", 1);
    pilot.scratch.write("go", "");
    wait_for_ignored(&mut pilot, 1);
    pilot.scratch.write("heard", "");
    assert_eq!(pilot.count_events("StatusHealthy main"), 0, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

// Case 60: zero-length, huge, with descriptors, no text; by a stranger and by the job itself.
#[test]
fn malformed_messages_are_harmless_and_leave_no_descriptor_open() {
    let huge = format!("READY=1 {}", "x".repeat(5000));
    let words = [
        "say",
        "main runs",
        "until",
        "{{ .PILOT_TEST_DIR }}/go",
        "notify",
        "",
        "notify",
        &huge,
        "notify-with",
        "200",
        "READY=1",
        "notify-with",
        "1",
        "",
        "notify",
        "READY=1\\nSTATUS=well",
        "forever",
    ];
    let mut pilot = Pilot::run(&jobs(json!([main_job(&words, json!({ "interval": 3600 }))])));
    let address = address(&mut pilot);
    let open = |pilot: &Pilot| fs::read_dir(format!("/proc/{}/fd", pilot.pid())).unwrap().count();
    let before = open(&pilot);
    let null = fs::File::open("/dev/null").unwrap();
    let descriptors = vec![std::os::fd::AsRawFd::as_raw_fd(&null); 253];
    for content in [&b""[..], b"\0", b"\xff\xfe", b"=", &[b'\n'; 4096], &[0; 100_000]] {
        notify::send(&address, content);
    }
    for _ in 0..6 {
        notify::send_with(&address, b"FDSTORE=1", &descriptors);
    }
    pilot.scratch.write("go", "");
    pilot.wait_for_event("StatusHealthy main");
    // Twelve of the stranger, four of the job.
    wait_for_ignored(&mut pilot, 16);
    assert_eq!(open(&pilot), before);
    assert_eq!(pilot.stop(), 0);
}

// Case 60: a flood.
#[test]
fn a_flood_of_a_stranger_holds_up_neither_the_job_nor_a_tick_nor_the_stop() {
    let dir = "{{ .PILOT_TEST_DIR }}";
    let config = jobs(json!([
        main_job(&["say", "main runs", "until", &format!("{dir}/go"), "notify", "READY=1", "forever"], json!({ "interval": 3600 })),
        { "name": "clock", "exec": [fixture(), "mark", format!("{dir}/ticks")], "when": { "interval": "50ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    let address = address(&mut pilot);
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flood = {
        let over = over.clone();
        std::thread::spawn(move || {
            use std::os::linux::net::SocketAddrExt;
            let name = std::os::unix::net::SocketAddr::from_abstract_name(address.strip_prefix('@').unwrap()).unwrap();
            let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
            socket.connect_addr(&name).unwrap();
            while !over.load(std::sync::atomic::Ordering::Relaxed) && socket.send(b"READY=1").is_ok() {}
        })
    };
    wait_for_ignored(&mut pilot, 4096);
    let ticks = pilot.marks("ticks").len();
    pilot.wait_for_marks("ticks", ticks + 5);
    pilot.scratch.write("go", "");
    pilot.wait_for_event("StatusHealthy main");
    assert!(pilot.count("is ignored") < 40, "the flood does not flood the log");
    assert_eq!(pilot.stop(), 0);
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    flood.join().unwrap();
}

// Case 26.
#[test]
fn a_process_that_dies_before_it_is_ready_has_failed_and_that_is_all() {
    let config = jobs(json!([main_job(&["notify", "STATUS=reading", "wait", "200", "exit", "3"], json!({}))]));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count_events("ExitFailed main"), 1);
    let health = pilot.events().iter().filter(|event| event.starts_with("Status")).count();
    assert_eq!(health, 0, "{}", pilot.log());
}

// Case 26: ready after its deadline.
#[test]
fn a_process_that_is_not_ready_in_time_is_unhealthy_and_well_as_soon_as_it_is() {
    let words =
        ["notify", "STATUS=reading", "until", "{{ .PILOT_TEST_DIR }}/go", "notify", "READY=1\\nSTATUS=", "forever"];
    let config = jobs(json!([main_job(&words, json!({ "startGrace": "300ms" }))]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("main is unhealthy: it has not said READY=1 yet; its status: reading");
    pilot.wait_for_event("StatusUnhealthy main");
    pilot.scratch.write("go", "");
    pilot.wait_for("main is healthy again: ready");
    assert_eq!(pilot.count_events("ExitFailed main"), 0, "`report` leaves it alone");
    assert_eq!(pilot.stop(), 0);
}

// Case 26.
#[test]
fn with_restart_a_process_that_is_never_ready_is_restarted_after_each_deadline() {
    let mut job = main_job(
        &["mark", "{{ .PILOT_TEST_DIR }}/runs", "forever"],
        json!({ "startGrace": "200ms", "onFailure": "restart" }),
    );
    job["restarts"] = json!({ "max": 2, "delay": "1ms" });
    let mut pilot = Pilot::run(&jobs(json!([job])));
    pilot.wait_for_marks("runs", 3);
    pilot.wait_for_count("stopping main because it is unhealthy", 3);
    assert_eq!(pilot.exit_code(), 0);
    assert_eq!(pilot.count_events("ExitFailed main"), 3, "{}", pilot.log());
}

#[test]
fn a_process_whose_watchdog_is_silent_is_unhealthy_and_restarted() {
    let words = [
        "mark",
        "{{ .PILOT_TEST_DIR }}/runs",
        "notify",
        "READY=1",
        "pulse",
        "50",
        "{{ .PILOT_TEST_DIR }}/hang",
        "forever",
    ];
    let mut job = main_job(&words, json!({ "notify": { "watchdog": "2s" }, "onFailure": "restart" }));
    job["restarts"] = json!({ "delay": "1ms" });
    let mut pilot = Pilot::run(&jobs(json!([job])));
    // Longer than the watchdog, with the keep-alives that it wants.
    let first = pilot.wait_for_event("StatusHealthy main").at;
    pilot.wait("three seconds of health", SOON, |pilot| {
        let last = pilot.lines().into_iter().rfind(|line| line.holds("StatusHealthy main"))?;
        (last.at.duration_since(first) > Duration::from_secs(3)).then_some(())
    });
    assert_eq!(pilot.count_events("StatusUnhealthy main"), 0, "{}", pilot.log());
    pilot.scratch.write("hang", "");
    pilot.wait_for("main is unhealthy: no WATCHDOG=1 for 2.");
    pilot.wait_for_marks("runs", 2);
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_process_that_says_that_it_stops_is_not_well_any_more() {
    let words =
        ["notify", "READY=1", "until", "{{ .PILOT_TEST_DIR }}/go", "notify", "STOPPING=1\\nSTATUS=draining", "forever"];
    let mut pilot = Pilot::run(&jobs(json!([main_job(&words, json!({ "interval": 3600 }))])));
    pilot.wait_for_event("StatusHealthy main");
    pilot.scratch.write("go", "");
    pilot.wait_for("main is unhealthy: it says that it is stopping; its status: draining");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn consul_gets_the_heartbeat_with_the_processs_own_words() {
    let consul = Consul::start();
    let words = [
        "notify",
        "STATUS=warming up",
        "until",
        "{{ .PILOT_TEST_DIR }}/go",
        "notify",
        "READY=1\\nSTATUS=7 clients",
        "until",
        "{{ .PILOT_TEST_DIR }}/end",
        "notify",
        "STOPPING=1",
        "forever",
    ];
    let mut job = main_job(&words, json!({ "interval": 1, "ttl": 60, "failFast": true }));
    job["port"] = json!(8000);
    job["interfaces"] = json!("static:127.0.0.1");
    let mut config = jobs(json!([job]));
    config["consul"] = json!(consul.address());
    let mut pilot = Pilot::run(&config);
    pilot.child_running("until");
    let check = || {
        let checks = consul.get("/v1/agent/checks");
        let one = checks.as_object()?.values().find(|check| check["ServiceName"] == "main").cloned()?;
        Some((one["Status"].as_str()?.to_owned(), one["Output"].as_str()?.to_owned()))
    };
    assert_eq!(check(), None, "not registered before it is ready");
    pilot.scratch.write("go", "");
    let says = |status: &str, output: &str| {
        until(&format!("{status}: {output}"), SOON, || {
            (check()? == (status.to_owned(), output.to_owned())).then_some(())
        });
    };
    says("passing", "7 clients");
    pilot.scratch.write("end", "");
    says("critical", "it says that it is stopping; its status: 7 clients");
    assert_eq!(pilot.stop(), 0);
}

// Case 55: a root that nothing can be written to, without /proc.
#[test]
fn in_a_read_only_root_with_nothing_but_pilot_readiness_can_be_told() {
    let root = Scratch::new();
    fs::copy(tools::static_pilot(), root.path().join("pilot")).unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let config = json!({
        "consul": false, "logging": { "level": "DEBUG" },
        "jobs": [{
            "name": "main", "exec": ["/pilot", "notify", "READY=1"], "critical": true, "user": 54321,
            "health": { "notify": true, "interval": 3600 },
        }],
    });
    root.write("pilot.json5", &config.to_string());
    let script = format!(
        "mount --bind {0} {0} && mount -o remount,bind,ro {0} && exec unshare --pid --fork --kill-child --root={0} \
         --wd=/ /pilot -config /pilot.json5",
        root.path().display()
    );
    let output = Command::new("unshare").args(["--mount", "sh", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(0) && said.contains("event: {StatusHealthy main}"), "{said}");
}

#[test]
fn pilot_notify_says_what_is_wrong() {
    let run = |address: Option<&str>, words: &[&str]| {
        let mut command = Command::new(tools::pilot());
        command.arg("notify").args(words).env_remove("NOTIFY_SOCKET");
        if let Some(address) = address {
            command.env("NOTIFY_SOCKET", address);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (address, words, code, says) in [
        (None, &[][..], 1, "NOTIFY_SOCKET is not set"),
        (Some(""), &[], 1, "NOTIFY_SOCKET is not set"),
        (Some("run/x"), &[], 1, "\"run/x\" is not the address of a socket"),
        (Some("/no/such/socket"), &[], 1, "cannot reach the socket in NOTIFY_SOCKET: No such file"),
        (Some("@no-such-socket"), &[], 1, "cannot reach the socket in NOTIFY_SOCKET: Connection refused"),
        (Some("@no-such-socket"), &["ready"], 2, "write NAME=value on one line"),
    ] {
        let (got, stderr) = run(address, words);
        assert!(got == Some(code) && stderr.contains(says), "{address:?}: {got:?} {stderr}");
    }
}

#[test]
fn the_last_word_of_a_process_is_heard_however_short_it_lived_and_nothing_of_it_is_kept() {
    let mut job = main_job(&["notify", "READY=1", "exit", "1"], json!({ "interval": 3600 }));
    job["when"] = json!({ "source": "SIGHUP" });
    job["restarts"] = json!({ "max": 200, "delay": "1ms", "maxDelay": "1ms" });
    let mut other = main_job(&["notify", "READY=1", "forever"], json!({ "interval": 3600 }));
    other["name"] = json!("stays");
    let mut pilot = Pilot::run(&jobs(json!([job, other])));
    pilot.wait_for_event("StatusHealthy stays");
    let open = |pilot: &Pilot| fs::read_dir(format!("/proc/{}/fd", pilot.pid())).unwrap().count();
    let before = open(&pilot);
    pilot.signal(Signal::SIGHUP);
    pilot.wait("all runs", SOON * 4, |pilot| (pilot.count_events("ExitFailed main") == 201).then_some(()));
    pilot.wait("as many descriptors as before", SOON, |pilot| (open(pilot) <= before).then_some(()));
    let log = pilot.log();
    // A run is healthy before it has ended, so the last end in the log is the last of it all.
    let told: Vec<_> =
        log.lines().filter_map(|line| line.split("event: ").nth(1)).filter(|event| event.ends_with(" main}")).collect();
    let expected = ["{StatusHealthy main}", "{ExitFailed main}"].repeat(201);
    assert_eq!(told, expected, "{log}");
    assert_eq!(pilot.stop(), 0);
}

/// podman and systemd wait for the container's word; a job's client library must not give it for pilot.
#[test]
fn the_host_hears_of_readiness_from_pilot_and_never_from_a_job() {
    let scratch = Scratch::new();
    let path = scratch.file("host.socket");
    let host = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    host.set_read_timeout(Some(SOON)).unwrap();
    let heard = || {
        let mut text = [0; 64];
        let length = host.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let ready = scratch.write("ready", "1");
    let config = jobs(json!([
        { "name": "main", "exec": [fixture(), "env", "NOTIFY_SOCKET", "forever"],
          "health": { "exec": [fixture(), "exit-from", ready], "interval": "50ms", "ttl": 5 } },
    ]));
    let start = Pilot::with(&config).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000000");
    let mut pilot = start.start();
    pilot.wait_for("NOTIFY_SOCKET is unset");
    pilot.wait_for_event("StatusUnhealthy main");
    host.set_nonblocking(true).unwrap();
    assert!(host.recv(&mut [0; 64]).is_err(), "it is not ready yet");
    host.set_nonblocking(false).unwrap();
    scratch.write("ready", "0");
    assert_eq!(heard(), "READY=1");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(heard(), "STOPPING=1");
    host.set_nonblocking(true).unwrap();
    assert!(host.recv(&mut [0; 64]).is_err(), "each is said once");
}
