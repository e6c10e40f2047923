//! The status page: what there is, for a person with a browser. No script, nothing loaded from elsewhere, nothing to press.
//!
//! The browser loads it again every few seconds, unless that is paused: what is scrolled sideways or marked then stays so. A further section is one more function in [`html`].

use std::fmt::Display;
use std::time::Duration;

use crate::graph::Format;
use crate::runtime::control::explain::EventReport;
use crate::runtime::net::host_port;
use crate::runtime::view::{JobView, ServiceView, Snapshot, View, WatchView, render_graph};
use crate::span;
use pilot_core::exit::Exit;
use pilot_core::state::Status;

/// Everything that is not the page itself is forbidden; its style and the graph's are named by their hashes, which a test
/// keeps true.
pub(super) const POLICY: &str = "default-src 'none'; img-src data:; \
     style-src 'sha256-2N4k+aSjbw2d6U3my+8smThUxTOHFhBJO3XEdb2Of/0=' \
     'sha256-aC8+3RhSZq+Tsw+2zs7m37MtMuq7124tDSfgbi7aZUo='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("page.html");

/// A graph of more jobs, watches and events waited for is nothing to look at, and takes too long to be drawn every few
/// seconds.
const MAX_GRAPH: usize = 500;

/// Whether the browser loads the page again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// Every few seconds.
    Auto,
    /// Not at all.
    Off,
}

impl Refresh {
    /// What the query asks for.
    pub fn from_query(query: Option<&str>) -> Self {
        if query == Some("still") { Refresh::Off } else { Refresh::Auto }
    }
}

/// The whole page.
pub(super) fn html(view: &View, refresh: Refresh) -> String {
    let snapshot = &view.snapshot;
    let sections = [
        heading(snapshot, refresh),
        jobs(snapshot),
        services(snapshot),
        watches(snapshot),
        graph(view),
        timeline(view),
    ];
    let meta = match refresh {
        Refresh::Auto => "<meta http-equiv=\"refresh\" content=\"5\">\n",
        Refresh::Off => "",
    };
    PAGE.replace("<!--refresh-->", meta)
        .replace("<!--title-->", &escaped(&title(snapshot)))
        .replace("<!--body-->", &sections.concat())
}

/// Says what is wrong to whoever looks at the tab only.
fn title(snapshot: &Snapshot) -> String {
    match snapshot.jobs.iter().filter(|job| job.health == Status::Unhealthy).count() {
        _ if snapshot.stopping => "stopping - pilot".to_owned(),
        0 => "pilot".to_owned(),
        count => format!("{count} unhealthy - pilot"),
    }
}

fn heading(snapshot: &Snapshot, refresh: Refresh) -> String {
    let Snapshot { version, pid, uptime, stopping, .. } = snapshot;
    let stopping = if *stopping { "<p class=\"stopping\">All jobs are being stopped.</p>\n" } else { "" };
    let age = span::rough(*uptime);
    let refresh = match refresh {
        Refresh::Auto => "Refreshes every 5 s: <a href=\"?still\">pause</a>.",
        Refresh::Off => "Paused: <a href=\"?\">refresh every 5 s</a>.",
    };
    format!("<h1>pilot</h1>\n<p class=\"quiet\">Version {version}, process {pid}, up {age}. {refresh}</p>\n{stopping}")
}

fn jobs(snapshot: &Snapshot) -> String {
    let rows = snapshot.jobs.iter().map(|job| {
        [
            escaped(&job.name),
            coloured(job.state.as_str(), job.state_for),
            if job.checked { health(job.health, job.health_for, job.reason.as_deref()) } else { String::new() },
            runs(job),
            job.last_exit.map(last_exit).unwrap_or_default(),
            job.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        ]
    });
    table("Jobs", ["Job", "State", "Health", "Starts", "Last exit", "Process"], rows)
}

fn services(snapshot: &Snapshot) -> String {
    let all = snapshot.jobs.iter().flat_map(|job| job.services.iter().map(move |service| (job, service)));
    let rows = all.map(|(job, service)| {
        let ServiceView { name, address, port, .. } = service;
        [
            escaped(name),
            escaped(&host_port(address, *port)),
            coloured(job.health.as_str(), job.health_for),
            escaped(&job.name),
        ]
    });
    table("Services", ["Service", "Advertised as", "Health", "Job"], rows)
}

