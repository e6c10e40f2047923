//! Measures the shipped pilot next to tini, dumb-init, s6 and supervisord in one run and prints one table (`make bench`).
//!
//! `pilot-bench [ROW…]` measures all rows or those named; exits 1 when pilot misses a target that decides. Rounds of the
//! supervisors are interleaved, so that a busy moment of the machine hits all of them. It never looks inside pilot.

mod checks;
mod clock;
mod consul;
mod crashing;
mod memory;
mod namespace;
mod orphans;
mod output;
mod starting;
mod stopping;
mod supervisors;
mod table;

use std::process::ExitCode;

use table::Table;

/// A group of rows: its name on the command line, and what measures it.
type Measurement = (&'static str, fn(&mut Table));

const ALL: [Measurement; 9] = [
    ("start", starting::first_instruction),
    ("hundred", starting::last_of_hundred),
    ("stop", stopping::term_to_exit),
    ("memory", memory::at_rest),
    ("orphans", orphans::ten_thousand),
    ("output", output::lines_a_second),
    ("crash", crashing::crash_loop),
    ("checks", checks::hundred_checks),
    ("consul", consul::watches),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((verb, rest)) if verb == "stamp" => clock::stamp_and_become(rest),
        Some((verb, rest)) if verb == "host" => namespace::host(rest),
        _ => {}
    }
    if let Some(unknown) = words.iter().find(|word| ALL.iter().all(|(name, _)| name != word)) {
        let names = ALL.map(|(name, _)| name).join(" ");
        eprintln!("pilot-bench: no measurement is called {unknown:?}; there are: {names}");
        return ExitCode::from(64);
    }
    let mut table = Table::new();
    for (name, measure) in ALL {
        if words.is_empty() || words.iter().any(|word| word == name) {
            eprintln!("pilot-bench: {name} …");
            measure(&mut table);
        }
    }
    table.print()
}
