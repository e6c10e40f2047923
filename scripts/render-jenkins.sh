#!/bin/sh
# Renders jenkins/app.yaml into the XML that Jenkins imports: jenkins/rendered/<job>/config.xml, or below the folder given.
# Needs no Jenkins and no configuration.
set -eu

cd "$(dirname "$0")/.."
folder=${1:-jenkins/rendered}
builder=.tools/jenkins-job-builder
program=$(command -v jenkins-jobs || echo "$builder/bin/jenkins-jobs")
[ -x "$program" ] || {
    echo 'render-jenkins: jenkins-jobs is not there: scripts/install-tools.sh test' >&2
    exit 1
}
rm -rf "$folder"
# An empty configuration: a user's own may name a server.
empty=$(mktemp)
trap 'rm -f "$empty"' EXIT
PYTHONPATH=$builder${PYTHONPATH:+:$PYTHONPATH} "$program" -l error --conf "$empty" \
    test jenkins/app.yaml -o "$folder" --config-xml
