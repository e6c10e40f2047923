//! A job for every test: its arguments are verbs that are done one after another.
//!
//! `pilot-fixture mark FILE say hello wait 200 exit 3` notes when it began, says hello, waits 200 ms and exits with 3.
//! `usage()` lists the verbs. It must stay quick to start and do nothing that its verbs do not say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A fixture that fails should fail loudly.

mod fork;
mod readiness;
mod serve;
mod state;
mod terminal;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::exit;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise, sigprocmask};
use nix::time::{ClockId, clock_gettime};

const USAGE: &str = "pilot-fixture VERB ARGUMENTS… , any number of:
  mark FILE             append `<boot clock ns> <pid>` to FILE
  say TEXT, cry TEXT    a line on stdout, on stderr
  write TEXT            TEXT on stdout without a newline
  wait MS, forever      do nothing
  touch FILE, until FILE
  exit CODE             end
  exit-from FILE        end with the code written in FILE (0 if there is none)
  die SIGNAL            end by that signal (number)
  ignore SIGNAL         from now on
  on-term FILE MS CODE  from now on SIGTERM and SIGINT mark FILE and end with CODE after MS
  record FILE           from now on every catchable signal appends its name to FILE and does nothing else
  background ARGUMENTS  start the rest as a child that keeps our group and descriptors, and go on to `forever`
  leave ARGUMENTS       the same, but exit 0 at once
  daemon FILE MS        double-fork into a session of its own, pid into FILE, ends after MS; wait until it is there
  orphans N MS          N double-forked orphans that live MS each
  burst N               N double-forked orphans that all end in the same instant; returns when they may
  steal FILE RECORD     take the pid written in FILE once it is free, and record signals in RECORD for ever (PID namespace)
  storm MS PIDS KILLED  for MS: strangers that take freed pids at once (PID namespace); all pids into PIDS, ends by a signal into KILLED
  eat MIB               take and touch so much memory
  lines N BYTES         N numbered lines of BYTES bytes, newline included
  letters N             N letters without a newline
  bytes N               N bytes of every value
  state                 pid, parent, group, uid, descriptors, signal masks as one line of JSON
  env NAME              `NAME=value`, or `NAME is unset`
  http PORT FILE        serve HTTP: FILE says how (`200`, `500`, `302 URL`, `slow MS`); counts overlapping requests
  silent PORT           take TCP connections and never say a word
  terminal              report on the terminal, then one line per SIGINT; ends on SIGTERM or the second SIGINT
  notify TEXT           send TEXT (`\\n` is a new line) to NOTIFY_SOCKET and do not wait for anybody
  notify-with N TEXT    the same, with N descriptors attached
  pulse MS FILE         from now on send WATCHDOG=1 every MS, until FILE exists
  flood                 send STATUS=x to NOTIFY_SOCKET for ever, as fast as it goes
  dirty PROGRAM ARGS    block and ignore every signal, then become PROGRAM";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    perform(&words);
}

fn perform(words: &[String]) {
    let mut rest = words.iter().map(String::as_str);
    while let Some(verb) = rest.next() {
        let mut text = || rest.next().unwrap_or_else(|| usage(verb));
        match verb {
            "mark" => mark(text()),
            "say" => println!("{}", text()),
            "cry" => eprintln!("{}", text()),
            "write" => write(text().as_bytes()),
            "wait" => sleep(Duration::from_millis(number(text()))),
            "forever" => forever(),
            "touch" => fs::write(text(), "").expect("a file can be made"),
            "until" => wait_for_file(text()),
            "exit" => exit(number(text())),
            "exit-from" => exit(fs::read_to_string(text()).ok().and_then(|code| code.trim().parse().ok()).unwrap_or(0)),
            "die" => die(number(text())),
            "ignore" => fork::ignore(signal(text())),
            "on-term" => on_term(text().to_owned(), number(text()), number(text())),
            "record" => record(text().to_owned()),
            "background" | "leave" => {
                let program = std::env::current_exe().expect("own path");
                std::process::Command::new(program).args(rest.by_ref()).spawn().expect("a child");
                if verb == "background" {
                    forever();
                }
                exit(0);
            }
            "daemon" => fork::daemon(text(), number(text())),
            "orphans" => fork::orphans(number(text()), number(text())),
            "burst" => fork::burst(number(text())),
            "steal" => fork::steal(text(), text().to_owned()),
            "storm" => fork::storm(number(text()), text(), text()),
            "eat" => eat(number(text())),
            "lines" => lines(number(text()), number(text())),
            "letters" => letters(number(text())),
            "bytes" => write(&(0..number::<usize>(text())).map(|n| (n % 256) as u8).collect::<Vec<_>>()),
            "state" => println!("{}", state::report()),
            "env" => say_variable(text()),
            "http" => serve::http(number(text()), text().to_owned()),
            "silent" => serve::silent(number(text())),
            "terminal" => terminal::report(),
            "notify" => readiness::tell(text()),
            "notify-with" => readiness::tell_with_descriptors(number(text()), text()),
            "pulse" => readiness::pulse(Duration::from_millis(number(text())), text().to_owned()),
            "flood" => readiness::flood(),
            "dirty" => fork::dirty(&rest.by_ref().map(str::to_owned).collect::<Vec<_>>()),
            other => usage(other),
        }
    }
}

