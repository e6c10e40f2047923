#!/bin/sh
# Writes pilot/startup.ld anew: the functions that run while pilot starts, keeps a job and ends. The linker puts them side
# by side, and a start reads and holds a megabyte of the binary instead of four. After larger changes; needs valgrind.
# A name in it that exists no more does no harm, and a new function that is not in it is just somewhere else.
set -eu

cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "startup-order: valgrind is missing: apt-get install valgrind" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# As it ships, but with the names of its functions.
CARGO_FLAGS='--config profile.release.strip="none"' scripts/build-release.sh pilot
pilot=$(scripts/build-release.sh --folder)/pilot
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

# Names without what another build makes differ: hashes, and the ids of crates. Names that then stand for much that has not
# run (as many as there are types) are left out.
{
    echo "/* Made by scripts/startup-order.sh. */"
    echo "SECTIONS { .text.first : {"
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
} >"$folder/startup.ld"
[ "$(wc -l <"$folder/startup.ld")" -gt 100 ] || { echo "startup-order: too few functions ran:" >&2; cat "$folder/log" >&2; exit 1; }
mv "$folder/startup.ld" pilot/startup.ld
