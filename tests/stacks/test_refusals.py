"""What scripts/stack.sh and scripts/deploy.sh refuse, in which words, and that nothing was changed by then."""

import subprocess

import pytest
from sandbox import CHANGING, IMAGE, NEWER


def refuses(sandbox, reason, *words, **more):
    """It ends with 1 and the reason, and AWS was asked for nothing that changes anything."""
    sandbox.aws.calls.clear()
    said = sandbox.run(*words, code=1, **more)
    assert reason in said
    assert sandbox.called(*CHANGING) == [] and sandbox.called("cloudformation set-stack-policy") == []


@pytest.mark.parametrize("words,more,reason", [
    (["status"], {"ENVIRONMENT": "prod"}, "ENVIRONMENT=prod is not production, staging or review"),
    (["up", "databse"], {}, "there is no stack databse: network alerts registry alb database logins consul ci-role ec2-capacity service all"),
    (["plan", "network", "databse"], {}, "there is no stack databse"),
    (["scale", "3"], {}, "there is no stack app-master"),
    (["verify"], {}, "there is no stack app-master"),
    (["image", IMAGE], {"COMMIT": "a" * 39}, "cannot tell which commit"),
])
def test_what_cannot_be_meant_is_refused_with_what_there_is(sandbox, words, more, reason):
    refuses(sandbox, reason, *words, **more)


def test_a_checkout_that_is_on_no_branch_has_no_stack(sandbox):
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=sandbox.checkout, check=True)
    try:
        refuses(sandbox, "cannot tell which branch this is; set BRANCH=name", "status", branch="")
    finally:
        subprocess.run(["git", "checkout", "-q", "master"], cwd=sandbox.checkout, check=True)


@pytest.mark.parametrize("words", [["scale", "1", "2"], ["down", "app-side"], ["image", IMAGE, NEWER], ["--allow-replace", "up"], ["plan", "--all"]])
def test_a_word_too_many_changes_nothing(sandbox, words):
    sandbox.run(*words, code=1 if words[0] == "plan" else 2)
    assert sandbox.aws.calls == []


def test_without_the_client_or_its_answer_the_reason_is_told(sandbox, tmp_path):
    (tmp_path / "bin/aws").write_text("#!/bin/sh\necho 'Unable to locate credentials' >&2\nexit 253\n")
    refuses(sandbox, "cannot read the state of base-app-network: Unable to locate credentials", "status")
    (tmp_path / "bin/aws").unlink()
    refuses(sandbox, "aws is missing: pip3 install awscli", "status", PATH=without_what_was_installed(tmp_path))


def without_what_was_installed(folder):
    for name in ("awk", "cat", "cksum", "cut", "date", "dirname", "env", "git", "grep", "head", "mktemp", "rm", "sed", "sh", "sleep", "sort", "tail", "tr"):
        (folder / "bin" / name).symlink_to(f"/usr/bin/{name}")
    return f"{folder}/bin"


def test_without_skopeo_nobody_says_what_an_image_was_built_from(sandbox, tmp_path):
    path = without_what_was_installed(tmp_path)
    refuses(sandbox, "skopeo is missing", "image", NEWER, PATH=path)
    refuses(sandbox, "skopeo is missing", **{**DEPLOY, "IMAGE": NEWER}, PATH=path)


def test_a_branch_has_no_stack_before_the_load_balancer_is_there(sandbox):
    sandbox.aws.stacks["base-app-alb"]["Outputs"] = {}
    refuses(sandbox, "there is no load balancer yet: scripts/stack.sh up", "image", IMAGE, COMMIT=sandbox.new)


@pytest.mark.parametrize("value", ['a"b', "a\\b"])
def test_a_value_that_would_not_be_json_is_refused(sandbox, value):
    sandbox.aws.stacks["base-app-alb"]["Outputs"]["DomainName"] = value
    refuses(sandbox, "HostName may not contain quotes or backslashes", "image", IMAGE, COMMIT=sandbox.new)


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"])
def test_a_stack_that_something_else_is_at_is_not_deleted(sandbox, status):
    sandbox.aws.add_service("app-side", IMAGE, sandbox.side, status=status)
    refuses(sandbox, f"app-side is {status}: another operation is in progress", "down", branch="side")


def test_a_stack_that_was_only_looked_at_is_deleted_and_has_no_tables(sandbox):
    sandbox.aws.stacks["app-side"] = {"StackStatus": "REVIEW_IN_PROGRESS", "Parameters": {}}
    assert "DROP" not in sandbox.run("down", branch="side")
    assert "app-side" not in sandbox.aws.stacks


def test_a_stack_that_cannot_be_deleted_is_told_with_its_events(sandbox):
    sandbox.aws.add_service("app-side", IMAGE, sandbox.side)
    sandbox.aws.outcome = "FAILED"
    said = sandbox.run("down", branch="side", code=1)
    assert "app-side is DELETE_FAILED: it could not be deleted" in said and "last events of app-side" in said


