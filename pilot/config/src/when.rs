//! `when`: what makes a job run (v3 spec 5.4), with `all`, `any` and lists of sources as additions.

use std::time::Duration;

use pilot_core::event::{Code, Event};
use pilot_core::plan::{Condition, OnImpossible, Overlap, Start};

use super::Surroundings;
use super::block::Block;
use super::cron;
use super::durations::positive;
use super::keys::{self, schema::UNSEEN};
use super::loose::Field;
use super::value::Kind;
use pilot_core::nearest::nearest;

/// The start condition, and what restarts and timeouts need to know of it.
pub(super) struct When {
    pub start: Start,
    /// `each` is written: v3 refuses unlimited restarts beside it.
    pub each: bool,
    pub overlap: Overlap,
    /// What is written; the default depends on the job.
    pub on_impossible: Option<OnImpossible>,
}

const SIGNALS: [&str; 2] = ["SIGHUP", "SIGUSR2"];

/// How a condition counts its events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Once,
    Each,
}

/// The start without `when`: once, at startup.
pub(super) fn at_startup() -> When {
    let when = Condition::All(vec![Event::global(Code::Startup)]);
    When { start: Start::Once { when, timeout: None }, each: false, overlap: Overlap::default(), on_impossible: None }
}

/// Reads the block.
pub(super) fn read(field: &Field<'_>, around: &Surroundings) -> When {
    let Some(block) = field.block(&keys::WHEN) else { return at_startup() };
    let timeout = block.filled("timeout").and_then(|field| field.duration()).and_then(positive);
    let (once, each) = (block.filled("once"), block.filled("each"));
    let given: Vec<&str> = ["interval", "cron", "once", "each", "all", "any"]
        .into_iter()
        .filter(|key| block.filled(key).is_some())
        .collect();
    if let [first, second, ..] = given.as_slice() {
        let complaint = format!("has both `{first}` and `{second}`, and only one of them can decide");
        field.error(complaint, "keep one of interval, cron, once, each, all, any");
        return at_startup();
    }
    refuse_beside(&block);
    let overlap = cron::overlap(&block);
    let mut has_each = each.is_some();
    let start = if let Some(interval) = block.filled("interval") {
        Start::Interval(interval.length().unwrap_or(Duration::from_secs(1)))
    } else if let Some(field) = block.filled("cron") {
        cron::read(&field, &block, around).map_or(Start::Never { timeout: None }, Start::Cron)
    } else if let Some(list) = block.get("all") {
        Start::Once { when: Condition::All(entries(&list, &block).0), timeout }
    } else if let Some(list) = block.get("any") {
        let (events, mode) = entries(&list, &block);
        has_each = mode == Mode::Each;
        match mode {
            Mode::Once => Start::Once { when: Condition::Any(events), timeout },
            Mode::Each => Start::Each { events, timeout },
        }
    } else {
        by_source(&block, once, each, timeout)
    };
    When { start, each: has_each, overlap, on_impossible: on_impossible(&block) }
}

fn on_impossible(block: &Block<'_>) -> Option<OnImpossible> {
    const WORDS: [(&str, OnImpossible); 2] = [("exit", OnImpossible::Exit), ("wait", OnImpossible::Wait)];
    block.filled("onImpossible")?.choice(&WORDS)
}

/// Keys that mean something to some kinds of start only. (v3 ignores `source` and `timeout` beside an interval.)
fn refuse_beside(block: &Block<'_>) {
    let has = |key: &str| block.filled(key).is_some();
    let meaningless = |key: &str, complaint: &str, remedy: &str| {
        if let Some(field) = block.filled(key) {
            field.error(complaint, remedy);
        }
    };
    if has("cron") {
        meaningless("source", "has no meaning beside cron, which waits for nobody", "remove one of them");
        meaningless(
            "timeout",
            "has no meaning beside cron, which waits as long as it takes",
            "remove it; a run's own limit is the job's `timeout`",
        );
    } else {
        meaningless("timezone", "has no meaning without cron", "remove it, or add `cron`");
    }
    if !has("cron") && !has("interval") {
        meaningless(
            "overlap",
            "has no meaning without interval or cron",
            "remove it; runs for events follow one another",
        );
    }
}

