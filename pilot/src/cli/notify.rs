//! `pilot notify`: a job made of shell scripts tells that it is ready (sd_notify(3)).

use std::process::ExitCode;

use crate::runtime::notify::tell;

/// Said when nothing else is asked for.
const READY: &str = "READY=1";

pub(super) fn notify(assignments: &[String]) -> ExitCode {
    let message = if assignments.is_empty() { READY.to_owned() } else { assignments.join("\n") };
    let Some(address) = std::env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
        eprintln!(
            "error: NOTIFY_SOCKET is not set, so nobody has asked this process whether it is ready; \
             in pilot's configuration write `health: {{ notify: true, interval: 10 }}` in its job"
        );
        return ExitCode::FAILURE;
    };
    match tell(&address, &message) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