fn watches(snapshot: &Snapshot) -> String {
    let rows = snapshot.watches.iter().map(|watch| {
        let WatchView { name, service, instances, .. } = watch;
        let seen = match (service, watch.health) {
            (None, _) | (Some(_), Status::Unknown) => String::new(),
            (Some(_), _) => instances.len().to_string(),
        };
        let looks_at = service.as_deref().map_or("a probe".to_owned(), |service| format!("service {service}"));
        [escaped(name), escaped(&looks_at), health(watch.health, watch.health_for, watch.reason.as_deref()), seen]
    });
    table("Watches", ["Watch", "Looks at", "Health", "Instances"], rows)
}

/// As `pilot graph --live` draws it, in a box that scrolls by itself.
fn graph(view: &View) -> String {
    let plan = &view.plan;
    let events: usize = plan.jobs.iter().map(|job| job.start.events().len()).sum();
    let figure = match plan.jobs.len() + plan.watches.len() + events {
        0 => return String::new(),
        1..=MAX_GRAPH => {
            let svg = render_graph(plan, &view.snapshot, Format::Svg);
            // Whoever has no mouse scrolls with the keys.
            format!("<div class=\"graph\" tabindex=\"0\">\n{svg}</div>")
        }
        _ => "<p>The graph is too large for this page: run <code>pilot graph --live</code>.</p>".to_owned(),
    };
    format!("<section>\n<h2>Graph</h2>\n{figure}\n</section>\n")
}

/// What `pilot events` shows, newest first.
fn timeline(view: &View) -> String {
    let events: Vec<EventReport> = view.events.iter().map(|entry| EventReport::new(entry, view.now())).collect();
    let rows = events.iter().rev().map(|event| {
        let earlier = event.cause.map(|id| match events.binary_search_by_key(&id, |event| event.id) {
            Ok(at) => format!("<span><span class=\"quiet\">{id}:</span> {}</span>", escaped(&events[at].text)),
            Err(_) => id.to_string(),
        });
        let cause = earlier.or_else(|| event.because.as_ref().map(escaped)).unwrap_or_default();
        let times = if event.times > 1 { format!(", {} times", event.times) } else { String::new() };
        let when = format!("{} ago", span::rough_seconds(event.ago));
        let reason = event.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        [when, escaped(&format_args!("{}{times}{reason}", event.text)), cause, event.id.to_string()]
    });
    table("Timeline", ["When", "Event", "Cause", "Number"], rows)
}

/// A section with a table; nothing if it would be empty.
fn table<const N: usize>(title: &str, columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: String = rows
        .map(|cells| {
            let cell = |(label, cell): (&str, String)| format!("<td data-label=\"{label}\">{cell}</td>");
            format!("<tr>{}</tr>\n", columns.into_iter().zip(cells).map(cell).collect::<String>())
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head: String = columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    format!(
        "<section>\n<h2>{title}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )
}

fn coloured(word: &str, time: Duration) -> String {
    format!("<span><span class=\"{word}\">{word}</span> <span class=\"quiet\">for {}</span></span>", span::rough(time))
}

/// A health, and why it is bad.
fn health(health: Status, time: Duration, reason: Option<&str>) -> String {
    let reason = reason.map(|reason| format!("<br>{}", escaped(&reason))).unwrap_or_default();
    coloured(health.as_str(), time) + &reason
}

fn runs(job: &JobView) -> String {
    match (job.runs, job.restarts) {
        (0, _) => String::new(),
        (runs, 0) => runs.to_string(),
        (runs, restarts) => {
            let noun = if restarts == 1 { "restart" } else { "restarts" };
            format!("<span>{runs} <span class=\"quiet\">({restarts} {noun})</span></span>")
        }
    }
}

fn last_exit(exit: Exit) -> String {
    match exit {
        Exit::Code(0) => exit.to_string(),
        Exit::Code(_) | Exit::Signal(_) => format!("<span class=\"failed\">{exit}</span>"),
    }
}

/// Text that may hold anything, as HTML.
fn escaped(text: &impl Display) -> String {
    let mut html = String::new();
    for character in text.to_string().chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
