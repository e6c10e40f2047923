//! An image that was built for ContainerPilot 3.x, in which `/bin/containerpilot` is now a link to pilot and nothing else is
//! changed: the scenarios of ContainerPilot's own integration tests (v3 spec, section 11) in containers of a real engine,
//! with a real Consul agent in a container of its own and a real nginx.
//!
//! `tests/v3-image` is what such an image has: configurations without a word that 3.x does not know, of which a container
//! takes the one that its variable `CONTAINERPILOT` names, nginx's files and a script. Nothing is pulled: shell, curl and nginx
//! are this machine's, whose `/usr` every container sees. That is why `/bin` is no link to `/usr/bin` here, as it is elsewhere.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::process::Command;

use nix::sys::signal::Signal;
use pilot_tests::command::{Finished, run};
use pilot_tests::{Engine, SOON, Scratch, processes, tools, until, until_or};
use serde_json::{Value, json};

const IMAGE: &str = "test/v3";

/// An engine with the image and a network.
fn engine() -> Engine {
    let engine = Engine::start();
    let (root, archive) = (Scratch::new(), Scratch::new());
    let files = tools::repository().join("tests/v3-image/.");
    run(Command::new("cp").arg("-r").arg(files).arg(root.path())).success();
    for folder in ["opt", "proc", "run", "sys", "tmp", "usr", "var/lib/nginx"] {
        std::fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    tools::strip(&tools::static_pilot(), &root.file("opt/pilot"));
    for (link, to) in [
        ("bin/containerpilot", "/opt/pilot"),
        ("bin/sh", "/usr/bin/sh"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib64"),
        ("var/run", "/run"),
    ] {
        symlink(to, root.path().join(link)).unwrap();
    }
    let tar = archive.file("image.tar");
    run(Command::new("tar").args(["--owner=0", "--group=0", "-C", &root.file("."), "-cf", &tar, "."])).success();
    let path = "ENV PATH=/usr/sbin:/usr/bin:/bin";
    engine.docker(&["import", "-c", path, "-c", "ENTRYPOINT [\"/bin/containerpilot\"]", &tar, IMAGE]).success();
    engine.docker(&["network", "create", "net"]).success();
    engine
}

/// The same with Consul in the network.
fn engine_with_consul() -> Engine {
    let engine = engine();
    let consul = format!("{}:/consul:ro", tools::find(&["consul"]));
    engine.run_from_here("consul", "net", &[&consul], &["/consul", "agent", "-dev", "-client=0.0.0.0"]);
    until("Consul to know itself", SOON * 2, || {
        consul_says(&engine, "/v1/catalog/nodes")?.as_array().filter(|nodes| !nodes.is_empty()).cloned()
    });
    engine
}

fn consul_says(engine: &Engine, path: &str) -> Option<Value> {
    serde_json::from_str(&engine.get("consul", 8500, path)?.body).ok()
}

/// The instances of a service that pass.
fn passing(engine: &Engine, service: &str) -> Vec<Value> {
    let answer = consul_says(engine, &format!("/v1/health/service/{service}?passing"));
    answer.and_then(|list| list.as_array().cloned()).unwrap_or_default()
}

/// The agent has heard of it before pilot ended; the catalog hears of it from the agent.
#[track_caller]
fn assert_gone(engine: &Engine, service: &str) {
    let services = consul_says(engine, "/v1/agent/services").unwrap();
    assert!(services.as_object().unwrap().values().all(|one| one["Service"] != service), "{services}");
    until(&format!("{service} to leave the catalog"), SOON, || {
        consul_says(engine, "/v1/catalog/services")?.get(service).is_none().then_some(())
    });
}

/// A container of the image, named after its configuration.
struct Container<'a> {
    engine: &'a Engine,
    name: &'a str,
    /// pilot's pid as this machine sees it.
    pid: i32,
}

impl Container<'_> {
    /// Starts one as such images are started: no command, and the variable says where the configuration is.
    fn start<'a>(engine: &'a Engine, name: &'a str) -> Container<'a> {
        let variable = format!("CONTAINERPILOT=/etc/containerpilot/{name}.json5");
        let network = ["--network", "net", "-v", "/usr:/usr:ro"];
        let words = [&["run", "-d", "--name", name, "-e", &variable], &network[..], &[IMAGE]].concat();
        engine.docker(&words).success();
        let pid = engine.inspect(name)["State"]["Pid"].as_i64().unwrap();
        Container { engine, name, pid: i32::try_from(pid).unwrap() }
    }

    fn execute(&self, words: &[&str]) -> Finished {
        self.engine.docker(&[&["exec", self.name], words].concat())
    }

    fn signal(&self, name: &str) {
        self.engine.docker(&["kill", "-s", name, self.name]).success();
    }

    fn log(&self) -> String {
        self.engine.logs(self.name)
    }

    fn count(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits for anything about this container; shows its log when it does not come.
    #[track_caller]
    fn wait<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        until_or(SOON * 2, ask, || format!("{what}\n--- {} said:\n{}", self.name, self.log()))
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        self.wait(text, || self.log().contains(text).then_some(()));
    }

    #[track_caller]
    fn wait_for_count(&self, text: &str, count: usize) {
        self.wait(&format!("{text:?} {count} times"), || (self.count(text) == count).then_some(()));
    }

    /// Waits until exactly one instance of a service passes in Consul.
    #[track_caller]
    fn wait_for_one(&self, service: &str) {
        self.wait(&format!("one {service} that passes"), || (passing(self.engine, service).len() == 1).then_some(()));
    }

    /// A child other than `before` whose command line holds `text`.
    #[track_caller]
    fn child_running(&self, text: &str, before: Option<i32>) -> i32 {
        self.wait(&format!("a child running {text:?}"), || {
            processes::child_running(self.pid, text).filter(|pid| Some(*pid) != before)
        })
    }

    /// test_no_command in each scenario: it still runs, it has not panicked; and it ends well.
    fn stop(&self) {
        let log = self.log();
        assert_eq!(self.engine.inspect(self.name)["State"]["Running"], true, "{log}");
        self.engine.docker(&["stop", self.name]).success();
        let (state, log) = (self.engine.inspect(self.name)["State"].clone(), self.log());
        assert_eq!((&state["ExitCode"], &state["OOMKilled"]), (&json!(0), &json!(false)), "{log}");
        assert!(!log.contains("panic"), "{log}");
    }
}

