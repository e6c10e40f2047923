//! Which socket the running pilot serves. v3 loaded and validated the whole configuration for that, so that nothing could
//! be asked of a pilot whose file had a mistake by now (defect 23).

use std::path::PathBuf;

use crate::cli::config_file::{self, Opened};
use crate::cli::surroundings;
use crate::runtime::environment::SOCKET_VARIABLE;
use pilot_config as config;
use pilot_core::plan::DEFAULT_SOCKET;

/// `--socket`; what the file of `-config` says; what the pilot that started us says; what the file of `CONTAINERPILOT`
/// says; v3's default. A file that cannot be read, or says nothing, is passed over.
pub(super) fn find(named: Option<PathBuf>, config: Option<PathBuf>) -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    named
        .or_else(|| config.and_then(written_in))
        .or_else(|| variable(SOCKET_VARIABLE))
        .or_else(|| variable("CONTAINERPILOT").and_then(written_in))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_SOCKET))
}

fn written_in(file: PathBuf) -> Option<PathBuf> {
    let (_, text) = config_file::open(Some(file)).and_then(Opened::read).ok()?;
    config::control_socket(&text, &surroundings::variables()).map(PathBuf::from)
}
