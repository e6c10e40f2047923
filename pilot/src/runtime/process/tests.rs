//! Real processes. Reaping is for the whole process, so the tests take turns ([`alone`]); nextest gives each its own.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use nix::fcntl::OFlag;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, pipe2};

use super::init::{Orphans, set_up};
use super::left_group::{LeftGroup, members};
use super::reap::{Delivery, Ended, reap, signal_group};
use super::signals::{Arrived, Signals};
use super::spawn::{Launch, SpawnError, Stdio, spawn};
use super::sys;
use pilot_core::exit::Exit;
use pilot_core::plan::Command;

const DEADLINE: Duration = Duration::from_secs(30);

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    prctl::set_child_subreaper(true).unwrap();
    turn
}

fn command(program: &str, args: &[&str]) -> Command {
    Command { program: program.to_owned(), args: args.iter().map(|arg| (*arg).to_owned()).collect() }
}

fn inherited() -> Vec<(OsString, OsString)> {
    env::vars_os().collect()
}

fn start(program: &str, args: &[&str]) -> Result<Pid, SpawnError> {
    spawn(Launch { command: &command(program, args), env: &inherited(), stdio: Stdio::Inherit, tty: false })
}

fn shell(script: &str) -> Pid {
    start("sh", &["-c", script]).unwrap()
}

/// Reaps until this child has ended; the number of orphans on the way.
fn end_of(pid: Pid) -> (Ended, usize) {
    let mut end = None;
    let mut orphans = 0;
    until("the child to end", || {
        orphans += reap(usize::MAX, |ended| ended == pid, |ended| end = Some(ended));
        end.is_some()
    });
    (end.unwrap(), orphans - 1)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < DEADLINE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs to the end; how it ended and what it wrote to stdout.
fn output_of(command: &Command, env: &[(OsString, OsString)]) -> (Exit, Vec<u8>) {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).unwrap();
    let stdio = Stdio::Wrapped { stdout: write, stderr: std::io::stderr().as_fd_clone() };
    let pid = spawn(Launch { command, env, stdio, tty: false }).unwrap();
    let mut bytes = Vec::new();
    fs::File::from(read).read_to_end(&mut bytes).unwrap();
    (end_of(pid).0.exit, bytes)
}

trait CloneFd {
    fn as_fd_clone(&self) -> OwnedFd;
}

impl CloneFd for std::io::Stderr {
    fn as_fd_clone(&self) -> OwnedFd {
        use std::os::fd::AsFd;
        self.as_fd().try_clone_to_owned().unwrap()
    }
}

/// Runs the ignored test `case` of this file in a process of its own, started by `shell` which ends in `exec "$@"`.
fn run_case(case: &str, shell: &str) {
    let test = env::current_exe().unwrap();
    let name = format!("runtime::process::tests::{case}");
    let args = ["-c", shell, "sh", test.to_str().unwrap(), "--exact", &name, "--ignored", "--test-threads=1"];
    let (exit, out) = output_of(&command("sh", &args), &inherited());
    let out = String::from_utf8_lossy(&out).into_owned();
    assert!(exit == Exit::Code(0) && out.contains("1 passed"), "{exit}: {out}");
}

fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("pilot-process-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn file(path: &Path, content: &[u8], mode: u32) -> String {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_exit_code_is_told() {
    let _turn = alone();
    for code in 0..=255 {
        let pid = shell(&format!("exit {code}"));
        let (ended, orphans) = end_of(pid);
        assert_eq!((ended.pid, ended.exit, ended.left.is_some(), orphans), (pid, Exit::Code(code), false, 0));
    }
}

#[test]
fn every_signal_that_kills_is_told_real_time_ones_too() {
    let _turn = alone();
    // Not: those the C library keeps (32, 33) and those whose default is to stop, continue or be ignored.
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28, 32, 33];
    for signal in (1..=64).filter(|signal| !harmless.contains(signal)) {
        let pid = shell(&format!("ulimit -c 0; kill -{signal} $$"));
        assert_eq!(end_of(pid).0.exit, Exit::Signal(signal));
    }
}

