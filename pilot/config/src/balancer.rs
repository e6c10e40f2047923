//! A job's `loadBalancer` and `drain` blocks: its place in an ALB target group, and how it leaves. Additions to v3.

use std::time::Duration;

use pilot_core::plan::{BalancerMode, Drain, InFlight, LoadBalancer, TargetGroupArn};

use super::block::Block;
use super::keys;
use super::loose::Field;
use super::process::signal;

/// What a drain lasts behind a load balancer that nobody set: new requests keep coming for up to 19 s after an ALB was
/// told (measured: kubernetes-sigs/aws-load-balancer-controller, issue 2366).
const QUIET: Duration = Duration::from_secs(15);
/// And how much longer requests in flight may take.
const FINISH: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
enum Mode {
    Off,
    Drain,
    Itself,
}

const MODES: [(&str, Mode); 3] = [("off", Mode::Off), ("drain", Mode::Drain), ("self", Mode::Itself)];

/// Reads the `loadBalancer` block of a job with this port, if it has one. Without a target group (a template whose variable
/// is not set) it is off.
pub(super) fn read(job: &Block<'_>, port: Option<u16>) -> Option<LoadBalancer> {
    let field = job.get("loadBalancer")?;
    let block = field.block(&keys::BALANCER)?;
    let mode = match block.filled("mode") {
        Some(field) => field.choice(&MODES)?,
        None => Mode::Drain,
    };
    let own = block.filled("port").and_then(|field| field.port()).or(port);
    let mode = match mode {
        Mode::Off => return None,
        Mode::Drain => BalancerMode::Drain,
        Mode::Itself => BalancerMode::Itself,
    };
    if block.get("targetGroup").is_none() {
        block.missing("targetGroup", "is needed", "write the ARN of the target group, or `mode: \"off\"`");
        return None;
    }
    let group = block.filled("targetGroup")?;
    let Some(target_group) = group.text().and_then(|text| TargetGroupArn::parse(&text)) else {
        group.error(
            format!("{} is not the ARN of a target group", group.value.shape()),
            "write \"arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID\"",
        );
        return None;
    };
    if own.is_none() {
        block.missing("port", "is needed, because the job has none", "write the port the application listens on");
    }
    let text = |key| block.filled(key).and_then(|field| field.text());
    let target = text("target");
    Some(LoadBalancer { target_group, mode, port: own?, target, availability_zone: text("availabilityZone") })
}

/// Reads the `drain` block. Behind a load balancer a job without one drains all the same.
pub(super) fn drain(job: &Block<'_>, port: Option<u16>, balancer: Option<&LoadBalancer>) -> Option<Drain> {
    let by_default = balancer.map(|_| Drain { min: QUIET, max: QUIET, in_flight: InFlight::Unknown, signal: None });
    let Some(field) = job.get("drain") else { return by_default };
    let Some(block) = field.block(&keys::DRAIN) else { return by_default };
    let port = balancer.map(|balancer| balancer.port).or(port);
    let in_flight = block.filled("inFlight").and_then(|field| in_flight(&field, port)).unwrap_or(InFlight::Unknown);
    let lasting = |key: &str| block.filled(key).and_then(|field| field.length());
    let min = lasting("min").unwrap_or(if balancer.is_some() { QUIET } else { Duration::ZERO });
    let max = match (lasting("max"), &in_flight) {
        (Some(max), _) => max,
        (None, InFlight::Unknown) => min,
        (None, InFlight::Connections(_) | InFlight::Url(_)) => min + FINISH,
    };
    if max < min
        && let Some(field) = block.get("max")
    {
        field.error(format!("of {max:?} is shorter than the min of {min:?}"), "write at least the same for `max`");
    }
    if in_flight == InFlight::Unknown
        && let Some(field) = block.get("max").filter(|_| max > min)
    {
        field.warn(
            format!("has no effect: nobody says what is in flight, so the drain lasts {min:?}"),
            "add `inFlight: \"connections\"`, or a path that answers with the number of requests in flight",
        );
    }
    Some(Drain { min, max, in_flight, signal: block.filled("signal").and_then(|field| signal(&field)) })
}

fn in_flight(field: &Field<'_>, port: Option<u16>) -> Option<InFlight> {
    let text = field.text()?;
    let unknown_port = |field: &Field<'_>| {
        field.error("needs a port, and the job has none", "give the job a `port`, or write a whole URL");
        None
    };
    match (text.as_str(), port) {
        ("connections", Some(port)) => Some(InFlight::Connections(port)),
        (path, Some(port)) if path.starts_with('/') => Some(InFlight::Url(format!("http://127.0.0.1:{port}{path}"))),
        (url, _) if url.starts_with("http://") && !url.contains(char::is_whitespace) => Some(InFlight::Url(text)),
        ("connections", None) => unknown_port(field),
        (path, None) if path.starts_with('/') => unknown_port(field),
        _ => {
            field.error(
                format!("cannot be {}", field.quoted(&text)),
                "write \"connections\", a path such as \"/in-flight\", or an http:// URL that answers with a number",
            );
            None
        }
    }
}
