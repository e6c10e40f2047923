//! What is in the images and how they behave: the recipes' last stage, filled with the static binaries under test, in a real
//! engine. That the recipes also build from source is in `slow/images.rs`.

use std::path::Path;
use std::process::Command;

use pilot_tests::command::run;
use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::{Checkout, Engine, MariaDb, SOON, Scratch, http, tools, until};
use serde_json::{Value, json};

/// A checkout that builds for this engine, from the static binaries under test.
fn builder(engine: &Engine) -> (Checkout, Scratch) {
    let programs = Scratch::new();
    let mut checkout = Checkout::new();
    for (name, value) in [
        ("DOCKER_HOST", engine.host()),
        ("DOCKER_CONFIG", programs.file("config")),
        ("PREBUILT", tools::for_an_image(&programs)),
        ("REPO", "test/app".to_owned()),
    ] {
        checkout.set(name, &value);
    }
    (checkout, programs)
}

/// Builds the application's image; its name.
fn app(engine: &Engine) -> String {
    let (checkout, _programs) = builder(engine);
    checkout.make(&["build"]).success();
    "test/app:master".to_owned()
}

#[test]
fn both_builders_make_the_image_that_is_promised() {
    let engine = Engine::start();
    let (mut checkout, _programs) = builder(&engine);
    let mut seen = Vec::new();
    let buildkit = engine.buildkit_client();
    for (builder, client) in [("0", "docker"), ("1", &buildkit)] {
        checkout.set("DOCKER_BUILDKIT", builder);
        checkout.set("DOCKER", client);
        checkout.make(&["build"]).success();
        let mut config = engine.inspect("test/app:master")["Config"].clone();
        for made_up in ["Hostname", "Image", "Domainname"] {
            config[made_up] = Value::Null;
        }
        seen.push(config);
    }
    let config = seen.pop().unwrap();
    for key in [
        "Entrypoint",
        "Cmd",
        "User",
        "ExposedPorts",
        "Env",
        "Volumes",
        "Labels",
        "StopSignal",
        "Healthcheck",
        "WorkingDir",
    ] {
        assert!(
            config[key] == seen[0][key] || [&config[key], &seen[0][key]].iter().all(|value| is_empty(value)),
            "{key}: {seen:?}, {config}"
        );
    }
    assert_eq!(config["Entrypoint"], json!(["/bin/pilot"]));
    assert_eq!(config["User"], "65534:65534");
    assert_eq!(config["ExposedPorts"], json!({ "5000/tcp": {} }));
    assert_eq!(config["Volumes"], json!({ "/data": {}, "/run/pilot": {} }));
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["Healthcheck"]["Test"], json!(["CMD", "/bin/pilot", "health"]));
}

#[test]
fn an_image_for_another_architecture_says_so_or_is_not_there() {
    let engine = Engine::start();
    let (mut checkout, _programs) = builder(&engine);
    checkout.set("DOCKER_BUILDKIT", "0");
    let refused = |checkout: &Checkout| {
        let said = checkout.make(&["build", "ARCH=arm64"]).failure();
        assert!(said.contains("there is no image for arm64") && said.contains("DOCKER_BUILDKIT=1"), "{said}");
        assert!(!engine.docker(&["images", "test/app"]).success().contains("arm64"));
    };
    refused(&checkout);
    // With an image for this machine in its cache the old builder takes that, and is content.
    checkout.make(&["build"]).success();
    refused(&checkout);
    checkout.set("ARCH", "arm64");
    checkout.set("DOCKER_BUILDKIT", "1");
    checkout.set("DOCKER", &engine.buildkit_client());
    checkout.make(&["build"]).success();
    assert_eq!(engine.inspect("test/app:master-arm64")["Architecture"], "arm64");
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == "" || value == "/" || value == &json!([])
}

