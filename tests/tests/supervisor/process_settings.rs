//! The user, directory, environment and limits of a job's process. reliability.md, section 2, cases 48, 55, 58 and 59.
//!
//! They need root: pilot is started as root to change users, and as somebody else to be refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use pilot_tests::pilot::{Start, jobs};
use pilot_tests::{Pilot, SOON, Scratch, fixture, processes, tools};
use serde_json::{Value, json};

/// Somebody without an entry in `/etc/passwd`.
const NOBODY_KNOWN: &str = "54321";
/// A secret that must be seen nowhere.
const SECRET: &str = "correct-horse-battery";

/// A job that tells its state and stays, with these settings.
fn job(settings: Value) -> Value {
    let mut job = json!({ "name": "main", "exec": [fixture(), "state", "forever"] });
    for (key, value) in settings.as_object().unwrap() {
        job[key] = value.clone();
    }
    job
}

fn one(settings: Value) -> Value {
    jobs(json!([job(settings)]))
}

/// The state that this job told; `""` is a health check, whose lines carry no name.
#[track_caller]
fn state(pilot: &mut Pilot, who: &str) -> Value {
    let told = |pilot: &mut Pilot| {
        let lines = pilot.lines();
        let from = if who.is_empty() { String::new() } else { format!(" {who} ") };
        let line = lines.iter().find(|line| line.holds(&from) && line.holds("{\"blocked\""))?;
        serde_json::from_str(&line.text[line.text.find("{\"blocked\"")?..]).ok()
    };
    pilot.wait(&format!("the state of {who}"), SOON, told)
}

/// The environment of a running process, as it was at its start.
fn environ(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap();
    bytes.split(|byte| *byte == 0).map(|entry| String::from_utf8_lossy(entry).into_owned()).collect()
}

