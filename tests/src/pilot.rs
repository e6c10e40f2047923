//! A running pilot: started with a configuration, heard through its output, asked by signals, outlived by nothing.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::processes;
use crate::scratch::Scratch;
use crate::tools;
use crate::wait::{SOON, until};

/// A line of output and when it arrived.
#[derive(Clone, Debug)]
pub struct Line {
    /// Arrival at the harness.
    pub at: Instant,
    /// Without the newline; invalid UTF-8 replaced.
    pub text: String,
}

impl Line {
    /// Whether it says `text`. The debug line that shows the whole configuration repeats every word in it: it only counts
    /// when it is asked for.
    pub fn holds(&self, text: &str) -> bool {
        const CONFIGURATION: &str = "loaded config:";
        self.text.contains(text) && (text == CONFIGURATION || !self.text.contains(CONFIGURATION))
    }
}

/// How pilot is to be started.
#[derive(Debug)]
pub struct Start {
    config: String,
    program: Option<String>,
    wrapper: Vec<String>,
    first_process: bool,
    environment: Vec<(OsString, OsString)>,
    unset: Vec<String>,
    listen: bool,
}

/// A running (or ended) pilot. Dropping it kills whatever is left of it.
#[derive(Debug)]
pub struct Pilot {
    /// Its own directory: configuration, control socket, files of its jobs.
    pub scratch: Scratch,
    child: Child,
    pid: i32,
    marker: String,
    lines: Arc<Mutex<Vec<Line>>>,
    readers: Vec<JoinHandle<()>>,
    status: Option<ExitStatus>,
    _stdin: Option<ChildStdin>,
}

/// A configuration without Consul, with debug logs (so that events are seen) and these jobs.
pub fn jobs(jobs: Value) -> Value {
    json!({ "consul": false, "logging": { "level": "DEBUG" }, "jobs": jobs })
}

/// With a control socket in its scratch directory, unless it says otherwise.
fn text_of(config: &Value) -> String {
    let mut config = config.clone();
    if let Some(object) = config.as_object_mut() {
        object.entry("control").or_insert(json!({ "socket": "{{ .PILOT_TEST_DIR }}/control.socket" }));
    }
    serde_json::to_string_pretty(&config).unwrap_or_default()
}

impl Pilot {
    /// Runs this configuration as an ordinary process; jobs named in it run the fixture by `fixture()`.
    pub fn run(config: &Value) -> Pilot {
        Pilot::with(config).start()
    }

    /// Runs this configuration as PID 1 of a PID namespace of its own.
    pub fn run_as_pid_1(config: &Value) -> Pilot {
        Pilot::with(config).as_pid_1().start()
    }

    /// Prepares a start.
    pub fn with(config: &Value) -> Start {
        Pilot::with_text(&text_of(config))
    }

    /// Puts another configuration in the place of its own, at once; it is told nothing.
    pub fn rewrite(&self, config: &Value) {
        self.rewrite_text(&text_of(config));
    }

    /// [`Pilot::rewrite`] with a text.
    pub fn rewrite_text(&self, text: &str) {
        let new = self.scratch.write("new.json5", text);
        std::fs::rename(new, self.scratch.path().join("pilot.json5"))
            .expect("a file in the scratch directory can be renamed");
    }

    /// Prepares a start with a configuration given as text.
    pub fn with_text(config: &str) -> Start {
        Start {
            config: config.to_owned(),
            program: None,
            wrapper: Vec::new(),
            first_process: false,
            environment: Vec::new(),
            unset: Vec::new(),
            listen: true,
        }
    }

    /// pilot's process id, as seen from here.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    fn held(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything heard so far, in order of arrival.
    pub fn lines(&self) -> Vec<Line> {
        self.held().clone()
    }

    /// Everything heard so far, as one text.
    pub fn log(&self) -> String {
        self.held().iter().map(|line| format!("{}\n", line.text)).collect()
    }

    /// The last 200 lines, each cut at 300 characters: for a person who reads a failure.
    fn end_of_log(&self) -> String {
        let lines = self.held();
        let last = lines.get(lines.len().saturating_sub(200)..).unwrap_or_default();
        last.iter().map(|line| line.text.chars().take(300).chain(['\n']).collect::<String>()).collect()
    }

    /// How many lines hold `text`.
    pub fn count(&self, text: &str) -> usize {
        self.held().iter().filter(|line| line.holds(text)).count()
    }

