//! The user's metrics. v3 spec 9.3 and appendix A; rows 10, 11 and 22 of v3's defects.

use super::*;
use crate::runtime::telemetry::user::{RecordError, UserMetrics};
use pilot_core::plan::{Metric, MetricKind};

fn metric(parts: [&str; 3], kind: MetricKind) -> Metric {
    let [namespace, subsystem, name] = parts.map(str::to_owned);
    Metric { namespace, subsystem, name, help: "Counts.".into(), kind, labels: Vec::new() }
}

fn histogram() -> MetricKind {
    MetricKind::Histogram { buckets: MetricKind::BUCKETS.into() }
}

fn summary() -> MetricKind {
    MetricKind::Summary { quantiles: MetricKind::QUANTILES.into() }
}

fn labelled(labels: &[&str], kind: MetricKind) -> Metric {
    Metric { labels: labels.iter().map(|label| (*label).to_owned()).collect(), ..metric(["", "", "m"], kind) }
}

fn text(metrics: &UserMetrics) -> String {
    TextEncoder::new().encode_to_string(&metrics.gather()).unwrap()
}

fn recorded(metric: Metric, values: &[(&str, &str)]) -> String {
    let mut metrics = UserMetrics::new(&[metric]);
    values.iter().for_each(|(key, value)| metrics.record(key, value).unwrap());
    text(&metrics)
}

#[test]
fn each_kind_takes_a_value_in_its_own_way() {
    let twice = [("n_s_m", "40"), ("n_s_m", "2")];
    let parts = ["n", "s", "m"];
    let head = |kind| format!("# HELP n_s_m Counts.\n# TYPE n_s_m {kind}\n");
    assert_eq!(recorded(metric(parts, MetricKind::Counter), &twice), head("counter") + "n_s_m 42\n");
    assert_eq!(recorded(metric(parts, MetricKind::Gauge), &twice), head("gauge") + "n_s_m 2\n");
    assert_eq!(
        recorded(metric(parts, histogram()), &[("n_s_m", "1.2"), ("n_s_m", "1.2"), ("n_s_m", "4.5")]),
        head("histogram")
            + r#"n_s_m_bucket{le="0.005"} 0
n_s_m_bucket{le="0.01"} 0
n_s_m_bucket{le="0.025"} 0
n_s_m_bucket{le="0.05"} 0
n_s_m_bucket{le="0.1"} 0
n_s_m_bucket{le="0.25"} 0
n_s_m_bucket{le="0.5"} 0
n_s_m_bucket{le="1"} 0
n_s_m_bucket{le="2.5"} 2
n_s_m_bucket{le="5"} 3
n_s_m_bucket{le="10"} 3
n_s_m_bucket{le="+Inf"} 3
n_s_m_sum 6.9
n_s_m_count 3
"#
    );
    assert_eq!(
        recorded(metric(parts, summary()), &[("n_s_m", "3"), ("n_s_m", "1"), ("n_s_m", "2")]),
        head("summary")
            + r#"n_s_m{quantile="0.5"} 2
n_s_m{quantile="0.9"} 3
n_s_m{quantile="0.99"} 3
n_s_m_sum 6
n_s_m_count 3
"#
    );
}

#[test]
fn a_metric_is_shown_before_its_first_value() {
    assert!(recorded(metric(["", "", "m"], MetricKind::Counter), &[]).ends_with("\nm 0\n"));
    assert!(recorded(metric(["", "", "m"], MetricKind::Gauge), &[]).ends_with("\nm 0\n"));
    assert!(recorded(metric(["", "", "m"], histogram()), &[]).ends_with("m_sum 0\nm_count 0\n"));
    assert!(recorded(metric(["", "", "m"], summary()), &[]).contains("m{quantile=\"0.5\"} NaN\n"));
}

