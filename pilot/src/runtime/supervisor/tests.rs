//! The whole supervisor with real processes, and defects put into it on purpose.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::*;
use crate::runtime::probe::PANICKING;
use crate::runtime::process::init::set_up;
use pilot_config::{Interfaces, Surroundings, load};
use pilot_core::plan::JobId;

const DEADLINE: Duration = Duration::from_secs(30);

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pilot-supervisor-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Waits until a job has written it.
    async fn written(&self, name: &str) -> String {
        let began = Instant::now();
        loop {
            match fs::read_to_string(self.file(name)) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                Ok(_) | Err(_) => assert!(began.elapsed() < DEADLINE, "{name} is not there\n{}", self.log()),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn plan(config: &Value) -> Plan {
    let env = std::env::vars().collect();
    let interfaces = Interfaces::new(Vec::new);
    let here = Surroundings { env, hostname: "here".to_owned(), interfaces, ..Surroundings::default() };
    let loaded = load("test.json5", &config.to_string(), &here);
    let report = loaded.report(&config.to_string());
    loaded.plan.unwrap_or_else(|| panic!("{report}"))
}

/// The number of a job.
pub(in crate::runtime) fn some_job() -> JobId {
    let plan = plan(&json!({ "consul": false, "jobs": [{ "name": "main", "exec": ["true"] }] }));
    Engine::new(Arc::new(plan), 0).job_ids()[0]
}

/// pilot with these jobs and watches; its log is the file `log`.
fn supervisor(folder: &Folder, jobs: Value, watches: Value) -> (Supervisor, tracing::subscriber::DefaultGuard) {
    let plan = plan(&json!({
        "consul": false, "jobs": jobs, "watches": watches, "stopTimeout": 1,
        "control": { "socket": folder.file("control.socket") },
        "logging": { "output": folder.file("log"), "level": "DEBUG" },
    }));
    let output = Output::open(&plan.logging).unwrap();
    let listening = tracing::subscriber::set_default(output.records());
    task::install_panic_hook();
    let load = Arc::new(|_| Err("nothing is reloaded here".to_owned()));
    (Supervisor::new(plan, load, Signals::install().unwrap(), output, set_up()), listening)
}

fn shell(script: &str) -> Value {
    json!(["sh", "-c", script])
}

fn is_there(pid: &str) -> bool {
    kill(Pid::from_raw(pid.parse().unwrap()), None) != Err(Errno::ESRCH)
}

fn write(path: &Path, word: &str) -> String {
    format!("echo {word} > {0}.new; mv {0}.new {0}", path.display())
}

#[tokio::test]
async fn when_the_loop_panics_the_jobs_are_stopped_and_pilot_ends_with_a_code_of_its_own() {
    let folder = Folder::new("panic");
    let (polite, stubborn, asked) = (folder.file("polite"), folder.file("stubborn"), folder.file("asked"));
    let wait = "while :; do sleep 0.01; done";
    let jobs = json!([
        { "name": "polite",
          "exec": shell(&format!("trap '{}; exit 0' TERM; {}; {wait}", write(&asked, "yes"), write(&polite, "$$"))) },
        { "name": "stubborn",
          "exec": shell(&format!("trap '' TERM; (exec sleep 1000) & {}; {wait}", write(&stubborn, "$$ $!"))) },
    ]);
    let (supervisor, _listening) = supervisor(&folder, jobs, json!([]));
    let (reporter, output) = (supervisor.reporter.clone(), supervisor.output.clone());
    let break_it = async {
        let pids = format!("{} {}", folder.written("polite").await, folder.written("stubborn").await);
        reporter.send(Report::Panic).unwrap();
        pids
    };
    let (code, pids) = tokio::join!(supervisor.run(), break_it);
    assert!(output.finish(DEADLINE));
    assert_eq!(code, BROKEN, "{}", folder.log());
    assert_eq!(fs::read_to_string(asked).unwrap_or_default(), "yes\n", "{}", folder.log());
    let left: Vec<&str> = pids.split(' ').filter(|pid| is_there(pid)).collect();
    assert!(left.is_empty(), "{left:?} are left of {pids}\n{}", folder.log());
    let log = folder.log();
    assert_eq!(log.matches("pilot has panicked: a defect of the loop (").count(), 1, "{log}");
    assert!(!folder.file("control.socket").exists());
}

#[tokio::test]
async fn a_probe_that_panics_has_failed_and_is_made_again_and_again() {
    let folder = Folder::new("probe");
    let alarm = format!("{}; exec sleep 1000", write(&folder.file("alarm"), "unhealthy"));
    let jobs = json!([
        { "name": "main", "exec": shell("exec sleep 1000"),
          "health": { "tcp": PANICKING, "interval": "20ms", "ttl": 60 } },
        { "name": "alarm", "exec": shell(&alarm), "when": { "source": "main", "once": "unhealthy" } },
    ]);
    let watches = json!([{ "name": "outside", "tcp": PANICKING, "interval": "20ms" }]);
    let (supervisor, _listening) = supervisor(&folder, jobs, watches);
    let (reporter, output) = (supervisor.reporter.clone(), supervisor.output.clone());
    let before = task::panics();
    let stop = async {
        folder.written("alarm").await;
        let began = Instant::now();
        while task::panics() < before + 10 {
            assert!(began.elapsed() < DEADLINE, "{}", folder.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        reporter.send(Report::Input(Input::Stop)).unwrap();
    };
    let (code, ()) = tokio::join!(supervisor.run(), stop);
    assert!(output.finish(DEADLINE));
    assert_eq!(code, 0, "{}", folder.log());
    assert!(folder.log().contains("watch outside fails: the probe itself has panicked"), "{}", folder.log());
    assert!(folder.log().contains("main is unhealthy: the probe itself has panicked (a defect of pilot, please report it): a defect of a probe ("), "{}", folder.log());
}