@pytest.mark.parametrize("words", [["up", "alb"], ["up"]])
@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"])
def test_a_base_stack_whose_creation_failed_is_for_a_person_even_on_a_branch(sandbox, words, status):
    sandbox.aws.stacks["base-app-alb"].update(StackStatus=status)
    refuses(sandbox, "aws cloudformation delete-stack --stack-name base-app-alb", *words, branch="side", RECREATE="1")


@pytest.mark.parametrize("kind", [
    "AWS::RDS::DBInstance", "AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::S3::Bucket", "AWS::EFS::FileSystem", "AWS::ECR::Repository",
    "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::EC2::VPC",
])
def test_nothing_precious_is_lost_and_what_only_has_such_a_name_is_no_obstacle(sandbox, kind):
    sandbox.aws.changes = [{"Action": "Modify", "LogicalResourceId": "Other", "ResourceType": "AWS::EC2::Subnet", "Replacement": "True"},
                        {"Action": "Remove", "LogicalResourceId": "Precious", "ResourceType": kind}]
    said = sandbox.run("up", "network", code=1)
    assert "would remove or replace Precious, with its contents. To do that: --allow-replace" in said
    assert sandbox.called("cloudformation execute-change-set") == []
    sandbox.aws.changes = [{"Action": "Remove", "LogicalResourceId": "Like", "ResourceType": kind + "Policy"}, {"Action": "Add", "LogicalResourceId": "New", "ResourceType": kind}]
    sandbox.run("up", "network")
    assert sandbox.given("cloudformation set-stack-policy") == [], "nobody asked to lift it"


def test_what_is_meant_to_be_lost_is_let_go_by_the_stacks_policy_first_and_protected_again(sandbox):
    sandbox.aws.changes = [{"Action": "Modify", "LogicalResourceId": "Alb", "ResourceType": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Replacement": "True"}]
    assert "modify  Alb  AWS::ElasticLoadBalancingV2::LoadBalancer  is REPLACED" in sandbox.run("up", "--allow-replace", "alb")
    free, safe = [policy["StackPolicyBody"] for policy in sandbox.given("cloudformation set-stack-policy")]
    assert "Deny" not in free and '"LogicalResourceId/Alb", "LogicalResourceId/LogBucket"' in safe
    names = [name for name, _ in sandbox.aws.calls]
    assert names.index("cloudformation set-stack-policy") < names.index("cloudformation execute-change-set")


def test_a_change_set_that_is_never_ready_is_dropped(deployed):
    deployed.aws.describe_change_set = lambda options: {"Status": "CREATE_IN_PROGRESS"}
    said = deployed.image(NEWER, deployed.new, code=1, CHANGE_SET_SECONDS="0")
    assert "the change set of app-master is still CREATE_IN_PROGRESS after 0 s" in said
    assert [s["state"] for s in deployed.aws.sets.values()] == ["dropped"]


def test_a_service_that_is_not_there_is_neither_migrated_nor_verified(deployed):
    del deployed.aws.stacks["app-master"]["Outputs"]["ServiceName"]
    said = deployed.image(NEWER, deployed.new, code=1)
    assert "nothing was deployed: the stack has no service" in said and deployed.called("cloudformation execute-change-set", "ecs run-task") == []
    assert "the stack has no service" in deployed.run("verify", code=5)


DEPLOY = {"program": "scripts/deploy.sh", "REPO": "registry.example/app", "MAINLINE": "master"}


@pytest.mark.parametrize("words,more,reason", [
    (["production"], {}, "production is not `branch`; without an argument it deploys to production"),
    ([], {"TAG": "master"}, "master is not a commit's tag"),
    ([], {"TAG": "1234567"}, "1234567 is not a commit's tag"),
    ([], {"TAG": "a" * 41}, "is not a commit's tag"),
    ([], {"IMAGE": "registry.example/app:master"}, "Mutable tags are not accepted"),
    ([], {"IMAGE": NEWER, "REPO": "registry.example/shop"}, "IMAGE is of registry.example/app, and deployments are of registry.example/shop"),
    ([], {"REPO": "app"}, "set REPO to the repository"),
    ([], {"IMAGE": NEWER, "MAINLINE": "origin/nowhere"}, "this checkout has no origin/nowhere to compare with (MAINLINE=)"),
])
def test_a_deployment_of_what_cannot_be_meant_is_refused(deployed, words, more, reason):
    deployed.registry(NEWER.split("@")[1], deployed.new)
    refuses(deployed, reason, *words, **{**DEPLOY, **more})


@pytest.mark.parametrize("tag", [None, "12345678"])
def test_a_commit_that_was_never_pushed_is_not_deployed(deployed, tag):
    skopeo = deployed.folder / "bin/skopeo"
    skopeo.write_text("#!/bin/sh\necho 'manifest unknown' >&2\nexit 1\n")
    skopeo.chmod(0o755)
    refuses(deployed, f"the registry has no image of {tag or 'one of the last 20 commits'} in registry.example/app", **DEPLOY, **({"TAG": tag} if tag else {}))


def test_an_image_that_says_no_commit_is_not_deployed(deployed):
    deployed.registry(NEWER.split("@")[1], "")
    refuses(deployed, "was built from commit unknown, which master does not have", **DEPLOY, IMAGE=NEWER)
    refuses(deployed, "cannot tell which commit", "image", NEWER)
