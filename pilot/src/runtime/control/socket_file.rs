//! The control socket as a file: made so that nobody but its owner can ever connect, never taken from somebody else.
//!
//! v3 deletes whatever is at the path and leaves the mode to the umask. Reliability case 57.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::stat::{Mode, fchmod};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::time::timeout;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;
/// Who answers a connection, or lets it wait for so long, is alive.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody listens there.
    #[error("another process serves the control socket {}: stop it, or give this pilot a `control.socket` of its own", .0.display())]
    InUse(PathBuf),
    /// What is there was not made by a pilot.
    #[error("{} is {what}, not a control socket, and is left alone: remove it, or set `control.socket` to another path", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The folder it should be in.
    #[error("the folder of the control socket {} does not exist: create it, or set `control.socket` to another path", .0.display())]
    NoFolder(PathBuf),
    /// The system does not want it.
    #[error("cannot create the control socket {}: {error}; set `control.socket` to a path that pilot can write (at most 107 bytes)", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// Its word for it.
        error: io::Error,
    },
}

impl SocketError {
    /// Whether it may pass by itself: a predecessor ends, a volume is mounted.
    pub fn may_pass(&self) -> bool {
        match self {
            SocketError::InUse(_) | SocketError::NoFolder(_) => true,
            SocketError::Foreign { .. } | SocketError::System { .. } => false,
        }
    }
}

/// A socket file of ours.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode: whether a later file at the path is still ours.
    identity: (u64, u64),
}

