//! Recognises keys of ContainerPilot 2 and says what has taken their place: in general, and for what stands there.

use super::value::{HIDDEN, Kind, Value};
use pilot_core::number::plain;

/// A replacement longer than this is no help in a message; the general hint is.
const LONGEST: usize = 400;

/// What to write instead of a key of ContainerPilot 2 with this value; `None` if it is not one.
pub(super) fn remedy(key: &str, value: &Value) -> Option<String> {
    let hint = hint(key)?;
    match rewritten(key, value).filter(|text| text.len() <= LONGEST) {
        Some(text) => Some(format!("{hint}. Here: {text}")),
        None => Some(hint.to_owned()),
    }
}

/// The same in version 3, as far as it can be told from this value alone.
fn rewritten(key: &str, value: &Value) -> Option<String> {
    let jobs = |jobs: Vec<String>| Some(format!("jobs: [{}]", jobs.join(", "))).filter(|_| !jobs.is_empty());
    let each = |write: fn(&Value) -> Option<String>| items(value).iter().map(write).collect::<Option<Vec<String>>>();
    let exec = is_command(value).then(|| json5(value));
    match key {
        "services" => jobs(each(service)?),
        "backends" => {
            let watches = each(watch)?;
            let reactions: Vec<String> = items(value).iter().filter_map(reaction).collect();
            let watches = (!watches.is_empty()).then(|| format!("watches: [{}]", watches.join(", ")))?;
            Some(jobs(reactions).map_or(watches.clone(), |jobs| format!("{watches}, {jobs}")))
        }
        "coprocesses" => jobs(each(coprocess)?),
        "tasks" => jobs(each(task)?),
        "preStart" | "onStart" => jobs(vec![format!("{{ name: \"{key}\", exec: {} }}", exec?)]),
        "preStop" => jobs(vec![hook(key, &exec?, "stopping")]),
        "postStop" => jobs(vec![hook(key, &exec?, "stopped")]),
        _ => None,
    }
}

fn service(value: &Value) -> Option<String> {
    let mut members = vec![member("name", value.member("name")?)];
    members.extend(value.member("port").map(|port| member("port", port)));
    let mut health: Vec<String> = value
        .member("health")
        .filter(|health| is_command(health))
        .map(|health| member("exec", health))
        .into_iter()
        .collect();
    health.push(format!("interval: {}", value.member("poll").map_or("10".to_owned(), json5)));
    health.push(format!("ttl: {}", value.member("ttl").map_or("30".to_owned(), json5)));
    members.push(format!("health: {{ {} }}", health.join(", ")));
    members.extend(["tags", "interfaces"].iter().filter_map(|key| Some(member(key, value.member(key)?))));
    Some(format!("{{ {} }}", members.join(", ")))
}

fn watch(value: &Value) -> Option<String> {
    let tag = value.member("tag").map(|tag| format!(", tag: {}", json5(tag))).unwrap_or_default();
    let interval = value.member("poll").map_or("10".to_owned(), json5);
    Some(format!("{{ name: {}, interval: {interval}{tag} }}", json5(value.member("name")?)))
}

fn reaction(value: &Value) -> Option<String> {
    let name = value.member("name")?.weak_text()?;
    let exec = value.member("onChange").filter(|exec| is_command(exec))?;
    let when = format!("{{ source: {:?}, each: \"changed\" }}", format!("watch.{name}"));
    Some(format!("{{ name: {:?}, exec: {}, when: {when} }}", format!("onChange-{name}"), json5(exec)))
}

fn coprocess(value: &Value) -> Option<String> {
    let restarts = value.member("restarts").map_or("\"unlimited\"".to_owned(), json5);
    let name = value.member("name").map_or("\"coprocess\"".to_owned(), json5);
    Some(format!("{{ name: {name}, exec: {}, restarts: {restarts} }}", json5(value.member("command")?)))
}

fn task(value: &Value) -> Option<String> {
    let name = value.member("name").map_or("\"task\"".to_owned(), json5);
    let timeout = value.member("timeout").map(|limit| format!(", timeout: {}", json5(limit))).unwrap_or_default();
    let when = format!("{{ interval: {} }}", json5(value.member("frequency")?));
    Some(format!("{{ name: {name}, exec: {}, when: {when}{timeout} }}", json5(value.member("command")?)))
}

fn hook(name: &str, exec: &str, event: &str) -> String {
    format!("{{ name: \"{name}\", exec: {exec}, when: {{ source: \"MAIN JOB\", once: \"{event}\" }} }}")
}

fn member(key: &str, value: &Value) -> String {
    format!("{key}: {}", json5(value))
}

fn items(value: &Value) -> &[Value] {
    match &value.kind {
        Kind::List(items) => items,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Object(_) => &[],
    }
}

/// Text, or a list of words.
fn is_command(value: &Value) -> bool {
    match &value.kind {
        Kind::Text(_) => true,
        Kind::List(items) => !items.is_empty() && items.iter().all(|item| item.weak_text().is_some()),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Object(_) => false,
    }
}

/// A value as it is written, on one line.
fn json5(value: &Value) -> String {
    match &value.kind {
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) if value.rendered => format!("{HIDDEN:?}"),
        Kind::Null => "null".into(),
        Kind::Bool(value) => value.to_string(),
        Kind::Number(number) => plain(*number),
        Kind::Text(text) => format!("{text:?}"),
        Kind::List(items) => format!("[{}]", items.iter().map(json5).collect::<Vec<_>>().join(", ")),
        Kind::Object(members) => {
            let members: Vec<String> = members.iter().map(|m| format!("{:?}: {}", m.key, json5(&m.value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// What has taken the place of a key.
fn hint(key: &str) -> Option<&'static str> {
    // In the order in which a version 2 file is usually written.
    const HINTS: [(&str, &str); 14] = [
        ("services", "make each service a job: { name, exec, port, health: { exec, interval, ttl } }"),
        (
            "backends",
            "make each backend a watch, and a job with `when: { source: \"watch.NAME\", each: \"changed\" }` for its onChange",
        ),
        (
            "preStart",
            "make it a job with `exec`, and start the main job with `when: { source: \"preStart\", once: \"exitSuccess\" }`",
        ),
        (
            "onStart",
            "make it a job with `exec`, and start the main job with `when: { source: \"onStart\", once: \"exitSuccess\" }`",
        ),
        ("preStop", "make it a job with `when: { source: \"MAIN JOB\", once: \"stopping\" }`"),
        ("postStop", "make it a job with `when: { source: \"MAIN JOB\", once: \"stopped\" }`"),
        ("coprocesses", "make each coprocess a job with `restarts: \"unlimited\"`"),
        ("tasks", "make each task a job with `when: { interval: \"...\" }` (was `frequency`)"),
        ("onChange", "make it a job with `when: { source: \"watch.NAME\", each: \"changed\" }`"),
        ("poll", "write `interval`, in seconds"),
        ("command", "write `exec`"),
        ("frequency", "write `when: { interval: \"...\" }`"),
        ("sensors", "write `metrics`, and make each `check` a job that calls `pilot -putmetric NAME=VALUE`"),
        ("etcd", "only Consul is supported: write `consul: \"localhost:8500\"`"),
    ];
    HINTS.iter().find(|(name, _)| *name == key).map(|(_, hint)| *hint)
}