    /// The bus's events in order, as `Code source`, from the debug lines `event: {Code source}`.
    pub fn events(&self) -> Vec<String> {
        let inner = |line: &Line| {
            let (_, rest) = line.text.split_once("event: {")?;
            let (event, _) = rest.rsplit_once('}')?;
            Some(event.to_owned())
        };
        self.held().iter().filter_map(inner).collect()
    }

    /// How often an event was seen.
    pub fn count_events(&self, event: &str) -> usize {
        self.events().iter().filter(|seen| *seen == event).count()
    }

    /// Waits for a line that holds `text`, within [`SOON`].
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> Line {
        self.wait_for_within(text, SOON)
    }

    /// Waits for a line that holds `text`; shows the log when it does not come.
    #[track_caller]
    pub fn wait_for_within(&mut self, text: &str, deadline: Duration) -> Line {
        self.wait(&format!("a line with {text:?}"), deadline, |pilot| {
            pilot.held().iter().find(|line| line.holds(text)).cloned()
        })
    }

    /// Waits until this many lines hold `text`.
    #[track_caller]
    pub fn wait_for_count(&mut self, text: &str, count: usize) {
        self.wait(&format!("{count} lines with {text:?}"), SOON, |pilot| (pilot.count(text) >= count).then_some(()));
    }

    /// Waits for an event, written `Code source`.
    #[track_caller]
    pub fn wait_for_event(&mut self, event: &str) -> Line {
        self.wait_for(&format!("event: {{{event}}}"))
    }