#[test]
fn with_consul_in_the_network_what_was_built_for_v3_works_as_before() {
    let engine = engine_with_consul();
    config_reload(&engine);
    coprocess(&engine);
    sighup(&engine);
    sigterm(&engine);
    telemetry(&engine);
}

fn config_reload(engine: &Engine) {
    let app = Container::start(engine, "app");
    app.wait_for_one("app");
    let process = app.child_running("nginx: master", None);
    app.execute(&["containerpilot", "-reload"]).success();
    app.wait_for("control: reloaded app via control plane");
    app.wait_for_count("control: serving at /var/run/containerpilot.socket", 2);
    assert_eq!(app.count("control: reloaded app via control plane"), 1);

    // v3 answers one to three of them (baselines.md, section k).
    let many = "for n in $(seq 200); do containerpilot -reload || exit; done";
    app.execute(&["sh", "-c", many]).success();
    app.execute(&["containerpilot", "-reload"]).success();
    app.wait_for_count("control: reloaded app via control plane", 202);
    assert_eq!((app.child_running("nginx: master", None), passing(engine, "app").len()), (process, 1));
    app.stop();
    assert_gone(engine, "app");
}

fn coprocess(engine: &Engine) {
    let container = Container::start(engine, "coprocess");
    container.wait_for_one("app");
    let kill = |pid: i32| processes::signal(pid, Signal::SIGKILL);
    let first = container.child_running("coprocess arg1", None);
    kill(first);
    kill(container.child_running("coprocess arg1", Some(first)));
    container.wait_for("{Stopped coprocess}");
    assert_eq!(processes::child_running(container.pid, "coprocess"), None, "its one restart is used up");

    container.execute(&["sh", "-c", "sed -i s/arg1/arg2/ \"$CONTAINERPILOT\""]).success();
    container.execute(&["containerpilot", "-reload"]).success();
    let other = container.child_running("coprocess arg2", None);
    kill(other);
    container.child_running("coprocess arg2", Some(other));
    container.stop();
    assert_gone(engine, "app");
}

