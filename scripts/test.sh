#!/bin/sh
# Every check there is, cheapest first: lint, unit tests, then the end-to-end tests against the static pilot.
# Ends with one line of verdict. Words after it go to nextest: scripts/test.sh -E 'test(case_41)'.
set -u

cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:$PWD/.tools/consul/usr/bin
export PATH
started=$(date +%s)
target=x86_64-unknown-linux-musl
folder=${CARGO_TARGET_DIR:-target}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
failed=''
left_out=''

stage() {
    name=$1
    shift
    printf '\n==== %s\n' "$name"
    began=$(date +%s)
    "$@" || failed="$failed $name"
    printf '==== %s: %s s\n' "$name" "$(($(date +%s) - began))"
}

# Packages one by one: built together their dependencies' features would be united, and pilot would not be the pilot that ships.
build() {
    cargo build -q -p pilot --target "$target" && cargo build -q -p app --target "$target" && cargo build -q -p pilot-tests --bins
}
# For the target that ships, so that the dependencies which the programs below need as well are built once.
units() {
    for packages in '-p go-text-template -p pilot-core -p pilot-config' '-p pilot' '-p app'; do
        # shellcheck disable=SC2086 # words
        cargo nextest run --profile ci --target "$target" $packages || return
    done
}
# They wait more than they compute: three at a time on two cores.
end_to_end() {
    if [ $# -eq 0 ] && [ ! -x .tools/mysql9/mysqld ]; then
        left_out=', but without MySQL 9, which could not be fetched'
        set -- -E 'not test(/^mysql9::/)'
    fi
    NEXTEST_TEST_THREADS=${NEXTEST_TEST_THREADS:-$(($(nproc) * 3 / 2))} PILOT_BIN=$folder/$target/debug/pilot APP_BIN=$folder/$target/debug/app PILOT_FIXTURE=$folder/debug/pilot-fixture \
        cargo nextest run --profile ci -p pilot-tests "$@"
}

if [ $# -eq 0 ]; then
    stage tools scripts/install-tools.sh test
    [ -z "$failed" ] || { printf 'make test: FAILED:%s\n' "$failed"; exit 1; }
    stage lint scripts/lint.sh
    stage stacks scripts/test-stacks.sh
    stage unit-tests units
fi
stage build build
case $failed in
*build*) ;;
*) stage end-to-end-tests end_to_end "$@" ;;
esac
[ $# -gt 0 ] || stage demo env CHECK=1 scripts/demo.sh

took=$(($(date +%s) - started))
if [ -n "$failed" ]; then
    printf '\nmake test: FAILED:%s (%s s)\n' "$failed" "$took"
    exit 1
fi
all=everything
[ $# -eq 0 ] || all='what was asked for'
printf '\nmake test: passed, %s%s (%s s)\n' "$all" "$left_out" "$took"
