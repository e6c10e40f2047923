//! Signals to pilot, as a stream. Each kind has a pipe of its own, so a burst of one cannot hide another.
//!
//! The handlers only write a byte; nothing is decided here. Install before the configuration is loaded: from then on a
//! signal waits in its pipe instead of killing pilot. v3 spec 1.7.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::low_level::pipe;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;

/// What a signal means to pilot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrived {
    /// SIGTERM or SIGINT, one for each that was delivered.
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
}

#[derive(Debug)]
struct Kind {
    arrived: Arrived,
    pipe: Receiver,
    /// Delivered and not handed out yet.
    waiting: usize,
}

impl Signals {
    /// Installs the handlers. Must be called inside a tokio runtime with I/O enabled.
    pub fn install() -> io::Result<Signals> {
        Ok(Signals {
            kinds: [
                Kind::install(Arrived::Stop, &[SIGTERM, SIGINT])?,
                Kind::install(Arrived::Child, &[SIGCHLD])?,
                Kind::install(Arrived::Hup, &[SIGHUP])?,
                Kind::install(Arrived::Usr1, &[SIGUSR1])?,
                Kind::install(Arrived::Usr2, &[SIGUSR2])?,
            ],
        })
    }

    /// The next signal, waiting ones in the order of [`Arrived`]. Safe to cancel. Never ends.
    pub async fn next(&mut self) -> Arrived {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Arrived> {
        for kind in &mut self.kinds {
            kind.fill(context);
            if kind.waiting > 0 {
                // One reap finds all ended children, however many signals told of them.
                kind.waiting = if kind.arrived == Arrived::Child { 0 } else { kind.waiting - 1 };
                return Poll::Ready(kind.arrived);
            }
        }
        Poll::Pending
    }
}

impl Kind {
    fn install(arrived: Arrived, signals: &[i32]) -> io::Result<Kind> {
        // A pipe holds 65,536 of these bytes, a socket pair only some 280 (each costs it a buffer).
        let (read, write): (OwnedFd, OwnedFd) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        for signal in signals {
            pipe::register(*signal, write.try_clone()?)?;
        }
        Ok(Kind { arrived, pipe: Receiver::from_owned_fd(read)?, waiting: 0 })
    }

    /// Takes what is in the pipe, so that a wake-up is asked for only when it is empty.
    fn fill(&mut self, context: &mut Context<'_>) {
        let mut bytes = [0; 512];
        while self.waiting == 0 {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.pipe).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.waiting += buffer.filled().len(),
                Poll::Ready(_) | Poll::Pending => return,
            }
        }
    }
}
