#!/bin/sh
# Runs every fuzz target, or those named, for FUZZ_SECONDS (60) each: libFuzzer on the stable toolchain, with coverage by LLVM's
# own pass. A finding is left in fuzz/artifacts and printed; it belongs into the tests of its room.
set -eu

cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
coverage='-C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 -C llvm-args=-sanitizer-coverage-inline-8bit-counters'
coverage="$coverage -C llvm-args=-sanitizer-coverage-pc-table -C llvm-args=-sanitizer-coverage-trace-compares"
# Not for build scripts and macros: with --target the flags are the target's alone.
export RUSTFLAGS="--cfg fuzzing -C codegen-units=16 -C debug-assertions $coverage"
export CARGO_TARGET_DIR="${FUZZ_TARGET_DIR:-target/fuzz}"
cargo build --manifest-path fuzz/Cargo.toml --release --target "$host"

failed=''
[ $# -gt 0 ] || set -- config template duration interfaces control notify catalog mysql
for target in "$@"; do
    mkdir -p "$CARGO_TARGET_DIR/corpus/$target" fuzz/artifacts
    log=$CARGO_TARGET_DIR/$target.log
    if "$CARGO_TARGET_DIR/$host/release/$target" "$CARGO_TARGET_DIR/corpus/$target" "fuzz/seeds/$target" \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target-" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        covered=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
        printf '%-12s %10s runs, %6s places reached, nothing found\n' "$target" "$runs" "$covered"
    else
        tail -n 30 "$log"
        failed="$failed $target"
    fi
done
if [ -n "$failed" ]; then
    printf 'make fuzz: FOUND SOMETHING in:%s\n' "$failed"
    exit 1
fi
printf 'make fuzz: nothing found\n'