impl SocketFile {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless somebody else's has taken its place. To be called while the listener is open: as long as it
    /// is, its inode's number is given to nobody else.
    pub fn remove(&self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at `path`, in the place of a dead pilot's socket if there is one. The file has mode 0600 from the moment it
/// exists, and the kernel refuses connections until it has.
pub async fn listen(path: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    clear(path).await?;
    warn_about_folder(path);
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::AddrInUse => SocketError::InUse(path.to_owned()),
        ErrorKind::NotFound => SocketError::NoFolder(path.to_owned()),
        _ => SocketError::System { path: path.to_owned(), error },
    };
    let socket = UnixSocket::new_stream().map_err(failed)?;
    // Linux gives the file the socket's own mode, less the umask; a umask can so only take from our 0600.
    fchmod(&socket, owner_only()).map_err(|errno| failed(errno.into()))?;
    socket.bind(path).map_err(failed)?;
    let made = fs::symlink_metadata(path).map_err(failed)?;
    if made.mode() & 0o7777 != owner_only().bits() {
        fs::set_permissions(path, fs::Permissions::from_mode(owner_only().bits())).map_err(failed)?;
    }
    // Only from here on can anybody connect.
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    Ok((listener, SocketFile { path: path.to_owned(), identity: identity(&made) }))
}

fn owner_only() -> Mode {
    Mode::S_IRUSR | Mode::S_IWUSR
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Removes the socket that a dead pilot has left; refuses anything else.
async fn clear(path: &Path) -> Result<(), SocketError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    let kind = found.file_type();
    let foreign = |what| Err(SocketError::Foreign { path: path.to_owned(), what });
    if kind.is_symlink() {
        return foreign("a symbolic link");
    }
    if kind.is_dir() {
        return foreign("a folder");
    }
    if !kind.is_socket() {
        return foreign("a file");
    }
    match timeout(SIGN_OF_LIFE, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {}
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => return foreign("another user's socket"),
        Ok(Err(error)) if error.raw_os_error() == Some(nix::errno::Errno::EPROTOTYPE as i32) => {
            return foreign("a socket of another kind");
        }
        Ok(_) | Err(_) => return Err(SocketError::InUse(path.to_owned())),
    }
    fs::remove_file(path).map_err(|error| SocketError::System { path: path.to_owned(), error })
}

/// Not refused: the volumes that containers share are often open to everybody.
fn warn_about_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(found) = fs::metadata(folder) else { return };
    let (open_to_all, sticky) = (found.mode() & 0o002 != 0, found.mode() & 0o1000 != 0);
    if open_to_all && !sticky {
        tracing::warn!(
            "any user of this container can remove or replace the control socket: {} is writable by everybody; \
             chmod it to 1777 or 755",
            folder.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use nix::sys::stat::umask;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pilot-socket-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn socket(&self) -> PathBuf {
            self.0.join("control.socket")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_whatever_the_umask() {
        let folder = Folder::new("umask");
        let before = umask(Mode::empty());
        for mask in [0o000, 0o022, 0o077, 0o777] {
            umask(Mode::from_bits_truncate(mask));
            let made = listen(&folder.socket()).await;
            umask(before);
            let (_listener, place) = made.unwrap();
            assert_eq!(mode(&folder.socket()), 0o600, "umask {mask:o}");
            place.remove();
            assert!(!folder.socket().exists());
        }
    }

    #[tokio::test]
    async fn bound_and_not_yet_listening_the_file_already_has_its_mode() {
        let folder = Folder::new("window");
        let before = umask(Mode::empty());
        let socket = UnixSocket::new_stream().unwrap();
        fchmod(&socket, owner_only()).unwrap();
        socket.bind(folder.socket()).unwrap();
        umask(before);
        assert_eq!(mode(&folder.socket()), 0o600, "this kernel gives a socket file its socket's mode");
        let refused = UnixStream::connect(folder.socket()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "and lets nobody in before listen");
    }

    #[tokio::test]
    async fn a_dead_pilots_socket_is_replaced_and_a_live_ones_is_not() {
        let folder = Folder::new("stale");
        let (listener, place) = listen(&folder.socket()).await.unwrap();
        let refused = listen(&folder.socket()).await.unwrap_err();
        assert!(matches!(refused, SocketError::InUse(_)) && refused.may_pass(), "{refused}");
        drop((listener, place));
        assert!(folder.socket().exists(), "as after a SIGKILL");
        let (_second, second_place) = listen(&folder.socket()).await.expect("nobody listens there any more");
        second_place.remove();
        assert!(!folder.socket().exists());
    }

    #[tokio::test]
    async fn only_ones_own_socket_is_removed() {
        let folder = Folder::new("own");
        let (_first, first_place) = listen(&folder.socket()).await.unwrap();
        fs::remove_file(folder.socket()).unwrap();
        let (_second, second_place) = listen(&folder.socket()).await.unwrap();
        first_place.remove();
        assert!(folder.socket().exists());
        second_place.remove();
        assert!(!folder.socket().exists());
    }

    #[tokio::test]
    async fn what_is_not_a_control_socket_is_refused_and_left_alone() {
        let folder = Folder::new("foreign");
        let path = folder.socket();
        let target = folder.0.join("target");
        fs::write(&target, "precious").unwrap();
        let check = async |what: &str| {
            let before = fs::symlink_metadata(&path).unwrap();
            let error = listen(&path).await.unwrap_err();
            assert!(!error.may_pass());
            let want = format!("{} is {what}, not a control socket, and is left alone: remove it, ", path.display());
            assert!(error.to_string().starts_with(&want), "{error}");
            assert_eq!(identity(&fs::symlink_metadata(&path).unwrap()), identity(&before));
        };
        fs::write(&path, "precious").unwrap();
        check("a file").await;
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        check("a symbolic link").await;
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(folder.0.join("nowhere"), &path).unwrap();
        check("a symbolic link").await;
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        check("a folder").await;
        fs::remove_dir(&path).unwrap();
        let _datagrams = UnixDatagram::bind(&path).unwrap();
        check("a socket of another kind").await;
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_path_that_cannot_be_is_told_with_its_remedy() {
        let folder = Folder::new("path");
        let error = listen(&folder.0.join("nowhere/control.socket")).await.unwrap_err();
        assert!(error.may_pass() && error.to_string().contains("does not exist: create it"), "{error}");
        let error = listen(&folder.0.join("x".repeat(120))).await.unwrap_err();
        assert!(!error.may_pass() && error.to_string().contains("at most 107 bytes"), "{error}");
    }
}
