//! Whether this job has the terminal, and how often Ctrl-C reached it.

use std::io::stdin;
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{getpgrp, tcgetpgrp};

/// Says whether it is the foreground group, then one line a SIGINT; exits 0 at the second one or at SIGTERM.
pub fn report() {
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.add(Signal::SIGTERM);
    super::block(&set);
    // pilot hands the terminal over right after the start: one may have to wait for it.
    let given = Instant::now();
    while tcgetpgrp(stdin()).is_ok_and(|group| group != getpgrp()) && given.elapsed() < Duration::from_secs(2) {
        sleep(Duration::from_millis(1));
    }
    match tcgetpgrp(stdin()) {
        Ok(group) if group == getpgrp() => println!("terminal: mine"),
        Ok(_) => println!("terminal: somebody else's"),
        Err(error) => println!("terminal: none ({error})"),
    }
    let mut interrupts = 0;
    loop {
        match set.wait().expect("a signal can be waited for") {
            Signal::SIGINT => {
                interrupts += 1;
                println!("interrupt {interrupts}");
                if interrupts == 2 {
                    exit(0);
                }
            }
            _ => exit(0),
        }
    }
}
