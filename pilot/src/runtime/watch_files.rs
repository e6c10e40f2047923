//! Files with what watches have seen, for lists that are too long for a variable.
//!
//! In a folder of their own with a name that nobody can guess, readable by every job; gone with pilot.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::mkdtemp;

/// The files of all watches.
#[derive(Debug, Default)]
pub(super) struct WatchFiles {
    folder: Option<PathBuf>,
    watches: BTreeSet<String>,
}

impl WatchFiles {
    /// Writes a line for each address. A reader sees the list before or this one, never half of it.
    ///
    /// # Errors
    /// When there is no folder where something can be written, or no room.
    pub(super) fn write(&mut self, watch: &str, addresses: &[String]) -> io::Result<PathBuf> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => self.folder.insert(new_folder()?).clone(),
        };
        let (path, next) = (folder.join(watch), folder.join(format!(".{watch}")));
        let mut file = io::BufWriter::new(std::fs::File::create(&next)?);
        for address in addresses {
            writeln!(file, "{address}")?;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.set_permissions(PermissionsExt::from_mode(0o644))?;
        std::fs::rename(&next, &path)?;
        self.watches.insert(watch.to_owned());
        Ok(path)
    }

    /// Whether this watch has one.
    pub(super) fn has(&self, watch: &str) -> bool {
        self.watches.contains(watch)
    }

    /// There is none for this watch any more. Whether there was.
    pub(super) fn remove(&mut self, watch: &str) -> bool {
        let had = self.watches.remove(watch);
        if let (true, Some(folder)) = (had, &self.folder) {
            // Nobody is told of it any more; should it stay, it is harmless.
            let _ = std::fs::remove_file(folder.join(watch));
        }
        had
    }
}

impl Drop for WatchFiles {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// In the folder for temporary files, or where those of a read-only root are.
fn new_folder() -> io::Result<PathBuf> {
    let mut why = io::ErrorKind::NotFound.into();
    for place in [std::env::temp_dir(), PathBuf::from("/run"), PathBuf::from("/dev/shm")] {
        match make(&place) {
            Ok(folder) => return Ok(folder),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn make(place: &Path) -> io::Result<PathBuf> {
    let folder = mkdtemp(&place.join("pilot-watches-XXXXXX"))?;
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755))?;
    Ok(folder)
}
