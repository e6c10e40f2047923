//! The other side: tells a supervisor (pilot or another one) what a job has to say. For `pilot notify`.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::pipe2;

/// How long the supervisor may take to receive a message.
const RECEPTION_LIMIT_MS: u16 = 5000;

/// Why nothing was told.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say it all
pub enum ClientError {
    #[error("{0:?} is not the address of a socket; NOTIFY_SOCKET must begin with / or @")]
    Address(String),
    #[error("cannot reach the socket in NOTIFY_SOCKET: {0}; it belongs to the supervisor that started this job")]
    Unreachable(io::Error),
    #[error("cannot tell it: {0}")]
    NotSent(io::Error),
    #[error("the supervisor has not received it within 5 s; is it alive?")]
    NotReceived,
}

/// Sends `message` to the socket at `address` (a path, or `@` and an abstract name) and waits until it was received: the
/// supervisor must see who sent it, for which the sender must still be there.
pub fn tell(address: &OsStr, message: &str) -> Result<(), ClientError> {
    let socket = UnixDatagram::unbound().map_err(ClientError::Unreachable)?;
    socket.connect_addr(&socket_address(address)?).map_err(ClientError::Unreachable)?;
    let limited = socket.set_write_timeout(Some(Duration::from_millis(RECEPTION_LIMIT_MS.into())));
    limited.and_then(|()| socket.send(message.as_bytes())).map_err(ClientError::NotSent)?;
    wait_until_received(&socket)
}

pub(super) fn socket_address(address: &OsStr) -> Result<SocketAddr, ClientError> {
    let to = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(address),
        _ => return Err(ClientError::Address(address.to_string_lossy().into_owned())),
    };
    to.map_err(ClientError::Unreachable)
}

/// sd_notify_barrier(3): the receiver closes the end of a pipe when it comes to this message.
fn wait_until_received(socket: &UnixDatagram) -> Result<(), ClientError> {
    let failed = |errno: nix::errno::Errno| ClientError::NotSent(errno.into());
    let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let attached = [write.as_raw_fd()];
    let attached = [ControlMessage::ScmRights(&attached)];
    let text = [IoSlice::new(b"BARRIER=1")];
    sendmsg::<()>(socket.as_raw_fd(), &text, &attached, MsgFlags::empty(), None).map_err(failed)?;
    drop(write);
    let mut waiting = [PollFd::new(read.as_fd(), PollFlags::empty())];
    match poll(&mut waiting, PollTimeout::from(RECEPTION_LIMIT_MS)).map_err(failed)? {
        0 => Err(ClientError::NotReceived),
        _ => Ok(()),
    }
}
