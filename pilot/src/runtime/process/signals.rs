//! Signals to pilot, as a stream. The handlers count the deliveries of each kind and wake the loop through one pipe.
//!
//! Counted, so a burst hides nothing, however long the loop is busy. Nothing is decided here. Install before the
//! configuration is loaded: from then on a signal waits instead of killing pilot. v3 spec 1.7.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;

use super::sys;

/// What stops pilot: SIGTERM and SIGINT, and what images set as their `STOPSIGNAL`: SIGQUIT (nginx, php-fpm), SIGPWR (LXC)
/// and SIGRTMIN+3 (systemd). The last is the number that container engines send, the C library of pilot counts otherwise.
const STOP: [i32; 5] = [SIGTERM, SIGINT, SIGQUIT, nix::libc::SIGPWR, 37];

/// What a signal means to pilot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrived {
    /// A signal that stops pilot, one for each that was delivered.
    Stop,
    /// One or more children have ended: call [`super::reap::reap`] once.
    Child,
    /// SIGHUP.
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// The installed handlers. They stay installed when it is dropped; make one a process.
#[derive(Debug)]
pub struct Signals {
    kinds: [Kind; 5],
    /// Holds a byte when a counter is not zero any more.
    woken: Receiver,
}

#[derive(Debug)]
struct Kind {
    arrived: Arrived,
    /// Counted by the handlers, not seen here yet.
    delivered: Arc<AtomicUsize>,
    /// Seen and not handed out yet.
    waiting: usize,
}

impl Signals {
    /// Installs the handlers. Must be called inside a tokio runtime with I/O enabled.
    pub fn install() -> io::Result<Signals> {
        let (woken, wake): (OwnedFd, OwnedFd) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let wake = Arc::new(wake);
        Ok(Signals {
            kinds: [
                Kind::install(Arrived::Stop, &STOP, &wake)?,
                Kind::install(Arrived::Child, &[SIGCHLD], &wake)?,
                Kind::install(Arrived::Hup, &[SIGHUP], &wake)?,
                Kind::install(Arrived::Usr1, &[SIGUSR1], &wake)?,
                Kind::install(Arrived::Usr2, &[SIGUSR2], &wake)?,
            ],
            woken: Receiver::from_owned_fd(woken)?,
        })
    }

    /// The next signal, waiting ones in the order of [`Arrived`]. Safe to cancel. Never ends.
    pub async fn next(&mut self) -> Arrived {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next signal, if one is waiting.
    pub fn take(&mut self) -> Option<Arrived> {
        self.kinds.iter_mut().find_map(Kind::take)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Arrived> {
        loop {
            // Before the counters: what is counted after an empty pipe was found will wake.
            let woken = self.empty_pipe(context);
            if let Some(arrived) = self.take() {
                return Poll::Ready(arrived);
            }
            if !woken {
                return Poll::Pending;
            }
        }
    }

    /// False: there was nothing in it, and a wake-up is asked for.
    fn empty_pipe(&mut self, context: &mut Context<'_>) -> bool {
        let mut bytes = [0; 512];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.woken).poll_read(context, &mut buffer);
        matches!(read, Poll::Ready(Ok(()))) && !buffer.filled().is_empty()
    }
}

impl Kind {
    fn install(arrived: Arrived, signals: &[i32], wake: &Arc<OwnedFd>) -> io::Result<Kind> {
        let delivered = Arc::new(AtomicUsize::new(0));
        for signal in signals {
            sys::count_signal(*signal, Arc::clone(&delivered), Arc::clone(wake))?;
        }
        Ok(Kind { arrived, delivered, waiting: 0 })
    }

    fn take(&mut self) -> Option<Arrived> {
        self.waiting += self.delivered.swap(0, Ordering::AcqRel);
        if self.waiting == 0 {
            return None;
        }
        // One reap finds all ended children, however many signals told of them.
        self.waiting = if self.arrived == Arrived::Child { 0 } else { self.waiting - 1 };
        Some(self.arrived)
    }
}
