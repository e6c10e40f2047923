//! From SIGTERM to the supervisor's exit, for a job that ends at once.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot_tests::{Scratch, processes};

use crate::clock::{self, median, most, ms};
use crate::namespace::{Place, start};
use crate::supervisors::{Again, Kind, verbs};
use crate::table::{Table, Target};

fn once(kind: Kind, place: Place) -> f64 {
    let scratch = Scratch::new();
    let job = verbs(&scratch, "mark FILE forever");
    let words = kind.command(&scratch, &job, 1, Again::Never);
    let mut running = start(place, scratch, &words, Stdio::null());
    running.wait_for_marks("mark", 1);
    let pid = running.pid();
    // What a supervisor does right after a start is not to be measured.
    sleep(Duration::from_millis(50));
    let from = clock::now();
    processes::signal(pid, Signal::SIGTERM);
    ms(from, running.ended().expect("its end can be seen"))
}

/// Beside another process and as PID 1.
pub fn term_to_exit(table: &mut Table) {
    let kinds = [Kind::Pilot, Kind::Tini, Kind::DumbInit, Kind::S6, Kind::Supervisord];
    for (place, what, elsewhere) in [
        (Place::Beside, "SIGTERM to exit", ["v3 5,002 ms", "0.58 ms", "0.61 ms", "3.2 ms", "731 ms"]),
        (Place::First, "SIGTERM to exit, PID 1", ["v3 5,003 ms", "0.93 ms", "3.3 ms", "4.4 ms", "732 ms"]),
    ] {
        let mut times: Vec<(Kind, Vec<f64>)> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
        for round in 0..15 {
            for (kind, times) in &mut times {
                if *kind != Kind::Supervisord || round < 2 {
                    times.push(once(*kind, place));
                }
            }
        }
        for ((kind, times), elsewhere) in times.iter().zip(elsewhere) {
            let here = format!("{:.2} ms (most {:.2})", median(times), most(times));
            let target = match kind {
                Kind::Pilot => Target::Shown("5 ms".into(), median(times) <= 5.0),
                _ => Target::None,
            };
            table.row(what, kind.name(), &here, elsewhere, target);
        }
    }
}