fn value(environ: &[String], name: &str) -> Option<String> {
    environ.iter().find_map(|entry| Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

/// As an ordinary user with the files of the test readable.
fn as_somebody(start: Start) -> Start {
    let (user, group) = (format!("--reuid={NOBODY_KNOWN}"), format!("--regid={NOBODY_KNOWN}"));
    start.through(&["sh", "-c", "chmod 777 . && exec \"$@\"", "sh", "setpriv", &user, &group, "--clear-groups"])
}

/// The image's accounts: alice has the number 54001, the group 54002 and is a member of 54003 and 54004.
fn with_accounts(start: Start, accounts: &Scratch) -> Start {
    let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:54001:54002::/home/alice:/bin/sh\n";
    let group = "root:x:0:\nalices:x:54002:\nstaff:x:54003:bob,alice\nvideo:x:54004:alice\nothers:x:54005:bob\n";
    let (passwd, group) = (accounts.write("passwd", passwd), accounts.write("group", group));
    let bind = format!("mount --bind {passwd} /etc/passwd && mount --bind {group} /etc/group && exec \"$@\"");
    start.through(&["unshare", "--mount", "sh", "-c", &bind, "sh"])
}

#[test]
fn a_user_by_name_brings_its_group_its_supplementary_groups_and_its_home() {
    let accounts = Scratch::new();
    let start = Pilot::with(&one(json!({ "user": "alice" }))).env("USER", "root").env("HOME", "/root");
    let mut pilot = with_accounts(start, &accounts).start();
    let state = state(&mut pilot, "main");
    assert_eq!((&state["uid"], &state["gid"]), (&json!("54001"), &json!("54002")));
    assert_eq!(state["groups"], json!(["54002", "54003", "54004"]));
    let pid = i32::try_from(state["pid"].as_i64().unwrap()).unwrap();
    let environ = environ(pid);
    for (name, want) in [("HOME", "/home/alice"), ("USER", "alice"), ("LOGNAME", "alice")] {
        assert_eq!(value(&environ, name).as_deref(), Some(want));
    }
    // The whole status, not only the effective numbers: there is no way back.
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("Uid:\t54001\t54001\t54001\t54001\nGid:\t54002\t54002\t54002\t54002\n"), "{status}");
    assert!(status.contains("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"), "{status}");
    assert_eq!(pilot.stop(), 0, "root may stop it: {}", pilot.log());
}

#[test]
fn a_user_with_another_group_keeps_its_supplementary_ones() {
    let accounts = Scratch::new();
    let config = jobs(json!([
        job(json!({ "user": 54001, "group": "others" })),
        { "name": "group-alone", "exec": [fixture(), "state"], "group": 54005 },
    ]));
    let mut pilot = with_accounts(Pilot::with(&config), &accounts).start();
    let main = state(&mut pilot, "main");
    assert_eq!((&main["uid"], &main["gid"]), (&json!("54001"), &json!("54005")));
    assert_eq!(main["groups"], json!(["54003", "54004", "54005"]));
    let alone = state(&mut pilot, "group-alone");
    assert_eq!((&alone["uid"], &alone["gid"]), (&json!("0"), &json!("54005")));
}

// Case 55: an image without accounts.
#[test]
fn a_number_needs_no_entry_anywhere() {
    let nothing = Scratch::new();
    let empty = nothing.write("empty", "");
    let bind = format!("mount --bind {empty} /etc/passwd && mount --bind {empty} /etc/group && exec \"$@\"");
    let config = one(json!({ "user": NOBODY_KNOWN }));
    let start = Pilot::with(&config).env("USER", "root").through(&["unshare", "--mount", "sh", "-c", &bind, "sh"]);
    let mut pilot = start.start();
    let state = state(&mut pilot, "main");
    assert_eq!((&state["uid"], &state["gid"]), (&json!(NOBODY_KNOWN), &json!(NOBODY_KNOWN)));
    assert_eq!(state["groups"], json!([NOBODY_KNOWN]), "nothing of root's");
    let environ = environ(i32::try_from(state["pid"].as_i64().unwrap()).unwrap());
    assert_eq!((value(&environ, "HOME").as_deref(), value(&environ, "USER")), (Some("/"), None));
}

/// v3 spec, appendix D.
#[test]
fn uid_and_gid_count_for_root_and_only_for_root() {
    let config = one(json!({ "uid": 54001, "gid": 54002 }));
    let mut pilot = Pilot::run(&config);
    let root = state(&mut pilot, "main");
    assert_eq!((&root["uid"], &root["gid"]), (&json!("54001"), &json!("54002")));
    assert_eq!(pilot.count("uid and gid are ignored"), 0);
    let mut pilot = as_somebody(Pilot::with(&config)).start();
    pilot.wait_for("job \"main\": uid and gid are ignored, because pilot does not run as root");
    let somebody = state(&mut pilot, "main");
    assert_eq!((&somebody["uid"], &somebody["gid"]), (&json!(NOBODY_KNOWN), &json!(NOBODY_KNOWN)));
}

/// The job cannot be started, the log says this, and the container ends with 126.
#[track_caller]
fn refused(start: Start, says: &str) -> Pilot {
    let mut pilot = start.start();
    assert_eq!(pilot.exit_code(), 126, "{}", pilot.log());
    assert!(pilot.count(&format!("unable to start main: {says}")) == 1, "{says:?} is missing in\n{}", pilot.log());
    assert_eq!(pilot.count_events("ExitFailed main"), 1);
    assert_eq!(pilot.count_events("ExitSuccess main"), 0);
    pilot
}

fn critical(settings: Value) -> Start {
    let mut config = one(settings);
    config["jobs"][0]["critical"] = json!(true);
    Pilot::with(&config)
}

#[test]
fn a_pilot_that_may_not_change_users_says_so() {
    let says = format!(
        "pilot runs as user {NOBODY_KNOWN} and may not change to user \"root\" (0), group 0: operation not permitted"
    );
    refused(as_somebody(critical(json!({ "user": "root" }))), &says);
    // Being that user already is as good.
    let mut pilot = as_somebody(Pilot::with(&one(json!({ "user": NOBODY_KNOWN })))).start();
    assert_eq!(state(&mut pilot, "main")["uid"], NOBODY_KNOWN);
}

#[test]
fn accounts_that_do_not_exist_are_named() {
    refused(critical(json!({ "user": "no-such-user" })), "user \"no-such-user\" is not in /etc/passwd; add it");
    refused(critical(json!({ "user": 1, "group": "no-such-group" })), "group \"no-such-group\" is not in /etc/group");
}

#[test]
fn limits_are_seen_by_the_job() {
    let limits =
        json!({ "nofile": { "soft": 100, "hard": 200 }, "core": 0, "nproc": { "soft": 300 }, "memlock": 4096 });
    let mut pilot = Pilot::run(&one(json!({ "limits": limits, "user": NOBODY_KNOWN })));
    let limits = state(&mut pilot, "main")["limits"].clone();
    assert_eq!(limits["Max open files"], json!(["100", "200"]));
    assert_eq!(limits["Max core file size"], json!(["0", "0"]));
    assert_eq!(limits["Max locked memory"], json!(["4096", "4096"]));
    assert_eq!(limits["Max processes"][0], "300");
    assert_ne!(limits["Max processes"][1], "300", "the hard limit stays");
}

/// Limits are raised with pilot's rights, before the job's user is assumed; root in a container often lacks that one.
#[test]
fn a_limit_is_raised_as_pilot_may_for_a_job_of_somebody_else() {
    let settings = json!({ "limits": { "nofile": { "soft": 900, "hard": 1000 } }, "user": NOBODY_KNOWN });
    let low = ["prlimit", "--nofile=100:400"];
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap().trim();
    const SYS_RESOURCE: u64 = 1 << 24;
    if u64::from_str_radix(effective, 16).unwrap() & SYS_RESOURCE == 0 {
        let says =
            "limits.nofile cannot be soft 900, hard 1000: operation not permitted; pilot's own hard limit is 400";
        refused(critical(settings).through(&low), says);
        return;
    }
    let mut pilot = Pilot::with(&one(settings)).through(&low).start();
    assert_eq!(state(&mut pilot, "main")["limits"]["Max open files"], json!(["900", "1000"]));
}

#[test]
fn a_limit_that_pilot_may_not_set_is_named() {
    let start = as_somebody(critical(json!({ "limits": { "nofile": 500 } })));
    let start = start.before(&["prlimit", "--nofile=100:400"]);
    refused(start, "limits.nofile cannot be 500: operation not permitted; pilot's own hard limit is 400: ask for less");
}

#[test]
fn the_working_directory_is_entered_as_the_jobs_user_and_programs_are_looked_for_in_it() {
    let folder = Scratch::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(fixture(), folder.path().join("here")).unwrap();
    let cwd = folder.path().display().to_string();
    let mut settings = json!({ "cwd": cwd, "user": NOBODY_KNOWN, "exec": ["./here", "state", "forever"] });
    let mut pilot = Pilot::run(&one(settings.clone()));
    assert_eq!(state(&mut pilot, "main")["directory"], cwd);

    settings["cwd"] = json!("/no/such/folder");
    let says = "cwd \"/no/such/folder\" cannot be entered: no such file or directory; create it in the image";
    refused(critical(settings.clone()), says);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    settings["cwd"] = json!(cwd);
    refused(critical(settings), &format!("cwd {cwd:?} cannot be entered: permission denied; let the job's user enter"));
}

#[test]
fn umask_and_new_privileges() {
    let mut pilot = Pilot::run(&one(json!({ "umask": "027", "noNewPrivileges": true })));
    let main = state(&mut pilot, "main");
    assert_eq!((&main["umask"], &main["no_new_privileges"]), (&json!("0027"), &json!(true)));
    let mut pilot = Pilot::run(&one(json!({})));
    let plain = state(&mut pilot, "main");
    assert_eq!((&plain["umask"], &plain["no_new_privileges"]), (&json!("0022"), &json!(false)));
}

// Case 5, 8 and 56 for a job that is prepared.
#[test]
fn a_prepared_job_has_its_own_group_clean_signals_three_descriptors_and_its_arguments() {
    let awkward = ["", " ", "%s", "\"quo'ted\"", "$HOME `id` \\", "--become", "-config", "ünï→😀"];
    let script = "printf '<%s>' \"$@\"; echo; grep -E '^Sig(Blk|Ign)' /proc/self/status";
    let words = [&["sh", "-c", script, "sh"][..], &awkward].concat();
    let config = jobs(json!([
        job(json!({ "cwd": "/", "umask": 22 })),
        { "name": "words", "cwd": "/", "exec": words },
    ]));
    let mut pilot = Pilot::with(&config).through(&[&fixture(), "dirty"]).start();
    let main = state(&mut pilot, "main");
    assert_eq!((&main["group"], &main["parent"]), (&main["pid"], &json!(pilot.pid())));
    let numbers: Vec<&String> = main["descriptors"].as_object().unwrap().keys().collect();
    assert_eq!(numbers, ["0", "1", "2"], "{main}");
    assert_eq!(main["descriptors"]["0"], "/dev/null");
    let want: String = awkward.iter().map(|word| format!("<{word}>")).collect();
    pilot.wait_for(&want);
    for field in ["SigBlk:", "SigIgn:"] {
        let line = pilot.wait_for(field).text;
        let mask = u64::from_str_radix(line.rsplit('\t').next().unwrap().trim(), 16).unwrap();
        assert_eq!(mask & !(3 << 31), 0, "{line}");
    }
}

#[test]
fn a_prepared_job_whose_program_is_missing_is_127_and_one_that_is_not_executable_126() {
    let mut config = one(json!({ "cwd": "/", "exec": "no-such-program", "critical": true }));
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 127, "{}", pilot.log());
    pilot.wait_for("unable to start main: no program \"no-such-program\" in PATH (");
    config["jobs"][0]["exec"] = json!(["/etc/passwd"]);
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 126, "{}", pilot.log());
    pilot.wait_for("unable to start main: /etc/passwd is not executable for this user");
    // Executable for root, but not for the job's user.
    let folder = Scratch::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.write("roots", "#!/bin/sh\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    config["jobs"][0]["exec"] = json!([program]);
    config["jobs"][0]["user"] = json!(NOBODY_KNOWN);
    let mut pilot = Pilot::run(&config);
    assert_eq!(pilot.exit_code(), 126, "{}", pilot.log());
}

