"""Every policy of every stack, read by two checkers that know AWS' own list of actions, resources and condition keys. Their lists
are as old as their releases: what they do not know yet is named here, and must be in a resource handler's list."""

import json

import handlers
import pytest
from chain import build
from parliament import analyze_policy_string
from policies import documents
from policy_sentry.querying.actions import get_action_data

VARIANTS = {
    "production": lambda: build(given={"ci-role": {"GitHubRepository": "myorg/app"}, "service": {"Exec": "true"}}),
    "pilot registers": lambda: build(mode="self", consul=False),
    "review": lambda: build("review"),
}
# Newer than the checkers.
NEWER = {"ecs:StopServiceDeployment"}
# Findings that are meant; each with its reason.
MEANT = {
    "MISMATCHED_TYPE_BUT_USABLE": "StringEquals compares an ARN that holds no pattern",
    "RESOURCE_STAR": "judged below, action by action",
}
# Actions that AWS could limit to a resource and that stand on "*" all the same.
WHOLE = {
    "ecs:ListTasks": "limited by the condition on its cluster; its resource would be the machines, and Fargate has none",
    "ecs:RegisterTaskDefinition": "the two lists do not agree on whether it knows a resource; on * it works whichever is right",
    "cloudwatch:DescribeAlarms": "Application Auto Scaling asks for the alarms of all policies at once",
}


@pytest.fixture(scope="module", params=VARIANTS)
def policies(request):
    return list(documents(VARIANTS[request.param]()))


def actions(document):
    for statement in document["Statement"]:
        for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
            yield statement, action


def test_parliament_finds_nothing(policies):
    found = []
    for where, kind, document in policies:
        if kind == "identity":
            for finding in analyze_policy_string(json.dumps(document), ignore_private_auditors=True).findings:
                detail = finding.detail
                if finding.issue == "RESOURCE_MISMATCH":
                    # It wants a match of every kind of load balancer; ours is an application load balancer.
                    detail = [item for item in detail if "/net/" not in item["required_format"]]
                known = finding.issue in MEANT or (finding.issue == "UNKNOWN_ACTION" and finding.location["string"] in NEWER) or detail == []
                if not known:
                    found.append((where, finding.issue, detail))
    assert found == []


def test_every_action_is_one_and_stands_on_a_resource_if_aws_knows_one(policies):
    found = []
    for where, kind, document in policies:
        for statement, action in actions(document):
            if action in ("*", "s3:*", "kms:*", "kms:GenerateDataKey*") and kind == "resource":
                continue  # of one bucket, key or file system: the resource is the policy's own
            service, call = action.split(":")
            known = (get_action_data(service, call) or {}).get(service, [])
            if not known and action not in NEWER:
                found.append((where, f"{action} does not exist"))
            resources = [statement.get("Resource", "*")] if isinstance(statement.get("Resource", "*"), str) else statement["Resource"]
            needs = [k for k in known if k["resource_arn_format"] != "*"]
            limited = needs and "*" not in [k["resource_arn_format"] for k in known]
            if kind == "identity" and "*" in resources and limited and action not in WHOLE:
                found.append((where, f"{action} could be limited to {needs[0]['resource_arn_format']}"))
            if kind == "identity" and "*" not in resources and not needs and action not in NEWER:
                found.append((where, f"{action} knows no resource: on {resources} it is never allowed"))
    assert found == []


def test_what_is_newer_than_the_checkers_is_a_call_that_a_handler_makes():
    called = set().union(*(handlers.listed(kind) for kind in ("AWS::ECS::Service", "AWS::ECS::Cluster", "AWS::IAM::Role")))
    assert NEWER <= called, NEWER - called


def test_no_exception_is_older_than_what_it_is_for():
    for kind, unused in handlers.UNUSED.items():
        stale = set(unused) - handlers.listed(kind)
        assert not stale, f"{kind} lists {stale} no more: take it out of handlers.UNUSED"
    for action in NEWER:
        service, call = action.split(":")
        assert not (get_action_data(service, call) or {}).get(service), f"policy-sentry knows {action} now"
