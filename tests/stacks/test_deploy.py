"""scripts/stack.sh against a stand-in of AWS (standin.py): what it asks for, in which order, what it refuses, and what it says."""

import os
import pathlib
import re
import signal
import subprocess

import permissions
import pytest
from chain import build
from standin import Aws

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE = "registry.example/app@sha256:" + "1" * 64
NEWER = "registry.example/app@sha256:" + "2" * 64


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """Scripts and templates in a repository of two commits and one on a branch."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("scripts", "cloudformation"):
        subprocess.run(["cp", "-r", ROOT / name, folder / name], check=True)
    git = lambda *words: subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    git("init", "-q", "-b", "master")
    hashes = []
    for message in ("old", "new"):
        git("commit", "-q", "--allow-empty", "-m", message)
        hashes.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", "-b", "side", hashes[0])
    git("commit", "-q", "--allow-empty", "-m", "side")
    hashes.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", "master")
    return folder, *hashes


class Yard:
    def __init__(self, folder, checkout):
        self.folder, (self.checkout, self.old, self.new, self.side) = folder, checkout
        self.aws = Aws(folder, self.checkout)
        self.aws.serve()
        self.aws.add_base()

    def registry(self, digest, commit):
        """A stand-in of skopeo: every name is that image of that commit; what it was asked for is written down."""
        skopeo = self.folder / "bin/skopeo"
        skopeo.write_text(f"#!/bin/sh\necho \"$*\" >>{self.folder}/skopeo.log\ncase $* in *Digest*) echo {digest} ;; *) echo {commit} ;; esac\n")
        skopeo.chmod(0o755)

    def start(self, words, branch="master", program="scripts/stack.sh", **environment):
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder), "BRANCH": branch, "POLL": "0", "VERIFY_SECONDS": "0", **environment}
        return subprocess.Popen([self.checkout / program, *words], cwd=self.checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *words, code=0, **environment):
        """Runs it; returns all that it said."""
        process = self.start(words, **environment)
        said = "".join(process.communicate(timeout=60))
        assert self.aws.wrong == [], said
        assert process.returncode == code, said
        return said

    def image(self, image, commit, **more):
        return self.run("image", image, COMMIT=commit, **more)

    def called(self, *names):
        return [name for name, _ in self.aws.calls if name in names]

    def given(self, call):
        return [options for name, options in self.aws.calls if name == call]


@pytest.fixture
def yard(tmp_path, checkout):
    yard = Yard(tmp_path, checkout)
    yield yard
    yard.aws.end()


@pytest.fixture
def deployed(yard):
    yard.aws.add_service("app-master", IMAGE, yard.old)
    return yard


CHANGING = ("cloudformation create-change-set", "ecs run-task", "cloudformation execute-change-set", "cloudformation delete-stack")


def test_a_deployment_migrates_once_then_updates_then_proves(deployed):
    said = deployed.image(NEWER, deployed.new)
    assert deployed.called(*CHANGING, "curl") == ["cloudformation create-change-set", "ecs run-task", "cloudformation execute-change-set", "curl"]
    assert deployed.aws.migrated == [NEWER], "once, with the new image"
    parameters = deployed.aws.stacks["app-master"]["Parameters"]
    assert (parameters["ImageUri"], parameters["Commit"], parameters["PreviousImageUri"]) == (NEWER, deployed.new, IMAGE)
    assert parameters["RulePriority"] == "1234" and parameters["Containers"] == "2", "what it had stays"
    assert "verified" in said and "the database is migrated" in said


def test_the_migration_is_the_services_own_task_with_another_image_and_command(deployed):
    deployed.image(NEWER, deployed.new)
    task = deployed.aws.registered
    container, = task["containerDefinitions"]
    assert (container["image"], container["entryPoint"], container["command"]) == (NEWER, ["/bin/app"], ["migrate"])
    assert container["secrets"] == [{"name": "DB_PASSWD", "valueFrom": "arn:secret"}] and container["readonlyRootFilesystem"] is True
    assert task["family"] == "app-master-migration" and task["taskRoleArn"] == "arn:task-role" and container["essential"] is True
    run, = deployed.given("ecs run-task")
    assert run["launchType"] == "FARGATE" and "subnet-1" in run["networkConfiguration"] and run["taskDefinition"] == "arn:migration:1"


def test_a_migration_that_fails_stops_the_deployment(deployed):
    deployed.aws.migration_exit = 1
    said = deployed.image(NEWER, deployed.new, code=1)
    assert "the migration failed, and nothing was deployed: exit code 1" in said and "no such column" in said
    assert deployed.called("cloudformation execute-change-set") == []
    assert [s["state"] for s in deployed.aws.sets.values()] == ["dropped"]


def test_a_migration_that_cannot_start_or_never_ends_stops_it_too(deployed):
    deployed.aws.run_task = lambda options: {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
    assert "RESOURCE:MEMORY" in deployed.image(NEWER, deployed.new, code=1)
    del deployed.aws.run_task
    stopped = deployed.aws.describe_tasks
    deployed.aws.describe_tasks = lambda options: {"tasks": [{**stopped(options)["tasks"][0], "lastStatus": "PENDING"}]}
    assert "has not ended" in deployed.image(NEWER, deployed.new, code=1, MIGRATION_SECONDS="0")
    assert deployed.called("cloudformation execute-change-set") == []


def test_what_cloudformation_takes_back_ends_with_4_and_the_reasons(deployed):
    deployed.aws.outcome = "UPDATE_ROLLBACK_COMPLETE"
    said = deployed.image(NEWER, deployed.new, code=4)
    for reason in ("the circuit breaker was opened", "unable to place a task", "Essential container in task exited", "app:137:OutOfMemoryError"):
        assert reason in said, reason
    assert deployed.called("curl") == []


def test_what_ecs_took_back_while_cloudformation_says_complete_ends_with_5(deployed):
    deployed.aws.ecs_goes_back = True
    said = deployed.image(NEWER, deployed.new, code=5)
    assert deployed.aws.stacks["app-master"]["StackStatus"] == "UPDATE_COMPLETE"
    assert "ECS has gone back" in said and f"a task runs the image sha256:{'1' * 64}" in said
    assert "unable to place a task" in said and "app:137:OutOfMemoryError" in said


@pytest.mark.parametrize("what,value,reason", [
    ("pulled_digest", "sha256:" + "9" * 64, "a task runs the image sha256:999"),
    ("served_commit", "c" * 40, "/version says"),
    ("running", 1, "1 tasks of 2 run"),
    ("running", 0, "no task runs"),
    ("deployments", 2, "the service has 2 deployments at once"),
])
def test_everything_that_differs_from_what_was_pushed_ends_with_5(deployed, what, value, reason):
    setattr(deployed.aws, what, value)
    said = deployed.image(NEWER, deployed.new, code=5)
    assert reason in said
    assert "verified" not in said


def test_what_settles_within_the_time_is_well(deployed):
    deployed.aws.deployments = 2

    def settles(call):
        if call[0] == "curl" or call[0] == "ecs list-tasks":
            deployed.aws.deployments = 1
    deployed.aws.hook = settles
    assert "verified" in deployed.image(NEWER, deployed.new, VERIFY_SECONDS="30")


def test_verify_says_what_runs_and_finds_a_stack_that_was_put_back(deployed):
    assert "verified" in deployed.run("verify")
    deployed.aws.stacks["app-master"]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
    assert "the stack is UPDATE_ROLLBACK_COMPLETE" in deployed.run("verify", code=5)


def test_an_older_commit_never_replaces_a_newer_one(deployed):
    deployed.image(NEWER, deployed.new)
    deployed.aws.calls.clear()
    said = deployed.image(IMAGE, deployed.old, code=1)
    assert "BACK=1" in said and deployed.called(*CHANGING) == []
    assert "of another branch" in deployed.image(IMAGE, deployed.side, code=1)
    assert "does not know the commit" in [deployed.aws.stacks["app-master"]["Parameters"].update(Commit="d" * 40), deployed.image(IMAGE, deployed.new, code=1)][1]
    deployed.aws.stacks["app-master"]["Parameters"].update(Commit=deployed.new)
    assert "verified" in deployed.image(IMAGE, deployed.old, BACK="1")


def test_a_branch_may_write_its_history_anew_but_not_go_back(yard):
    yard.aws.add_service("app-side", IMAGE, yard.new)
    assert "is older than" in yard.image(NEWER, yard.old, branch="side", code=1)
    yard.image(NEWER, yard.side, branch="side")


def test_the_same_image_again_is_nothing_to_do_but_is_looked_at(deployed):
    deployed.aws.nothing_to_do = True
    deployed.image(IMAGE, deployed.old, code=3)
    assert deployed.called(*CHANGING[1:]) == [] and deployed.called("curl") == ["curl"]
    deployed.aws.served_commit = "c" * 40
    deployed.image(IMAGE, deployed.old, code=5)


BLOCKED = {
    "UPDATE_IN_PROGRESS": "something else is at it",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "something else is at it",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
    "DELETE_FAILED": "delete it again",
    "ROLLBACK_COMPLETE": "its creation failed",
    "CREATE_FAILED": "its creation failed",
    "SOMETHING_NEW": "does not know",
}


@pytest.mark.parametrize("status", BLOCKED)
def test_a_state_that_blocks_is_told_and_left_alone(deployed, status):
    deployed.aws.stacks["app-master"]["StackStatus"] = status
    assert BLOCKED[status] in deployed.image(NEWER, deployed.new, code=1)
    assert deployed.called(*CHANGING) == []


def test_a_branchs_failed_creation_is_made_anew_when_that_is_said_and_productions_never(yard):
    for branch, name in (("side", "app-side"), ("master", "app-master")):
        yard.aws.add_service(name, IMAGE, yard.old, status="ROLLBACK_COMPLETE")
        yard.image(NEWER, yard.new, branch=branch, code=1)
        yard.image(NEWER, yard.new, branch=branch, RECREATE="1", code=0 if branch == "side" else 1)
    assert [o["StackName"] for o in yard.given("cloudformation delete-stack")] == ["app-side"]


@pytest.mark.parametrize("kind,name,change", [
    ("AWS::RDS::DBInstance", "database", {"Action": "Modify", "Replacement": "True"}),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "alb", {"Action": "Modify", "Replacement": "Conditional"}),
    ("AWS::KMS::Key", "database", {"Action": "Remove"}),
])
def test_replacing_what_holds_data_or_the_address_is_refused(yard, kind, name, change):
    yard.aws.changes = [{"LogicalResourceId": "Precious", "ResourceType": kind, **change}]
    said = yard.run("up", name, code=1)
    assert "would remove or replace Precious" in said and yard.called(*CHANGING) == ["cloudformation create-change-set"]
    assert [s["state"] for s in yard.aws.sets.values()] == ["dropped"]
    yard.run("plan", name, code=1)
    yard.run("up", "--allow-replace", name)


def test_a_modification_that_keeps_the_database_is_carried_out_and_protected(yard):
    yard.aws.changes = [{"Action": "Modify", "LogicalResourceId": "Db", "ResourceType": "AWS::RDS::DBInstance", "Replacement": "False"}]
    yard.run("up", "database")
    policy, = yard.given("cloudformation set-stack-policy")
    assert "LogicalResourceId/Db" in policy["StackPolicyBody"] and "Update:Replace" in policy["StackPolicyBody"]
    assert yard.given("cloudformation update-termination-protection") == [{"StackName": "base-app-database", "EnableTerminationProtection": True}]


def test_plan_shows_and_changes_nothing(deployed):
    said = deployed.run("plan", "all")
    assert "modify  Service  AWS::ECS::Service" in said
    assert deployed.called("cloudformation execute-change-set", "cloudformation delete-stack", "ecs run-task") == []
    assert {s["state"] for s in deployed.aws.sets.values()} == {"dropped"}
    deployed.aws.nothing_to_do = True
    deployed.run("plan", "all", code=3)


def test_from_nothing_the_stacks_are_made_in_their_order_and_the_branch_with_its_image(yard):
    yard.aws.stacks.clear()
    yard.aws.changes = []
    made = []
    original = yard.aws.run

    def outputs(call):
        if call[0] == "cloudformation execute-change-set":
            name = yard.aws.sets[call[1]["ChangeSetName"]]["stack"]
            made.append(name)
            if name == "base-app-alb":
                yard.aws.stacks[name]["Outputs"] = {"DomainName": "example.org", "HttpsListener": "arn:listener"}
    yard.aws.hook, yard.aws.run = outputs, original
    said = yard.run("up", branch="feature/x")
    assert made == [f"base-app-{name}" for name in ("network", "alerts", "registry", "alb", "database")]
    assert "make push" in said
    first = yard.aws.sets["arn:set:3"]["parameters"]
    assert first["NetworkStack"] == "base-app-network" and first["AlertsStack"] == "base-app-alerts" and first["DomainName"] == "app.example.org"
    yard.aws.priorities = ["default", "1000"]
    said = yard.image(IMAGE, yard.new, branch="feature/x")
    name = made[-1]
    assert f"CREATE DATABASE {yard.aws.stacks[name]['Parameters']['DatabaseName']}" in said
    given = yard.aws.stacks[name]["Parameters"]
    assert re.fullmatch(r"app-feature-x-[0-9a-f]{6}", name) and given["HostName"] == name[4:] + ".example.org"
    assert given["DatabaseName"] == "app_" + name[4:].replace("-", "_") and given["Containers"] == "1", "a branch's own numbers"
    assert given["Cpu"] == "512", "and production's for the rest"
    assert yard.called("ecs run-task") == [], "nothing runs that the migration could be kept from"
    # A second branch's `up` leaves the base stacks alone.
    made.clear()
    yard.run("up", branch="other", code=3)
    assert made == []


def test_a_rules_number_that_is_taken_is_not_used(yard):
    numbers = []
    for taken in (["default"], None):
        yard.aws.priorities = taken or ["default", numbers[0]]
        yard.aws.stacks.pop("app-side", None)
        yard.image(IMAGE, yard.new, branch="side")
        numbers.append(yard.aws.stacks["app-side"]["Parameters"]["RulePriority"])
    assert int(numbers[1]) == int(numbers[0]) + 1


def test_master_is_served_as_the_domain_itself(yard):
    yard.image(IMAGE, yard.new)
    assert yard.aws.stacks["app-master"]["Parameters"]["HostName"] == "example.org"
    assert yard.given("cloudformation update-termination-protection")


def test_staging_has_stacks_of_its_own(yard):
    yard.aws.stacks.clear()
    yard.aws.add_base("stg")
    yard.image(IMAGE, yard.new, ENVIRONMENT="staging")
    assert yard.aws.stacks["stg-master"]["Parameters"]["NetworkStack"] == "base-stg-network"


def test_changes_of_services_go_through_the_role_that_jenkins_may_pass_and_roles_are_bounded(yard):
    yard.aws.stacks["base-app-ci-role"] = {"StackStatus": "CREATE_COMPLETE", "Outputs": {"ExecutionRoleArn": "arn:execution"}, "Parameters": {}}
    yard.image(IMAGE, yard.new)
    assert [s["role"] for s in yard.aws.sets.values()] == ["arn:execution"]
    assert yard.aws.stacks["app-master"]["Parameters"]["CiStack"] == "base-app-ci-role"
    yard.run("up", "network")
    assert [s["role"] for s in yard.aws.sets.values()][1:] == [None], "Jenkins' role cannot make a network"


def test_jenkins_role_may_do_what_the_script_does_and_its_resources_bear_our_names(yard):
    yard.aws.stacks["base-app-ci-role"] = {"StackStatus": "CREATE_COMPLETE", "Outputs": {"ExecutionRoleArn": "arn:execution"}, "Parameters": {}}
    yard.image(IMAGE, yard.old)
    yard.aws.migration_exit = 1
    yard.image(NEWER, yard.new, code=1)
    yard.aws.migration_exit = 0
    yard.aws.ecs_goes_back = True
    yard.image(NEWER, yard.new, code=5)
    yard.aws.add_service("app-side", IMAGE, yard.side)
    yard.run("down", branch="side")
    services = {"elbv2": "elasticloadbalancing"}
    called = set()
    for name, options in yard.aws.calls:
        if name != "curl":
            service, command = name.split()
            called.add(services.get(service, service) + ":" + command.title().replace("-", ""))
            assert re.match("(base-)?app-", options.get("StackName", "app-")), "a stack that the role does not know"
    allowed = {action for _, s in permissions.statements(build(), "DeployRole") if s["Effect"] == "Allow" for action in s["Action"]}
    assert called <= allowed, called - allowed
    used = {action for action in allowed if action.split(":")[0] not in ("ecr", "iam")}
    assert used - called == set(), "the role may do what nobody needs"


def test_deploying_takes_master_to_production_and_nothing_to_do_is_no_failure(deployed):
    deployed.registry(NEWER.split("@")[1], deployed.new)
    deploy = lambda **more: deployed.run(program="scripts/deploy.sh", branch="side", REPO="registry.example/app", MAINLINE="master", TAG=deployed.new, **more)
    assert "verified" in deploy()
    assert f"registry.example/app:{deployed.new[:8]}" in (deployed.folder / "skopeo.log").read_text(), "the whole hash means the tag"
    assert deployed.aws.stacks["app-master"]["Parameters"]["Commit"] == deployed.new
    deployed.aws.nothing_to_do = True
    deploy()
    deployed.aws.served_commit = "c" * 40
    deploy(code=5)
    deployed.registry(NEWER.split("@")[1], deployed.side)
    assert "which master does not have" in deploy(code=1)


def test_updating_a_branch_changes_that_branchs_stack_and_no_other(deployed):
    deployed.aws.add_service("app-fix", IMAGE, deployed.old)
    deployed.registry(NEWER.split("@")[1], deployed.new)
    update = lambda **more: deployed.run("branch", program="scripts/deploy.sh", branch="fix", REPO="registry.example/app", TAG=deployed.new[:8], **more)
    update()
    assert [deployed.aws.stacks[name]["Parameters"]["Commit"] for name in ("app-fix", "app-master")] == [deployed.new, deployed.old]
    deployed.registry(NEWER.split("@")[1], deployed.side)
    assert "which HEAD does not have" in update(code=1)


def test_scaling_changes_the_least_and_if_need_be_the_most_and_nothing_else(deployed):
    before = dict(deployed.aws.stacks["app-master"]["Parameters"])
    deployed.run("scale", "6")
    after = deployed.aws.stacks["app-master"]["Parameters"]
    assert (after["Containers"], after["MaxContainers"]) == ("6", "6")
    assert {k: v for k, v in after.items() if k in before and "Containers" not in k} == {k: v for k, v in before.items() if "Containers" not in k}
    deployed.run("scale", "3")
    assert (after["MaxContainers"], deployed.aws.stacks["app-master"]["Parameters"]["MaxContainers"]) == ("6", "6")
    for wrong in ("", "0", "-1", "many", "06"):
        assert "how many containers" in deployed.run("scale", wrong, code=1)
    # The next deployment keeps it.
    deployed.image(NEWER, deployed.new)
    assert deployed.aws.stacks["app-master"]["Parameters"]["Containers"] == "3"


def test_down_deletes_a_branchs_stack_and_no_other(yard):
    yard.aws.add_service("app-side", IMAGE, yard.side)
    yard.aws.add_service("app-master", IMAGE, yard.new)
    assert "DROP DATABASE app_x" in yard.run("down", branch="side")
    assert "app-side" not in yard.aws.stacks
    yard.run("down", branch="side", code=3)
    yard.run("down", branch="master", code=1)
    yard.run("down", branch="side", ENVIRONMENT="staging", code=1)
    assert [o["StackName"] for o in yard.given("cloudformation delete-stack")] == ["app-side"]


def test_status_shows_every_stack_and_what_runs(deployed):
    said = deployed.run("status")
    for line in (r"base-app-database +CREATE_COMPLETE", r"app-master +UPDATE_COMPLETE", r"ImageUri +" + re.escape(IMAGE), r"containers +2 of 2"):
        assert re.search(line, said), line
    assert "consul" not in said, "an option that is not there"
    assert deployed.called(*CHANGING) == []


def test_an_interrupted_run_says_that_aws_goes_on_and_a_change_set_is_taken_back(deployed):
    for moment, dropped in (("cloudformation describe-change-set", True), ("cloudformation execute-change-set", False)):
        deployed.aws.stacks["app-master"].update(StackStatus="UPDATE_COMPLETE", next=[])
        deployed.aws.calls.clear()
        process = deployed.start(["image", NEWER], COMMIT=deployed.new)

        def interrupt(call):
            if call[0] == moment:
                process.send_signal(signal.SIGTERM)
                if not dropped:
                    deployed.aws.stacks["app-master"]["next"] = ["UPDATE_IN_PROGRESS"] * 1000
        deployed.aws.hook = interrupt
        said = "".join(process.communicate(timeout=60))
        deployed.aws.hook = lambda call: None
        assert process.returncode == 130, said
        assert ("AWS goes on with app-master" in said) == (not dropped), said
        assert ("dropped" in [s["state"] for s in deployed.aws.sets.values()][-1:]) == dropped


def test_aws_own_reason_is_told_when_a_change_is_refused(deployed):
    deployed.aws.set_failure = "Template format error: unresolved dependencies"
    assert "unresolved dependencies" in deployed.image(NEWER, deployed.new, code=1)


def test_a_change_that_has_not_begun_yet_is_not_taken_for_done(deployed):
    deployed.aws.late = 5
    looks = []
    deployed.aws.hook = lambda call: looks.append(deployed.aws.stacks["app-master"]["StackStatus"]) if call[0] == "cloudformation update-termination-protection" else None
    deployed.aws.stacks["app-master"]["StackStatus"] = "CREATE_COMPLETE"
    deployed.image(NEWER, deployed.new)
    assert looks == ["UPDATE_COMPLETE"]


def test_a_stack_that_does_not_end_is_left_with_a_word(deployed):
    def slow(call):
        if call[0] == "cloudformation execute-change-set":
            deployed.aws.hook = lambda call: deployed.aws.stacks["app-master"].update(next=["UPDATE_IN_PROGRESS"])
    deployed.aws.hook = slow
    assert "still UPDATE_IN_PROGRESS after 0 s; AWS goes on" in deployed.image(NEWER, deployed.new, code=1, STACK_SECONDS="0")


def test_wrong_words_end_with_2_and_the_usage(yard):
    for words in ([], ["deploy"], ["image"], ["verify", "x"], ["status", "x"]):
        assert "scripts/stack.sh plan [STACK...]" in yard.run(*words, code=2)
    assert yard.aws.calls == []


def test_images_by_names_that_move_are_refused_before_aws_is_asked(yard):
    for image in ("registry.example/app:master", "registry.example/app", "registry.example/app@sha256:12"):
        assert "Names that move" in yard.image(image, yard.new, code=1)
    assert "which commit" in yard.image(IMAGE, "master", code=1)
    assert "production is master's" in yard.image(IMAGE, yard.new, branch="side", ENVIRONMENT="production", code=1)
    assert yard.aws.calls == []


def test_the_client_tries_throttled_calls_again_by_itself(yard, tmp_path):
    (tmp_path / "bin/aws").write_text(f"#!/bin/sh\necho $AWS_RETRY_MODE $AWS_MAX_ATTEMPTS >>{tmp_path}/tries\nexit 254\n")
    yard.run("status", code=1)
    assert (tmp_path / "tries").read_text() == "standard 6\n"
