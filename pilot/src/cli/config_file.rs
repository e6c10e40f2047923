//! Reads the configuration file, at the start, at a reload and for every subcommand: never more than a configuration can be,
//! and never for longer than somebody may be expected to wait for it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Bytes of the largest file that is read. The largest of 851 public ones has 20 KiB.
const LARGEST: usize = 16 << 20;
/// How long a file that is none (a pipe, a terminal) may take.
const PATIENCE: Duration = Duration::from_secs(5);
const CHUNK: usize = 64 << 10;

/// A file that can be read, and has not been yet.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    file: File,
    is_regular: bool,
}

/// Opens the file named on the command line or by `CONTAINERPILOT`. Does not wait for a writer of a pipe.
///
/// # Errors
/// What is wrong, for a person.
pub(super) fn open(config: Option<PathBuf>) -> Result<Opened, String> {
    let path = config
        .or_else(|| std::env::var_os("CONTAINERPILOT").filter(|path| !path.is_empty()).map(PathBuf::from))
        .ok_or("no configuration file: name one with -config FILE or in the environment variable CONTAINERPILOT")?;
    let opened = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path);
    let with_kind = opened.and_then(|file| {
        let is_regular = file.metadata()?.is_file();
        Ok((file, is_regular))
    });
    match with_kind {
        Ok((file, is_regular)) => Ok(Opened { path, file, is_regular }),
        Err(error) => Err(unreadable(&path, &error.to_string())),
    }
}

fn unreadable(path: &std::path::Path, why: &str) -> String {
    format!("cannot read the configuration {}: {why}; check the path and that pilot may read it", path.display())
}

impl Opened {
    /// Whether reading it waits for nobody.
    pub fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// Its path and its text.
    ///
    /// # Errors
    /// What is wrong, for a person: too large, too slow, no UTF-8, or the system's own error.
    pub fn read(mut self) -> Result<(PathBuf, String), String> {
        let mut bytes = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        let mut chunk = vec![0; CHUNK];
        loop {
            if !self.is_regular && !self.wait(deadline) {
                return Err(format!(
                    "the configuration {} is not a regular file, and was not read to its end within {} s; name a regular file",
                    self.path.display(),
                    PATIENCE.as_secs()
                ));
            }
            match self.file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(unreadable(&self.path, &error.to_string())),
            }
            if bytes.len() > LARGEST {
                return Err(format!(
                    "the configuration {} is larger than {} MiB; is it the right file?",
                    self.path.display(),
                    LARGEST >> 20
                ));
            }
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("the configuration {} is not UTF-8 text: see line {line}; save it as UTF-8", self.path.display())
        })?;
        Ok((self.path, text))
    }

    /// Waits until there is something to read, or the end. False when the time is over.
    fn wait(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return true,
                // Reading says what is wrong.
                Err(_) => return true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(path: &str) -> Result<String, String> {
        open(Some(path.into()))?.read().map(|(_, text)| text)
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pilot-config-file-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn path(&self, name: &str) -> String {
            self.0.join(name).display().to_string()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_read_whole_and_an_endless_one_is_refused() {
        let folder = Folder::new("files");
        std::fs::write(folder.path("good"), "{}\n").unwrap();
        assert_eq!(read(&folder.path("good")).as_deref(), Ok("{}\n"));
        std::fs::write(folder.path("large"), vec![b' '; LARGEST]).unwrap();
        assert_eq!(read(&folder.path("large")).map(|text| text.len()), Ok(LARGEST));
        std::fs::write(folder.path("larger"), vec![b' '; LARGEST + 1]).unwrap();
        assert!(read(&folder.path("larger")).unwrap_err().contains("is larger than 16 MiB"));
        assert!(read("/dev/zero").unwrap_err().contains("is larger than 16 MiB"));
        std::fs::write(folder.path("binary"), b"{\n\xff}").unwrap();
        assert!(read(&folder.path("binary")).unwrap_err().contains("see line 2"));
        assert!(read(&folder.path("none")).unwrap_err().contains("cannot read the configuration"));
        assert!(read(&folder.path("")).unwrap_err().contains("cannot read the configuration"));
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_not_waited_for_without_one() {
        let folder = Folder::new("pipes");
        let pipe = folder.path("pipe");
        nix::unistd::mkfifo(pipe.as_str(), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        let opened = open(Some(pipe.clone().into())).unwrap();
        let writer = std::thread::spawn(move || {
            let mut pipe = File::options().write(true).open(pipe).unwrap();
            pipe.write_all(b"{ jobs: ").unwrap();
            pipe.write_all(b"[] }").unwrap();
        });
        assert_eq!(opened.read().map(|(_, text)| text).as_deref(), Ok("{ jobs: [] }"));
        writer.join().unwrap();
        let silent = read(&folder.path("pipe")).unwrap_err();
        assert!(silent.contains("was not read to its end within 5 s"), "{silent}");
    }
}