fn usage(verb: &str) -> ! {
    eprintln!("pilot-fixture: cannot do {verb:?}\n{USAGE}");
    exit(64);
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| usage(text))
}

fn signal(text: &str) -> Signal {
    Signal::try_from(number::<i32>(text)).expect("a signal")
}

fn forever() -> ! {
    loop {
        sleep(Duration::from_secs(3600));
    }
}

/// One write: marks of several processes in one file never mix.
fn append(path: &str, line: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("a file can be opened");
    file.write_all(line.as_bytes()).expect("a file can be written");
}

fn mark(path: &str) {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("the boot clock");
    let nanoseconds = i128::from(now.tv_sec()) * 1_000_000_000 + i128::from(now.tv_nsec());
    append(path, &format!("{nanoseconds} {}\n", std::process::id()));
}

fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).expect("stdout takes it");
}

fn wait_for_file(path: &str) {
    while !Path::new(path).exists() {
        sleep(Duration::from_millis(5));
    }
}

/// Real-time signals have no name in nix; `kill` takes them as a number.
fn die(number: i32) -> ! {
    SigSet::all().thread_unblock().expect("the mask can be set");
    match Signal::try_from(number) {
        Ok(signal) => {
            fork::reset(signal);
            raise(signal).expect("a signal can be raised");
        }
        Err(_) => fork::kill_own_process(number),
    }
    sleep(Duration::from_secs(1));
    panic!("signal {number} did not end me");
}

fn block(set: &SigSet) {
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(set), None).expect("the mask can be set");
}

fn on_term(path: String, pause: u64, code: i32) {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.add(Signal::SIGINT);
    block(&set);
    std::thread::spawn(move || {
        set.wait().expect("a signal can be waited for");
        mark(&path);
        sleep(Duration::from_millis(pause));
        exit(code);
    });
}

fn record(path: String) {
    let set = SigSet::all();
    block(&set);
    fs::write(&path, "").expect("a file can be made");
    std::thread::spawn(move || {
        loop {
            let name = set.wait().map_or("an unnamed signal", Signal::as_str);
            append(&path, &format!("{name}\n"));
        }
    });
}

/// In pieces, so that whoever watches the memory sees it grow.
fn eat(mebibytes: usize) {
    let mut eaten = Vec::new();
    for _ in 0..mebibytes {
        eaten.push(vec![1u8; 1 << 20]);
    }
    std::hint::black_box(&eaten);
    std::mem::forget(eaten);
}

fn lines(count: u64, bytes: usize) {
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let filling = "x".repeat(bytes.saturating_sub(10));
    for index in 0..count {
        writeln!(out, "{index:08} {filling}").expect("stdout takes it");
    }
}

fn letters(count: usize) {
    let block = [b'a'; 1 << 16];
    let mut left = count;
    while left > 0 {
        let now = left.min(block.len());
        write(&block[..now]);
        left -= now;
    }
}

fn say_variable(name: &str) {
    match std::env::var(name) {
        Ok(value) => println!("{name}={value}"),
        Err(_) => println!("{name} is unset"),
    }
}
