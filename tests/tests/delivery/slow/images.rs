//! What takes minutes: the recipes built from source, another processor, the whole system by compose. `make test-images`.
//!
//! Base images are made from Debian packages under their public names, so that nothing is pulled.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pilot_tests::command::run;
use pilot_tests::registry::{Access, Memory};
use pilot_tests::{Checkout, Engine, Registry, SOON, Scratch, base_images, http, tools, until};
use serde_json::Value;

const MEGABYTE: u64 = 1_000_000;

fn size(engine: &Engine, image: &str) -> u64 {
    engine.inspect(image)["Size"].as_u64().unwrap()
}

/// Says how long something took, in the test's output: figures for people.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    println!("{what}: {:.1} s", began.elapsed().as_secs_f64());
    done
}

// The release profile, compiled in the image by the one recipe that users have.
#[test]
fn both_recipes_build_from_source_without_a_network_and_are_small() {
    timed("downloads", base_images::download);
    let engine = Engine::start(); // without a way out: nothing can be downloaded any more
    timed("rust:1-slim-bookworm", || base_images::rust(&engine));
    let home = Scratch::new();
    let mut checkout = Checkout::whole();
    for (name, value) in
        [("DOCKER_HOST", engine.host()), ("DOCKER_CONFIG", home.file("config")), ("REPO", "test/app".into())]
    {
        checkout.set(name, &value);
    }
    checkout.set("DOCKER_BUILDKIT", "0");
    timed("make build, the old builder", || checkout.make(&["build"]).success());
    // What was compiled is not compiled again for the other builder and the other recipe: its own stage is their BUILDER.
    let hash = format!("GIT_HASH={}", checkout.head());
    let context = Scratch::new();
    checkout.git(&["archive", "-o", &context.file("all.tar"), "HEAD"]);
    run(Command::new("tar").args(["-xf", &context.file("all.tar"), "-C"]).arg(context.path())).success();
    std::fs::remove_file(context.file("all.tar")).unwrap();
    let stage = ["build", "-q", "--target", "build", "--build-arg", &hash, "-t", "test/warm"];
    engine.docker(&[&stage[..], &[&context.path().display().to_string()]].concat()).success();

    let first = engine.inspect("test/app:master");
    checkout.set("BUILDER", "test/warm");
    checkout.set("REPO", "test/pilot");
    checkout.set("DOCKERFILE", "Dockerfile.pilot");
    timed("make build DOCKERFILE=Dockerfile.pilot", || checkout.make(&["build"]).success());
    checkout.set("REPO", "test/kit");
    checkout.set("DOCKERFILE", "Dockerfile");
    checkout.set("DOCKER_BUILDKIT", "1");
    checkout.set("DOCKER", &engine.buildkit_client());
    timed("make build, BuildKit", || checkout.make(&["build"]).success());

    let second = engine.inspect("test/kit:master");
    for key in ["Entrypoint", "User", "ExposedPorts", "Env", "Volumes", "Labels", "StopSignal", "Healthcheck"] {
        assert_eq!(first["Config"][key], second["Config"][key], "{key}");
    }
    let (app, pilot) = (size(&engine, "test/app:master"), size(&engine, "test/pilot:master"));
    println!("app image: {:.1} MB, pilot image: {:.1} MB", app as f64 / 1e6, pilot as f64 / 1e6);
    assert!(app < 25 * MEGABYTE, "the application's image has {app} bytes");
    assert!(pilot < 12 * MEGABYTE, "pilot's image has {pilot} bytes");
    assert_eq!(size(&engine, "test/kit:master"), app);

    engine.docker(&["network", "create", "net"]).success();
    let hardened = ["--read-only", "--cap-drop=ALL", "--user", "12345", "--network", "net"];
    for image in ["test/app:master", "test/kit:master"] {
        engine.docker(&[&["run", "-d", "--name", "app"], &hardened[..], &[image]].concat()).success();
        let version = until("the application to answer", SOON, || engine.get("app", 5000, "/version"));
        assert!(version.body.contains(&checkout.head()), "{}", version.body);
        engine.docker(&["rm", "-fv", "app"]).success();
    }
    let version = engine.docker(&["run", "--rm", "test/pilot:master", "-version"]).success();
    assert!(version.contains(&format!("GitHash: {}", checkout.head())), "{version}");

    // `docker compose up` of somebody who has just cloned builds it too, from the folder and by .dockerignore.
    engine.docker(&["tag", "test/warm", "rust:1-slim-bookworm"]).success();
    checkout.unset("DOCKER_BUILDKIT");
    for (generation, compose) in composes(&home.file("config")) {
        let mut build = checkout.command(&compose[0]);
        build.args(&compose[1..]).arg("build");
        timed(&format!("compose build, {generation} generation"), || run(&mut build).success());
        let built = engine.inspect("app:compose");
        for key in ["Entrypoint", "User", "Env", "Healthcheck"] {
            assert_eq!(first["Config"][key], built["Config"][key], "{generation}, {key}");
        }
        assert!(size(&engine, "app:compose") < 25 * MEGABYTE, "{generation}");
        engine.docker(&["rmi", "-f", "app:compose"]).success();
    }
}

