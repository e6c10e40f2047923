//! What a handler answers: a whole text, JSON, or lines that follow as they come.

use std::convert::Infallible;

use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

/// All of it, or what a [`Lines`] sends until it is dropped.
pub type Body = Either<Full<Bytes>, Channel<Bytes, Infallible>>;

/// A complete answer, or the beginning of a streamed one.
pub type Response = hyper::Response<Body>;

/// Parts of a streamed answer that may wait for a slow client; then [`Lines::send`] waits.
const WAITING: usize = 64;

/// The sending end of a streamed answer; dropping it ends the answer.
#[derive(Debug)]
pub struct Lines(Sender<Bytes, Infallible>);

/// The client of a streamed answer is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

impl Lines {
    /// Sends a part of the answer. Waits while the client reads slowly.
    pub async fn send(&mut self, part: impl Into<Bytes>) -> Result<(), Gone> {
        self.0.send_data(part.into()).await.map_err(|_| Gone)
    }
}

/// A whole answer in plain text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    whole(status, "text/plain; charset=utf-8", body.into())
}

/// A whole answer in JSON, with a newline at its end.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            whole(status, "application/json", bytes.into())
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("the answer cannot be written: {error}\n")),
    }
}

/// An answer of status 200 that goes on until its [`Lines`] are dropped or the client is gone.
pub fn stream(content_type: &'static str) -> (Lines, Response) {
    let (sender, body) = Channel::new(WAITING);
    (Lines(sender), response(StatusCode::OK, content_type, Either::Right(body)))
}

fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    response(status, content_type, Either::Left(Full::new(body)))
}

fn response(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = hyper::Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
