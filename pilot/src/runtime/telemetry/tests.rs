//! What is shown is true: each metric against its description, `/status` byte for byte, the page as a browser gets it.

mod health;
mod metrics;
mod pages;
mod user;

use super::*;

/// Meters that count, with no line lost.
fn meters() -> Meters {
    let meters = Meters::default();
    meters.begin(|| 0);
    meters
}

/// Telemetry with these meters and a supervisor that never answers.
fn telemetry(meters: &Meters) -> Telemetry {
    Telemetry::new(meters.clone(), Viewer::new().0)
}

/// The lines of `/metrics` that are samples of this metric.
fn samples(telemetry: &Telemetry, name: &str) -> Vec<String> {
    let text = telemetry.text().unwrap();
    let of_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    text.lines().filter(of_it).map(str::to_owned).collect()
}
