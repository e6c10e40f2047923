//! Sends datagrams to a readiness socket, as a job or as a stranger would: sd_notify(3) without its good manners.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

/// A socket that is connected to this abstract address.
pub fn connected(address: &str) -> UnixDatagram {
    let name = address.strip_prefix('@').expect("an abstract address");
    let address = SocketAddr::from_abstract_name(name).expect("a name of sensible length");
    let socket = UnixDatagram::unbound().expect("a socket can be made");
    socket.connect_addr(&address).expect("somebody listens");
    socket
}

/// Sends one message; waits if the receiver's queue is full.
pub fn send(address: &str, content: &[u8]) {
    connected(address).send(content).expect("a message can be sent");
}

/// Sends one message with these descriptors attached.
pub fn send_with(address: &str, content: &[u8], descriptors: &[RawFd]) {
    let attached = [ControlMessage::ScmRights(descriptors)];
    let socket = connected(address);
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(content)], &attached, MsgFlags::empty(), None)
        .expect("a message can be sent");
}