// Case 55: no /proc, nothing but pilot.
#[test]
fn in_a_root_with_nothing_but_pilot_a_job_can_still_be_prepared() {
    let root = Scratch::new();
    fs::copy(tools::static_pilot(), root.path().join("pilot")).unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(root.path().join("srv")).unwrap();
    let config = json!({
        "consul": false, "logging": { "level": "DEBUG" }, "control": { "socket": "/control.socket" },
        "jobs": [{
            "name": "main", "exec": ["../pilot", "-version"], "critical": true,
            "user": NOBODY_KNOWN, "cwd": "/srv", "limits": { "nofile": 64 },
        }],
    });
    root.write("pilot.json5", &config.to_string());
    let unshare = ["--mount", "--pid", "--fork", "--kill-child", "--wd=/"];
    let mut command = std::process::Command::new("unshare");
    command.args(unshare).arg(format!("--root={}", root.path().display()));
    let output = command.args(["/pilot", "-config", "/pilot.json5"]).env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(0) && said.contains("Version: "), "{said}");
}

// Case 56 for a job that is prepared.
#[test]
fn passed_sockets_reach_a_prepared_job_with_the_right_number() {
    let mut config = one(json!({ "cwd": "/", "inheritEnv": false }));
    config["jobs"][0]["exec"] = json!([fixture(), "state", "env", "LISTEN_FDS", "env", "LISTEN_PID", "forever"]);
    let passing = "exec 3</dev/null 4</dev/zero; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$@\"";
    let mut pilot = Pilot::with(&config).through(&["sh", "-c", passing, "sh"]).start();
    let main = state(&mut pilot, "main");
    let numbers: Vec<&String> = main["descriptors"].as_object().unwrap().keys().collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4"], "{main}");
    pilot.wait_for("LISTEN_FDS=2");
    pilot.wait_for(&format!("LISTEN_PID={}", main["pid"]));
}