/// Every file of an image and its mode, without what the engine itself puts into every container.
fn files_of(engine: &Engine, image: &str) -> Vec<(String, String)> {
    let (container, files) = (engine.docker(&["create", image]).success(), Scratch::new());
    engine.docker(&["export", "-o", &files.file("all.tar"), &container]).success();
    let list = run(Command::new("tar").args(["--numeric-owner", "-tvf", &files.file("all.tar")])).success();
    list.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[5].trim_end_matches('/').to_owned(), format!("{} {}", words[0], words[1]))
        })
        .filter(|(path, _)| !path.starts_with("dev") && !path.starts_with("proc") && !path.starts_with("sys"))
        .filter(|(path, _)| {
            !["etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv"].contains(&path.as_str())
        })
        .collect()
}

#[test]
fn nothing_is_in_the_image_but_what_it_needs() {
    let engine = Engine::start();
    let files = files_of(&engine, &app(&engine));
    let names: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        names,
        [
            "bin",
            "bin/app",
            "bin/pilot",
            "data",
            "etc",
            "etc/pilot.json5",
            "etc/ssl",
            "etc/ssl/certs",
            "etc/ssl/certs/ca-certificates.crt",
            "run",
            "run/pilot",
            "usr",
            "usr/share",
            "usr/share/doc",
            "usr/share/doc/pilot",
            "usr/share/doc/pilot/LICENSE",
            "usr/share/doc/pilot/THIRD-PARTY-NOTICES.txt",
        ]
    );
    for (path, mode) in files {
        let want = match path.as_str() {
            "data" | "run/pilot" => "drwxrwxrwt 0/0",
            "bin/app" | "bin/pilot" => "-rwxr-xr-x 0/0",
            "etc/pilot.json5" | "etc/ssl/certs/ca-certificates.crt" => "-rw-r--r-- 0/0",
            _ => "drwxr-xr-x 0/0",
        };
        assert_eq!(mode, want, "{path}");
    }
}

#[test]
fn an_authority_added_to_the_public_ones_is_in_the_image() {
    let engine = Engine::start();
    let (checkout, _programs) = builder(&engine);
    checkout.scratch.write("image/certs/rds.pem", "the region's bundle");
    checkout.commit("trust the database's authorities");
    // Whom git ignores nobody trusts, though it lies in the folder: the image is the commit's.
    checkout.scratch.write(".git/info/exclude", "own.pem\n");
    checkout.scratch.write("image/certs/own.pem", "of a developer");
    checkout.make(&["build"]).success();
    let files = files_of(&engine, "test/app:master");
    assert!(!files.iter().any(|(path, _)| path.contains("own.pem")), "{files:?}");
    let (container, folder) = (engine.docker(&["create", "test/app:master"]).success(), Scratch::new());
    let copy = format!("{container}:/etc/ssl/certs/rds.pem");
    engine.docker(&["cp", &copy, &folder.file("rds.pem")]).success();
    assert_eq!(folder.lines("rds.pem"), ["the region's bundle"]);
}

#[test]
fn it_runs_read_only_as_anybody_without_any_right() {
    let engine = Engine::start();
    let image = app(&engine);
    engine.docker(&["network", "create", "net"]).success();
    let hardened = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user", "12345"];
    let start = [&["run", "-d", "--name", "app", "--network", "net"], &hardened[..], &[&image]].concat();
    engine.docker(&start).success();
    let ready = || engine.get("app", 5000, "/ready").filter(|answer| answer.status == 200);
    until("the application to be ready", SOON, ready);
    let address = engine.address("app");
    let created = http::post_to(&address, 5000, "/create", "username=ada").unwrap();
    assert_eq!(created.status, 302, "{}", created.head);
    assert!(created.head.contains("/success"), "{}", created.head);
    assert!(engine.get("app", 5000, "/users").unwrap().body.contains("ada"));
    let health = || (engine.inspect("app")["State"]["Health"]["Status"] == "healthy").then_some(());
    until("the image's own check to pass", SOON * 2, health);
    let shell = engine.docker(&["exec", "app", "/bin/sh", "-c", "true"]).failure();
    assert!(shell.contains("no such file"), "{shell}");
    engine.docker(&["stop", "app"]).success();
    let state = engine.inspect("app")["State"].clone();
    assert_eq!(state["ExitCode"], 0, "{state}\n{}", engine.logs("app"));

    // No network at all, and the usual user: the address of the loopback interface will do.
    engine.docker(&["run", "-d", "--name", "alone", "--network", "none", "--read-only", &image]).success();
    engine.wait_for_log("alone", "the database is reachable and migrated: ready");
    engine.docker(&["stop", "alone"]).success();
    assert_eq!(engine.inspect("alone")["State"]["ExitCode"], 0, "{}", engine.logs("alone"));
}