fn sighup(engine: &Engine) {
    let container = Container::start(engine, "sighup");
    container.wait_for_one("app");
    let process = container.child_running("sleep 600", None);
    container.signal("HUP");
    container.wait_for("msg=\"msg from SIGHUP handler\"");
    assert_eq!(container.count("msg=\"msg from SIGUSR2 handler\""), 0);
    container.signal("USR2");
    container.wait_for("msg=\"msg from SIGUSR2 handler\"");
    assert_eq!(passing(engine, "app").len(), 1);
    assert_eq!(container.child_running("sleep 600", None), process, "neither signal is a reload");
    container.stop();
    assert_gone(engine, "app");
}

fn sigterm(engine: &Engine) {
    let container = Container::start(engine, "sigterm");
    container.wait_for_one("app");
    container.stop();
    assert_gone(engine, "app");
    for hook in ["preStop", "postStop"] {
        assert_eq!(container.count(&format!("msg=\"msg from {hook}\"")), 1, "{}", container.log());
    }
}

fn telemetry(engine: &Engine) {
    let container = Container::start(engine, "telemetry");
    container.wait_for_one("app");
    container.wait_for_one("containerpilot");
    let get = |path: &str| engine.get("telemetry", 9090, path).unwrap_or_else(|| panic!("{}", container.log())).body;
    container.wait("the metrics", || {
        let metrics = get("/metrics");
        let value = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        let counter = value("containerpilot_app_some_counter")?;
        assert_eq!(counter % 42.0, 0.0, "{metrics}");
        value(r#"containerpilot_events{code="Startup",source="global"}"#)?;
        value(r#"containerpilot_control_http_requests{code="200",path="/v3/metric"}"#)?;
        (counter >= 42.0 && value(r#"containerpilot_watch_instances{service="app"}"#) == Some(1.0)).then_some(())
    });
    let status: Value = serde_json::from_str(&get("/status")).unwrap();
    let address = engine.address("telemetry");
    let service =
        |name: &str, port: u16| json!({ "Name": name, "Address": address, "Port": port, "Status": "healthy" });
    assert_eq!(status["Services"], json!([service("app", 8000), service("containerpilot", 9090)]));
    container.stop();
    assert_gone(engine, "containerpilot");
    assert_gone(engine, "app");
}

#[test]
fn nginx_finds_an_application_in_another_container_through_consul() {
    let engine = engine_with_consul();
    let front = Container::start(&engine, "nginx");
    front.wait_for_one("nginx");
    // While it reloads, nginx may close a connection unanswered or answer from a worker with the old file.
    let wait_for = |what: &str, status: u16, body: &str| {
        front.wait(what, || {
            let answer = engine.get("nginx", 80, "/app/")?;
            (answer.status == status && answer.body.contains(body)).then_some(())
        });
    };
    wait_for("nobody to be there yet", 503, "");
    let process = front.child_running("nginx: master", None);

    let back = Container::start(&engine, "app");
    back.wait_for_one("app");
    wait_for("requests to reach the application", 200, "the application\n");
    assert_eq!(front.child_running("nginx: master", None), process, "it was told, and not restarted");
    back.wait_for("app changed");
    back.wait_for("nginx changed");

    // It goes; nginx hears of that, too.
    back.stop();
    wait_for("nginx to know that nobody is there", 503, "");
    assert_gone(&engine, "app");
    assert_eq!(passing(&engine, "nginx").len(), 1);
    front.stop();
    assert_gone(&engine, "nginx");
}

#[test]
fn without_consul_what_was_built_for_v3_works_as_before() {
    let engine = engine();
    let version = engine.docker(&["run", "--rm", "--network", "none", IMAGE, "-version"]).success();
    let told = version.strip_prefix("Version: ").and_then(|rest| rest.split_once("\nGitHash: "));
    assert!(told.is_some_and(|(version, hash)| !version.is_empty() && !hash.contains('\n')), "{version}");

    // They do nothing but wait, and so they can do that together.
    let names = ["envvars", "logging", "reap-zombies", "reopen", "tasks"];
    let [envvars, logging, zombies, reopen, tasks] = names.map(|name| Container::start(&engine, name));
    has_envvars(&envvars);
    has_logged(&logging);
    reopens(&reopen);
    has_run_tasks(&tasks);
    has_reaped(&zombies);
}

fn has_envvars(container: &Container) {
    let process = processes::pid_inside(container.child_running("sleep 600", None)).unwrap();
    let address = container.engine.address(container.name);
    for (name, value) in [
        ("TESTENVVAR_IP", address.clone()),
        ("TESTPID_IP", address),
        ("TESTPID_PID", process.to_string()),
        ("PID", "1".to_owned()),
    ] {
        container.wait_for(&format!("CONTAINERPILOT_{name}={value}\""));
    }
    container.stop();
}

fn has_logged(container: &Container) {
    for text in ["loaded config:", "msg=\"job1 exec", "msg=\"job4 health"] {
        container.wait_for(text);
    }
    // A raw line goes straight to the container's output, and may be there before what pilot said earlier.
    for raw in ["job2 exec", "job3 health"] {
        container.wait(raw, || container.log().lines().any(|line| line == raw).then_some(()));
    }
    container.stop();
}

fn reopens(container: &Container) {
    let (file, moved) = ("/tmp/containerpilot.log", "/tmp/moved.log");
    let lines = |file: &str| container.execute(&["cat", file]).out.matches("still here").count();
    let wait_for_lines = |file: &str, least: usize| {
        container.wait(&format!("{least} lines in {file}"), || (lines(file) >= least).then_some(()));
    };
    wait_for_lines(file, 1);
    container.execute(&["mv", file, moved]).success();
    wait_for_lines(moved, lines(moved) + 1);
    assert!(container.execute(&["cat", file]).failure().contains("No such file"), "it was not asked to reopen it yet");
    container.signal("USR1");
    wait_for_lines(file, 1);
    container.stop();
}

fn has_run_tasks(container: &Container) {
    for name in ["task1", "task2", "task3"] {
        container.wait_for(&format!("{{Stopped {name}}}"));
    }
    let moments = || {
        let log = container.log();
        let told =
            log.lines().filter_map(|line| line.split_once("msg=\"task4 at ")).map(|(_, moment)| moment.to_owned());
        told.collect::<BTreeSet<String>>().len()
    };
    container.wait("task4 in two different seconds", || (moments() >= 2).then_some(()));
    container.stop();
    let seen = |name: &str| {
        (container.count(&format!("\"{name}.Run start")), container.count(&format!("{name} timeout after")))
    };
    let seen = [seen("task1"), seen("task2"), seen("task3")];
    assert_eq!(seen, [(6, 0), (6, 0), (6, 6)], "{}", container.log());
}

fn has_reaped(container: &Container) {
    container
        .wait("six checks that leave a child behind", || (container.count("{StatusHealthy main}") >= 6).then_some(()));
    // Nothing but a leak keeps the container's process table from being clean at some moment.
    container.wait("at most one zombie of pilot and two in all", || {
        let table = container.execute(&["sh", "-c", "cat /proc/[0-9]*/stat"]).out;
        assert!(table.starts_with("1 (containerpilot) "), "{table}");
        let after_names = table.lines().map(|line| line.rsplit_once(") ").unwrap().1);
        let zombies: Vec<&str> = after_names.filter_map(|rest| rest.strip_prefix("Z ")).collect();
        let of_pilot = zombies.iter().filter(|rest| rest.starts_with("1 ")).count();
        (of_pilot <= 1 && zombies.len() <= 2).then_some(())
    });
    assert_eq!(container.count("no child processes"), 0, "{}", container.log());
    container.stop();
}