// Case 58.
#[test]
fn the_environment_of_one_job_is_not_visible_in_another_nor_in_pilot() {
    let files = Scratch::new();
    let env_file = files.write("app.env", "# settings\nFROM_FILE=file\nBOTH=file\nexport QUOTED=' a b '\nHOME=/file\n");
    let secret = files.write("secret", &format!("{SECRET}\n\n"));
    let env = json!({ "OWN": "own", "BOTH": "env", "SECRET": { "file": secret }, "GONE": null, "PORT": 8080 });
    let config = jobs(json!([
        { "name": "a", "exec": [fixture(), "say", "a runs", "forever"], "env": env, "envFile": env_file },
        { "name": "b", "exec": [fixture(), "say", "b runs", "forever"] },
        { "name": "c", "exec": [fixture(), "say", "c runs", "forever"], "inheritEnv": ["KEPT"] },
        { "name": "d", "exec": [fixture(), "say", "d runs", "forever"], "inheritEnv": false, "env": { "PATH": null } },
    ]));
    let start = Pilot::with(&config).env("GONE", "x").env("KEPT", "k").env("HOME", "/pilot");
    let mut pilot = start.start();
    let mut of = |job: &str| {
        pilot.wait_for(&format!("{job} runs"));
        environ(pilot.child_running(&format!("say {job} runs")))
    };
    let [a, b, c, d] = ["a", "b", "c", "d"].map(&mut of);
    for (name, want) in [
        ("OWN", Some("own")),
        ("FROM_FILE", Some("file")),
        ("BOTH", Some("env")),
        ("QUOTED", Some(" a b ")),
        ("HOME", Some("/file")),
        ("SECRET", Some(SECRET)),
        ("GONE", None),
        ("PORT", Some("8080")),
        ("KEPT", Some("k")),
    ] {
        assert_eq!(value(&a, name).as_deref(), want, "{name} of a");
    }
    for name in ["OWN", "FROM_FILE", "BOTH", "QUOTED", "SECRET", "PORT"] {
        assert_eq!(value(&b, name), None, "{name} of b");
    }
    assert_eq!((value(&b, "HOME").as_deref(), value(&b, "GONE").as_deref()), (Some("/pilot"), Some("x")));
    assert_eq!((value(&c, "KEPT").as_deref(), value(&c, "HOME"), value(&c, "GONE")), (Some("k"), None, None));
    assert!(value(&c, "PATH").is_some() && value(&c, "CONTAINERPILOT_PID").is_some(), "{c:?}");
    assert_eq!((value(&d, "KEPT"), value(&d, "PATH")), (None, None));
    let pilots = environ(pilot.pid());
    assert!(!pilots.iter().any(|entry| entry.contains(SECRET) || entry.starts_with("OWN=")));
    assert_eq!(pilot.stop(), 0);
}

