//! HTTP over the control socket: one connection a request, as v3's server wants it.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::runtime::task;

/// For an answer. The supervisor answers at once, whatever its jobs do.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 8 << 20;

/// An answer that came.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: String,
}

impl Answer {
    /// The body of a success; what was said instead of one.
    pub(super) fn success(self) -> Result<String, String> {
        if self.status.is_success() { Ok(self.body) } else { Err(refused(self.status, &self.body)) }
    }
}

/// Asks and takes the whole answer. The error is a sentence with its remedy.
pub(super) async fn exchange(socket: &Path, method: Method, path: &str, body: String) -> Result<Answer, String> {
    let silent = |_| format!("the pilot behind {} did not answer within {} s", socket.display(), DEADLINE.as_secs());
    timeout(DEADLINE, async {
        let response = send(socket, method, path, body).await?;
        let status = response.status();
        Ok(Answer { status, body: whole(response.into_body()).await? })
    })
    .await
    .map_err(silent)?
}

/// Asks for an answer that goes on; what comes before it is bounded as ever.
pub(super) async fn follow(socket: &Path, path: &str) -> Result<Incoming, String> {
    let silent = |_| format!("the pilot behind {} did not answer", socket.display());
    let response = timeout(DEADLINE, send(socket, Method::GET, path, String::new())).await.map_err(silent)??;
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let body = timeout(DEADLINE, whole(response.into_body())).await.map_err(silent)??;
    Err(refused(status, &body))
}

fn refused(status: StatusCode, body: &str) -> String {
    match body.trim() {
        "" => format!("the running pilot answered {status}"),
        text => text.to_owned(),
    }
}

async fn send(socket: &Path, method: Method, path: &str, body: String) -> Result<Response<Incoming>, String> {
    let stream = UnixStream::connect(socket).await.map_err(|error| unreachable(socket, &error))?;
    let broken =
        |error: hyper::Error| format!("lost the connection over {} ({error}): has pilot ended?", socket.display());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = async move { drop(connection.await) };
    task::spawn("the connection to pilot", connection).detach();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "control")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| format!("cannot build the request: {error}"))?;
    sender.send_request(request).await.map_err(broken)
}

async fn whole(body: Incoming) -> Result<String, String> {
    let collected = Limited::new(body, MAX_ANSWER).collect().await;
    let bytes = collected.map_err(|error| format!("cannot read the answer: {error}"))?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unreachable(socket: &Path, error: &std::io::Error) -> String {
    let socket = socket.display();
    match error.kind() {
        ErrorKind::NotFound => format!(
            "there is no control socket {socket}: is pilot running in this container? Another socket is named by --socket, \
             PILOT_SOCKET, or the configuration of -config or CONTAINERPILOT"
        ),
        ErrorKind::ConnectionRefused => format!("nothing listens on {socket}: the pilot that created it has ended"),
        ErrorKind::PermissionDenied => {
            format!("only root and the user that pilot runs as may use {socket}: run this as one of them")
        }
        _ => format!("cannot connect to {socket}: {error}"),
    }
}