    /// Waits for anything about this pilot; shows its log when it does not come.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, deadline: Duration, mut ask: impl FnMut(&mut Pilot) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            let asked = Instant::now();
            if let Some(answer) = ask(self) {
                return answer;
            }
            if started.elapsed() > deadline {
                panic!("waited {deadline:?} in vain for: {what}\n--- pilot said:\n{}", self.end_of_log());
            }
            // Asking holds the lines; of a long log it must not keep the reader from reading on.
            std::thread::sleep((asked.elapsed() * 3).max(Duration::from_millis(2)));
        }
    }

    /// Sends pilot itself a signal.
    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid, signal);
    }

    /// Whether pilot has ended.
    pub fn ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status.is_some()
    }

    /// Waits for its end and gives the exit code, 128 + n if a signal ended it.
    #[track_caller]
    pub fn exit_code(&mut self) -> i32 {
        self.exit_code_within(SOON)
    }

    /// [`Pilot::exit_code`] with a deadline.
    #[track_caller]
    pub fn exit_code_within(&mut self, deadline: Duration) -> i32 {
        self.wait("pilot to end", deadline, |pilot| pilot.ended().then_some(()));
        for reader in self.readers.drain(..) {
            // A process that pilot left behind may hold the pipe: then its lines are not waited for.
            let patience = Instant::now();
            while !reader.is_finished() && patience.elapsed() < Duration::from_millis(500) {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.status.map_or(-1, |status| status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
    }

    /// Asks it to stop by SIGTERM, waits and gives the exit code.
    #[track_caller]
    pub fn stop(&mut self) -> i32 {
        self.signal(Signal::SIGTERM);
        self.exit_code()
    }

    /// Processes that carry this pilot's marker in their environment, without pilot itself.
    pub fn processes(&self) -> Vec<i32> {
        let own = i32::try_from(self.child.id()).unwrap_or(0);
        processes::with_environment(&self.marker, &[self.pid, own])
    }

    /// The pid of a live child of pilot whose command line holds `text`.
    #[track_caller]
    pub fn child_running(&mut self, text: &str) -> i32 {
        self.wait(&format!("a child running {text:?}"), SOON, |pilot| processes::child_running(pilot.pid, text))
    }

    /// The lines of a file that jobs wrote with the fixture's `mark`: when (seconds on the boot clock) and by which pid.
    pub fn marks(&self, name: &str) -> Vec<(f64, i32)> {
        let parse = |line: String| {
            let (at, pid) = line.split_once(' ')?;
            Some((at.parse::<f64>().ok()? / 1e9, pid.parse().ok()?))
        };
        self.scratch.lines(name).into_iter().filter_map(parse).collect()
    }

    /// Waits until a file has this many marks.
    #[track_caller]
    pub fn wait_for_marks(&mut self, name: &str, count: usize) -> Vec<(f64, i32)> {
        self.wait(&format!("{count} marks in {name}"), SOON, |pilot| {
            let marks = pilot.marks(name);
            (marks.len() >= count).then_some(marks)
        })
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if !self.ended() {
            processes::signal(self.pid, Signal::SIGKILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for pid in self.processes() {
            processes::signal(pid, Signal::SIGKILL);
        }
    }
}

impl Start {
    /// As PID 1 of a new PID namespace with its own `/proc`.
    pub fn as_pid_1(mut self) -> Self {
        self.first_process = true;
        self
    }

    /// With another binary than the one under test's default.
    pub fn program(mut self, path: &str) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// Through a program that executes its arguments, such as `prlimit`.
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Through one more such program, which is executed by the last one.
    pub fn before(mut self, wrapper: &[&str]) -> Self {
        self.wrapper.extend(wrapper.iter().map(|word| (*word).to_owned()));
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Without a variable in its environment.
    pub fn without_env(mut self, name: &str) -> Self {
        self.unset.push(name.to_owned());
        self
    }

    /// With a stdout that nobody reads: [`Stalled::release`] begins to read.
    pub fn with_unread_output(mut self) -> (Pilot, Stalled) {
        self.listen = false;
        let mut pilot = self.start();
        let streams: Vec<Box<dyn Read + Send>> = pilot
            .child
            .stdout
            .take()
            .map(|s| Box::new(s) as Box<dyn Read + Send>)
            .into_iter()
            .chain(pilot.child.stderr.take().map(|s| Box::new(s) as Box<dyn Read + Send>))
            .collect();
        let lines = pilot.lines.clone();
        (pilot, Stalled { streams, lines })
    }

    /// Starts it.
    pub fn start(self) -> Pilot {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let scratch = Scratch::new();
        let dir = scratch.path().display().to_string();
        let config = scratch.write("pilot.json5", &self.config);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("PILOT_TEST_RUN={}-{number}", std::process::id());

        let program = self.program.unwrap_or_else(tools::pilot);
        let mut words: Vec<String> = Vec::new();
        if self.first_process {
            words.push("unshare".to_owned());
            if !nix::unistd::geteuid().is_root() {
                words.extend(["--user", "--map-root-user"].map(str::to_owned));
            }
            words.extend(["--pid", "--fork", "--mount-proc", "--kill-child", "--"].map(str::to_owned));
        }
        words.extend(self.wrapper);
        words.extend([program, "-config".to_owned(), config]);

        let (first, rest) = words.split_first().expect("there is a program");
        let mut command = Command::new(first);
        command.args(rest).current_dir(scratch.path()).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its own group: a signal to the test's group is not a signal to pilot.
        command.process_group(0);
        command.env("PILOT_TEST_DIR", &dir);
        let (name, value) = marker.split_once('=').expect("the marker is a variable");
        command.env(name, value);
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        for name in &self.unset {
            command.env_remove(name);
        }
        let mut child = command.spawn().expect("pilot (or unshare) can be started");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut readers = Vec::new();
        if self.listen {
            readers.extend(child.stdout.take().map(|stream| listen(stream, lines.clone())));
            readers.extend(child.stderr.take().map(|stream| listen(stream, lines.clone())));
        }
        let stdin = child.stdin.take();
        let own = i32::try_from(child.id()).expect("a pid is an i32");
        let mut pilot = Pilot { scratch, child, pid: own, marker, lines, readers, status: None, _stdin: stdin };
        if self.first_process {
            pilot.pid = until("unshare to start pilot", SOON, || {
                if pilot.ended() {
                    return Some(own);
                }
                processes::children(own).first().map(|child| child.pid)
            });
        }
        pilot
    }
}

/// The unread output of a pilot.
pub struct Stalled {
    streams: Vec<Box<dyn Read + Send>>,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Stalled {
    /// Begins to read; what is read is in [`Pilot::lines`] from then on.
    pub fn release(self) {
        for stream in self.streams {
            listen(stream, self.lines.clone());
        }
    }

    /// Closes the reading end.
    pub fn hang_up(self) {}
}

fn listen(stream: impl Read + Send + 'static, lines: Arc<Mutex<Vec<Line>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            let line = Line { at: Instant::now(), text: String::from_utf8_lossy(&bytes).into_owned() };
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            bytes.clear();
        }
    })
}