// Case 59.
#[test]
fn a_secret_is_seen_nowhere_but_in_its_job() {
    let files = Scratch::new();
    let file = files.write("secret", SECRET);
    let env_file = files.write("env", &format!("FROM_ENV_FILE={SECRET}\n"));
    let literal = format!("literal-{SECRET}");
    let mut config = jobs(json!([{
        "name": "main", "exec": [fixture(), "say", "main runs", "forever"], "cwd": "/",
        "env": { "A": { "file": file }, "B": literal }, "envFile": env_file,
        "health": { "exec": [fixture(), "exit", "0"], "interval": "50ms", "timeout": "10s", "ttl": 10 },
    }]));
    config["logging"]["format"] = json!("json");
    let mut pilot = Pilot::with(&config).start();
    pilot.wait_for("main runs");
    pilot.wait_for_event("StatusHealthy main");
    let main = pilot.child_running("main runs");
    assert_eq!(value(&environ(main), "A").as_deref(), Some(SECRET));
    assert_eq!(value(&environ(main), "FROM_ENV_FILE").as_deref(), Some(SECRET));
    for pid in [pilot.pid(), main] {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(!String::from_utf8_lossy(&line).contains(SECRET));
    }
    assert_eq!(pilot.stop(), 0);
    assert!(pilot.count("loaded config:") == 1 && !pilot.log().contains(SECRET), "{}", pilot.log());
}

