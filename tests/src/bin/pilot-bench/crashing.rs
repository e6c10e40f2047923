//! A job that fails at once and is to be started again without end: how often that happens and what it costs.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use pilot_tests::{Scratch, processes};

use crate::clock;
use crate::namespace::{Place, start};
use crate::supervisors::{Again, Kind, verbs};
use crate::table::{Table, Target};

const SECONDS: u64 = 6;

/// Six seconds of it.
pub fn crash_loop(table: &mut Table) {
    for (kind, elsewhere) in [
        (Kind::Pilot, "v3 561 a second, 45 % of a core"),
        (Kind::S6, "0.99 a second, 0 %"),
        (Kind::Supervisord, "0.74 a second, 2.7 %"),
    ] {
        let scratch = Scratch::new();
        let job = verbs(&scratch, "mark FILE exit 1");
        let words = kind.command(&scratch, &job, 1, Again::Always);
        let running = start(Place::First, scratch, &words, Stdio::null());
        let marks = running.wait_for_marks("mark", 1);
        let pid = running.pid();
        let before = processes::stat(pid).map_or(0, |stat| stat.ticks);
        sleep(Duration::from_secs(SECONDS));
        let ticks = processes::stat(pid).map_or(0, |stat| stat.ticks) - before;
        let starts = clock::marks(&running.scratch, "mark").len();
        let share = ticks as f64 / SECONDS as f64;
        let here = format!("{starts} starts in {SECONDS} s, {share:.1} % of a core");
        let target = match kind {
            Kind::Pilot => Target::Decides("under 1 % of a core".into(), share < 1.0 && !marks.is_empty()),
            _ => Target::None,
        };
        table.row("crash loop", kind.name(), &here, elsewhere, target);
    }
}
