//! The verbs that std has no safe words for: fork, signal dispositions, exec with a dirty signal state.
//!
//! All unsafe code of the harness is here. The process has one thread when it forks, and the child calls nothing that
//! could need another thread's lock.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, execvp, fork, getpid, pipe, read, setsid};

/// Ignores a signal from now on.
pub fn ignore(signal: Signal) {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { nix::sys::signal::signal(signal, SigHandler::SigIgn) }.expect("a signal can be ignored");
}

/// The default action from now on: the Rust runtime has handlers of its own for SIGSEGV and SIGBUS.
pub fn reset(signal: Signal) {
    // SAFETY: SIG_DFL runs no code of ours. SIGKILL and SIGSTOP have no other action and refuse.
    let _ = unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) };
}

/// Sends this process a signal that nix has no name for (a real-time one).
pub fn kill_own_process(number: i32) {
    // std has no kill(2) and nix no real-time signals; the shell's builtin has both.
    let pid = std::process::id();
    let _ = std::process::Command::new("sh").args(["-c", &format!("kill -{number} {pid}")]).status();
}

/// Forks; the child does `work` and exits 0.
fn split(work: impl FnOnce()) -> nix::unistd::Pid {
    // SAFETY: this process has one thread here, so the child may do anything a process may do.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            work();
            exit(0);
        }
    }
}

/// Forks twice, so that `work` runs in an orphan; waits for the one in between.
fn orphan(work: impl FnOnce()) {
    let between = split(|| {
        split(work);
    });
    let _ = nix::sys::wait::waitpid(between, None);
}

/// An orphan in a session of its own that lives for `ms`; returns when its pid is in the file.
pub fn daemon(path: &str, ms: u64) {
    orphan(|| {
        setsid().expect("a session");
        let temporary = format!("{path}.new");
        fs::write(&temporary, getpid().to_string()).expect("a file can be written");
        fs::rename(&temporary, path).expect("a file can be renamed");
        sleep(Duration::from_millis(ms));
    });
    super::wait_for_file(path);
}

/// So many orphans, one after another, each living for `ms`.
pub fn orphans(count: u32, ms: u64) {
    for _ in 0..count {
        orphan(|| sleep(Duration::from_millis(ms)));
    }
}

/// So many orphans that all wait for one pipe to close and then end together.
pub fn burst(count: u32) {
    let (reader, writer) = pipe().expect("a pipe");
    let mut writer = Some(writer);
    for _ in 0..count {
        orphan(|| {
            drop(writer.take());
            let _ = read(&reader, &mut [0]);
        });
    }
    println!("burst is ready");
    drop(writer);
}

/// Takes a pid that was just given back, as an unrelated process with a session of its own.
pub fn steal(path: &str, record: String) -> ! {
    super::wait_for_file(path);
    let wanted = || fs::read_to_string(path).ok()?.split(' ').nth(1)?.trim().parse::<i32>().ok();
    let target = loop {
        if let Some(pid) = wanted() {
            break pid;
        }
        sleep(Duration::from_millis(1));
    };
    while fs::exists(format!("/proc/{target}")).unwrap_or(true) {
        sleep(Duration::from_millis(1));
    }
    for _ in 0..1000 {
        fs::write("/proc/sys/kernel/ns_last_pid", (target - 1).to_string()).expect("the next pid can be chosen");
        let child = split(|| {
            if getpid().as_raw() == target {
                setsid().expect("a session");
                super::record(record.clone());
                println!("stolen {target}");
                super::forever();
            }
        });
        if child.as_raw() == target {
            super::forever();
        }
    }
    println!("pid {target} could not be had");
    super::forever();
}

/// Strangers, some at a time, each a session of its own for some milliseconds. Before each fork the kernel is told to begin
/// with the lowest number again, so that a number that a job gave back is a stranger's a moment later.
pub fn storm(ms: u64, pids: &str, killed: &str) {
    const AT_ONCE: usize = 8;
    let end = Instant::now() + Duration::from_millis(ms);
    let (mut living, mut made) = (0, 0u64);
    while Instant::now() < end || living > 0 {
        while living < AT_ONCE && Instant::now() < end {
            fs::write("/proc/sys/kernel/ns_last_pid", "1").expect("the next pid can be chosen");
            made += 1;
            // Of uneven length, so that they do not keep step with the jobs.
            let lasts = Duration::from_millis(1 + made * 7 % 23);
            let stranger = split(|| {
                setsid().expect("a session");
                sleep(lasts);
            });
            living += 1;
            super::append(pids, &format!("{stranger}\n"));
        }
        match waitpid(None, None) {
            Ok(WaitStatus::Signaled(pid, signal, _)) => super::append(killed, &format!("{pid} {signal}\n")),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
        living -= 1;
    }
    println!("storm is over, {made} strangers");
}

/// Becomes another program with every signal blocked and ignored, as a careless parent would start it.
pub fn dirty(words: &[String]) {
    for signal in Signal::iterator().filter(|s| !matches!(s, Signal::SIGKILL | Signal::SIGSTOP)) {
        ignore(signal);
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None).expect("the mask can be set");
    // Not std's exec, which would clean the mask up.
    let words: Vec<CString> = words.iter().map(|w| CString::new(w.as_str()).expect("no NUL")).collect();
    let Err(error) = execvp(words.first().expect("a program"), &words);
    eprintln!("cannot become {words:?}: {error}");
    exit(65);
}
