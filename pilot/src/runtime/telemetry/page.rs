//! The status page: what there is, for a person with a browser. No script, nothing loaded from elsewhere, nothing to press.
//!
//! The browser asks again by itself every few seconds. A further section is one more function in [`html`].

use std::fmt::Display;
use std::time::Duration;

use crate::core::exit::Exit;
use crate::core::job::Status;
use crate::runtime::reached_at::reached_at;
use crate::runtime::snapshot::{JobView, ServiceView, Snapshot, WatchView};

/// Everything that is not the page itself is forbidden; its one style is named by its hash, which a test keeps true.
pub(super) const POLICY: &str = "default-src 'none'; img-src data:; \
     style-src 'sha256-BsgcMLr9E95mJ+2CorFXSrXTqN/rq1oCVDhgMjPTMIU='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("page.html");

/// The whole page.
pub(super) fn html(snapshot: &Snapshot) -> String {
    let sections = [heading(snapshot), jobs(snapshot), services(snapshot), watches(snapshot)];
    PAGE.replace("<!--title-->", &escaped(&title(snapshot))).replace("<!--body-->", &sections.concat())
}

/// Says what is wrong to whoever looks at the tab only.
fn title(snapshot: &Snapshot) -> String {
    match snapshot.jobs.iter().filter(|job| job.status == Status::Unhealthy).count() {
        _ if snapshot.stopping => "stopping - pilot".to_owned(),
        0 => "pilot".to_owned(),
        count => format!("{count} unhealthy - pilot"),
    }
}

fn heading(snapshot: &Snapshot) -> String {
    let Snapshot { version, pid, uptime, stopping, .. } = snapshot;
    let stopping = if *stopping { "<p class=\"stopping\">Everything is being stopped.</p>\n" } else { "" };
    let age = age(*uptime);
    format!("<h1>pilot</h1>\n<p class=\"quiet\">Version {version}, process {pid}, up {age}.</p>\n{stopping}")
}

fn jobs(snapshot: &Snapshot) -> String {
    let rows = snapshot.jobs.iter().map(|job| {
        [
            escaped(&job.name),
            coloured(job.state.as_str(), job.state_for),
            if job.checked { coloured(job.status.as_str(), job.status_for) } else { String::new() },
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
            escaped(&reached_at(address, *port)),
            coloured(job.status.as_str(), job.status_for),
            escaped(&job.name),
        ]
    });
    table("Services", ["Service", "Advertised as", "Health", "Job"], rows)
}

fn watches(snapshot: &Snapshot) -> String {
    let rows = snapshot.watches.iter().map(|watch| {
        let WatchView { name, service, status, status_for, instances } = watch;
        let seen = match (service, status) {
            (None, _) | (Some(_), Status::Unknown) => String::new(),
            (Some(_), _) => instances.len().to_string(),
        };
        let looks_at = service.as_deref().map_or("a probe".to_owned(), |service| format!("service {service}"));
        [escaped(name), escaped(&looks_at), coloured(status.as_str(), *status_for), seen]
    });
    table("Watches", ["Watch", "Looks at", "Health", "Instances"], rows)
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
    format!("<span><span class=\"{word}\">{word}</span> <span class=\"quiet\">for {}</span></span>", age(time))
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

/// The two largest units of a time, `3 h 20 min`.
fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (1, _, _) => format!("1 day {hours} h"),
        (_, _, _) => format!("{days} days {hours} h"),
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
