#!/bin/sh
# startup-order.sh PILOT OUT: a linker script that places the functions which PILOT runs while it starts, keeps a job and
# ends next to each other. The kernel maps 64 KiB around each place that is touched; side by side they are 0.8 MB of the
# binary, spread over it they are 2.3 MB (docs/development/decisions).
# PILOT has its symbols. Needs valgrind, and a machine that can run PILOT.
set -eu

pilot=$1
out=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/pilot.json5" <<END
{
  consul: false, control: { socket: "$folder/socket" },
  jobs: [
    { name: "app", exec: ["sleep", "3"], health: { exec: "true", interval: 1, ttl: 9 } },
    { name: "again", exec: "false", restarts: 1 },
  ],
}
END
valgrind --tool=callgrind --demangle=no --compress-strings=no --callgrind-out-file="$folder/calls" \
    "$pilot" -config "$folder/pilot.json5" >"$folder/log" 2>&1 || true
sed -n "s/^fn=//p" "$folder/calls" | sed "s/'[0-9]*\$//" | sort -u >"$folder/ran"

# Names without what the second link may change: hashes, and the ids of crates. A name that then stands for much code that
# has not run (a generic function has as many bodies as there are types) is left out.
{
    echo "SECTIONS { .text.startup_order : {"
    nm -S --radix=d "$pilot" | awk '
        NR == FNR { ran[$1]; next }
        $3 ~ /^[tTwW]$/ && $4 ~ /^_[ZR]/ {
            name = $4
            sub(/17h[0-9a-f]+E.*/, "17h*", name)
            if (name ~ /^_R/) { gsub(/Cs[0-9A-Za-z]+_/, "Cs*_", name); sub(/[.]llvm[.].*/, "*", name) }
            all[name] += $2
            if ($4 in ran) some[name] += $2
        }
        END { for (name in some) if (all[name] - some[name] <= 16384) print "  *(.text." name ")" }
    ' "$folder/ran" - | LC_ALL=C sort
    echo "} } INSERT BEFORE .text;"
} >"$out"
[ "$(wc -l <"$out")" -gt 100 ] || { echo "startup-order: too few functions ran:" >&2; cat "$folder/log" >&2; exit 1; }
