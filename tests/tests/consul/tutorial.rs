//! docs/guide/tutorial.md, steps 4 and 5, as they stand there: its configuration, its client, a real Consul agent, the real
//! application. No request fails while an instance is replaced.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pilot_tests::consul::Consul;
use pilot_tests::scratch::Scratch;
use pilot_tests::{SOON, ports, tools, until};

/// The last code block of the page that begins with this line.
fn block(first_line: &str) -> String {
    let page = std::fs::read_to_string(tools::repository().join("docs/guide/tutorial.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.filter(|(_, code)| code.starts_with(first_line)).last().unwrap().1.to_owned()
}

/// A program of the page with its output in a file. Dropping it kills it.
struct Program(Child);

impl Program {
    fn start(mut command: Command, folder: &Path, log: &str) -> Program {
        let log = File::create(folder.join(log)).unwrap();
        Program(
            command
                .current_dir(folder)
                .stdin(Stdio::null())
                .stderr(log.try_clone().unwrap())
                .stdout(log)
                .spawn()
                .unwrap(),
        )
    }

    fn stop(&mut self) -> Option<i32> {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_rollout_of_the_tutorial_loses_no_request() {
    let (scratch, consul) = (Scratch::new(), Consul::start());
    scratch.write("app.json5", &block("// app.json5"));
    scratch.write("client.sh", &block("# client.sh"));
    let programs = Path::new(&tools::app()).parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let run = |program: &str, arguments: &[&str], port: u16, log: &str| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PATH", &path)
            .env("PORT", port.to_string())
            .env("CONSUL_HTTP_ADDR", consul.address());
        command.env_remove("DB_HOST").env_remove("CONTAINERPILOT");
        Program::start(command, scratch.path(), log)
    };
    let pilot = |port: u16, log: &str| run(&tools::pilot(), &["-config", "app.json5"], port, log);

    let mut first = pilot(ports::free(), "first.log");
    let _second = pilot(ports::free(), "second.log");
    consul.wait_for_passing("app", 2);
    let mut client = run("sh", &["client.sh"], 0, "client.log");
    let _third = pilot(ports::free(), "third.log");
    consul.wait_for_passing("app", 3);
    assert_eq!(first.stop(), Some(0));
    consul.wait_for_passing("app", 2);
    assert_eq!(client.stop(), Some(0));

    let sum = until("the client's sum", SOON, || scratch.lines("client.log").last().cloned());
    let (answered, failed) = sum.split_once(" answered, ").unwrap();
    assert_eq!(failed, "0 failed", "{sum}\n{}", scratch.lines("first.log").join("\n"));
    assert!(answered.parse::<u32>().unwrap() > 20, "{sum}");
    let log = scratch.lines("first.log").join("\n");
    for step in [
        "out of Consul, waiting for the agent, at most 2s; 30s of the stop budget left",
        "has drained: nothing is in flight",
    ] {
        assert!(log.contains(step), "the page shows {step:?}\n{log}");
    }
}
