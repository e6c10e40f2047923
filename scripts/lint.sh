#!/bin/sh
# Everything that is checked without running the programs. Goes on after a finding and ends with a verdict.
set -u

cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:$PWD/.tools/bin:$PWD/.tools/cargo-deny/bin:$PWD/.tools/shellcheck/bin:$PWD/.tools/hadolint/bin
failed=''

check() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed $name"
}

check format cargo fmt --all --check
check clippy cargo clippy --workspace --all-targets -q -- -D warnings
check clippy-without-aws cargo clippy -p pilot --no-default-features -q -- -D warnings
check documentation env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps -q
if command -v cargo-machete >/dev/null 2>&1; then
    check unused-dependencies cargo machete --with-metadata
else
    printf '== unused-dependencies: left out, cargo-machete is not there (scripts/install-tools.sh test)\n'
fi
# Licences, sources and wildcards of everything in Cargo.lock: deny.toml.
if command -v cargo-deny >/dev/null 2>&1; then
    check dependencies cargo-deny --log-level warn check licenses bans sources
else
    printf '== dependencies: left out, cargo-deny is not there (scripts/install-tools.sh test)\n'
fi
if command -v python3 >/dev/null 2>&1; then
    check third-party-notices scripts/third-party-notices.py --check
else
    printf '== third-party-notices: left out, there is no python3\n'
fi
if command -v shellcheck >/dev/null 2>&1; then
    check shell-scripts shellcheck -x scripts/*.sh consul/*.sh .ci/run tests/v3-image/bin/*
else
    printf '== shell-scripts: left out, shellcheck is not there (scripts/install-tools.sh test)\n'
fi
if command -v hadolint >/dev/null 2>&1; then
    check dockerfiles hadolint Dockerfile Dockerfile.pilot consul/Dockerfile
else
    printf '== dockerfiles: left out, hadolint is not there (scripts/install-tools.sh test)\n'
fi

if [ -n "$failed" ]; then
    printf 'lint: FAILED:%s\n' "$failed"
    exit 1
fi
printf 'lint: passed\n'
