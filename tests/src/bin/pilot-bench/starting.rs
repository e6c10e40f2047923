//! From the exec of the supervisor to the first instruction of its job, and to that of the last of a hundred.

use std::process::Stdio;

use pilot_tests::Scratch;

use crate::clock::{least, median, most, ms};
use crate::namespace::{Place, start};
use crate::supervisors::{Again, Kind, verbs};
use crate::table::{Table, Target};

const ROUNDS: usize = 40;

/// Milliseconds from exec until the last of this many jobs runs.
fn once(kind: Kind, place: Place, count: usize) -> f64 {
    let scratch = Scratch::new();
    let job = verbs(&scratch, "mark FILE forever");
    let words = kind.command(&scratch, &job, count, Again::Never);
    let running = start(place, scratch, &words, Stdio::null());
    let marks = running.wait_for_marks("mark", count);
    ms(running.started(), marks.into_iter().max().expect("there is a mark"))
}

/// Rounds of all kinds, interleaved; supervisord takes a second each time and gets fewer.
fn rounds(kinds: &[Kind], rounds: usize, slow: usize, mut once: impl FnMut(Kind) -> f64) -> Vec<(Kind, Vec<f64>)> {
    let mut times: Vec<(Kind, Vec<f64>)> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
    for round in 0..rounds {
        for (kind, times) in &mut times {
            if *kind != Kind::Supervisord || round < slow {
                times.push(once(*kind));
            }
        }
    }
    times
}

/// Beside another process and as PID 1.
pub fn first_instruction(table: &mut Table) {
    let kinds = [Kind::Bare, Kind::Pilot, Kind::Tini, Kind::DumbInit, Kind::S6, Kind::Supervisord];
    for (place, what, elsewhere, v3) in [
        (Place::Beside, "exec to job", ["0.40", "", "1.23", "1.23", "3.88", "1,132"], "4.30"),
        (Place::First, "exec to job, PID 1", ["0.43", "", "1.29", "1.26", "3.91", "1,140"], "7.00"),
    ] {
        let times = rounds(&kinds, ROUNDS, 3, |kind| once(kind, place, 1));
        let tini = times.iter().find(|(kind, _)| *kind == Kind::Tini).map_or(f64::NAN, |(_, times)| median(times));
        for ((kind, times), elsewhere) in times.iter().zip(elsewhere) {
            let ratio = median(times) / tini;
            let here = format!("{:.2} ms (least {:.2}), {ratio:.2} x tini", median(times), least(times));
            let (elsewhere, target) = match kind {
                Kind::Pilot => (format!("v3 {v3} ms"), Target::Decides("1.5 x tini".into(), ratio <= 1.5)),
                _ => (format!("{elsewhere} ms"), Target::None),
            };
            table.row(what, kind.name(), &here, &elsewhere, target);
        }
    }
}

/// A hundred jobs at once.
pub fn last_of_hundred(table: &mut Table) {
    let kinds = [Kind::Pilot, Kind::S6, Kind::Supervisord];
    let times = rounds(&kinds, 9, 2, |kind| once(kind, Place::Beside, 100));
    for ((kind, times), elsewhere) in times.iter().zip(["v3 56 ms", "174 ms", "1,333 ms"]) {
        let middle = median(times);
        let here = format!("{middle:.1} ms ({:.1} to {:.1})", least(times), most(times));
        let target = match kind {
            Kind::Pilot => Target::Shown("28 ms, half of v3's".into(), middle <= 28.0),
            _ => Target::None,
        };
        table.row("last of 100 jobs", kind.name(), &here, elsewhere, target);
    }
}