#[test]
fn a_child_starts_with_no_signal_blocked_or_ignored_whatever_pilot_inherited() {
    let _turn = alone();
    run_case("child_of_a_parent_with_blocked_and_ignored_signals", "trap '' HUP INT QUIT TERM USR1 USR2; exec \"$@\"");
}

#[test]
#[ignore = "run by the test above"]
fn child_of_a_parent_with_blocked_and_ignored_signals() {
    let mask = |status: &str, key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    SigSet::all().thread_block().unwrap();
    let own = fs::read_to_string("/proc/thread-self/status").unwrap();
    assert!(mask(&own, "SigBlk:") != 0 && mask(&own, "SigIgn:") & (1 << 14) != 0, "SIGTERM is ignored here");
    let (_, status) = output_of(&command("cat", &["/proc/self/status"]), &inherited());
    let status = String::from_utf8(status).unwrap();
    assert_eq!(mask(&status, "SigBlk:"), 0);
    // glibc makes posix_spawn ignore its two internal signals (32, 33); no program can see them.
    assert_eq!(mask(&status, "SigIgn:") & !(0b11 << 31), 0);
}

/// Prints which of the descriptors 3 to 30 are open.
const OPEN: &str = "n=3; while [ $n -le 30 ]; do [ -e /proc/self/fd/$n ] && echo $n; n=$((n+1)); done; exit 0";

#[test]
fn a_descriptor_leaked_into_pilot_does_not_reach_a_child() {
    let _turn = alone();
    run_case("guarded_with_leaked_descriptors", "exec 7</dev/null 9</dev/null; exec \"$@\"");
}

#[test]
#[ignore = "run by the test above"]
fn guarded_with_leaked_descriptors() {
    let (_, before) = output_of(&command("sh", &["-c", OPEN]), &inherited());
    assert!(before.starts_with(b"7\n9\n"), "the leak is there without it");
    let guarded = set_up();
    assert_eq!((guarded.listen_fds, guarded.orphans, guarded.descriptors_shut), (0, Orphans::Subreaper, true));
    assert!(prctl::get_child_subreaper().unwrap());
    let (_, after) = output_of(&command("sh", &["-c", OPEN]), &inherited());
    assert_eq!(after, b"");
}

#[test]
fn sockets_passed_to_pilot_are_passed_on() {
    let _turn = alone();
    let listen = "exec 3</dev/null 4</dev/null 5</dev/null; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$@\"";
    run_case("guarded_with_two_passed_descriptors", listen);
}

#[test]
#[ignore = "run by the test above"]
fn guarded_with_two_passed_descriptors() {
    assert_eq!(set_up().listen_fds, 2);
    let (_, open) = output_of(&command("sh", &["-c", OPEN]), &inherited());
    assert_eq!(open, b"3\n4\n");
}

#[test]
fn descriptors_0_to_2_are_open_and_sigpipe_is_ignored_when_started_with_nothing() {
    let _turn = alone();
    let found = folder("closed").join("found");
    let pid = spawn(Launch {
        command: &command(
            "sh",
            &[
                "-c",
                "exec <&- >&- 2>&-; exec \"$0\" --exact runtime::process::tests::started_with_nothing --ignored",
                env::current_exe().unwrap().to_str().unwrap(),
            ],
        ),
        env: &[inherited(), vec![("PILOT_FOUND".into(), found.clone().into())]].concat(),
        stdio: Stdio::Inherit,
        tty: false,
    });
    end_of(pid.unwrap());
    let found = fs::read_to_string(found).unwrap();
    assert_eq!(found, "/dev/null /dev/null /dev/null sigpipe ignored");
}

#[test]
#[ignore = "run by the test above"]
fn started_with_nothing() {
    set_up();
    let names: Vec<_> = (0..3).map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).unwrap()).collect();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    let pipe = u64::from_str_radix(ignored, 16).unwrap() & (1 << 12) != 0;
    let word = if pipe { "ignored" } else { "deadly" };
    let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
    fs::write(env::var("PILOT_FOUND").unwrap(), format!("{} sigpipe {word}", names.join(" "))).unwrap();
}

