//! The control socket's part: served before any job is started, moved by a reload, closed at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Supervisor;
use super::reload::{Loader, Reloads};
use crate::runtime::control::{Control, Request, WAITING};
use crate::runtime::process::signals::Arrived;
use pilot_core::plan::Plan;

/// How often, and how long apart, v3 tries to bind its socket.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// The exit code when the configured socket cannot be served; v3's.
const NO_CONTROL: u8 = 1;

/// What is asked of pilot, and the socket that it is asked through.
pub(super) struct ControlPlane {
    pub(super) served: Option<Control>,
    pub(super) requests: mpsc::Receiver<Request>,
    /// For whoever serves the socket.
    pub(super) asker: mpsc::Sender<Request>,
    pub(super) reloads: Reloads,
}

impl ControlPlane {
    /// Nothing is served yet.
    pub(super) fn new(load: Arc<Loader>, plan: Arc<Plan>) -> Self {
        let (asker, requests) = mpsc::channel(WAITING);
        ControlPlane { served: None, requests, asker, reloads: Reloads::new(load, plan) }
    }
}

impl Supervisor {
    /// Serves the control socket before any job is started (v3 spec 10.1). The error is pilot's exit code: a socket that the
    /// file names cannot be had, or pilot was asked to stop while it tried.
    pub(super) async fn open_control(&mut self) -> Result<(), u8> {
        let path = std::path::absolute(&self.plan.control.socket).unwrap_or_else(|_| self.plan.control.socket.clone());
        for attempt in 1.. {
            let opened = Control::open(&path, self.control.asker.clone(), self.observers.meters.clone()).await;
            let error = match opened {
                Ok(control) => {
                    tracing::info!("control: serving at {}", path.display());
                    self.environment.announce_socket(&path);
                    self.control.served = Some(control);
                    return Ok(());
                }
                Err(error) => error,
            };
            if !self.plan.control.configured {
                tracing::warn!("{error}; pilot goes on without a control socket");
                return Ok(());
            }
            if attempt >= ATTEMPTS || !error.may_pass() {
                tracing::error!(fatal = true, "{error}");
                return Err(NO_CONTROL);
            }
            tracing::warn!("{error}; trying again ({attempt} of {ATTEMPTS})");
            self.pause(PAUSE).await?;
        }
        Ok(())
    }

    /// Waits before anything was started. A stop request ends the wait, and pilot.
    async fn pause(&mut self, time: Duration) -> Result<(), u8> {
        let until = Instant::now() + time;
        // Who looks why nothing starts should find it in the log.
        let _ = self.output.begin();
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                arrived = self.signals.next() => match arrived {
                    Arrived::Stop => return Err(0),
                    Arrived::Child => drop(self.reap_children()),
                    Arrived::Usr1 => self.output.reopen(),
                    Arrived::Hup | Arrived::Usr2 => {}
                },
            }
        }
    }

    pub(super) async fn close_control(&mut self) {
        if let Some(control) = self.control.served.take() {
            control.close().await;
        }
    }
}
