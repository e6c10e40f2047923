"""Reads checkov's report from stdin and gives the verdict, beside what public examples reach (measured with checkov 3.3.30)."""

import json
import sys

BASELINES = "ci-cd-mini-demo 77 %, ecs-refarch 74 %, widdix fargate 76 %, AWS' own ECS examples 77 %, AWS' own RDS MySQL 53 %"
LEAST = 95

report = json.load(sys.stdin)
summary = report["summary"]
bad = [f"{c['check_id']} {c['resource']}" for c in report["results"]["failed_checks"]]
unreasoned = [c["check_id"] for c in report["results"]["skipped_checks"] if len(c["check_result"].get("suppress_comment") or "") < 20]
# A skip is not a pass, whatever its reason.
share = 100 * summary["passed"] / (summary["passed"] + summary["failed"] + summary["skipped"])
print(f"checkov: {summary['passed']} passed, {summary['failed']} failed, {summary['skipped']} skipped with a reason: {share:.1f} %")
print(f"  baselines: {BASELINES}")
for line in bad:
    print("  failed:", line)
if summary["parsing_errors"] or unreasoned or share < LEAST:
    sys.exit(f"checkov: not good enough; skips without a reason: {unreasoned}, not parsed: {summary['parsing_errors']}")
