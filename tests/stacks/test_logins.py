"""scripts/stack.sh logins: who the application logs in as is made by a task, and not by what is under review."""

import json

import pytest
from yard import CHANGING, IMAGE, NEWER

LOGINS = "base-app-logins"


def commands(yard):
    """What the task was told, each time that it ran."""
    return [json.loads(run["overrides"])["containerOverrides"][0]["command"] for run in yard.given("ecs run-task") if run["taskDefinition"] == f"{LOGINS}:1"]


def test_productions_first_image_makes_the_users_before_its_service(yard):
    del yard.aws.stacks[LOGINS]
    said = yard.image(IMAGE, yard.new)
    made = [yard.aws.sets[options["ChangeSetName"]]["stack"] for options in yard.given("cloudformation execute-change-set")]
    assert made == [LOGINS, "app-master"] and yard.aws.stacks[LOGINS]["Parameters"]["ImageUri"] == IMAGE
    assert yard.called("ecs run-task", "cloudformation execute-change-set") == [
        "cloudformation execute-change-set", "ecs run-task", "cloudformation execute-change-set"]
    assert commands(yard) == [["logins"]] and "the database's users" in said and "verified" in said
    run, = yard.given("ecs run-task")
    assert run["networkConfiguration"] == "awsvpcConfiguration={subnets=[subnet-1,subnet-2],securityGroups=[sg-1],assignPublicIp=DISABLED}"
    assert run["launchType"] == "FARGATE" and run["cluster"] == f"{LOGINS}-cluster"
    protected = [options["StackName"] for options in yard.given("cloudformation update-termination-protection")]
    assert protected == [LOGINS, "app-master"]
    # It was made once.
    yard.image(NEWER, yard.new)
    assert commands(yard) == [["logins"]]


def test_users_that_cannot_be_made_keep_the_service_from_being_made(yard):
    del yard.aws.stacks[LOGINS]
    yard.aws.logins_exit = 1
    said = yard.image(IMAGE, yard.new, code=1)
    assert "the database's users are not as they should be: exit code 1, Essential container in task exited" in said and "no such column" in said
    assert yard.aws.stacks["app-master"]["StackStatus"] == "REVIEW_IN_PROGRESS" and yard.aws.sets["arn:set:0"]["state"] == "dropped"
    # The next attempt makes them, although their stack is there.
    yard.aws.logins_exit = 0
    yard.aws.calls.clear()
    assert "verified" in yard.image(IMAGE, yard.new)
    assert commands(yard) == [["logins"]]
    yard.aws.run_task = lambda options: {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
    assert "it could not be started: RESOURCE:MEMORY" in yard.run("logins", code=1)


def test_what_is_under_review_is_never_told_the_administrators_password(yard):
    del yard.aws.stacks[LOGINS]
    for words in (["image", IMAGE], ["logins", IMAGE], ["logins"]):
        said = yard.run(*words, branch="side", COMMIT=yard.side, code=1)
        assert "BRANCH=master" in said and yard.called(*CHANGING) == []
    yard.run("logins", IMAGE)
    yard.aws.calls.clear()
    yard.image(NEWER, yard.side, branch="side")
    assert commands(yard) == [] and yard.aws.stacks[LOGINS]["Parameters"]["ImageUri"] == IMAGE


def test_a_new_password_is_told_by_the_image_of_before_and_the_old_one_forgotten_when_that_is_said(yard):
    yard.aws.stacks[LOGINS]["Parameters"] = {"ImageUri": IMAGE}
    yard.aws.nothing_to_do = True
    yard.run("logins")
    yard.run("logins", "discard-old")
    assert commands(yard) == [["logins"], ["logins", "discard-old"]]
    assert yard.called("cloudformation execute-change-set") == []
    yard.aws.nothing_to_do = False
    yard.run("logins", NEWER)
    assert yard.aws.stacks[LOGINS]["Parameters"]["ImageUri"] == NEWER


@pytest.mark.parametrize("words,reason", [
    (["logins"], "base-app-logins is made with an image that you trust: scripts/stack.sh logins REPO@sha256:..."),
    (["logins", "discard-old"], "is made with an image"),
    (["up", "logins"], "is made with an image"),
    (["logins", "registry.example/app:master"], "Names that move are not taken"),
])
def test_without_an_image_by_its_digest_there_are_no_users(yard, words, reason):
    del yard.aws.stacks[LOGINS]
    assert reason in yard.run(*words, code=1)
    assert yard.called(*CHANGING) == []


def test_the_task_has_the_architecture_of_the_services_image(yard):
    params = yard.checkout / "cloudformation/params/production.conf"
    before = params.read_text()
    try:
        params.write_text(before + "service.Architecture = ARM64\n")
        yard.run("logins", IMAGE)
    finally:
        params.write_text(before)
    assert yard.aws.stacks[LOGINS]["Parameters"]["Architecture"] == "ARM64"
