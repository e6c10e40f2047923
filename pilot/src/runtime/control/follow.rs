//! Answers that go on: the lines of a job, and what happens. One JSON object a line; an empty line is a keep-alive.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::ask::{Answer, Ask};
use super::routes::Routes;
use crate::runtime::http::{Gone, Lines};
use crate::runtime::output::{Piece, Recent};

/// A stream without news sends an empty line this often, which shows whether the client is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// More came than is kept: something is missing here.
const GAP: &str = "{\"gap\":true}\n";

/// A job's lines from this piece on, until the reader goes.
pub(super) async fn lines(mut lines: Lines, recent: Arc<Recent>, first: Piece) -> Result<(), Gone> {
    let mut piece = first;
    loop {
        let mut part = String::new();
        if piece.gap {
            part.push_str(GAP);
        }
        part.extend(piece.lines.iter().map(|line| line_message(line)));
        if !part.is_empty() {
            lines.send(part).await?;
        }
        let next = piece.next;
        piece = loop {
            match timeout(KEEP_ALIVE, recent.after(next)).await {
                Ok(piece) => break piece,
                Err(_) => lines.send("\n").await?,
            }
        };
    }
}

/// What happens, after the `count` last things that have, until the reader or pilot goes.
pub(super) async fn events(
    mut lines: Lines,
    routes: Routes,
    mut news: watch::Receiver<u64>,
    count: usize,
) -> Result<(), Gone> {
    let mut last = None;
    loop {
        let ask = Ask::Events { after: last.unwrap_or(0), count: last.map_or(count, |_| usize::MAX) };
        // Everything up to here is in the answer; what comes while it is written wakes us again.
        let newest = *news.borrow_and_update();
        let Answer::Events(events) = routes.ask(ask).await else { return Ok(()) };
        let mut part = String::new();
        if let (Some(last), Some(first)) = (last, events.first())
            && first.id > last + 1
        {
            part.push_str(GAP);
        }
        part.extend(events.iter().map(|event| format!("{}\n", json!(event))));
        if !part.is_empty() {
            lines.send(part).await?;
        }
        last = Some(events.last().map_or(newest, |event| event.id));
        loop {
            match timeout(KEEP_ALIVE, news.changed()).await {
                Ok(Ok(())) => break,
                Ok(Err(_)) => return Ok(()),
                Err(_) => lines.send("\n").await?,
            }
        }
    }
}

/// One line of a job as it is sent.
pub(super) fn line_message(line: &str) -> String {
    format!("{}\n", json!({ "line": line }))
}