/// How compose is called, both generations; the second is a plugin and is laid into the client's folder.
fn composes(config: &str) -> [(&'static str, Vec<String>); 2] {
    let plugins = format!("{config}/cli-plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    let plugin = tools::repository().join(".tools/compose/usr/libexec/docker/cli-plugins/docker-compose");
    if plugin.is_file() {
        run(Command::new("cp").arg(plugin).arg(plugins)).success();
    }
    [("first", vec![tools::find(&["docker-compose"])]), ("second", vec![tools::find(&["docker"]), "compose".into()])]
}

/// The kernel runs programs for arm64 by an emulator as long as this lives, unless the machine had set that up already.
struct Emulation {
    folder: Scratch,
    mounted: bool,
}

impl Emulation {
    fn of_arm64() -> Emulation {
        let folder = Scratch::new();
        let path = folder.path().display().to_string();
        let mounted = run(Command::new("mount").args(["-t", "binfmt_misc", "none", &path])).succeeded();
        assert!(mounted, "binfmt_misc cannot be mounted: this test needs root and a kernel with it");
        if !folder.path().join("qemu-aarch64").exists() {
            let emulator = tools::find(&["qemu-aarch64-static"]);
            // The head of an ELF file for aarch64. F: the emulator is opened now, so that containers need not contain it.
            let magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
            let mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
            let line = format!(":pilot-test:M::{magic}:{mask}:{emulator}:F");
            std::fs::write(folder.path().join("register"), line).unwrap();
        }
        Emulation { folder, mounted }
    }
}

impl Drop for Emulation {
    fn drop(&mut self) {
        let _ = std::fs::write(self.folder.path().join("pilot-test"), "-1");
        if self.mounted {
            let _ = run(Command::new("umount").arg(self.folder.path()));
        }
    }
}

#[test]
fn the_image_for_arm64_is_cross_built_and_runs() {
    let repository = tools::repository();
    // Not optimised: that takes half the time, and the emulator would not notice.
    let quick = "--config profile.release.lto=false --config profile.release.codegen-units=16 --config profile.release.opt-level=0";
    let target = repository.join("target/for-arm64");
    let mut build = Command::new(repository.join("scripts/build-release.sh"));
    build.env("ARCH", "arm64").env("CARGO_FLAGS", quick).env("CARGO_TARGET_DIR", &target);
    timed("cross build", || run(&mut build).success());

    let engine = Engine::start();
    let home = Scratch::new();
    let mut checkout = Checkout::new();
    let programs = target.join("aarch64-unknown-linux-musl/release").display().to_string();
    for (name, value) in [
        ("DOCKER_HOST", engine.host()),
        ("DOCKER_CONFIG", home.file("config")),
        ("REPO", "test/app".into()),
        ("PREBUILT", programs),
        ("ARCH", "arm64".into()),
        ("DOCKER_BUILDKIT", "1".into()),
        ("DOCKER", engine.buildkit_client()),
    ] {
        checkout.set(name, &value);
    }
    let said = checkout.make(&["build"]).success();
    assert!(said.contains(&format!("test/app:{}-arm64\ntest/app:master-arm64\n", &checkout.head()[..8])), "{said}");
    assert_eq!(engine.inspect("test/app:master-arm64")["Architecture"], "arm64");

    let _emulation = Emulation::of_arm64();
    engine.docker(&["network", "create", "net"]).success();
    let start = ["run", "-d", "--name", "app", "--network", "net", "--read-only", "--cap-drop=ALL", "--user", "12345"];
    engine.docker(&[&start[..], &["test/app:master-arm64"]].concat()).success();
    let ready = || engine.get("app", 5000, "/ready").filter(|answer| answer.status == 200);
    until("the application to be ready", SOON * 4, ready);
    let address = engine.address("app");
    assert_eq!(http::post_to(&address, 5000, "/create", "username=ada").unwrap().status, 302);
    engine.docker(&["stop", "-t", "60", "app"]).success();
    assert_eq!(engine.inspect("app")["State"]["ExitCode"], 0, "{}", engine.logs("app"));
}

#[test]
fn a_signature_and_what_is_in_the_image_are_on_the_digest_and_can_be_verified() {
    let own = tools::repository().join(".tools");
    let cosign = own.join("cosign/usr/bin/cosign");
    let cosign = if cosign.is_file() { cosign.display().to_string() } else { tools::find(&["cosign"]) };
    let engine = Engine::start();
    let registry = Registry::with(Access::Open, Memory::Disk);
    let (programs, mut checkout) = (Scratch::new(), Checkout::whole());
    for name in ["pilot", "app"] {
        programs.write(name, name);
    }
    let folder = Path::new(&cosign).parent().unwrap();
    let path = format!("{}:{}:{}", std::env::var("PATH").unwrap(), folder.display(), own.join("bin").display());
    for (name, value) in [
        ("DOCKER_HOST", engine.host()),
        ("DOCKER_CONFIG", programs.file("config")),
        ("TUF_ROOT", programs.file("tuf")),
        ("REPO", registry.repository("myrepo/app")),
        ("PREBUILT", programs.path().display().to_string()),
        ("COSIGN_PASSWORD", "secret".into()),
        ("COSIGN_KEY", programs.file("cosign.key")),
        ("PATH", path),
    ] {
        checkout.set(name, &value);
    }
    run(checkout.command(&cosign).arg("generate-key-pair").current_dir(programs.path())).success();
    checkout.make(&["build"]).success();
    let pushed = checkout.make(&["push"]).success();
    let image = pushed.lines().last().unwrap().strip_prefix("IMAGE=").unwrap();
    let key = programs.file("cosign.pub");
    let verify = |words: &[&str]| {
        let mut verify = checkout.command(&cosign);
        verify.args(words).args(["--insecure-ignore-tlog", "--allow-insecure-registry", "--key", &key]);
        run(&mut verify)
    };
    verify(&["verify", image]).failure();
    let said = checkout.make(&["sign"]).success(); // the image of image.env
    assert!(said.contains(&format!("signed {image}")), "{said}");
    assert!(said.contains("attested sbom.spdx.json"), "{said}");
    verify(&["verify", image]).success();
    verify(&["verify", &format!("{}:master", registry.repository("myrepo/app"))]).success();
    verify(&["verify-attestation", "--type", "spdxjson", image]).success();
    let list = checkout.scratch.lines("sbom.spdx.json").join("");
    let list: Value = serde_json::from_str(&list).unwrap();
    let names: Vec<_> = list["packages"].as_array().unwrap().iter().map(|package| package["name"].clone()).collect();
    for name in ["pilot", "app", "tokio", "sqlx"] {
        assert!(names.contains(&name.into()), "{name} is lacking: {names:?}");
    }
}

#[test]
fn compose_of_both_generations_brings_up_the_whole_system() {
    timed("downloads", base_images::download);
    let engine = Engine::start();
    let registry = Registry::with(Access::Open, Memory::Disk);
    let programs = Scratch::new();
    let mut checkout = Checkout::new();
    for (name, value) in [
        ("DOCKER_HOST", engine.host()),
        ("DOCKER_CONFIG", programs.file("config")),
        ("REPO", registry.repository("myrepo/app")),
        ("PREBUILT", tools::for_an_image(&programs)),
    ] {
        checkout.set(name, &value);
    }
    checkout.make(&["build"]).success();
    // An image from a registry, so that nothing is built here: that is in the first test.
    let pushed = checkout.make(&["push"]).success();
    let image = pushed.lines().last().unwrap().strip_prefix("IMAGE=").unwrap();
    engine.docker(&["pull", "-q", image]).success();
    checkout.set("IMAGE", image);
    timed("images for compose", || base_images::for_compose(&engine));
    for (generation, program) in composes(&programs.file("config")) {
        let compose = |words: &[&str]| {
            let mut command = checkout.command(&program[0]);
            command.args(&program[1..]).args(["-p", "system"]).args(words).current_dir(tools::repository());
            run(&mut command)
        };
        compose(&["config", "-q"]).success();
        timed(&format!("up, {generation} generation"), || compose(&["up", "-d"]).success());
        let separator = if generation == "second" { "-" } else { "_" };
        let container = |service: &str| format!("system{separator}{service}{separator}1");
        let nginx = container("nginx");
        let asked = |path: &str| engine.get(&nginx, 80, path).filter(|answer| answer.status < 400);
        let events = engine.docker(&[
            "events",
            "--since=1h",
            "--until=-1s", // whole seconds: up to now
            "--filter=type=container",
            "--filter=event=start",
            "--filter=event=health_status",
            "--format={{.Actor.Attributes.name}} {{.Action}}",
        ]);
        let events = events.success();
        let at = |service: &str, what: &str| {
            let line = format!("{} {what}", container(service));
            events.lines().position(|seen| seen == line).unwrap_or_else(|| panic!("no `{line}` in:\n{events}"))
        };
        for (behind, before) in
            [("app-1", "mysql"), ("app-1", "consul"), ("app-2", "mysql"), ("nginx", "app-1"), ("nginx", "app-2")]
        {
            let started = at(behind, "start") > at(before, "health_status: healthy");
            assert!(started, "{generation}: {behind} did not wait for {before}:\n{events}");
        }
        let hello = until("nginx to answer", SOON, || asked("/"));
        assert_eq!(hello.body, "Hello, World!", "{generation}");
        // What the README says that one opens. This test is alone in its network, so these ports are free.
        for (port, path) in [(8080, "/ready"), (8500, "/ui/")] {
            assert_eq!(http::get(port, path).unwrap().status, 200, "{generation}: {port}{path}");
        }
        for app in ["app-1", "app-2"] {
            assert_eq!(engine.inspect(&container(app))["State"]["Health"]["Status"], "healthy", "{generation} {app}");
        }
        let address = engine.address(&nginx);
        assert_eq!(http::post_to(&address, 80, "/create", "username=ada").unwrap().status, 302);
        assert!(asked("/users").unwrap().body.contains("ada"));
        let consul = container("consul");
        let passing = || {
            let answer = engine.get(&consul, 8500, "/v1/health/service/app?passing")?;
            serde_json::from_str::<Value>(&answer.body).ok()?.as_array().map(Vec::len)
        };
        until("both instances to pass in Consul", SOON, || passing().filter(|count| *count == 2));
        // One of the two goes; nobody who asks nginx sees that.
        engine.docker(&["kill", &container("app-1")]).success();
        for _ in 0..20 {
            assert!(asked("/users").is_some(), "{generation}: nginx without app-1");
        }
        let down = Instant::now();
        compose(&["down", "-v"]).success();
        println!("down: {:.1} s", down.elapsed().as_secs_f64());
        assert!(down.elapsed() < Duration::from_secs(60));
        assert_eq!(engine.docker(&["ps", "-aq"]).success(), "", "{generation}: a container is left");
    }
}