#[test]
fn five_hundred_orphans_that_die_while_nobody_looks_are_all_reaped() {
    let _turn = alone();
    let pid = shell("i=0; while [ $i -lt 500 ]; do ( : & ); i=$((i+1)); done; exit 7");
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    until("the leader to be a zombie", || state().contains(") Z "));
    let (ended, before) = end_of(pid);
    assert_eq!(ended.exit, Exit::Code(7));
    let mut orphans = before;
    until("all orphans", || {
        orphans += reap(usize::MAX, |_| false, |_| ());
        orphans == 500
    });
    assert_eq!(sys::peek(), None);
}

#[test]
fn what_a_job_leaves_behind_is_terminated_when_it_ends() {
    let _turn = alone();
    let pid = shell("sleep 1000 & exit 0");
    let (_, orphans) = end_of(pid);
    let mut orphans = orphans;
    until("the leftover to be reaped", || {
        orphans += reap(usize::MAX, |_| false, |_| ());
        orphans == 1
    });
}

#[test]
fn a_leftover_that_ignores_sigterm_keeps_its_group_alive_until_it_is_killed() {
    let _turn = alone();
    let pid = shell("trap '' TERM; sleep 1000 & exit 3");
    let (ended, _) = end_of(pid);
    assert_eq!((ended.pid, ended.exit), (pid, Exit::Code(3)));
    let mut left = ended.left.unwrap();
    assert!(left.is_alive());
    assert_eq!(left.signal(Signal::SIGKILL), Delivery::Sent);
    until("the leftover to be reaped", || reap(usize::MAX, |_| false, |_| ()) == 1);
    assert!(!left.is_alive());
    assert_eq!(left.signal(Signal::SIGKILL), Delivery::Gone);
}

/// Kernels before 6.9: the group is known by its members. One that is alone hands over to another, which is not lost.
#[test]
fn without_a_descriptor_for_a_group_its_members_are_found_and_nobody_else() {
    let _turn = alone();
    let folder = folder("members");
    let (go, next) = (folder.join("go"), folder.join("next"));
    let script = format!(
        "trap '' TERM; (until [ -e {} ]; do sleep 0.01; done; sleep 1000 & echo > {}) & exit 3",
        go.display(),
        next.display()
    );
    let leader = shell(&script);
    until("the leader to end", || sys::peek().is_some_and(|dead| dead.pid == leader));
    let mut left = LeftGroup::of(leader, false).unwrap();
    sys::reap(leader);
    assert!(left.is_alive());
    fs::write(&go, "").unwrap();
    until("the member to have left another behind", || next.exists());
    until("the member to be reaped", || {
        let Some(dead) = sys::peek() else { return false };
        left.before_the_end_of(dead.pid);
        sys::reap(dead.pid);
        members(leader).len() == 1
    });
    assert!(left.is_alive(), "it goes on with the one that was left");
    assert_eq!(left.signal(Signal::SIGKILL), Delivery::Sent);
    until("the last one to be reaped", || {
        reap(usize::MAX, |_| false, |_| ());
        !left.is_alive()
    });
    assert_eq!(left.signal(Signal::SIGKILL), Delivery::Gone);
    let alone = shell("exit 0");
    until("it to end", || sys::peek().is_some_and(|dead| dead.pid == alone));
    assert!(LeftGroup::of(alone, false).is_none(), "nobody is looked for where nobody is left");
    sys::reap(alone);
}

#[test]
fn no_group_number_means_everyone() {
    for number in [-1, 0, 1] {
        assert_eq!(signal_group(Pid::from_raw(number), Signal::SIGCONT), Delivery::Gone);
    }
}