// Case 59: what is wrong is told without the text that is wrong.
#[test]
fn an_environment_file_that_cannot_be_read_is_named_with_its_line_and_without_its_text() {
    let files = Scratch::new();
    let bad = files.write("bad.env", &format!("A=1\n{SECRET}\n"));
    let pilot =
        refused(critical(json!({ "envFile": bad })), &format!("envFile {bad}: line 2 has no `=`; write NAME=value"));
    assert!(!pilot.log().contains(SECRET), "{}", pilot.log());
    refused(
        critical(json!({ "envFile": "/no/such.env" })),
        "envFile: cannot read /no/such.env: No such file or directory (os error 2); check the path",
    );
    refused(
        critical(json!({ "env": { "DB_PASSWD": { "file": "/dev/zero" } } })),
        "env.DB_PASSWD: cannot read /dev/zero: not a regular file; check the path",
    );
    let nul = files.write("nul", &format!("{SECRET}\0"));
    let pilot = refused(
        critical(json!({ "env": { "DB_PASSWD": { "file": nul } } })),
        &format!("env.DB_PASSWD: {nul} contains a NUL byte"),
    );
    assert!(!pilot.log().contains(SECRET), "{}", pilot.log());
}

#[test]
fn files_are_read_at_each_start() {
    let files = Scratch::new();
    let secret = files.write("secret", "first");
    let config = jobs(json!([{
        "name": "main", "exec": [fixture(), "env", "TOKEN"], "env": { "TOKEN": { "file": secret } },
        "when": { "source": "SIGHUP" },
    }]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("Startup global");
    pilot.signal(nix::sys::signal::Signal::SIGHUP);
    pilot.wait_for("TOKEN=first");
    files.write("secret", "second\n");
    pilot.signal(nix::sys::signal::Signal::SIGHUP);
    pilot.wait_for("TOKEN=second");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_secret_that_only_pilot_may_read_reaches_a_job_of_another_user() {
    let files = Scratch::new();
    let secret = files.write("secret", SECRET);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let config = one(json!({ "user": NOBODY_KNOWN, "env": { "TOKEN": { "file": secret } } }));
    let mut pilot = Pilot::run(&config);
    let main = i32::try_from(state(&mut pilot, "main")["pid"].as_i64().unwrap()).unwrap();
    assert_eq!(value(&environ(main), "TOKEN").as_deref(), Some(SECRET));
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn an_exec_health_check_runs_as_its_job_does() {
    let folder = Scratch::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let cwd = folder.path().display().to_string();
    let config = one(json!({
        "exec": [fixture(), "forever"], "user": NOBODY_KNOWN, "cwd": cwd, "umask": "077", "limits": { "nofile": 99 },
        "env": { "OF_THE_JOB": "yes" },
        "health": { "exec": [fixture(), "state", "env", "OF_THE_JOB"], "interval": "100ms", "timeout": "10s", "ttl": 10 },
    }));
    let mut pilot = Pilot::run(&config);
    let check = state(&mut pilot, "");
    assert_eq!((&check["uid"], &check["directory"]), (&json!(NOBODY_KNOWN), &json!(cwd)));
    assert_eq!((&check["umask"], &check["limits"]["Max open files"]), (&json!("0077"), &json!(["99", "99"])));
    pilot.wait_for("OF_THE_JOB=yes");
    pilot.wait_for_event("StatusHealthy main");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_health_check_that_cannot_be_prepared_has_failed_and_says_why() {
    let files = Scratch::new();
    let secret = files.write("secret", "x");
    let config = one(json!({
        "env": { "TOKEN": { "file": secret } },
        // Without `timeout` a check has its interval: on a busy machine the first failure would be one of time, and only
        // the first one of several is said.
        "health": { "exec": [fixture(), "exit", "0"], "interval": "100ms", "timeout": "10s", "ttl": 10 },
    }));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusHealthy main");
    fs::remove_file(&secret).unwrap();
    pilot.wait_for(&format!("main is unhealthy: env.TOKEN: cannot read {secret}: No such file"));
    pilot.wait_for_event("ExitFailed check.main");
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn the_stop_signal_is_the_jobs_own_and_its_stop_timeout_bounds_it() {
    let mut config = jobs(json!([{
        "name": "main", "exec": [fixture(), "record", "{{ .PILOT_TEST_DIR }}/signals", "say", "main runs", "forever"],
        "stopSignal": "quit", "stopTimeout": "300ms",
    }]));
    config["stopTimeout"] = json!(600);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("main runs");
    assert_eq!(pilot.stop(), 0, "{}", pilot.log());
    assert_eq!(pilot.scratch.lines("signals"), ["SIGQUIT", "SIGCONT"]);
    pilot.wait_for("killing processes for job \"main\"");
    assert_eq!(pilot.count_events("Error main: signal: killed"), 1, "{}", pilot.log());
}

#[test]
fn a_job_that_obeys_its_own_stop_signal_is_not_killed() {
    let script =
        "trap 'echo quitting; exit 0' QUIT; trap 'echo wrong' TERM; echo trapping; while :; do sleep 0.1; done";
    let config = jobs(json!([{ "name": "main", "exec": ["sh", "-c", script], "stopSignal": 3, "stopTimeout": "1m" }]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("trapping");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(
        (pilot.count("quitting"), pilot.count("wrong"), pilot.count("killing processes")),
        (1, 0, 0),
        "{}",
        pilot.log()
    );
}

// An unhealthy run is stopped the same way.
#[test]
fn on_failure_restart_uses_the_stop_signal_too() {
    let config = jobs(json!([{
        "name": "main", "exec": [fixture(), "record", "{{ .PILOT_TEST_DIR }}/signals", "say", "main runs", "forever"],
        "stopSignal": "SIGUSR1", "restarts": "unlimited",
        "health": { "exec": [fixture(), "exit", "1"], "interval": "100ms", "ttl": 10, "onFailure": "restart" },
    }]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("stopping main because it is unhealthy");
    pilot.wait("its stop signal", SOON, |pilot| {
        pilot.scratch.lines("signals").contains(&"SIGUSR1".to_owned()).then_some(())
    });
    pilot.signal(nix::sys::signal::Signal::SIGTERM);
    pilot.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(pilot.exit_code_within(Duration::from_secs(30)), 0, "{}", pilot.log());
}

#[test]
fn a_prepared_job_in_a_crash_loop_leaves_no_descriptor_and_no_zombie_behind() {
    let config = jobs(json!([
        { "name": "stays", "exec": [fixture(), "say", "stays", "forever"], "cwd": "/" },
        { "name": "loops", "exec": [fixture(), "exit", "1"], "cwd": "/", "when": { "source": "SIGHUP" },
          "restarts": { "max": 200, "delay": "1ms", "maxDelay": "1ms" } },
    ]));
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("stays");
    let open = |pilot: &Pilot| fs::read_dir(format!("/proc/{}/fd", pilot.pid())).unwrap().count();
    let before = open(&pilot);
    pilot.signal(nix::sys::signal::Signal::SIGHUP);
    pilot.wait("two hundred runs", SOON * 4, |pilot| (pilot.count_events("ExitFailed loops") == 201).then_some(()));
    pilot.wait("as many descriptors as before", SOON, |pilot| (open(pilot) <= before).then_some(()));
    assert_eq!(processes::children(pilot.pid()).len(), 1);
    assert_eq!(pilot.stop(), 0);
}

/// The official nginx image links its logs there.
#[test]
fn a_job_of_another_user_can_open_its_output_by_its_name() {
    let script = "echo one > /dev/stdout && echo two > /proc/self/fd/2 && echo three >> /dev/stderr";
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": ["sh", "-c", script], "user": NOBODY_KNOWN }])));
    assert_eq!(pilot.exit_code(), 0);
    for word in ["one", "two", "three"] {
        assert!(pilot.lines().iter().any(|line| line.text.ends_with(&format!(" {word}"))), "{}", pilot.log());
    }
}

/// `/dev/tty` fails then instead of stopping the job.
#[test]
fn a_job_without_a_terminal_has_a_session_of_its_own() {
    let script =
        "read -r pid name state parent group session rest < /proc/$$/stat; echo $((session - $$)) is the difference";
    let mut pilot = Pilot::run(&jobs(json!([{ "name": "main", "exec": ["sh", "-c", script] }])));
    pilot.wait_for(" 0 is the difference");
}

#[test]
fn a_job_that_stands_still_is_continued_with_its_stop_signal() {
    let script = "trap 'echo goes; exit 0' TERM; kill -STOP $$; while :; do sleep 0.1; done";
    let mut config = jobs(json!([{ "name": "main", "exec": ["sh", "-c", script] }]));
    config["stopTimeout"] = json!(600);
    let mut pilot = Pilot::run(&config);
    let shell = pilot.child_running("kill -STOP");
    pilot.wait("the job to stand still", SOON, |_| {
        fs::read_to_string(format!("/proc/{shell}/stat")).ok()?.contains(") T ").then_some(())
    });
    assert_eq!(pilot.stop(), 0, "within the harness' patience, not the ten minutes");
    assert_eq!(pilot.count(" goes"), 1, "{}", pilot.log());
}

/// pilot may change users without being root; the job must not be able to.
#[test]
fn a_job_of_another_user_keeps_none_of_pilots_capabilities() {
    let user = format!("--reuid={NOBODY_KNOWN}");
    let capabilities = ["--inh-caps=+setuid,+setgid", "--ambient-caps=+setuid,+setgid"];
    let start = Pilot::with(&jobs(json!([
        { "name": "main", "exec": ["grep", "^Cap[IPEA]", "/proc/self/status"], "user": 54_322 },
        { "name": "own", "exec": ["grep", "^CapAmb", "/proc/self/status"] },
    ])));
    let open = ["sh", "-c", "chmod 777 . && exec \"$@\"", "sh", "setpriv", &user, "--clear-groups"];
    let mut pilot = start.through(&[&open[..], &capabilities].concat()).start();
    assert_eq!(pilot.exit_code(), 0, "{}", pilot.log());
    let said = |job: &str| -> Vec<String> {
        let lines = pilot.lines().into_iter().filter(|line| line.text.contains(&format!(" {job} ")));
        lines.filter_map(|line| Some(line.text.split_once(":\t")?.1.to_owned())).collect()
    };
    assert_eq!(said("main"), ["0000000000000000"; 4], "{}", pilot.log());
    assert_eq!(said("own"), ["00000000000000c0"], "this pilot has them: {}", pilot.log());
}
