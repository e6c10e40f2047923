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
use super::{ClientCommand, FAILED, OutputFormat, Until, Wanted, render};
use crate::runtime::control::Summary;
use crate::runtime::control::report::{HealthReport, JobReport};
use pilot_core::effect::{JobRequest, Switch};
use pilot_core::state::State;

/// How often a job that is waited for is asked about.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Asks. An error is a sentence.
pub(super) async fn perform(command: &ClientCommand, socket: &Path) -> Result<ExitCode, String> {
    let post = async |path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(socket, Method::POST, path, body).await?.success()
    };
    let get = async |path: &str| exchange(socket, Method::GET, path, String::new()).await;
    match command {
        ClientCommand::Reload(Summary::Silent) => drop(post("/v3/reload", Value::Null).await?),
        ClientCommand::Reload(Summary::Told) => return say(&post("/v3/reload?summary=true", Value::Null).await?),
        ClientCommand::Maintenance(Switch::On) => drop(post("/v3/maintenance/enable", Value::Null).await?),
        ClientCommand::Maintenance(Switch::Off) => drop(post("/v3/maintenance/disable", Value::Null).await?),
        ClientCommand::PutEnvironment(pairs) => drop(post("/v3/environ", object(pairs)).await?),
        ClientCommand::PutMetrics(pairs) => drop(post("/v3/metric", object(pairs)).await?),
        ClientCommand::Ping => {
            get("/v3/ping").await?.success()?;
            return say("ok");
        }
        ClientCommand::Status(format) => {
            return say_as(*format, &get("/v3/status").await?.success()?, |status| render::status(&status));
        }
        ClientCommand::Graph(format) => {
            return say(&get(&format!("/v3/graph?format={}", format.name())).await?.success()?);
        }
        ClientCommand::Jobs { job, format } => {
            let path = job.as_ref().map_or_else(|| "/v3/jobs".to_owned(), |job| path_of(job, ""));
            let body = get(&path).await?.success()?;
            return match job {
                None => say_as(*format, &body, |jobs: Vec<_>| render::jobs(&jobs)),
                Some(_) => say_as(*format, &body, |job| render::jobs(&[job])),
            };
        }
        ClientCommand::Change { job, request, wait } => {
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
        ClientCommand::Signal { job, signal } => {
            return say(&post(&path_of(job, "signal"), json!({ "signal": signal })).await?);
        }
        ClientCommand::Logs { job, lines, until, format } => {
            let path = format!("{}?lines={lines}", path_of(job, "logs"));
            return match until {
                Until::Now => say(&render_lines(&get(&path).await?.success()?, *format, render_line)),
                Until::Forever => follow_lines(socket, &format!("{path}&follow=true"), *format, render_line).await,
            };
        }
        ClientCommand::Why { job, format } => {
            let path = format!("/v3/why/{}", encoded(job));
            return say_as(*format, &get(&path).await?.success()?, |why| render::why(&why));
        }
        ClientCommand::Postmortem { job, format } => {
            let of_job = |job| format!("/v3/postmortem/{}", encoded(job));
            let path = job.as_deref().map_or_else(|| "/v3/postmortem".to_owned(), of_job);
            return say_as(*format, &get(&path).await?.success()?, |report| render::postmortem(&report));
        }
        ClientCommand::Events { count, until: Until::Forever, format } => {
            return follow_lines(
                socket,
                &format!("/v3/events?lines={count}&follow=true"),
                *format,
                render::event_message,
            )
            .await;
        }
        ClientCommand::Events { count, until: Until::Now, format } => {
            let body = get(&format!("/v3/events?lines={count}")).await?.success()?;
            return say_as(*format, &body, |events: Vec<_>| render::events(&events));
        }
        ClientCommand::Health { wanted, format } => {
            // Not being well is an answer, too.
            let answer = get("/v3/health").await?;
            let Ok(report) = read::<HealthReport>(&answer.body) else {
                return Err(answer.success().err().unwrap_or_else(|| "cannot parse the answer".to_owned()));
            };
            let well = match wanted {
                Wanted::Healthy => report.healthy,
                Wanted::Ready => report.ready,
            };
            say(&match format {
                OutputFormat::Json => answer.body,
                OutputFormat::Text => render::health(&report, *wanted),
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
fn say_as<T: DeserializeOwned>(
    format: OutputFormat,
    body: &str,
    text: impl FnOnce(T) -> String,
) -> Result<ExitCode, String> {
    match format {
        OutputFormat::Json => say(body),
        OutputFormat::Text => say(&text(read(body)?)),
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    let older = |error| format!("cannot parse the answer ({error}): is another version of pilot running here?");
    serde_json::from_str(body).map_err(older)
}

/// Waits until a job is down.
async fn stopped(socket: &Path, job: &str, wait: Duration) -> Result<String, String> {
    let began = Instant::now();
    loop {
        let body = exchange(socket, Method::GET, &path_of(job, ""), String::new()).await?.success()?;
        let report: JobReport = read(&body)?;
        let down = [State::Stopped, State::Ended].iter().any(|state| state.as_str() == report.state);
        if let Some(pid) = report.pid.filter(|_| down) {
            return Err(format!(
                "{job} could not be ended and still runs (process {pid}); to signal processes of another user pilot \
                 needs CAP_KILL (`cap_add: [KILL]`)"
            ));
        }
        if down {
            return Ok(match report.last_exit {
                Some(exit) => format!("{job} is down ({exit})"),
                None => format!("{job} is down"),
            });
        }
        if began.elapsed() >= wait {
            return Err(format!("{job} is still {} after {} s; it keeps stopping", report.state, wait.as_secs()));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// One message of `logs`; an empty line only says that pilot is still there.
#[derive(Deserialize)]
struct Message {
    line: Option<String>,
}

/// How one message of a stream is rendered, if it is.
type Render = fn(&str) -> Option<String>;

fn render_lines(body: &str, format: OutputFormat, render: Render) -> String {
    match format {
        OutputFormat::Json => body.to_owned(),
        OutputFormat::Text => body.lines().filter_map(render).collect(),
    }
}

fn render_line(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let message: Message = serde_json::from_str(text).ok()?;
    Some(match message.line {
        Some(line) => format!("{line}\n"),
        None => "(some lines were skipped: they came too fast)\n".to_owned(),
    })
}

async fn follow_lines(socket: &Path, path: &str, format: OutputFormat, render: Render) -> Result<ExitCode, String> {
    let mut body = follow(socket, path).await?;
    let mut held = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "pilot has ended".to_owned())?;
        held.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        let Some(end) = memchr::memrchr(b'\n', &held) else { continue };
        let whole: Vec<u8> = held.drain(..=end).collect();
        let text = render_lines(&String::from_utf8_lossy(&whole), format, render);
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
