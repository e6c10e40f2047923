//! Reads a password, a token or a certificate without holding up the loop.
//!
//! Only regular files, only up to a limit: a FIFO or a device would hang a thread at every heartbeat.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::runtime::task;

/// Longest file that is read, in bytes; a bundle of all the world's certificate authorities has 200 KiB.
const MAX_BYTES: u64 = 4 << 20;

/// The whole file; the error names the path.
pub(crate) async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    task::blocking("reading a file", move || read_now(&path)).await.map_err(io::Error::other)?
}

/// The first line of a text file, without its end.
pub(crate) async fn first_line(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read(path).await?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not UTF-8", path.display())))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The same for callers that are on a blocking thread already.
pub(crate) fn read_now(path: &Path) -> io::Result<Vec<u8>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()));
    if !std::fs::metadata(path).map_err(named)?.is_file() {
        return Err(named(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let mut content = Vec::new();
    File::open(path).map_err(named)?.take(MAX_BYTES).read_to_end(&mut content).map_err(named)?;
    Ok(content)
}
