#!/bin/sh
# Tries the stacks without AWS: cfn-lint, checkov, the evaluator's assertions and planted faults, scripts/stack.sh, moto.
# Its tools are Python's; scripts/install-tools.sh puts them into .tools/stacks when they are not there.
set -eu

cd "$(dirname "$0")/.."
venv=.tools/stacks
say() { printf 'test-stacks: %s\n' "$*"; }

scripts/install-tools.sh stacks

say 'cfn-lint: no finding, nothing ignored'
"$venv/bin/cfn-lint" cloudformation/*.yaml

say 'checkov: at least 95 %, a reason at every skip'
"$venv/bin/checkov" -d cloudformation --framework cloudformation -o json --compact 2>/dev/null |
    "$venv/bin/python" tests/stacks/checkov_verdict.py

say 'assertions, planted faults, scripts/stack.sh against a stand-in of AWS, the stacks in moto'
cd tests/stacks
exec "../../$venv/bin/python" -m pytest -q -p no:cacheprovider --disable-warnings -n 4
