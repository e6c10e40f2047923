//! Whole lines in, whole lines out, through the real threads and real pipes.

mod files;
mod lines;
mod pressure;
mod statements;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use tz::TimeZone;

use super::format::{Field, Layout, Value};
use super::sink::Sink;
use super::{Destination, Label, MAX_LINE, Output, OutputError};
use pilot_core::plan::{Level, LogFormat, LogOutput, Logging};

const DEADLINE: Duration = Duration::from_secs(30);
/// Short, where a test is about a reader that does not read.
const SHORT: Duration = Duration::from_millis(100);

/// An output whose reader is the test.
fn output(format: LogFormat, level: Level, patience: Duration) -> (Output, PipeReader) {
    let (read, write) = std::io::pipe().unwrap();
    let layout = Layout { format, zone: LazyLock::new(TimeZone::utc) };
    let output = Output::of(layout, level, Sink::descriptor(write.into()), patience).unwrap();
    output.begin().unwrap();
    (output, read)
}

/// A child's stdout and stderr, attached as job `app` with pid 12.
fn attached(output: &Output) -> (File, File) {
    let (child, unread) = output.pipes().unwrap();
    unread.attach(Label::Job("app".to_owned()), 12);
    (File::from(child.stdout), File::from(child.stderr))
}

/// Everything that comes out until the output is finished and let go of.
fn read_all(mut reader: PipeReader) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    })
}

/// What the children wrote, with prefixes taken off.
fn messages(all: &[u8]) -> Vec<Vec<u8>> {
    let prefix = b" app 12 ";
    all.split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\n").expect("every line is terminated");
            let at = memchr::memmem::find(line, prefix).expect("every line has the prefix");
            line[at + prefix.len()..].to_vec()
        })
        .collect()
}

/// What comes out in the default format for what a child writes to stdout.
fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (output, reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let all = read_all(reader);
    let (mut out, err) = attached(&output);
    out.write_all(bytes).unwrap();
    drop((out, err));
    assert!(output.finish(DEADLINE));
    drop(output);
    messages(&all.join().unwrap())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < DEADLINE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("pilot-output-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn file_logging(path: &std::path::Path) -> Logging {
    Logging { output: LogOutput::File(path.to_owned()), ..Logging::default() }
}
