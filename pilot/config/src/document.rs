//! The whole document: the top-level keys, and what no block can see alone (v3 spec 2.3).

use std::time::Duration;

use pilot_core::plan::{Job, Logging, Plan, Watch, WatchTarget};

use super::block::Block;
use super::consul::Catalog;
use super::issues::Issues;
use super::loose::Field;
use super::sources::{self, Placed};
use super::value::{Kind, Value};
use super::{Surroundings, consul, control, jobs, keys, logging, service, telemetry, watches};

const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A plan and where its parts are written.
pub(super) struct Document<'a> {
    pub plan: Plan,
    pub root: Field<'a>,
    /// Of each job of the plan.
    pub jobs: Vec<Field<'a>>,
    /// Of each watch.
    pub watches: Vec<Field<'a>>,
}

/// Reads the document. The plan counts only if no error was reported.
pub(super) fn read<'a>(value: &'a Value, issues: &'a Issues<'a>, around: &Surroundings) -> Option<Document<'a>> {
    let root = Field::root(value, issues);
    if !matches!(value.kind, Kind::Object(_) | Kind::Null) {
        root.error(
            format!("the configuration must be an object, not {}", value.shape()),
            "write { consul: ..., jobs: [...] }",
        );
        return None;
    }
    // A document `null` is an empty one, as in v3.
    const EMPTY: &Value = &Value { at: 0, kind: Kind::Object(Vec::new()), rendered: false };
    let root = if root.is_null() { Field::root(EMPTY, issues) } else { root };
    let block = root.strict_block(&keys::TOP)?;
    let consul = block.get("consul");
    let catalog = consul::read(consul.as_ref(), &around.env);
    let registers = consul::registers(consul.as_ref());
    let mut jobs = placed(&block, "jobs", |field| jobs::read(field, around, registers));
    let mut watches = placed(&block, "watches", watches::read);
    check_catalog(&root, &catalog, &jobs, &watches);
    check_terminal(&jobs);
    // Last, and after the catalog was asked for: telemetry is served without one, too.
    let telemetry = block.get("telemetry").and_then(|field| {
        let (telemetry, job) = telemetry::read(&field, around, registers)?;
        jobs.push((field.called(format!("the job {:?} of telemetry", job.name)), job));
        Some(telemetry)
    });
    watches::settle_first_looks(&mut watches, issues);
    sources::check(&jobs, &watches);
    service::check_ids(&jobs);
    sources::check_duplicates("job", &jobs, |job| &job.name);
    sources::check_duplicates("watch", &watches, |watch| &watch.name);
    let (job_places, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
    let (watch_places, watches): (Vec<_>, Vec<_>) = watches.into_iter().unzip();
    let plan = Plan {
        consul: match catalog {
            Catalog::Given(consul) => consul.map(|consul| *consul),
            Catalog::NotGiven | Catalog::Off => None,
        },
        logging: block.get("logging").map_or_else(Logging::default, |field| logging::read(&field)),
        stop_timeout: stop_timeout(&block),
        stop_budget: block.filled("stopBudget").and_then(|field| field.length()),
        jobs,
        watches,
        telemetry,
        control: control::read(block.get("control")),
    };
    Some(Document { plan, root, jobs: job_places, watches: watch_places })
}

/// The elements of a top-level list. v3 drops `null` elements, and silently ignores what is not a list.
fn placed<'a, T>(block: &Block<'a>, key: &str, read: impl Fn(&Field<'a>) -> Option<T>) -> Vec<Placed<'a, T>> {
    let Some(field) = block.get(key) else { return Vec::new() };
    if !matches!(field.value.kind, Kind::List(_)) {
        field.warn(
            format!("is ignored, because it is not a list but {}", field.value.shape()),
            "write it in brackets: [...]",
        );
        return Vec::new();
    }
    let items = field.items().unwrap_or_default().into_iter().filter(|item| !item.is_null());
    items.filter_map(|item| read(&item).map(|found| (called(&item, key), found))).collect()
}

/// The element under its own name, for what is said about it as a whole.
fn called<'a>(item: &Field<'a>, key: &str) -> Field<'a> {
    let kind = if key == "jobs" { "job" } else { "watch" };
    match item.value.shown_name() {
        Some(name) => item.clone().called(format!("{kind} {name:?}")),
        None => item.clone(),
    }
}

/// v3: 0 is the default, negative is no wait.
fn stop_timeout(block: &Block<'_>) -> Duration {
    let read = |field: Field<'_>| {
        field.integer::<i64>("", "write the seconds from the stop signal to the kill: `stopTimeout: 10`")
    };
    match block.get("stopTimeout").and_then(read) {
        None | Some(0) => STOP_TIMEOUT,
        Some(seconds) => u64::try_from(seconds).map_or(Duration::ZERO, Duration::from_secs),
    }
}

/// A catalog is needed by jobs with a port and by watches of services; `consul: false` answers for the jobs.
fn check_catalog(root: &Field<'_>, catalog: &Catalog, jobs: &[Placed<'_, Job>], watches: &[Placed<'_, Watch>]) {
    let watch = watches.iter().find(|(_, watch)| matches!(watch.target, WatchTarget::Service { .. }));
    match catalog {
        Catalog::Given(_) => {}
        Catalog::Off => {
            for (place, watch) in watches {
                if matches!(watch.target, WatchTarget::Service { .. }) {
                    place.error(
                        "looks for a service in Consul, and `consul` is false",
                        "write the address of a Consul agent, or probe the service itself with http, tcp or mysql",
                    );
                }
            }
        }
        Catalog::NotGiven => {
            let job = jobs.iter().find(|(_, job)| job.registered_services().next().is_some());
            let who = match (job, watch) {
                (Some((_, job)), _) => format!("job {:?} has a port and is registered there", job.name),
                (None, Some((_, watch))) => format!("watch {:?} looks for a service there", watch.name),
                (None, None) => return,
            };
            root.error(
                format!("consul is missing, but {who}"),
                "add `consul: \"localhost:8500\"`, or `consul: false` to run without a catalog",
            );
        }
    }
}

/// A terminal has one foreground.
fn check_terminal(jobs: &[Placed<'_, Job>]) {
    let mut foreground = jobs.iter().filter(|(_, job)| job.tty);
    if let Some((_, first)) = foreground.next() {
        for (place, _) in foreground {
            place.error(
                format!("cannot have the terminal: `tty` is also set for job {:?}", first.name),
                "keep one `tty: true`",
            );
        }
    }
}
