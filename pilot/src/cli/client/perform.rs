//! Each command: what it asks, and what it makes of the answer.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::connection::{exchange, follow};
use super::{Ask, FAILED, Form, Until, Wanted, shown, told};
use crate::runtime::control::Summary;
use crate::runtime::control::report::{HealthReport, JobReport};
use pilot_core::effect::{JobRequest, Switch};
use pilot_core::job::State;

/// How often a stop that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Asks. An error is a sentence.
pub(super) async fn perform(ask: &Ask, socket: &Path) -> Result<ExitCode, String> {
    let post = async |path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(socket, Method::POST, path, body).await?.success()
    };
    let get = async |path: &str| exchange(socket, Method::GET, path, String::new()).await;
    match ask {
        Ask::Reload(Summary::Silent) => drop(post("/v3/reload", Value::Null).await?),
        Ask::Reload(Summary::Told) => return say(&post("/v3/reload?summary=true", Value::Null).await?),
        Ask::Maintenance(Switch::On) => drop(post("/v3/maintenance/enable", Value::Null).await?),
        Ask::Maintenance(Switch::Off) => drop(post("/v3/maintenance/disable", Value::Null).await?),
        Ask::PutEnvironment(pairs) => drop(post("/v3/environ", object(pairs)).await?),
        Ask::PutMetrics(pairs) => drop(post("/v3/metric", object(pairs)).await?),
        Ask::Ping => {
            get("/v3/ping").await?.success()?;
            return say("ok");
        }
        Ask::Status(form) => {
            return say_as(*form, &get("/v3/status").await?.success()?, |status| shown::status(&status));
        }
        Ask::Graph(form) => return say(&get(&format!("/v3/graph?format={}", form.name())).await?.success()?),
        Ask::Jobs { job, form } => {
            let path = job.as_ref().map_or_else(|| "/v3/jobs".to_owned(), |job| path_of(job, ""));
            let body = get(&path).await?.success()?;
            return match job {
                None => say_as(*form, &body, |jobs: Vec<_>| shown::jobs(&jobs)),
                Some(_) => say_as(*form, &body, |job| shown::jobs(&[job])),
            };
        }
        Ask::Change { job, request, wait } => {
            let verb = match request {
                JobRequest::Start => "start",
                JobRequest::Stop => "stop",
                JobRequest::Restart => "restart",
            };
            let said = post(&path_of(job, verb), Value::Null).await?;
            if *request == JobRequest::Stop && !wait.is_zero() {
                return say(&stopped(socket, job, *wait).await?);
            }
            return say(&said);
        }
        Ask::Signal { job, signal } => {
            return say(&post(&path_of(job, "signal"), json!({ "signal": signal })).await?);
        }
        Ask::Logs { job, lines, until, form } => {
            let path = format!("{}?lines={lines}", path_of(job, "logs"));
            return match until {
                Until::Now => say(&shown_lines(&get(&path).await?.success()?, *form, shown_line)),
                Until::Forever => follow_lines(socket, &format!("{path}&follow=true"), *form, shown_line).await,
            };
        }
        Ask::Why { job, form } => {
            let path = format!("/v3/why/{}", encoded(job));
            return say_as(*form, &get(&path).await?.success()?, |why| told::why(&why));
        }
        Ask::Postmortem { job, form } => {
            let of_job = |job| format!("/v3/postmortem/{}", encoded(job));
            let path = job.as_deref().map_or_else(|| "/v3/postmortem".to_owned(), of_job);
            return say_as(*form, &get(&path).await?.success()?, |remains| told::postmortem(&remains));
        }
        Ask::Events { count, until: Until::Forever, form } => {
            return follow_lines(socket, &format!("/v3/events?lines={count}&follow=true"), *form, told::shown_event)
                .await;
        }
        Ask::Events { count, until: Until::Now, form } => {
            let body = get(&format!("/v3/events?lines={count}")).await?.success()?;
            return say_as(*form, &body, |events: Vec<_>| told::events(&events));
        }
        Ask::Health { wanted, form } => {
            // Not being well is an answer, too.
            let answer = get("/v3/health").await?;
            let Ok(report) = read::<HealthReport>(&answer.body) else {
                return Err(answer.success().err().unwrap_or_else(|| "the answer cannot be read".to_owned()));
            };
            let well = match wanted {
                Wanted::Healthy => report.healthy,
                Wanted::Ready => report.ready,
            };
            say(&match form {
                Form::Json => answer.body,
                Form::Text => shown::health(&report, *wanted),
            })?;
            return Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(FAILED) });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// v3 sends metrics as texts, too.
fn object(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect::<Map<_, _>>())
}

/// A name as it stands in a path.
fn encoded(name: &str) -> PercentEncode<'_> {
    utf8_percent_encode(name, NON_ALPHANUMERIC)
}

fn path_of(job: &str, verb: &str) -> String {
    let name = encoded(job);
    if verb.is_empty() { format!("/v3/jobs/{name}") } else { format!("/v3/jobs/{name}/{verb}") }
}

/// An answer as it is, or as `text` puts it for people.
fn say_as<T: DeserializeOwned>(form: Form, body: &str, text: impl FnOnce(T) -> String) -> Result<ExitCode, String> {
    match form {
        Form::Json => say(body),
        Form::Text => say(&text(read(body)?)),
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    let older = |error| format!("the answer cannot be read ({error}): does another version of pilot run here?");
    serde_json::from_str(body).map_err(older)
}

/// Waits until a job is down.
async fn stopped(socket: &Path, job: &str, wait: Duration) -> Result<String, String> {
    let began = Instant::now();
    loop {
        let body = exchange(socket, Method::GET, &path_of(job, ""), String::new()).await?.success()?;
        let report: JobReport = read(&body)?;
        let down = [State::Stopped, State::Ended].iter().any(|state| state.as_str() == report.state);
        if down {
            return Ok(match report.last_exit {
                Some(exit) => format!("{job} is down ({exit})"),
                None => format!("{job} is down"),
            });
        }
        if began.elapsed() >= wait {
            return Err(format!("{job} is still {} after {} s; it goes on stopping", report.state, wait.as_secs()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One message of `logs`; an empty line only says that pilot is still there.
#[derive(Deserialize)]
struct Message {
    line: Option<String>,
}

/// How one message of a stream is shown, if it is.
type Show = fn(&str) -> Option<String>;

fn shown_lines(body: &str, form: Form, show: Show) -> String {
    match form {
        Form::Json => body.to_owned(),
        Form::Text => body.lines().filter_map(show).collect(),
    }
}

fn shown_line(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let message: Message = serde_json::from_str(text).ok()?;
    Some(match message.line {
        Some(line) => format!("{line}\n"),
        None => "(some lines came too fast to be shown)\n".to_owned(),
    })
}

async fn follow_lines(socket: &Path, path: &str, form: Form, show: Show) -> Result<ExitCode, String> {
    let mut body = follow(socket, path).await?;
    let mut held = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "pilot has ended".to_owned())?;
        held.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        let Some(end) = memchr::memrchr(b'\n', &held) else { continue };
        let whole: Vec<u8> = held.drain(..=end).collect();
        let text = shown_lines(&String::from_utf8_lossy(&whole), form, show);
        if !text.is_empty() {
            say(&text)?;
        }
    }
    Err("pilot has ended".to_owned())
}

/// Writes to stdout. Who reads it may have had enough, which is no failure of ours.
fn say(text: &str) -> Result<ExitCode, String> {
    let mut out = std::io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(format!("cannot write to stdout: {error}")),
    }
}