#[test]
fn with_a_database_and_consul_in_the_network_it_uses_both() {
    let engine = Engine::start();
    let image = app(&engine);
    let mut database = MariaDb::start();
    database.kill(); // it goes on in a container, on the same data
    engine.docker(&["network", "create", "net"]).success();
    let consul = format!("{}:/consul:ro", tools::find(&["consul"]));
    engine.run_from_here("consul", "net", &[&consul], &["/consul", "agent", "-dev", "-client=0.0.0.0"]);
    let password = format!("DB_PASSWD={PASSWORD}");
    let user = format!("DB_USER={USER}");
    let settings = ["-e", "DB_HOST=db", "-e", &user, "-e", &password, "-e", "CONSUL_HTTP_ADDR=consul:8500"];
    let start = [&["run", "-d", "--name", "app", "--network", "net"], &settings[..], &[&image]].concat();
    engine.docker(&start).success();
    // It waits for the database, which nobody has started yet.
    let passing = || {
        let answer = engine.get("consul", 8500, "/v1/health/service/app?passing")?;
        serde_json::from_str::<Value>(&answer.body).ok()?.as_array().cloned()
    };
    until("Consul to answer", SOON * 2, passing);
    assert!(!engine.logs("app").contains("listening on"), "{}", engine.logs("app"));
    let data = format!("{}:/db", database.data());
    let server = [
        "/usr/sbin/mariadbd",
        "--no-defaults",
        "--user=root",
        "--datadir=/db",
        "--socket=/db/sock",
        "--tmpdir=/db",
        "--skip-name-resolve",
    ];
    engine.run_from_here("db", "net", &[&data], &server);
    engine.wait_for_log("app", "MySQL at db, port 3306");
    let instance = until("the instance to pass in Consul", SOON * 2, || passing()?.first().cloned());
    assert_eq!(instance["Service"]["Address"], json!(engine.address("app")), "the container's own address");
    assert_eq!(instance["Service"]["Port"], 5000);
    engine.docker(&["stop", "app"]).success();
    assert_eq!(passing(), Some(Vec::new()), "it left before it stopped");
    assert!(!engine.logs("app").contains(PASSWORD));
}