#[test]
fn a_program_that_is_not_there_is_127_and_leaves_no_zombie() {
    let _turn = alone();
    let folder = folder("missing");
    let script = file(&folder.join("script"), b"#!/no/such/interpreter -x\n", 0o755);
    let windows = file(&folder.join("windows"), b"#!/bin/sh\r\necho hi\r\n", 0o755);
    for (program, says) in [
        ("no-such-program", "no program \"no-such-program\" in PATH ("),
        ("/no/such/program", "/no/such/program: no such file; check the path"),
        ("/etc/passwd/program", "no such file"),
        ("", "no program \"\" in PATH"),
        (&script, "its interpreter \"/no/such/interpreter\" does not"),
        (&windows, "its interpreter \"/bin/sh\\r\" does not"),
    ] {
        let error = start(program, &[]).unwrap_err();
        assert_eq!((error.exit_code(), error.is_retryable()), (127, false), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(sys::peek(), None);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_that_cannot_be_run_is_126_and_leaves_no_zombie() {
    let _turn = alone();
    let folder = folder("refused");
    let plain = file(&folder.join("plain"), b"#!/bin/sh\n", 0o644);
    let bare = file(&folder.join("bare"), b"echo hi\n", 0o755);
    let mut elf = fs::read("/bin/sh").unwrap();
    elf[18] = 0xff; // e_machine
    let foreign = file(&folder.join("foreign"), &elf, 0o755);
    for (program, args, says) in [
        (plain.as_str(), vec![], "is not executable for this user"),
        (folder.to_str().unwrap(), vec![], "is a directory"),
        (&bare, vec![], "has no #! line"),
        (&foreign, vec![], "another kind of machine"),
        ("sh", vec!["x".repeat(200_000)], "too big for the kernel"),
        ("sh", vec!["-c".to_owned(), "a\0b".to_owned()], "argument 2 contains a NUL byte"),
        ("s\0h", vec![], "s\\0h: its name contains a NUL byte"),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let error = start(program, &args).unwrap_err();
        assert_eq!((error.exit_code(), error.is_retryable()), (126, false), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(sys::peek(), None);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_is_looked_for_in_the_path_of_its_own_environment() {
    let _turn = alone();
    let (first, second) = (folder("path-a"), folder("path-b"));
    file(&first.join("tool"), b"#!/bin/sh\necho first\n", 0o644);
    let path = OsString::from(format!("/nowhere:{}:{}", first.display(), second.display()));
    let launch = |path: &OsString| {
        let env = [("PATH".into(), path.clone())];
        spawn(Launch { command: &command("tool", &[]), env: &env, stdio: Stdio::Inherit, tty: false })
    };
    assert!(matches!(launch(&path), Err(SpawnError::NotExecutable { .. })), "found, but not executable");
    file(&second.join("tool"), b"#!/bin/sh\necho second $0\n", 0o755);
    let (_, out) = output_of(&command("tool", &[]), &[("PATH".into(), path)]);
    assert_eq!(String::from_utf8(out).unwrap(), format!("second {}\n", second.join("tool").display()));
    // Without a PATH the usual folders are searched.
    let (exit, _) = output_of(&command("true", &[]), &[]);
    assert_eq!(exit, Exit::Code(0));
    fs::remove_dir_all(first).unwrap();
    fs::remove_dir_all(second).unwrap();
}

#[test]
fn awkward_arguments_and_a_megabyte_of_them_arrive_unchanged() {
    let _turn = alone();
    let mut args: Vec<String> =
        ["", " ", "%s %n %%", "\"quo'ted\"", "$HOME `id` \\", "a\nb\tc", "ünï→😀", "-"].map(str::to_owned).to_vec();
    args.extend((0..10).map(|index| index.to_string().repeat(100_000)));
    let mut full = vec!["-c".to_owned(), "printf '%s\\0' \"$@\"".to_owned(), "sh".to_owned()];
    full.extend(args.clone());
    let (exit, out) = output_of(&Command { program: "sh".to_owned(), args: full }, &inherited());
    assert_eq!(exit, Exit::Code(0));
    let expected: Vec<u8> = args.iter().flat_map(|arg| [arg.as_bytes(), b"\0"].concat()).collect();
    assert!(out == expected, "{} bytes came back, {} went in", out.len(), expected.len());
}

#[test]
fn the_environment_is_exactly_the_one_given_and_may_be_a_megabyte() {
    let _turn = alone();
    let mut env: Vec<(OsString, OsString)> =
        [("A", "x=y=%s"), ("EMPTY", ""), ("QUOTES", "'\"\n"), ("Ü", "😀")].map(|(k, v)| (k.into(), v.into())).to_vec();
    env.extend((0..10).map(|index| (format!("BIG{index}").into(), "v".repeat(100_000).into())));
    let (_, out) = output_of(&command("/usr/bin/env", &["-0"]), &env);
    let expected: Vec<u8> =
        env.iter().flat_map(|(k, v)| [k.as_encoded_bytes(), b"=", v.as_encoded_bytes(), b"\0"].concat()).collect();
    assert!(out == expected, "{} bytes came back, {} went in", out.len(), expected.len());
}

#[test]
fn stdin_is_empty_and_the_child_leads_its_own_group() {
    let _turn = alone();
    let script = "cat; read -r pid comm state ppid pgrp rest < /proc/$$/stat; [ $pid = $pgrp ] && echo leads";
    let (_, out) = output_of(&command("sh", &["-c", script]), &inherited());
    assert_eq!(out, b"leads\n");
}

#[test]
fn a_start_without_free_descriptors_may_be_tried_again() {
    let _turn = alone();
    run_case("starting_without_free_descriptors", "exec \"$@\"");
}

#[test]
#[ignore = "run by the test above"]
fn starting_without_free_descriptors() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 3, hard).unwrap();
    let error = start("true", &[]).unwrap_err();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("Too many open files"), "{error}");
    assert_eq!(end_of(start("true", &[]).unwrap()).0.exit, Exit::Code(0));
}

#[test]
fn a_tty_job_is_in_the_foreground_of_the_terminal_at_every_start() {
    let _turn = alone();
    run_case("starting_tty_jobs", "exec script -qec \"$*\" /dev/null");
}

#[test]
#[ignore = "run by the test above"]
fn starting_tty_jobs() {
    let script = "n=0; while :; do read -r pid comm state ppid pgrp session tty tpgid rest < /proc/$$/stat
        [ -t 0 ] && [ $pgrp = $tpgid ] && exit 5; n=$((n+1)); [ $n -gt 500 ] && exit 1; sleep 0.01; done";
    for _ in 0..2 {
        let command = command("sh", &["-c", script]);
        let pid = spawn(Launch { command: &command, env: &inherited(), stdio: Stdio::Inherit, tty: true }).unwrap();
        assert_eq!(end_of(pid).0.exit, Exit::Code(5));
    }
}

#[test]
fn a_burst_of_a_thousand_mixed_signals_loses_none() {
    let _turn = alone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut signals = Signals::install().unwrap();
        let kinds = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGTERM, Signal::SIGINT];
        for signal in kinds.iter().cycle().take(1000) {
            nix::sys::signal::raise(*signal).unwrap();
        }
        nix::sys::signal::raise(Signal::SIGCHLD).unwrap();
        let mut count = std::collections::BTreeMap::new();
        for _ in 0..1001 {
            let arrived = tokio::time::timeout(DEADLINE, signals.next()).await.unwrap();
            *count.entry(arrived).or_insert(0) += 1;
        }
        let expected = [
            (Arrived::Stop, 400),
            (Arrived::Child, 1),
            (Arrived::Hup, 200),
            (Arrived::Usr1, 200),
            (Arrived::Usr2, 200),
        ];
        assert_eq!(count, expected.into());
        assert!(tokio::time::timeout(Duration::from_millis(20), signals.next()).await.is_err(), "one more than sent");
    });
}

#[test]
fn a_child_that_ends_wakes_the_stream() {
    let _turn = alone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut signals = Signals::install().unwrap();
        let pid = shell("exit 4");
        let mut exit = None;
        while exit.is_none() {
            assert_eq!(tokio::time::timeout(DEADLINE, signals.next()).await.unwrap(), Arrived::Child);
            reap(usize::MAX, |ended| ended == pid, |ended| exit = Some(ended.exit));
        }
        assert_eq!(exit, Some(Exit::Code(4)));
    });
}
