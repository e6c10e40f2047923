//! Images under the names of public ones, made from Debian packages and this machine's Rust: `FROM` and compose find them in
//! the engine and ask no registry. What the tests are about does not know the difference.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;
use crate::{Engine, Scratch, tools};

/// What is in all of them, in one system, so that it is put together once.
const PACKAGES: &str = "ca-certificates,gcc,libc6-dev,musl-tools,mariadb-server,nginx-light,wget";

/// Downloads what the images are made of; for before an engine is started, which is without a way out.
pub fn download() {
    debian();
    run(Command::new("cargo").args(["fetch", "--locked", "-q"]).current_dir(tools::repository())).success();
}

/// The system as a tar file; made the first time and kept with the other tools.
fn debian() -> PathBuf {
    let tar = tools::repository().join(".tools/images/debian.tar");
    if tar.is_file() {
        return tar;
    }
    fs::create_dir_all(tar.parent().unwrap_or(Path::new("/"))).unwrap_or_else(|error| panic!("{error}"));
    let unfinished = tar.with_extension(format!("{}.tar", std::process::id()));
    let mut make = Command::new(tools::find(&["mmdebstrap"]));
    make.args(["--variant=minbase", &format!("--include={PACKAGES}"), "--format=tar"]);
    for unneeded in ["man", "doc", "locale", "info"] {
        make.arg(format!("--dpkgopt=path-exclude=/usr/share/{unneeded}/*"));
    }
    run(make.arg("bookworm").arg(&unfinished)).success();
    fs::rename(&unfinished, &tar).unwrap_or_else(|error| panic!("{error}"));
    tar
}

/// Builds an image of this name from the system and some files; `lines` are the rest of its recipe.
#[track_caller]
fn build(engine: &Engine, name: &str, folder: &Scratch, lines: &str) {
    let known = engine.docker(&["images", "-q", "pilot-test/debian"]).success();
    if known.is_empty() {
        let tar = debian().display().to_string();
        engine.docker(&["import", &tar, "pilot-test/debian"]).success();
    }
    folder.write("Dockerfile", &format!("FROM pilot-test/debian\n{lines}"));
    engine.docker(&["build", "-q", "-t", name, &folder.path().display().to_string()]).success();
}

/// `rust:1-slim-bookworm`, with the packages that the recipes install and the crates that they download: no network is asked.
pub fn rust(engine: &Engine) {
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]).current_dir(tools::repository())).success();
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let folder = Scratch::new();
    let toolchain = Path::new(&sysroot).file_name().and_then(|name| name.to_str()).expect("a sysroot has a name");
    let script = format!(
        "mkdir -p rustup/toolchains cargo/registry\n\
         cp -a --reflink=auto '{sysroot}' rustup/toolchains/\n\
         rm -rf rustup/toolchains/*/share rustup/toolchains/*/lib/rustlib/src rustup/toolchains/*/lib/rustlib/aarch64-*\n\
         echo 'default_toolchain = \"{toolchain}\"\nversion = \"12\"' > rustup/settings.toml\n\
         cp -a '{cargo}/bin' cargo/\n\
         cp -a '{cargo}/registry/cache' '{cargo}/registry/index' cargo/registry/\n\
         for file in '{cargo}'/config.toml '{cargo}'/config; do [ ! -f \"$file\" ] || cp \"$file\" cargo/; done\n"
    );
    run(Command::new("sh").args(["-e", "-c", &script]).current_dir(folder.path())).success();
    let lines = "COPY rustup /usr/local/rustup\nCOPY cargo /usr/local/cargo\n\
                 ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo CARGO_NET_OFFLINE=true \
                 PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";
    build(engine, "rust:1-slim-bookworm", &folder, lines);
}

/// The images that `compose.yaml` names, as far as it uses them.
pub fn for_compose(engine: &Engine) {
    let mysql = Scratch::new();
    mysql.write(
        "start",
        "#!/bin/sh\nset -e\nmariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db >/dev/null\n\
         printf \"CREATE DATABASE %s;\\nCREATE USER '%s'@'%%' IDENTIFIED BY '%s';\\nGRANT ALL ON %s.* TO '%s'@'%%';\\n\" \
         \"$MYSQL_DATABASE\" \"$MYSQL_USER\" \"$MYSQL_PASSWORD\" \"$MYSQL_DATABASE\" \"$MYSQL_USER\" >/tmp/init.sql\n\
         mkdir -p /run/mysqld\nchown mysql /run/mysqld\n\
         exec mariadbd --user=mysql --bind-address=0.0.0.0 --skip-name-resolve --init-file=/tmp/init.sql\n",
    );
    build(engine, "mysql:8.4", &mysql, "COPY start /start\nENTRYPOINT [\"/bin/sh\", \"/start\"]\n");
    let nginx = Scratch::new();
    nginx.write("nginx.conf", "events {}\nhttp { include /etc/nginx/conf.d/*.conf; }\n");
    build(engine, "nginx:1-alpine", &nginx, "COPY nginx.conf /etc/nginx/\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n");
    let consul = Scratch::new();
    run(Command::new("cp").arg(tools::find(&["consul"])).arg(consul.file("consul"))).success();
    build(engine, "hashicorp/consul:1.20", &consul, "COPY consul /bin/consul\nENTRYPOINT [\"consul\"]\n");
}