// The static binary resolves names where there is no libc's configuration, and nothing else either.
#[test]
fn pilot_alone_from_scratch_finds_others_by_their_names() {
    let engine = Engine::start();
    let image = app(&engine);
    let (mut checkout, _programs) = builder(&engine);
    checkout.set("REPO", "test/pilot");
    checkout.set("DOCKERFILE", "Dockerfile.pilot");
    checkout.make(&["build"]).success();
    let config = &engine.inspect("test/pilot:master")["Config"];
    assert_eq!((&config["Entrypoint"], &config["User"]), (&json!(["/bin/pilot"]), &json!("65534:65534")));
    let all = files_of(&engine, "test/pilot:master");
    let files: Vec<&str> =
        all.iter().filter(|(_, mode)| mode.starts_with('-')).map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        files,
        [
            "bin/pilot",
            "etc/ssl/certs/ca-certificates.crt",
            "usr/share/doc/pilot/LICENSE",
            "usr/share/doc/pilot/THIRD-PARTY-NOTICES.txt",
        ]
    );
    let mut database = MariaDb::start();
    database.kill();
    engine.docker(&["network", "create", "net"]).success();
    let data = format!("{}:/db", database.data());
    let server = [
        "/usr/sbin/mariadbd",
        "--no-defaults",
        "--user=root",
        "--datadir=/db",
        "--socket=/db/sock",
        "--tmpdir=/db",
        "--skip-name-resolve",
    ];
    engine.run_from_here("db", "net", &[&data], &server);
    engine.docker(&["run", "-d", "--name", "web", "--network", "net", &image]).success();

    // As another image takes it, and with nothing in the root but these two files.
    let folder = Scratch::new();
    let watches = json!([
        { "name": "http", "interval": 1, "http": "http://web:5000/health" },
        { "name": "tcp", "interval": 1, "tcp": "web:5000" },
        { "name": "mysql", "interval": 1, "mysql": { "host": "db", "user": USER, "password": PASSWORD, "role": "writer" } },
        { "name": "nobody", "interval": 1, "tcp": "nobody:5000" },
    ]);
    let seen = |name: &str| json!({ "source": format!("watch.{name}"), "once": "healthy" });
    let jobs = json!([{
        "name": "all", "exec": ["/bin/pilot", "-version"], "critical": true,
        "when": { "all": [seen("http"), seen("tcp"), seen("mysql")] },
    }, { "name": "never", "exec": "/bin/pilot", "when": seen("nobody") }]);
    folder.write("c.json5", &json!({ "consul": false, "jobs": jobs, "watches": watches }).to_string());
    let recipe = "FROM scratch\nCOPY --from=test/pilot:master /bin/pilot /bin/pilot\nCOPY c.json5 /\n\
                  ENTRYPOINT [\"/bin/pilot\", \"-config\", \"/c.json5\"]\n";
    folder.write("Dockerfile", recipe);
    engine.docker(&["build", "-q", "-t", "test/names", &folder.path().display().to_string()]).success();
    engine.docker(&["run", "-d", "--name", "names", "--network", "net", "test/names"]).success();
    engine.wait_for_log("names", "GitHash: ");
    let code = engine.docker(&["wait", "names"]).success();
    assert_eq!(code, "0", "{}", engine.logs("names"));
}

/// The files of this repository that the compiler read for a program, as cargo's dep-info file says.
fn read_for(program: &str) -> Vec<String> {
    let list = std::fs::read_to_string(format!("{program}.d")).unwrap_or_else(|error| panic!("{program}.d: {error}"));
    let own = std::fs::canonicalize(tools::repository()).unwrap();
    list.split_whitespace()
        .filter(|path| Path::new(path).is_file())
        .filter_map(|path| std::fs::canonicalize(path).ok()?.strip_prefix(&own).ok()?.to_str().map(str::to_owned))
        // Which commit it is the builder is told, and what a build makes on its way is made in the builder too.
        .filter(|path| !path.starts_with(".git/") && !path.starts_with("target/"))
        .collect()
}

