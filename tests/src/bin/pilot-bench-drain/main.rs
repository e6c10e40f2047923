//! Requests that fail while instances are replaced (`make bench-drain`): the app behind a real nginx and a real HAProxy that
//! go on sending for a while after a deregistration, as an ALB does. Stopped by pilot, in ContainerPilot's order, by tini.
//!
//! Exits 1 when a request failed with pilot, and when none failed with the others: then nothing was measured.
//! `BENCH_SECONDS` is the length of each of the six runs (60). It never looks inside pilot.

mod balancer;
mod load;

use std::process::ExitCode;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use pilot_tests::aws::Aws;
use pilot_tests::instance::{Instance, Order};
use pilot_tests::ports;

use balancer::{Balancer, Follower};

/// A replacement in this many seconds: ten a minute.
const EVERY: u64 = 6;

fn main() -> ExitCode {
    let seconds = match std::env::var("BENCH_SECONDS").map(|text| text.parse::<u64>()) {
        Err(_) => 60,
        Ok(Ok(seconds)) if seconds >= EVERY => seconds,
        Ok(_) => {
            eprintln!("pilot-bench-drain: BENCH_SECONDS must be a whole number from {EVERY}");
            return ExitCode::from(64);
        }
    };
    let mut rows =
        vec![["load balancer", "who stops the app", "replaced", "requests", "failed", "longest"].map(str::to_owned)];
    let mut wrong = Vec::new();
    for balancer in [Balancer::Nginx, Balancer::Haproxy] {
        for order in [Order::Pilot, Order::SignalFirst, Order::Tini] {
            eprintln!("pilot-bench-drain: {}, {} …", balancer.words(), order.words());
            let figures = one_run(balancer, order, seconds);
            let failed = figures.failed();
            if (order == Order::Pilot) != (failed == 0) {
                wrong.push(format!("{}, {}: {failed} failed", balancer.words(), order.words()));
            }
            eprintln!("  {figures:?}");
            let longest = format!("{:.0} ms", figures.longest.as_secs_f64() * 1e3);
            let cells = [(seconds / EVERY).to_string(), figures.requests.to_string(), failed.to_string(), longest];
            let [replaced, requests, failed, longest] = cells;
            rows.push([balancer.words().into(), order.words().into(), replaced, requests, failed, longest]);
        }
    }
    print(&rows);
    if wrong.is_empty() {
        println!("no request failed with pilot");
        return ExitCode::SUCCESS;
    }
    println!("not as it should be (0 with pilot, more with the others): {}", wrong.join("; "));
    ExitCode::FAILURE
}

/// Two instances under load; the older one is replaced again and again.
fn one_run(balancer: Balancer, order: Order, seconds: u64) -> load::Figures {
    let aws = Aws::start();
    let replacements = seconds / EVERY;
    let mut running: Vec<Instance> = (0..2).map(|_| Instance::start(order, &aws)).collect();
    let front = ports::free();
    let follower = Follower::start(balancer, front, &aws, replacements + 2);
    let load = load::start(front, seconds, balancer.keeps_clients());
    let started = Instant::now();
    let mut stopping = Vec::new();
    for number in 0..replacements {
        sleep(Duration::from_secs(number * EVERY).saturating_sub(started.elapsed()));
        running.push(Instance::start(order, &aws));
        let oldest = running.remove(0);
        let aws = aws.clone();
        stopping.push(spawn(move || oldest.stop(&aws)));
    }
    for stopped in stopping {
        stopped.join().expect("an instance stops in order");
    }
    let figures = load.figures();
    drop(follower);
    for instance in running {
        instance.stop(&aws);
    }
    assert_eq!(aws.world().bad_signatures, Vec::<String>::new());
    figures
}

fn print(rows: &[[String; 6]]) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("| {} |", cells.join(" | "));
        if number == 0 {
            println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
        }
    }
    println!();
}
