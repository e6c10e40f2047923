//! A file of thousands of jobs, and one of thousands of mistakes: ten times as much takes some ten times as long.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::*;

/// One text of `count` parts.
type Kind = (&'static str, fn(usize) -> String);

fn list(count: usize, part: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for at in 0..count {
        let _ = writeln!(text, "{},", part(at));
    }
    text
}

fn jobs(count: usize, members: impl Fn(usize) -> String) -> String {
    format!(
        "{{ consul: 'c', jobs: [{}] }}",
        list(count, |at| format!("{{ name: 'job{at}', exec: 'a', {} }}", members(at)))
    )
}

const KINDS: [Kind; 5] = [
    ("unknown keys", |count| jobs(1, |_| list(count, |at| format!("unknown{at}: 1")))),
    ("unknown keys in one line", |count| jobs(1, |_| list(count, |at| format!("unknown{at}: 1")).replace('\n', ""))),
    ("a list of unknown sources", |count| {
        jobs(1, |_| format!("when: {{ source: [{}], once: 'healthy' }}", list(count, |at| format!("'x{at}'"))))
    }),
    ("entries of all that never come", |count| {
        jobs(2, |_| format!("when: {{ all: [{}] }}", list(count, |_| "{ source: 'job1', once: 'healthy' }".into())))
    }),
    ("watches and metrics", |count| {
        format!(
            "{{ consul: 'c', watches: [{}], telemetry: {{ metrics: [{}] }} }}",
            list(count, |at| format!("{{ name: 'watch{at}', interval: 5 }}")),
            list(count, |at| format!("{{ name: 'm{at}', help: 'h', type: 'gauge' }}"))
        )
    }),
];

/// How long a check takes, at the fastest of some.
fn time(text: &str, tries: usize) -> Duration {
    let question = Question { stop_budget: Some(Duration::from_secs(1)) };
    let one = |_| {
        let began = Instant::now();
        let loaded = examine("f", text, &machine(&[]), &question);
        assert!(loaded.report(text).len() < 20_000_000);
        began.elapsed()
    };
    (0..tries).map(one).min().unwrap_or_default()
}

#[test]
fn ten_times_as_much_takes_some_ten_times_as_long() {
    for (name, text) in KINDS {
        let (few, many) = (text(300), text(3000));
        // A machine that is busy with something else makes one of them slower, not all of them.
        let ratio = || time(&many, 2).as_secs_f64() / time(&few, 4).as_secs_f64();
        let ratios: Vec<f64> = std::iter::repeat_with(ratio).take(4).take_while(|ratio| *ratio > 20.0).collect();
        assert!(ratios.len() < 4, "{name}: ten times as much takes {ratios:?} times as long");
    }
}
