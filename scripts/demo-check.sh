#!/usr/bin/env bash
# The demo, tried out: an insert, a killed instance, a killed database, an orderly stop. Prints what it saw and exits
# with the verdict. Called by scripts/demo.sh with everything in the environment.
# Functions are called by name, through judge and within, which shellcheck does not see:
# shellcheck disable=SC2329
set -uo pipefail

consul=http://127.0.0.1:$CONSUL_PORT
app=http://127.0.0.1:${APP_PORT}1
log=$DEMO/check.log
failed=0

seen() { printf '  ok    %s\n' "$*"; }
missed() {
    printf '  FAIL  %s\n' "$*"
    failed=1
}
# judge WHEN-TRUE WHEN-FALSE COMMAND...
judge() {
    local good=$1 bad=$2
    shift 2
    if "$@" >/dev/null 2>&1; then seen "$good"; else missed "$bad"; fi
}
now() { date +%s%N; }
ms_since() { echo "$((($(now) - $1) / 1000000)) ms"; }

# within SECONDS COMMAND...: until the command succeeds.
within() {
    local end=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || return 1
        kill -0 "$pilot" 2>/dev/null || return 1
        sleep 0.05
    done
}
# Consul's answer to a question, without the layout that a dev agent gives it.
ask() { curl -fsS "$consul/v1/$1" | tr -d ' \n'; }
passing() { ask 'health/service/app?passing' | grep -o '"ServiceID":"app-[12]-' | sort -u | wc -l; }
are_passing() { [ "$(passing)" -eq "$1" ]; }
critical() { ask health/state/critical | grep -o '"ServiceID":"app-[12]-' | sort -u | wc -l; }
# The process of a job: pilot's child whose environment or command says so.
process_on_port() { pgrep -P "$pilot" | while read -r pid; do grep -qz "^PORT=$1$" "/proc/$pid/environ" && echo "$pid"; done; }
database() { pgrep -P "$pilot" -x mariadbd; }

echo "starting one pilot; its log: $log"
"${PILOT:?run scripts/demo.sh}" -config demo/pilot.json5 >"$log" 2>&1 &
pilot=$!
trap 'kill -TERM "$pilot" 2>/dev/null && wait "$pilot"' EXIT

began=$(now)
if within 120 are_passing 2; then
    seen "both instances are registered and passing in Consul after $(ms_since "$began")"
else
    missed "two passing instances of app in Consul; the end of the log:"
    tail -n 20 "$log"
    exit 1
fi
judge "the welcome text was printed" "the welcome text" within 5 grep -q 'Everything is up' "$log"

name=ada-$RANDOM
answer=$(curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' -d "username=$name" "$app/create")
judge "POST /create answered $answer" "POST /create answered $answer" test "$answer" = "302 $app/success"
other=http://127.0.0.1:${APP_PORT}2
has_row() { curl -fsS "$1/users?limit=100" | grep -q "\"$name\""; }
judge "the other instance reads the new row from the database" "the row in the other instance's /users" has_row "$other"

victim=$(process_on_port "${APP_PORT}1")
began=$(now)
# Consul's answer to a blocking query: the next change of the service, whatever it is.
index=$(curl -fsS -D - -o /dev/null "$consul/v1/health/service/app" | tr -d '\r' | sed -n 's/^X-Consul-Index: //p')
ask "health/service/app?index=$index&wait=20s" >"$DEMO/change.json" 2>/dev/null &
change=$!
kill -KILL "$victim"
wait "$change"
judge "killed app-1 (process $victim): Consul saw it go" "Consul seeing app-1 go" \
    grep -q '"Status":"critical"' "$DEMO/change.json"
if within 20 are_passing 2; then
    seen "app-1 is back and passing after $(ms_since "$began"), now process $(process_on_port "${APP_PORT}1")"
else
    missed "app-1 coming back"
fi

began=$(now)
kills=0
# A crashed database is up again at once; it is killed until both instances have noticed.
noticed() {
    [ "$(critical)" -eq 2 ] && return 0
    database | xargs -r kill -KILL 2>/dev/null && kills=$((kills + 1))
    return 1
}
# Not in a subshell, so that the count survives.
end=$(($(date +%s) + 30))
said_503=no
both_critical=yes
until noticed; do
    if [ "$(date +%s)" -ge "$end" ]; then
        both_critical=no
        break
    fi
    [ "$(curl -sS -m 10 -o /dev/null -w '%{http_code}' "$app/ready" 2>/dev/null)" = 503 ] && said_503=yes
    sleep 0.1
done
judge "killed the database ($kills times): both instances are critical in Consul" \
    "both instances critical without a database" test "$both_critical" = yes
judge "the application answered all the while: its /ready said 503" "a 503 from $app/ready" test "$said_503" = yes
if within 60 are_passing 2; then
    seen "the database is back and both instances pass again, $(ms_since "$began") after the first kill"
else
    missed "both instances passing again"
fi
judge "the row is still there" "the row after the crash" has_row "$app"

processes=$(pgrep -P "$pilot" | tr '\n' ' ')
began=$(now)
kill -INT "$pilot"
services='not asked'
while answer=$(curl -fsS -m 1 "$consul/v1/agent/services" 2>/dev/null | tr -d ' \n'); do services=$answer; done
wait "$pilot"
code=$?
judge "Ctrl-C: pilot exited $code after $(ms_since "$began")" "Ctrl-C: pilot exited $code" test "$code" -eq 0
judge "nothing was registered any more when Consul stopped, last of all" "Consul's last word was: $services" \
    test "$services" = '{}'
left=''
for process in $processes; do
    [ -d "/proc/$process" ] && left="$left $process"
done
judge "no process is left (looked for $processes)" "processes are left:$left" test -z "$left"
trap - EXIT

if [ "$failed" -eq 0 ]; then
    echo "make demo: everything as promised"
else
    echo "make demo: FAILED, see above; the log is $log"
fi
exit "$failed"
