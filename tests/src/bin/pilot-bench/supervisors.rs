//! The supervisors and how each is told to run some jobs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pilot_tests::{Scratch, fixture, tools};
use serde_json::{Value, json};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The job without a supervisor.
    Bare,
    Pilot,
    Tini,
    DumbInit,
    S6,
    Supervisord,
}

/// What a job does when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    Never,
    Always,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bare => "no supervisor",
            Kind::Pilot => "pilot",
            Kind::Tini => "tini",
            Kind::DumbInit => "dumb-init",
            Kind::S6 => "s6",
            Kind::Supervisord => "supervisord",
        }
    }

    /// The command line that runs this many of this job (the fixture's verbs). One that knows no second job gets one.
    pub fn command(self, scratch: &Scratch, verbs: &[String], count: usize, again: Again) -> Vec<String> {
        let mut job = vec![fixture()];
        job.extend_from_slice(verbs);
        match self {
            Kind::Bare => job,
            Kind::Pilot => {
                let restarts = if again == Again::Always { "unlimited" } else { "never" };
                let jobs: Vec<Value> = (0..count)
                    .map(|n| json!({ "name": format!("job{n}"), "exec": job, "restarts": restarts }))
                    .collect();
                pilot(scratch, json!({ "consul": false, "jobs": jobs }))
            }
            Kind::Tini => [vec![tools::find(&["tini"]), "--".into()], job].concat(),
            Kind::DumbInit => [vec![tools::find(&["dumb-init"]), "--".into()], job].concat(),
            Kind::S6 => {
                for n in 0..count {
                    let folder = scratch.path().join(format!("s6/job{n}"));
                    fs::create_dir_all(&folder).expect("a service folder");
                    let run = folder.join("run");
                    fs::write(&run, format!("#!/bin/sh\nexec {}\n", job.join(" "))).expect("a run script");
                    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("an executable script");
                }
                vec![tools::find(&["s6-svscan"]), scratch.file("s6")]
            }
            Kind::Supervisord => {
                let mut text = format!(
                    "[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={}\n",
                    scratch.file("pid")
                );
                let restart = again == Again::Always;
                for n in 0..count {
                    text += &format!(
                        "[program:job{n}]\ncommand={}\nautorestart={restart}\nstartretries=1000\n",
                        job.join(" ")
                    );
                    text += "stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n";
                }
                vec![tools::find(&["supervisord"]), "-c".into(), scratch.write("supervisord.conf", &text)]
            }
        }
    }
}

/// The command line that runs pilot with this configuration.
pub fn pilot(scratch: &Scratch, mut config: Value) -> Vec<String> {
    config["control"] = json!({ "socket": scratch.file("control.socket") });
    let file = scratch.write("pilot.json5", &config.to_string());
    vec![tools::pilot(), "-config".into(), file]
}

/// The fixture's verbs as words; `FILE` stands for a file `mark` in the supervisor's folder.
pub fn verbs(scratch: &Scratch, text: &str) -> Vec<String> {
    text.split(' ').map(|word| if word == "FILE" { scratch.file("mark") } else { word.to_owned() }).collect()
}
