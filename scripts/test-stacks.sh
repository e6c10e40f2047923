#!/bin/sh
# Tries the stacks without AWS: cfn-lint, checkov, the evaluator's invariants and planted faults, policies read by policy-sentry and
# parliament, scripts/stack.sh against a fake AWS, moto. What none of that can show, a rehearsal does: scripts/aws-rehearsal.sh.
# Its tools are Python's; scripts/install-tools.sh puts them into .tools/stacks when they are not there.
set -eu

cd "$(dirname "$0")/.."
venv=.tools/stacks
say() { printf 'test-stacks: %s\n' "$*"; }

scripts/install-tools.sh stacks

say 'cfn-lint: no finding, nothing ignored'
"$venv/bin/cfn-lint" cloudformation/*.yaml

say 'checkov: no check that fails, a reason at every skip'
"$venv/bin/checkov" -d cloudformation --framework cloudformation -o json --compact 2>/dev/null |
    "$venv/bin/python" tests/stacks/checkov_verdict.py

say 'invariants, planted faults, policies, scripts/stack.sh against a fake AWS, the stacks in moto'
cd tests/stacks
exec "../../$venv/bin/python" -m pytest -q -p no:cacheprovider --disable-warnings -n 4
