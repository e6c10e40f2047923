#!/bin/sh
# Tries the stacks without AWS: cfn-lint, checkov, the evaluator's assertions and planted faults.
# Its tools are Python's; they go into .tools/stacks-venv when they are not there (about a minute, once).
set -eu

cd "$(dirname "$0")/.."
venv=.tools/stacks-venv
say() { printf 'test-stacks: %s\n' "$*"; }

if ! "$venv/bin/cfn-lint" --version >/dev/null 2>&1 || ! "$venv/bin/checkov" --version >/dev/null 2>&1; then
    say "installing cfn-lint, checkov and pytest into $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r tests/stacks/requirements.txt
fi

say 'cfn-lint: no finding, nothing ignored'
"$venv/bin/cfn-lint" cloudformation/*.yaml

say 'checkov: at least 95 %, a reason at every skip'
"$venv/bin/checkov" -d cloudformation --framework cloudformation -o json --compact 2>/dev/null |
    "$venv/bin/python" tests/stacks/checkov_verdict.py

say 'assertions and planted faults'
cd tests/stacks
exec "../../$venv/bin/python" -m pytest -q -p no:cacheprovider
