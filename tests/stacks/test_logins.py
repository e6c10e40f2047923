"""scripts/stack.sh logins: who the application logs in as is made by a task, and not by what is under review."""

import json

import pytest
from sandbox import CHANGING, IMAGE, NEWER

LOGINS = "base-app-logins"


def commands(sandbox):
    """What the task was told, each time that it ran."""
    return [json.loads(run["overrides"])["containerOverrides"][0]["command"] for run in sandbox.given("ecs run-task") if run["taskDefinition"] == f"{LOGINS}:1"]


def test_productions_first_image_makes_the_users_before_its_service(sandbox):
    del sandbox.aws.stacks[LOGINS]
    said = sandbox.image(IMAGE, sandbox.new)
    made = [sandbox.aws.sets[options["ChangeSetName"]]["stack"] for options in sandbox.given("cloudformation execute-change-set")]
    assert made == [LOGINS, "app-master"] and sandbox.aws.stacks[LOGINS]["Parameters"]["ImageUri"] == IMAGE
    assert sandbox.called("ecs run-task", "cloudformation execute-change-set") == [
        "cloudformation execute-change-set", "ecs run-task", "cloudformation execute-change-set"]
    assert commands(sandbox) == [["logins"]] and "the database's users" in said and "verified" in said
    run, = sandbox.given("ecs run-task")
    assert run["networkConfiguration"] == "awsvpcConfiguration={subnets=[subnet-1,subnet-2],securityGroups=[sg-1],assignPublicIp=DISABLED}"
    assert run["launchType"] == "FARGATE" and run["cluster"] == f"{LOGINS}-cluster"
    protected = [options["StackName"] for options in sandbox.given("cloudformation update-termination-protection")]
    assert protected == [LOGINS, "app-master"]
    # It was made once.
    sandbox.image(NEWER, sandbox.new)
    assert commands(sandbox) == [["logins"]]


def test_users_that_cannot_be_made_keep_the_service_from_being_made(sandbox):
    del sandbox.aws.stacks[LOGINS]
    sandbox.aws.logins_exit = 1
    said = sandbox.image(IMAGE, sandbox.new, code=1)
    assert "the database users could not be created: exit code 1, Essential container in task exited" in said and "no such column" in said
    assert sandbox.aws.stacks["app-master"]["StackStatus"] == "REVIEW_IN_PROGRESS" and sandbox.aws.sets["arn:set:0"]["state"] == "dropped"
    # The next attempt makes them, although their stack is there.
    sandbox.aws.logins_exit = 0
    sandbox.aws.calls.clear()
    assert "verified" in sandbox.image(IMAGE, sandbox.new)
    assert commands(sandbox) == [["logins"]]
    sandbox.aws.run_task = lambda options: {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
    assert "it could not be started: RESOURCE:MEMORY" in sandbox.run("logins", code=1)


def test_what_is_under_review_is_never_told_the_administrators_password(sandbox):
    del sandbox.aws.stacks[LOGINS]
    for words in (["image", IMAGE], ["logins", IMAGE], ["logins"]):
        said = sandbox.run(*words, branch="side", COMMIT=sandbox.side, code=1)
        assert "BRANCH=master" in said and sandbox.called(*CHANGING) == []
    sandbox.run("logins", IMAGE)
    sandbox.aws.calls.clear()
    sandbox.image(NEWER, sandbox.side, branch="side")
    assert commands(sandbox) == [] and sandbox.aws.stacks[LOGINS]["Parameters"]["ImageUri"] == IMAGE


def test_a_new_password_is_told_by_the_image_of_before_and_the_old_one_forgotten_when_that_is_said(sandbox):
    sandbox.aws.stacks[LOGINS]["Parameters"] = {"ImageUri": IMAGE}
    sandbox.aws.nothing_to_do = True
    sandbox.run("logins")
    sandbox.run("logins", "discard-old")
    assert commands(sandbox) == [["logins"], ["logins", "discard-old"]]
    assert sandbox.called("cloudformation execute-change-set") == []
    sandbox.aws.nothing_to_do = False
    sandbox.run("logins", NEWER)
    assert sandbox.aws.stacks[LOGINS]["Parameters"]["ImageUri"] == NEWER


@pytest.mark.parametrize("words,reason", [
    (["logins"], "base-app-logins needs an image that you trust: scripts/stack.sh logins REPO@sha256:..."),
    (["logins", "discard-old"], "needs an image that you trust"),
    (["up", "logins"], "needs an image that you trust"),
    (["logins", "registry.example/app:master"], "Mutable tags are not accepted"),
])
def test_without_an_image_by_its_digest_there_are_no_users(sandbox, words, reason):
    del sandbox.aws.stacks[LOGINS]
    assert reason in sandbox.run(*words, code=1)
    assert sandbox.called(*CHANGING) == []


def test_the_task_has_the_architecture_of_the_services_image(sandbox):
    params = sandbox.checkout / "cloudformation/params/production.conf"
    before = params.read_text()
    try:
        params.write_text(before + "service.Architecture = ARM64\n")
        sandbox.run("logins", IMAGE)
    finally:
        params.write_text(before)
    assert sandbox.aws.stacks[LOGINS]["Parameters"]["Architecture"] == "ARM64"
