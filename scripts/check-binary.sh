#!/bin/sh
# check-binary.sh FILE...: what every binary that ships has to be. Static; position-independent, so that its code is loaded
# at a random address; a stack that is not executable (nx); tables of addresses read-only once they are set up (full relro);
# no writable code. Says what is not so and exits 1.
set -eu

status=0
for file in "$@"; do
    headers=$(LC_ALL=C readelf -hldW "$file")
    has() { printf '%s\n' "$headers" | grep -Eq "$1"; }
    missing=''
    has '^ *Type: +DYN ' && has 'FLAGS_1\).* PIE' || missing="$missing, not position-independent"
    ! has '^ *INTERP ' && ! has '\(NEEDED\)' || missing="$missing, not static"
    has '^ *GNU_STACK .* RW +0x' || missing="$missing, the stack is executable"
    has '^ *GNU_RELRO ' && has 'BIND_NOW|FLAGS_1\).* NOW' || missing="$missing, no full relro"
    ! has '\(TEXTREL\)' && ! has '^ *LOAD .* RWE ' || missing="$missing, code is writable"
    if [ -n "$missing" ]; then
        echo "check-binary: $file: ${missing#, }" >&2
        status=1
    fi
done
exit "$status"