/// Row 10 (#569): what is exposed as `free_mem` could only be recorded as `__free_mem`.
#[test]
fn both_keys_reach_a_metric_and_v3s_goes_first() {
    let mut metrics = UserMetrics::new(&[
        metric(["", "", "free_mem"], MetricKind::Counter),
        metric(["a", "", "b"], MetricKind::Counter),
        metric(["", "", "_b_c"], MetricKind::Counter),
        metric(["", "b", "c"], MetricKind::Counter),
    ]);
    for key in ["free_mem", "__free_mem", "a__b", "a_b", "a_b", "_b_c", "b_c", "nobody", "FREE_MEM", ""] {
        metrics.record(key, "1").unwrap();
    }
    let text = text(&metrics);
    for line in ["free_mem 2\n", "a_b 3\n", "\nb_c 2\n", "\n_b_c 0\n"] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

/// v3 sent `key|value` over its bus and took the first two parts of it.
#[test]
fn a_bar_in_a_key_cuts_it_and_what_follows_is_the_value() {
    let mut metrics = UserMetrics::new(&[metric(["", "", "m"], MetricKind::Counter)]);
    metrics.record("m|5", "100").unwrap();
    metrics.record("m", "1|100").unwrap();
    assert!(text(&metrics).ends_with("m 6\n"));
    assert!(matches!(metrics.record("m|x", "1"), Err(RecordError::NotANumber { .. })));
}

/// Row 11: a negative value for a counter ended v3.
#[test]
fn what_a_metric_cannot_take_is_told_and_changes_nothing() {
    let mut metrics = UserMetrics::new(&[metric(["", "", "m"], MetricKind::Counter)]);
    let mut refused = |key: &str, value: &str| metrics.record(key, value).unwrap_err().to_string();
    assert_eq!(refused("m", "-1"), "metric m: -1 is not recorded, because a counter only grows; a gauge can go down");
    assert_eq!(
        refused("__m", "NaN"),
        "metric m: NaN is not recorded, because a counter only grows; a gauge can go down"
    );
    assert_eq!(refused("m", "twelve"), "metric m: \"twelve\" is not a number and is not recorded");
    assert_eq!(refused("m{a:1}", "1"), "metric m: there is no label \"a\"; add it to the metric's `labels`");
    assert_eq!(refused("m{a", "1"), "metric m: \"m{a\" is not recorded; labels are written m{label:value,label:value}");
    assert!(text(&metrics).ends_with("m 0\n"));
}

#[test]
fn infinity_and_nan_are_values_of_a_gauge_and_are_observed() {
    for (value, shown) in [("Inf", "inf"), ("-Inf", "-inf"), ("NaN", "NaN"), ("1e+06", "1000000"), ("-0.5", "-0.5")] {
        let text = recorded(metric(["", "", "m"], MetricKind::Gauge), &[("m", value)]);
        assert!(text.ends_with(&format!("\nm {shown}\n")), "{text}");
    }
    let text = recorded(metric(["", "", "m"], histogram()), &[("m", "Inf"), ("m", "NaN")]);
    assert!(text.contains("m_bucket{le=\"10\"} 0\nm_bucket{le=\"+Inf\"} 2\n"), "{text}");
    let text = recorded(metric(["", "", "m"], summary()), &[("m", "-Inf"), ("m", "1"), ("m", "2")]);
    assert!(text.contains("m{quantile=\"0.5\"} 1\n"), "{text}");
}

#[test]
fn labels_make_a_series_for_each_combination_of_values() {
    let text = recorded(
        labelled(&["method", "code"], MetricKind::Counter),
        &[("m{method:GET,code:200}", "1"), ("m{code:200,method:GET}", "2"), ("m{method:PUT}", "1"), ("m", "5")],
    );
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, [r#"m{code="",method=""} 5"#, r#"m{code="",method="PUT"} 1"#, r#"m{code="200",method="GET"} 3"#]);
    let text = recorded(labelled(&["a"], summary()), &[("m{a:say \"hi\"}", "1")]);
    assert!(text.contains(r#"m{a="say \"hi\"",quantile="0.5"} 1"#), "{text}");
    assert_eq!(recorded(labelled(&["a"], histogram()), &[]), "", "no series before the first value");
}

#[test]
fn the_series_of_a_metric_are_bounded() {
    let mut metrics = UserMetrics::new(&[labelled(&["user"], MetricKind::Counter)]);
    for user in 0..200 {
        metrics.record(&format!("m{{user:{user}}}"), "1").unwrap();
    }
    let error = metrics.record("m{user:200}", "1").unwrap_err();
    assert_eq!(error.to_string(), "metric m: it has values for 200 combinations of labels, and no more are taken");
    metrics.record("m{user:7}", "1").unwrap();
    assert!(text(&metrics).contains("m{user=\"7\"} 2\n"));
}

/// Row 22: another help text made a reload of v3 fail, and metrics that were removed lingered.
#[test]
fn a_reload_takes_other_definitions_and_begins_at_zero_while_pilots_own_metrics_go_on() {
    let meters = meters();
    let telemetry = telemetry(&meters);
    let plan = |metrics| plan::Telemetry { port: 0, address: [127, 0, 0, 1].into(), metrics, hosts: Vec::new() };
    let (one, two) = (metric(["", "", "one"], MetricKind::Counter), metric(["", "", "two"], MetricKind::Counter));
    telemetry.define(Some(&plan(vec![one.clone(), two.clone()])));
    for key in ["one", "two"] {
        telemetry.record(key, "5");
    }
    meters.job_started("app");
    telemetry.define(Some(&plan(vec![one.clone(), two])));
    assert_eq!(samples(&telemetry, "one"), ["one 5"], "what is the same goes on");
    let one = Metric { help: "Something else.".into(), kind: MetricKind::Gauge, labels: vec!["l".into()], ..one };
    telemetry.define(Some(&plan(vec![one])));
    assert_eq!((samples(&telemetry, "one").len(), samples(&telemetry, "two").len()), (0, 0));
    telemetry.record("two", "1");
    telemetry.record("one{l:x}", "1");
    assert_eq!(samples(&telemetry, "one"), [r#"one{l="x"} 1"#]);
    assert_eq!(samples(&telemetry, "pilot_job_starts_total"), [r#"pilot_job_starts_total{job="app"} 1"#]);
    telemetry.define(None);
    assert_eq!(samples(&telemetry, "one"), Vec::<String>::new());
}