#[test]
fn nothing_goes_to_the_builder_but_what_is_named() {
    let engine = Engine::start();
    let folder = Scratch::new();
    run(Command::new("cp").arg(tools::repository().join(".dockerignore")).arg(folder.path())).success();
    let mut wanted = [
        "Cargo.toml",
        "Cargo.lock",
        "app/migrations/1.sql",
        "tests/Cargo.toml",
        "tests/src/lib.rs",
        "tests/support/Cargo.toml",
        "tests/support/src/lib.rs",
        "image/pilot.json5",
        "scripts/build-release.sh",
        "scripts/image-root.sh",
        "LICENSE",
        "THIRD-PARTY-NOTICES.txt",
    ]
    .map(str::to_owned)
    .to_vec();
    for (program, source) in [(tools::pilot(), "pilot/src/main.rs"), (tools::app(), "app/src/main.rs")] {
        let files = read_for(&program);
        assert!(files.iter().any(|file| file == source), "{program}.d is of another checkout: {files:?}");
        wanted.extend(files);
    }
    let unwanted = [
        ".git/config",
        "target/x",
        "pilot/target/x",
        "app/users.sqlite",
        "app/.env",
        ".env",
        "secret.pem",
        "tests/src/other.rs",
        "docs/x.md",
        "scripts/push.sh",
        "README.md",
    ];
    for file in wanted.iter().map(String::as_str).chain(unwanted) {
        std::fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
        folder.write(file, "x");
    }
    let buildkit = engine.buildkit_client();
    for (builder, client) in [("0", "docker"), ("1", &buildkit)] {
        let mut build = Command::new(client);
        build.env("DOCKER_HOST", engine.host()).env("DOCKER_BUILDKIT", builder).current_dir(folder.path());
        let recipe = Scratch::new().path().with_extension("recipe");
        std::fs::write(&recipe, "FROM scratch\nCOPY . /\nCMD [\"x\"]\n").unwrap();
        run(build.args(["build", "-q", "-t", "test/context", "-f"]).arg(&recipe).arg(".")).success();
        let _ = std::fs::remove_file(&recipe);
        let container = engine.docker(&["create", "test/context"]).success();
        let list = run(Command::new("sh")
            .args(["-c", "docker export \"$0\" | tar -tf -", &container])
            .env("DOCKER_HOST", engine.host()))
        .success();
        for file in &wanted {
            assert!(list.lines().any(|line| line == file), "{file} is lacking: {list}");
        }
        for file in unwanted {
            assert!(!list.lines().any(|line| line == file), "{file} is there: {list}");
        }
    }
}

#[test]
fn every_member_of_the_workspace_reaches_the_builder() {
    let read = |name: &str| std::fs::read_to_string(tools::repository().join(name)).unwrap();
    let (manifest, ignored) = (read("Cargo.toml"), read(".dockerignore"));
    let line = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let members: Vec<String> = serde_json::from_str(line).unwrap();
    for member in members {
        let folders = Path::new(&member).ancestors().map(|folder| format!("!{}", folder.display()));
        let named: Vec<String> = folders.chain([format!("!{member}/Cargo.toml")]).collect();
        assert!(ignored.lines().any(|line| named.contains(&line.to_owned())), "{member} is lacking in .dockerignore");
    }
}

// Both builders and old engines: docs/operate/images.md says why.
#[test]
fn the_recipes_are_written_in_what_every_builder_knows() {
    for name in ["Dockerfile", "Dockerfile.pilot"] {
        let text = std::fs::read_to_string(tools::repository().join(name)).unwrap();
        let directive = |line: &str| line.replace([' ', '\t'], "").to_lowercase().starts_with("#syntax=");
        assert!(!text.lines().any(directive), "{name}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let unknown = ["<<", "--mount", "--link", "--chmod", "--platform"];
            assert!(!unknown.iter().any(|word| line.contains(word)), "{name}: {line}");
        }
    }
}

#[test]
fn the_image_s_configuration_is_good_for_every_environment() {
    let consul = ("CONSUL_HTTP_ADDR", "consul:8500");
    let database = [("DB_HOST", "db"), ("DB_USER", "app")];
    let file = [("DB_PASSWD_FILE", "/run/secrets/db"), ("DB_CA_FILE", "/etc/ssl/certs/rds.pem"), ("DB_NAME", "shop")];
    let tls = [("DB_PASSWD", "x\"y'{{ 1 }}"), ("DB_TLS", "required"), ("DB_PORT", "3307"), ("PORT", "8080")];
    let environments =
        [vec![], vec![consul], [&database[..], &file[..]].concat(), [&[consul][..], &database, &tls].concat()];
    for environment in environments {
        let mut check = Command::new(tools::pilot());
        check.args(["check", "image/pilot.json5"]).current_dir(tools::repository());
        check.env_clear().envs(environment.iter().copied());
        let said = run(&mut check);
        assert!(said.succeeded() && said.out.contains("0 warnings"), "{environment:?}: {}{}", said.out, said.err);
    }
}
