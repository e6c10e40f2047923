//! The smallest supervisor that the process and output rooms make: one job, its lines, its exit code.
//! For measuring them next to tini: `one_job raw|default|text|json program [argument…]`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::Signal;
use pilot::runtime::output::{Label, Output};
use pilot::runtime::process::init::set_up;
use pilot::runtime::process::reap::{reap, signal_group};
use pilot::runtime::process::signals::{Arrived, Signals};
use pilot::runtime::process::spawn::{Launch, Stdio, spawn};
use pilot_core::plan::{Command, LogFormat, Logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    set_up();
    let mut signals = Signals::install()?;
    let mut args = std::env::args().skip(1);
    let format = match args.next().as_deref() {
        Some("raw") => None,
        Some("default") => Some(LogFormat::Default),
        Some("text") => Some(LogFormat::Text),
        Some("json") => Some(LogFormat::Json),
        _ => return Err("usage: one_job raw|default|text|json program [argument…]".into()),
    };
    let command = Command { program: args.next().ok_or("which program?")?, args: args.collect() };
    let env: Vec<_> = std::env::vars_os().collect();
    let output = format.map(|format| Output::start(&Logging { format, ..Logging::default() })).transpose()?;
    let pid = match &output {
        None => spawn(Launch { command: &command, env: &env, stdio: Stdio::Inherit, tty: false })?,
        Some(output) => {
            let (child, unread) = output.pipes()?;
            let stdio = Stdio::Wrapped { stdout: child.stdout, stderr: child.stderr };
            let pid = spawn(Launch { command: &command, env: &env, stdio, tty: false })?;
            unread.attach(Label::Job("job".to_owned()), pid.as_raw());
            pid
        }
    };
    let mut code = None;
    while code.is_none() {
        match signals.next().await {
            Arrived::Child => {
                reap(usize::MAX, |ended| ended == pid, |ended| code = Some(ended.exit.code()));
            }
            Arrived::Stop => {
                signal_group(pid, Signal::SIGTERM);
            }
            Arrived::Hup | Arrived::Usr1 | Arrived::Usr2 => {}
        }
    }
    if let Some(output) = output {
        output.finish(Duration::from_secs(10));
    }
    Ok(ExitCode::from(code.unwrap_or(1)))
}
