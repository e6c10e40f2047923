//! pilot's own metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use pilot_core::event::{Code, Event};
use pilot_core::exit::Exit;
use pilot_core::plan::BUILT_IN_METRICS;
use pilot_core::step::Step;

/// Everything that can happen has happened.
fn busy() -> Meters {
    let meters = Meters::default();
    meters.begin(|| 7);
    let second = Duration::from_secs(1);
    meters.event(&Event::global(Code::Startup));
    meters.control_request(200, "/v3/ping");
    meters.instances("db", 2);
    meters.job_started("app");
    meters.job_restarted("app");
    meters.job_ended("app", Exit::Code(3), second);
    meters.step_over("app", Step::Drain, second);
    meters.probed("check.app", Looked::Pass, second);
    meters.consul_called("register", "200", Some(second));
    meters.woke_late(second);
    meters
}

/// A row of the manual: type, labels, meaning.
type Row = (String, Vec<String>, String);

fn manual() -> BTreeMap<String, Row> {
    let text = include_str!("../../../../../docs/reference/metrics.md");
    let section =
        text.split("## pilot's own metrics").nth(1).unwrap().split("A metric without a value").next().unwrap();
    let plain = |cell: &str| cell.trim().replace('`', "");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("{line}") };
        let labels = plain(labels).split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        (plain(name), (plain(kind), labels, plain(meaning)))
    })
    .collect()
}

#[test]
fn every_metric_is_in_the_manual_as_it_is_shown() {
    let shown: BTreeMap<String, Row> = busy()
        .gather()
        .iter()
        .map(|family| {
            let labels = family.get_metric()[0].get_label().iter().map(|label| label.name().to_owned()).collect();
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            (family.name().to_owned(), (kind, labels, family.help().to_owned()))
        })
        .collect();
    assert_eq!(shown, manual());
    assert_eq!(shown.keys().collect::<Vec<_>>(), BUILT_IN_METRICS.iter().collect::<Vec<_>>());
}

#[test]
fn what_happened_is_counted_under_its_labels() {
    let meters = busy();
    let telemetry = telemetry(&meters);
    meters.job_ended("app", Exit::Signal(9), Duration::from_millis(50));
    meters.job_ended("app", Exit::Signal(40), Duration::from_millis(50));
    meters.probed("watch.db", Looked::Fail, Duration::from_millis(1));
    meters.consul_called("health", "timeout", None);
    let rows = [
        ("containerpilot_events", &[r#"containerpilot_events{code="Startup",source="global"} 1"#][..]),
        (
            "containerpilot_control_http_requests",
            &[r#"containerpilot_control_http_requests{code="200",path="/v3/ping"} 1"#],
        ),
        ("containerpilot_watch_instances", &[r#"containerpilot_watch_instances{service="db"} 2"#]),
        (
            "pilot_job_exits_total",
            &[
                r#"pilot_job_exits_total{code="",job="app",signal="40"} 1"#,
                r#"pilot_job_exits_total{code="",job="app",signal="SIGKILL"} 1"#,
                r#"pilot_job_exits_total{code="3",job="app",signal=""} 1"#,
            ],
        ),
        ("pilot_job_run_duration_seconds_count", &[r#"pilot_job_run_duration_seconds_count{job="app"} 3"#]),
        (
            "pilot_probes_total",
            &[
                r#"pilot_probes_total{result="fail",source="watch.db"} 1"#,
                r#"pilot_probes_total{result="pass",source="check.app"} 1"#,
            ],
        ),
        (
            "pilot_consul_requests_total",
            &[
                r#"pilot_consul_requests_total{operation="health",result="timeout"} 1"#,
                r#"pilot_consul_requests_total{operation="register",result="200"} 1"#,
            ],
        ),
        (
            "pilot_consul_request_duration_seconds_count",
            &[r#"pilot_consul_request_duration_seconds_count{operation="register"} 1"#],
        ),
        ("pilot_log_lines_lost_total", &["pilot_log_lines_lost_total 7"]),
    ];
    for (name, want) in rows {
        let mut got = samples(&telemetry, name);
        got.sort();
        assert_eq!(got, want, "{name}");
    }
}

/// Row 26 of v3's defects: the source of an error was its text, one series for every text.
#[test]
fn an_error_has_the_source_of_the_failure_before_it() {
    let meters = meters();
    for (job, text) in [("app", "app: exit status 1"), ("app", "app: signal: killed"), ("x", "no such program /x 17")] {
        meters.event(&Event::new(Code::ExitFailed, job));
        meters.event(&Event::new(Code::Error, text));
    }
    let mut got = samples(&telemetry(&meters), "containerpilot_events");
    got.sort();
    assert_eq!(
        got,
        [
            r#"containerpilot_events{code="Error",source="app"} 2"#,
            r#"containerpilot_events{code="Error",source="x"} 1"#,
            r#"containerpilot_events{code="ExitFailed",source="app"} 2"#,
            r#"containerpilot_events{code="ExitFailed",source="x"} 1"#,
        ]
    );
}

#[test]
fn names_that_reloads_bring_up_are_bounded() {
    let meters = meters();
    (0..1_500).for_each(|number| meters.job_started(&format!("job-{number}")));
    let telemetry = telemetry(&meters);
    assert_eq!(samples(&telemetry, "pilot_job_starts_total").len(), 1_001);
    assert!(telemetry.text().unwrap().contains("pilot_job_starts_total{job=\"other\"} 500\n"));
}

#[test]
fn a_watch_that_is_gone_is_forgotten() {
    let meters = meters();
    meters.instances("db", 2);
    meters.instances("cache", 1);
    meters.keep_watches(["cache", "new"].into_iter());
    let shown = samples(&telemetry(&meters), "containerpilot_watch_instances");
    assert_eq!(shown, [r#"containerpilot_watch_instances{service="cache"} 1"#]);
}

#[test]
fn without_telemetry_nothing_is_counted() {
    let meters = Meters::default();
    meters.job_started("app");
    assert!(!meters.is_on() && meters.gather().is_empty());
}

#[test]
fn pilots_own_process_is_as_the_kernel_sees_it() {
    let telemetry = telemetry(&meters());
    let value = |name: &str| -> f64 { samples(&telemetry, name)[0].rsplit(' ').next().unwrap().parse().unwrap() };
    let before = value("process_open_fds");
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(value("process_open_fds"), before + 1.0);
    drop(file);
    assert!(value("process_max_fds") >= before);
    let megabyte = f64::from(1 << 20);
    assert!((megabyte..1e10).contains(&value("process_resident_memory_bytes")));
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let started = value("process_start_time_seconds");
    assert!(started <= now + 1.0 && started > now - 600.0, "{started} {now}");
    let used = value("process_cpu_seconds_total");
    assert!((0.0..600.0).contains(&used), "{used}");
}
