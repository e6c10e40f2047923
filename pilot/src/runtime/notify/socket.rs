//! The socket that readiness messages arrive at: an abstract name, so it needs no folder that can be written to.
//!
//! The kernel adds to each message who sent it. There is room for nothing else, so descriptors that somebody attaches are
//! closed by the kernel and never open in pilot.

use std::io::{self, ErrorKind, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, bind, getsockname,
    recvmsg, setsockopt, socket, sockopt,
};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// Bytes of a message at most, as in systemd.
const MESSAGE_SIZE: usize = 4096;

/// The bound socket.
#[derive(Debug)]
pub(super) struct Socket {
    inner: UnixDatagram,
    address: String,
}

/// What arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Datagram {
    /// A message, as it is, and who sent it.
    Message { sender: Pid, content: Vec<u8> },
    /// Descriptors were attached. They are closed.
    WithDescriptors { content: Vec<u8> },
    /// The kernel names no sender.
    Nameless,
    /// Longer than [`MESSAGE_SIZE`].
    TooLong,
}

impl Socket {
    /// Binds a name of the kernel's choice that nobody else has. Inside a tokio runtime with I/O.
    pub(super) fn bind() -> io::Result<Socket> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
        // Before the name is known to anybody: no message is without its sender.
        setsockopt(&fd, sockopt::PassCred, &true)?;
        bind(fd.as_raw_fd(), &UnixAddr::new_unnamed())?;
        let name: UnixAddr = getsockname(fd.as_raw_fd())?;
        let name = name.as_abstract().ok_or(ErrorKind::AddrNotAvailable)?;
        let address = format!("@{}", String::from_utf8_lossy(name));
        Ok(Socket { inner: UnixDatagram::from_std(fd.into())?, address })
    }

    /// What `NOTIFY_SOCKET` must be.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until there is something to receive.
    pub(super) async fn arrival(&self) {
        // It fails only when the runtime is going away.
        if self.inner.readable().await.is_err() {
            std::future::pending().await
        }
    }

    /// The next message. `None`: there is none; [`Socket::arrival`] waits for one from now on.
    pub(super) fn receive(&self) -> Option<Datagram> {
        loop {
            match self.receive_now() {
                Ok(datagram) => return Some(datagram),
                Err(Errno::EINTR) => {}
                Err(_) => {
                    let nothing = || Err::<(), _>(io::Error::from(ErrorKind::WouldBlock));
                    let _ = self.inner.try_io(Interest::READABLE, nothing);
                    return None;
                }
            }
        }
    }

    fn receive_now(&self) -> Result<Datagram, Errno> {
        let mut bytes = [0; MESSAGE_SIZE];
        let mut control = cmsg_space!(UnixCredentials);
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let received =
            recvmsg::<()>(self.inner.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC)?;
        let (length, flags) = (received.bytes, received.flags);
        let sender = received.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::ScmCredentials(of) => Some(Pid::from_raw(of.pid())),
                _ => None,
            })
        });
        let content = || bytes.get(..length).unwrap_or_default().to_vec();
        Ok(match sender {
            _ if flags.contains(MsgFlags::MSG_TRUNC) => Datagram::TooLong,
            _ if flags.contains(MsgFlags::MSG_CTRUNC) => Datagram::WithDescriptors { content: content() },
            Some(sender) => Datagram::Message { sender, content: content() },
            None => Datagram::Nameless,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::os::fd::RawFd;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram as Sender};
    use std::time::Duration;

    use nix::sys::socket::{ControlMessage, sendmsg};
    use nix::unistd::getpid;

    use super::*;

    fn connected(socket: &Socket) -> Sender {
        let sender = Sender::unbound().unwrap();
        let name = socket.address().strip_prefix('@').unwrap();
        sender.connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
        sender
    }

    fn open() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    #[tokio::test]
    async fn a_message_arrives_with_its_sender_and_without_anything_attached() {
        let socket = Socket::bind().unwrap();
        let sender = connected(&socket);
        assert_eq!(socket.receive(), None);
        let me = getpid();
        for content in [&b"READY=1"[..], b"", &[0xff; MESSAGE_SIZE]] {
            sender.send(content).unwrap();
            tokio::time::timeout(Duration::from_secs(10), socket.arrival()).await.unwrap();
            assert_eq!(socket.receive(), Some(Datagram::Message { sender: me, content: content.to_vec() }));
        }
        sender.send(&[b'x'; MESSAGE_SIZE + 1]).unwrap();
        assert_eq!(socket.receive(), Some(Datagram::TooLong));
        let before = open();
        let attached: Vec<RawFd> = vec![sender.as_raw_fd(); 200];
        let attach = [ControlMessage::ScmRights(&attached)];
        let content = [IoSlice::new(b"FDSTORE=1")];
        sendmsg::<()>(sender.as_raw_fd(), &content, &attach, MsgFlags::empty(), None).unwrap();
        assert_eq!(socket.receive(), Some(Datagram::WithDescriptors { content: b"FDSTORE=1".to_vec() }));
        assert_eq!(open(), before);
        assert_eq!(socket.receive(), None);
    }

    #[tokio::test]
    async fn an_arrival_is_noticed_again_and_again() {
        let socket = Socket::bind().unwrap();
        let sender = connected(&socket);
        for _ in 0..3 {
            assert_eq!(socket.receive(), None);
            assert!(tokio::time::timeout(Duration::from_millis(20), socket.arrival()).await.is_err());
            sender.send(b"a").unwrap();
            tokio::time::timeout(Duration::from_secs(10), socket.arrival()).await.unwrap();
            // Not taken: still there.
            tokio::time::timeout(Duration::from_secs(10), socket.arrival()).await.unwrap();
            assert!(socket.receive().is_some());
        }
    }
}
