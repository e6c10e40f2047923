//! Supervising: from the command line to the loop, and back to an exit code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::{BAD_CONFIGURATION, config_file, surroundings};
use crate::runtime::output::Output;
use crate::runtime::process::identity;
use crate::runtime::process::init::{Orphans, Setup, set_up};
use crate::runtime::process::reap::Delivery;
use crate::runtime::process::signals::{Arrived, Signals};
use crate::runtime::supervisor::{BROKEN, Configuration, Supervisor};
use crate::runtime::task;
use pilot_config::{Loaded, Severity};
use pilot_core::plan::Plan;

/// How long the last lines may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);
/// Something the system refuses at start: a descriptor, a thread, the log file.
const BAD_START: u8 = 1;

pub(super) fn run(config: Option<PathBuf>) -> ExitCode {
    let setup = set_up();
    task::install_panic_hook();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let code = match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(task::caught(supervise(config, setup)));
            // Before any job: one of the supervisor itself is its own affair.
            let code = code.unwrap_or_else(|panic| {
                refuse(BROKEN, &format!("pilot has panicked: {panic}; this is a defect of pilot, please report it"))
            });
            // Dropping it would wait for the look-ups that cannot be interrupted.
            runtime.shutdown_background();
            code
        }
        Err(error) => refuse(BAD_START, &format!("cannot start the async runtime: {error}")),
    };
    // Not by returning: tasks and threads that still hang on the network must not delay the end.
    std::process::exit(i32::from(code))
}

async fn supervise(config: Option<PathBuf>, setup: Setup) -> u8 {
    // Before the configuration is read, so that an early SIGTERM is a stop and not a death.
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return refuse(BAD_START, &format!("cannot install signal handlers: {error}")),
    };
    let read = match config_file::open(config) {
        // Without a thread, for the first job waits for it.
        Ok(file) if file.is_regular() => file.read(),
        Ok(file) => tokio::select! {
            read = task::blocking("configuration", || file.read()) => read.unwrap_or_else(|panic| Err(panic.to_string())),
            () = stop(&mut signals) => return 0,
        },
        Err(message) => Err(message),
    };
    let good = read.and_then(|(path, text)| {
        let (plan, loaded) = good(surroundings::loaded(&path, &text), &text)?;
        Ok((path, plan, loaded))
    });
    let (path, plan, loaded) = match good {
        Ok(good) => good,
        Err(report) => return refuse(BAD_CONFIGURATION, &report),
    };
    let output = match Output::open(&plan.logging) {
        Ok(output) => output,
        Err(error) => return refuse(BAD_START, &error.to_string()),
    };
    let _ = tracing::subscriber::set_global_default(output.records());
    tracing::debug!("loaded config: {}", loaded.shown());
    for warning in warnings(&plan, &loaded) {
        tracing::warn!("{warning}");
    }
    if let Orphans::Elsewhere(error) = setup.orphans {
        tracing::warn!("orphans of the jobs cannot be reaped: pilot is neither PID 1 nor a sub-reaper ({error})");
    }
    if !setup.descriptors_shut {
        tracing::warn!("jobs may inherit descriptors: this kernel has no close_range and /proc is not mounted");
    }
    let code =
        Supervisor::new(plan, Arc::new(move |variables| again(&path, variables)), signals, output.clone(), setup)
            .run()
            .await;
    output.finish(LAST_LINES);
    code
}

/// Waits for a request to stop. There are no jobs yet that other signals could mean anything to.
async fn stop(signals: &mut Signals) {
    while signals.next().await != Arrived::Stop {}
}

/// For a reload: the file at the same path, with the variables of now.
fn again(path: &Path, variables: BTreeMap<String, String>) -> Result<Configuration, String> {
    let (path, text) = config_file::open(Some(path.to_owned()))?.read()?;
    let (plan, loaded) = good(surroundings::loaded_with(&path, &text, variables), &text)?;
    Ok(Configuration { warnings: warnings(&plan, &loaded), shown: loaded.shown(), plan })
}

fn good(mut loaded: Loaded, text: &str) -> Result<(Plan, Loaded), String> {
    match loaded.plan.take() {
        Some(plan) => Ok((plan, loaded)),
        None => Err(format!("error initializing config:\n{}", loaded.report(text))),
    }
}

/// What is said in the log about a configuration that is used.
fn warnings(plan: &Plan, loaded: &Loaded) -> Vec<String> {
    let found = loaded.diagnostics.iter().filter(|found| found.severity == Severity::Warning);
    let found = found.map(|found| format!("{}:{}: {}", loaded.file_name, found.line, found.message));
    let ignored = plan.jobs.iter().filter(|job| identity::is_ignored(&job.process.identity));
    let ignored =
        ignored.map(|job| format!("job {:?}: uid and gid are ignored, because pilot does not run as root", job.name));
    let beyond = plan.jobs.iter().filter(|job| identity::is_beyond_signals(&job.process.identity));
    let beyond =
        beyond.map(|job| format!("job {:?} can neither be stopped nor killed: {}", job.name, Delivery::REMEDY));
    found.chain(ignored).chain(beyond).collect()
}

fn refuse(code: u8, message: &str) -> u8 {
    eprintln!("{}", message.trim_end());
    code
}