/// v3's form: `source` with `once` or `each`. A list of sources is an addition.
fn by_source(block: &Block<'_>, once: Option<Field<'_>>, each: Option<Field<'_>>, timeout: Option<Duration>) -> Start {
    let never = Start::Never { timeout };
    let (mode, event) = match (&once, &each) {
        (Some(event), _) => (Mode::Once, Some(event)),
        (None, Some(event)) => (Mode::Each, Some(event)),
        (None, None) => (Mode::Each, None),
    };
    // Validated even when a signal overrides it, as in v3.
    let code = event.and_then(selected);
    let sources = block.filled("source").map(|field| sources(&field)).unwrap_or_default();
    if !sources.is_empty() && sources.iter().all(|source| SIGNALS.contains(&source.as_str())) {
        let events = sources.into_iter().map(|source| Event::new(Code::Signal, source)).collect();
        return Start::Each { events, timeout };
    }
    let Some(event) = event else {
        let complaint = "names no event, so the job never starts";
        block
            .field
            .warn(complaint, "add `once: \"healthy\"` or `each: \"changed\"`, or remove `when` to start at startup");
        return never;
    };
    let Some(code) = code else { return never };
    if sources.is_empty() {
        let source = if is_global(code) { "global" } else { "JOB" };
        event.warn("has no source, so the job never starts", format!("add `source: \"{source}\"`"));
        return never;
    }
    let event = |source: String| {
        if SIGNALS.contains(&source.as_str()) { Event::new(Code::Signal, source) } else { Event::new(code, source) }
    };
    let events = sources.into_iter().map(event).collect();
    match mode {
        Mode::Once => Start::Once { when: Condition::All(events), timeout },
        Mode::Each => Start::Each { events, timeout },
    }
}

fn sources(field: &Field<'_>) -> Vec<String> {
    match &field.value.kind {
        Kind::List(items) if items.is_empty() => {
            field.error("is an empty list", "name the jobs or watches that are waited for");
            Vec::new()
        }
        Kind::List(_) => field.texts().unwrap_or_default(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Object(_) => {
            field.text().into_iter().collect()
        }
    }
}

/// The entries of `all` or `any`, and how they count.
fn entries(list: &Field<'_>, block: &Block<'_>) -> (Vec<Event>, Mode) {
    if let Some(source) = block.get("source") {
        source.error("has no meaning beside all and any", "write the source into each entry: { source, once }");
    }
    let is_any = block.get("any").is_some();
    let mut events = Vec::new();
    let mut modes = Vec::new();
    let items = list.items().unwrap_or_default();
    if items.is_empty() {
        list.error("needs at least one entry", "write { source: \"JOB\", once: \"healthy\" }");
    }
    for item in items {
        let Some(entry) = item.block(&keys::WAIT) else { continue };
        let source = entry.filled("source").and_then(|field| field.text());
        if let Some(signal) = source.as_ref().filter(|source| SIGNALS.contains(&source.as_str())) {
            events.push(Event::new(Code::Signal, signal));
            continue;
        }
        let (mode, event) = match (entry.filled("once"), entry.filled("each")) {
            (Some(event), None) => (Mode::Once, event),
            (None, Some(event)) if is_any => (Mode::Each, event),
            (None, Some(event)) => {
                event.error("cannot be waited for: `all` needs events that are seen once", "write `once`");
                continue;
            }
            (None, None) => {
                item.error("names no event", "write { source: \"JOB\", once: \"healthy\" }");
                continue;
            }
            (Some(_), Some(event)) => {
                event.error("stands beside once, and only one of them can decide", "keep one of them");
                continue;
            }
        };
        modes.push((mode, event.clone()));
        let Some(source) = source else {
            entry.missing("source", "is needed", "name the job, `watch.NAME` or \"global\"");
            continue;
        };
        events.extend(selected(&event).map(|code| Event::new(code, source)));
    }
    // Signals are no `once` of anything: alone they mean each of them.
    let mode = modes.first().map_or(if is_any { Mode::Each } else { Mode::Once }, |(mode, _)| *mode);
    if let Some((_, odd)) = modes.iter().find(|(other, _)| *other != mode) {
        odd.error("mixes once and each in one list", "use the same word in every entry");
    }
    (events, mode)
}

/// The code of an event's name. `None` if it is unknown (reported) or can never be seen (warned about).
fn selected(field: &Field<'_>) -> Option<Code> {
    let name = field.text()?;
    let known = Code::SELECTABLE.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
    // v3 accepts these, and nothing ever happens.
    let unseen = UNSEEN.contains(&name.as_str());
    let on_a_signal = "to start on a signal write `source: \"SIGHUP\"` alone";
    if known.is_none() && unseen {
        field.warn(format!("is never seen: \"{name}\""), on_a_signal);
    } else if known.is_none() {
        let names = || Code::SELECTABLE.iter().map(|(name, _)| *name);
        let remedy = match nearest(&name, names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            // So `pilot why` and the graph call it.
            None if name == "signal" => on_a_signal.to_owned(),
            None => format!("events are {}", names().collect::<Vec<_>>().join(", ")),
        };
        field.error(format!("does not know the event {}", field.value.shape()), remedy);
    }
    known
}

/// Events of the whole container, whose source is `global`.
pub(super) fn is_global(code: Code) -> bool {
    match code {
        Code::Startup | Code::Shutdown | Code::EnterMaintenance | Code::ExitMaintenance => true,
        Code::ExitSuccess
        | Code::ExitFailed
        | Code::Error
        | Code::Stopping
        | Code::LeavingConsul
        | Code::LeavingTargetGroup
        | Code::Draining
        | Code::Drained
        | Code::Stopped
        | Code::Healthy
        | Code::Unhealthy
        | Code::Changed
        | Code::TimerExpired
        | Code::Signal => false,
    }
}
