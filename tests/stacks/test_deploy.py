"""scripts/stack.sh against a fake AWS (fake_aws.py): what it asks for, in which order, and what it says."""

import re
import signal

import permissions
import pytest
from chain import build
from fake_aws import Refused
from sandbox import CHANGING, IMAGE, NEWER


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
    for code, reason in ((None, "it never started, Essential container"), (1, "exit code 1, Essential container")):
        deployed.aws.migration_exit = code
        said = deployed.image(NEWER, deployed.new, code=1)
        assert f"the migration failed, and nothing was deployed: {reason}" in said and "no such column" in said
    assert deployed.called("cloudformation execute-change-set") == []
    assert {s["state"] for s in deployed.aws.sets.values()} == {"dropped"}


def test_a_migration_that_cannot_start_or_never_ends_stops_it_too(deployed):
    deployed.aws.run_task = lambda options: {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
    assert "RESOURCE:MEMORY" in deployed.image(NEWER, deployed.new, code=1)
    del deployed.aws.run_task
    stopped = deployed.aws.describe_tasks
    deployed.aws.describe_tasks = lambda options: {"tasks": [{**stopped(options)["tasks"][0], "lastStatus": "PENDING"}]}
    assert "is still running" in deployed.image(NEWER, deployed.new, code=1, TASK_SECONDS="0")
    del deployed.aws.describe_tasks

    def refused(options):
        raise Refused("AccessDenied")
    for call in ("register_task_definition", "describe_task_definition", "run_task"):
        setattr(deployed.aws, call, refused)
        assert f"stack: aws ecs {call.replace('_', '-')}: An error occurred (AccessDenied)" in deployed.image(NEWER, deployed.new, code=1)
        delattr(deployed.aws, call)
    assert deployed.called("cloudformation execute-change-set") == []
    assert {s["state"] for s in deployed.aws.sets.values()} == {"dropped"}


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
    assert "ECS rolled it back" in said and f"a task runs the image sha256:{'1' * 64}" in said
    assert "unable to place a task" in said and "app:137:OutOfMemoryError" in said


@pytest.mark.parametrize("what,value,reason", [
    ("pulled_digest", "sha256:" + "9" * 64, "a task runs the image sha256:999"),
    ("served_commit", "c" * 40, "/version says"),
    ("running", 1, "1 tasks of 2 run"),
    ("running", 0, "no task runs"),
    ("deployments", 2, "the service has 2 deployments at once"),
    ("deployments", 2, "the deployment is IN_PROGRESS"),
    ("served_commit", "c" * 40, "https://app-master.example.org/version says"),
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
    deployed.aws.stacks["app-master"]["Parameters"].update(Commit=deployed.new)
    deployed.image(IMAGE, deployed.old, BACK="true")  # as Jenkins says it
    deployed.aws.stacks["app-master"]["Parameters"].update(Commit=deployed.new)
    deployed.image(IMAGE, deployed.old, BACK="0", code=1)


def test_a_branch_may_rewrite_its_history_but_not_go_back(sandbox):
    sandbox.aws.add_service("app-side", IMAGE, sandbox.new)
    assert "is older than" in sandbox.image(NEWER, sandbox.old, branch="side", code=1)
    sandbox.image(NEWER, sandbox.side, branch="side")
    sandbox.image(IMAGE, sandbox.side, branch="side")  # the same commit, rebuilt


def test_the_same_image_again_is_nothing_to_do_but_is_looked_at(deployed):
    deployed.aws.nothing_to_do = True
    deployed.image(IMAGE, deployed.old, code=3)
    assert deployed.called(*CHANGING[1:]) == [] and deployed.called("curl") == ["curl"]
    deployed.aws.served_commit = "c" * 40
    deployed.image(IMAGE, deployed.old, code=5)


BLOCKED = {
    "UPDATE_IN_PROGRESS": "another operation is in progress",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "another operation is in progress",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
    "DELETE_FAILED": "delete it again",
    "ROLLBACK_COMPLETE": "its creation failed",
    "CREATE_FAILED": "its creation failed",
    "ROLLBACK_FAILED": "its creation failed",
    "SOMETHING_NEW": "does not know",
}


@pytest.mark.parametrize("status", BLOCKED)
def test_a_state_that_blocks_is_told_and_left_alone(deployed, status):
    deployed.aws.stacks["app-master"]["StackStatus"] = status
    assert BLOCKED[status] in deployed.image(NEWER, deployed.new, code=1)
    assert deployed.called(*CHANGING) == []


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"])
def test_a_branchs_failed_creation_is_recreated_when_that_is_said_and_productions_never(sandbox, status):
    for branch, name in (("side", "app-side"), ("master", "app-master")):
        sandbox.aws.add_service(name, IMAGE, sandbox.old, status=status)
        said = sandbox.image(NEWER, sandbox.new, branch=branch, code=1)
        assert ("RECREATE=1 does that." in said) == (branch == "side") and ("delete-stack --stack-name app-master" in said) == (branch == "master")
        sandbox.image(NEWER, sandbox.new, branch=branch, RECREATE="1", code=0 if branch == "side" else 1)
    assert [o["StackName"] for o in sandbox.given("cloudformation delete-stack")] == ["app-side"]
    assert sandbox.called("ecs run-task") == [], "nothing served that a migration could be kept from"


@pytest.mark.parametrize("kind,name,change", [
    ("AWS::RDS::DBInstance", "database", {"Action": "Modify", "Replacement": "True"}),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "alb", {"Action": "Modify", "Replacement": "Conditional"}),
    ("AWS::KMS::Key", "database", {"Action": "Remove"}),
])
def test_replacing_what_holds_data_or_the_address_is_refused(sandbox, kind, name, change):
    sandbox.aws.changes = [{"LogicalResourceId": "Precious", "ResourceType": kind, **change}]
    said = sandbox.run("up", name, code=1)
    assert "would remove or replace Precious" in said and sandbox.called(*CHANGING) == ["cloudformation create-change-set"]
    assert [s["state"] for s in sandbox.aws.sets.values()] == ["dropped"]
    sandbox.run("plan", name, code=1)
    sandbox.run("up", "--allow-replace", name)


def test_a_modification_that_keeps_the_database_is_carried_out_and_protected(sandbox):
    sandbox.aws.changes = [{"Action": "Modify", "LogicalResourceId": "Db", "ResourceType": "AWS::RDS::DBInstance", "Replacement": "False"}]
    sandbox.run("up", "database")
    policy, = sandbox.given("cloudformation set-stack-policy")
    assert "LogicalResourceId/Db" in policy["StackPolicyBody"] and "Update:Replace" in policy["StackPolicyBody"]
    assert sandbox.given("cloudformation update-termination-protection") == [{"StackName": "base-app-database", "EnableTerminationProtection": True}]


def test_plan_shows_and_changes_nothing(deployed):
    said = deployed.run("plan", "all")
    assert "modify  Service  AWS::ECS::Service" in said
    assert deployed.called("cloudformation execute-change-set", "cloudformation delete-stack", "ecs run-task") == []
    assert {s["state"] for s in deployed.aws.sets.values()} == {"dropped"}
    deployed.aws.nothing_to_do = True
    deployed.run("plan", "all", code=3)


def test_from_nothing_the_stacks_are_made_in_their_order_and_the_branch_with_its_image(sandbox):
    sandbox.aws.stacks.clear()
    sandbox.aws.changes = []
    made = []
    original = sandbox.aws.run

    def outputs(call):
        if call[0] == "cloudformation execute-change-set":
            name = sandbox.aws.sets[call[1]["ChangeSetName"]]["stack"]
            made.append(name)
            if name == "base-app-alb":
                sandbox.aws.stacks[name]["Outputs"] = {"DomainName": "example.org", "HttpsListener": "arn:listener"}
            if name == "base-app-registry":
                sandbox.aws.stacks[name]["Outputs"] = {"RepositoryUri": "registry.example/app"}
    sandbox.aws.hook, sandbox.aws.run = outputs, original
    said = sandbox.run("up", branch="feature/x")
    assert made == [f"base-app-{name}" for name in ("network", "alerts", "registry", "alb", "database")]
    assert "is created with its first image: REPO=registry.example/app make build push update-stack" in said
    first = sandbox.aws.sets["arn:set:3"]["parameters"]
    assert first["NetworkStack"] == "base-app-network" and first["AlertsStack"] == "base-app-alerts" and first["DomainName"] == "app.example.org"
    assert "the database has no users yet" in sandbox.image(IMAGE, sandbox.new, branch="feature/x", code=1)
    sandbox.run("logins", IMAGE)
    sandbox.aws.calls.clear()
    sandbox.aws.priorities = ["default", "1000"]
    said = sandbox.image(IMAGE, sandbox.new, branch="feature/x")
    name = made[-1]
    given = sandbox.aws.stacks[name]["Parameters"]
    assert re.fullmatch(r"app-feature-x-[0-9a-f]{6}", name) and given["HostName"] == name[4:] + ".example.org"
    assert given["DatabaseName"] == "app_" + name[4:].replace("-", "_") and given["DatabaseLogin"] == "Review"
    assert given["Containers"] == "1", "a branch's own numbers"
    assert given["Spot"] == "true" and "Exec" not in given
    assert sandbox.called("ecs run-task") == [], "nothing runs that the migration could be kept from"
    # A second branch's `up` leaves the base stacks alone.
    made.clear()
    assert "app-other is created with its first image" in sandbox.run("up", branch="other", code=3)
    assert made == []
    # With an image it makes the branch's stack at once, and a base stack whose creation failed is in its way.
    sandbox.run("up", branch="other", IMAGE=IMAGE, COMMIT=sandbox.new)
    assert made == ["app-other"]
    sandbox.aws.stacks["base-app-registry"]["StackStatus"] = "ROLLBACK_COMPLETE"
    assert "base-app-registry is ROLLBACK_COMPLETE" in sandbox.run("up", branch="other", code=1)


def test_plan_says_what_would_be_made_and_makes_nothing(sandbox):
    sandbox.aws.nothing_to_do = True
    said = sandbox.run("plan", "all", branch="side")
    assert "app-side would be made from service.yaml" in said and "base-app-network: nothing to change" in said
    assert "app-side" not in sandbox.aws.stacks and {s["state"] for s in sandbox.aws.sets.values()} == {"dropped"}
    # Without words it is about everything as well.
    assert sandbox.run("plan", branch="side") == said


def test_up_brings_a_service_to_the_numbers_that_are_written_here_and_proves_it(deployed):
    deployed.aws.stacks["app-master"]["Parameters"].update(Containers="9", HostName="old.example.org")
    said = deployed.run("up", "service")
    given = deployed.aws.stacks["app-master"]["Parameters"]
    assert (given["Containers"], given["HostName"]) == ("3", "example.org") and (given["ImageUri"], given["RulePriority"]) == (IMAGE, "1234")
    assert "verified" in said and deployed.called("ecs run-task") == []
    deployed.aws.ecs_goes_back = True
    assert "ECS rolled it back" in deployed.run("up", "service", code=5)
    deployed.aws.ecs_goes_back, deployed.aws.nothing_to_do = False, True
    assert "app-master: nothing to change" in deployed.run("up", "service", code=3)
    deployed.aws.nothing_to_do = False
    deployed.run("up", "all")
    assert [s["stack"] for s in list(deployed.aws.sets.values())[-6:]] == [*(f"base-app-{name}" for name in ("network", "alerts", "registry", "alb", "database")), "app-master"]


def test_options_that_are_there_are_used_and_those_whose_creation_failed_are_not(sandbox):
    for option, status in (("consul", "UPDATE_COMPLETE"), ("ec2-capacity", "ROLLBACK_COMPLETE"), ("ci-role", "DELETE_IN_PROGRESS")):
        sandbox.aws.stacks[f"base-app-{option}"] = {"StackStatus": status, "Outputs": {}, "Parameters": {}}
    sandbox.image(IMAGE, sandbox.new)
    given = sandbox.aws.stacks["app-master"]["Parameters"]
    assert given["ConsulStack"] == "base-app-consul" and given["RegistryStack" if "RegistryStack" in given else "AlbStack"].startswith("base-app-")
    assert "CapacityStack" not in given and "CiStack" not in given
    sandbox.aws.stacks["base-app-ec2-capacity"]["StackStatus"] = "CREATE_COMPLETE"
    sandbox.run("up", "service")
    assert sandbox.aws.stacks["app-master"]["Parameters"]["CapacityStack"] == "base-app-ec2-capacity"


def test_jenkins_role_is_made_with_the_word_that_only_jenkins_knows_and_keeps_it(sandbox):
    sandbox.run("up", "ci-role", EXTERNAL_ID="0123456789abcdef")
    given = sandbox.aws.stacks["base-app-ci-role"]["Parameters"]
    assert given["ExternalId"] == "0123456789abcdef" and given["RegistryStack"] == "base-app-registry" and given["DatabaseStack"] == "base-app-database"
    sandbox.run("up", "ci-role", EXTERNAL_ID="another0123456789")
    assert sandbox.aws.stacks["base-app-ci-role"]["Parameters"]["ExternalId"] == "0123456789abcdef"


def test_on_own_machines_the_migration_runs_there_too(deployed):
    services = deployed.aws.describe_services

    def on_machines(options):
        found = services(options)
        found["services"][0].update(launchType=None, capacityProviderStrategy=[{"capacityProvider": "machines"}])
        return found
    deployed.aws.describe_services = on_machines
    deployed.image(NEWER, deployed.new)
    run, = deployed.given("ecs run-task")
    assert run["capacityProviderStrategy"] == "capacityProvider=machines" and "launchType" not in run


def test_what_ran_before_is_remembered_over_a_deployment_of_the_same_image(deployed):
    deployed.image(NEWER, deployed.new)
    deployed.image(NEWER, deployed.new)
    assert deployed.aws.stacks["app-master"]["Parameters"]["PreviousImageUri"] == IMAGE


def test_a_rules_number_that_is_taken_is_not_used(sandbox):
    numbers = []
    for taken in (["default"], None):
        sandbox.aws.priorities = taken or ["default", numbers[0]]
        sandbox.aws.stacks.pop("app-side", None)
        sandbox.image(IMAGE, sandbox.new, branch="side")
        numbers.append(sandbox.aws.stacks["app-side"]["Parameters"]["RulePriority"])
    assert int(numbers[1]) == int(numbers[0]) + 1


def test_master_is_served_as_the_domain_itself(sandbox):
    sandbox.image(IMAGE, sandbox.new)
    given = sandbox.aws.stacks["app-master"]["Parameters"]
    assert given["HostName"] == "example.org" and given["DatabaseName"] == "app"
    assert "DatabaseLogin" not in given, "the template's own, which may use that schema and no other"
    protected = [(options["StackName"], options["EnableTerminationProtection"]) for options in sandbox.given("cloudformation update-termination-protection")]
    assert protected == [("base-app-logins", True), ("app-master", True)]
    sandbox.image(IMAGE, sandbox.side, branch="side")
    assert len(sandbox.given("cloudformation update-termination-protection")) == 2, "a branch's stack is there to be deleted"


def test_staging_has_stacks_of_its_own(sandbox):
    sandbox.aws.stacks.clear()
    sandbox.aws.add_base("stg")
    sandbox.image(IMAGE, sandbox.new, ENVIRONMENT="staging")
    assert sandbox.aws.stacks["stg-master"]["Parameters"]["NetworkStack"] == "base-stg-network"


def test_changes_of_services_go_through_the_role_that_jenkins_may_pass_and_roles_are_bounded(sandbox):
    sandbox.aws.stacks["base-app-ci-role"] = {"StackStatus": "CREATE_COMPLETE", "Outputs": {"ExecutionRoleArn": "arn:execution"}, "Parameters": {}}
    sandbox.image(IMAGE, sandbox.new)
    sandbox.run("up", "network")
    roles = {made["stack"]: made["role"] for made in sandbox.aws.sets.values()}
    assert roles == {"app-master": "arn:execution", "base-app-logins": None, "base-app-network": None}, "Jenkins' role makes neither"
    assert sandbox.aws.stacks["app-master"]["Parameters"]["CiStack"] == "base-app-ci-role"


def test_jenkins_role_may_do_what_the_script_does_and_its_resources_bear_our_names(sandbox):
    sandbox.aws.stacks["base-app-ci-role"] = {"StackStatus": "CREATE_COMPLETE", "Outputs": {"ExecutionRoleArn": "arn:execution"}, "Parameters": {}}
    sandbox.image(IMAGE, sandbox.old)
    sandbox.aws.migration_exit = 1
    sandbox.image(NEWER, sandbox.new, code=1)
    sandbox.aws.migration_exit = 0
    sandbox.aws.ecs_goes_back = True
    sandbox.image(NEWER, sandbox.new, code=5)
    sandbox.aws.ecs_goes_back = False
    sandbox.aws.add_service("app-side", IMAGE, sandbox.side)
    sandbox.run("expire", code=3)
    sandbox.run("down", branch="side")
    services = {"elbv2": "elasticloadbalancing"}
    called = set()
    for name, options in sandbox.aws.calls:
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


def test_without_a_word_the_newest_commit_that_was_pushed_is_deployed(deployed):
    skopeo = deployed.folder / "bin/skopeo"
    digest = NEWER.split("@")[1]
    skopeo.write_text(f"#!/bin/sh\ncase $* in *Labels*) echo {deployed.old} ;; *:{deployed.old[:8]}) echo {digest} ;; *) echo manifest unknown >&2; exit 1 ;; esac\n")
    skopeo.chmod(0o755)
    assert "verified" in deployed.run(program="scripts/deploy.sh", REPO="registry.example/app", MAINLINE="master")
    assert deployed.aws.stacks["app-master"]["Parameters"]["ImageUri"] == NEWER


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
    deployed.aws.nothing_to_do = True
    assert "it has at least 3 already" in deployed.run("scale", "3", code=3)
    deployed.aws.nothing_to_do = False
    for wrong in ("", "0", "-1", "many", "06"):
        assert "CONTAINERS must be a number" in deployed.run("scale", wrong, code=1)
    # The next deployment keeps it.
    deployed.image(NEWER, deployed.new)
    assert deployed.aws.stacks["app-master"]["Parameters"]["Containers"] == "3"


def test_nothing_to_do_is_no_failure_to_who_says_make_and_all_else_is(deployed):
    """What people do every day, as docs/operate/stacks.md says it."""
    make = lambda target, code=0, **more: deployed.run(target, program="make", code=code, **more)
    assert "app-side is created with its first image" in make("create-stack", branch="side")
    deployed.registry(NEWER.split("@")[1], deployed.new)
    make("update-stack", branch="side", REPO="registry.example/app", TAG=deployed.new)
    make("scale-app", branch="side", CONTAINERS="6")
    assert deployed.aws.stacks["app-side"]["Parameters"]["Containers"] == "6"
    deployed.aws.nothing_to_do = True
    assert "it has at least 6 already" in make("scale-app", branch="side", CONTAINERS="6")
    make("delete-stack", branch="side")
    assert "there is no app-side" in make("delete-stack", branch="side")
    for target in ("delete-stack", "scale-app"):
        make(target, code=2)


def test_a_stack_of_which_there_is_only_a_change_set_is_made(sandbox):
    for name in ("base-app-alerts", "app-side"):
        sandbox.aws.stacks[name] = {"StackStatus": "REVIEW_IN_PROGRESS", "Parameters": {}}
    said = sandbox.run("plan", branch="side")
    assert "base-app-alerts would be made" in said and "app-side would be made" in said
    said = sandbox.run("up", branch="side")
    assert "base-app-alerts is CREATE_COMPLETE" in said and "app-side is created with its first image" in said
    sandbox.image(IMAGE, sandbox.side, branch="side")
    sandbox.aws.stacks["app-side"]["StackStatus"] = "ROLLBACK_COMPLETE"
    assert "app-side is created with its first image" in sandbox.run("up", branch="side", code=3)


def test_down_deletes_a_branchs_stack_and_its_database_and_no_other(sandbox):
    sandbox.aws.add_service("app-side", IMAGE, sandbox.side)
    sandbox.aws.add_service("app-master", IMAGE, sandbox.new)
    said = sandbox.run("down", branch="side")
    assert "app-side is deleted, and its database app_x" in said and sandbox.aws.dropped == ["app_x"]
    assert sandbox.called("ecs run-task", "cloudformation delete-stack") == ["ecs run-task", "cloudformation delete-stack"], "with its roles it could not be dropped any more"
    container, = sandbox.aws.registered["containerDefinitions"]
    assert (container["entryPoint"], container["command"], container["image"]) == (["/bin/app"], ["drop", "app_x"], "old"), "by the image that runs"
    assert "app-side" not in sandbox.aws.stacks
    assert "there is no app-side" in sandbox.run("down", branch="side", code=3)
    sandbox.run("down", branch="master", code=1)
    sandbox.run("down", branch="side", ENVIRONMENT="staging", code=1)
    assert [o["StackName"] for o in sandbox.given("cloudformation delete-stack")] == ["app-side"]


def test_a_database_that_cannot_be_dropped_is_told_and_does_not_keep_the_stack(sandbox):
    sandbox.aws.add_service("app-side", IMAGE, sandbox.side)
    sandbox.aws.drop_exit = 1
    said = sandbox.run("down", branch="side")
    assert "the database app_x is still there: exit code 1" in said and "Its tables are still in the database: DROP DATABASE app_x" in said
    assert "app-side" not in sandbox.aws.stacks
    # One that never became a service has no task to do it with.
    sandbox.aws.add_service("app-side", IMAGE, sandbox.side, status="ROLLBACK_COMPLETE")
    sandbox.aws.stacks["app-side"]["Outputs"] = {}
    sandbox.aws.calls.clear()
    assert "DROP DATABASE app_x" in sandbox.run("down", branch="side") and sandbox.called("ecs run-task") == []


def test_what_is_under_review_for_long_is_deleted_and_nothing_else(sandbox):
    old, fresh = "2026-01-01T12:00:00.123000+00:00", "2999-01-01T12:00:00+00:00"
    for name, changed in (("app-old", old), ("app-fresh", fresh), ("app-master", old), ("stg-old", old)):
        sandbox.aws.add_service(name, IMAGE, sandbox.side)
        sandbox.aws.stacks[name].update(created=old, updated=changed)
    sandbox.aws.add_service("app-never-was", IMAGE, sandbox.side, status="ROLLBACK_COMPLETE")
    sandbox.aws.stacks["app-never-was"].update(created=old, Outputs={})
    sandbox.aws.add_service("app-busy", IMAGE, sandbox.side, status="UPDATE_IN_PROGRESS")
    sandbox.aws.stacks["app-busy"].update(created=old)
    for name in ("base-app-network", "base-app-database"):
        sandbox.aws.stacks[name].update(created=old)
    said = sandbox.run("expire", "30")
    assert sorted(o["StackName"] for o in sandbox.given("cloudformation delete-stack")) == ["app-never-was", "app-old"], said
    assert "no branch's stack is older than 14 days" in sandbox.run("expire", code=3)
    for wrong in ("0", "many", "-1"):
        assert "DAYS must be a number" in sandbox.run("expire", wrong, code=1)
    assert "without ENVIRONMENT=staging" in sandbox.run("expire", ENVIRONMENT="staging", code=1)


def test_expiry_goes_on_after_a_stack_that_cannot_be_deleted_and_says_so(sandbox):
    for name in ("app-one", "app-two"):
        sandbox.aws.add_service(name, IMAGE, sandbox.side)
        sandbox.aws.stacks[name].update(created="2026-01-01T12:00:00+00:00")
    sandbox.aws.outcome = "DELETE_FAILED"
    said = sandbox.run("expire", code=1)
    assert "not deleted: app-one app-two" in said and len(sandbox.given("cloudformation delete-stack")) == 2


def test_everything_is_asked_in_the_environments_region_unless_one_is_said(sandbox, tmp_path):
    (tmp_path / "bin/aws").write_text(f"#!/bin/sh\necho $AWS_REGION $AWS_DEFAULT_REGION >>{tmp_path}/regions\nexit 254\n")
    params = sandbox.checkout / "cloudformation/params/production.conf"
    before = params.read_text()
    try:
        sandbox.run("status", code=1)
        sandbox.run("status", code=1, AWS_DEFAULT_REGION="eu-west-1")
        sandbox.run("status", code=1, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="eu-west-1")
        params.write_text(before.replace("aws.Region", "aws.Other"))
        said = sandbox.run("status", code=1)
    finally:
        params.write_text(before)
    assert (tmp_path / "regions").read_text().splitlines() == ["eu-central-1 eu-central-1", "eu-west-1 eu-west-1", "us-east-1 us-east-1"]
    assert "no region: AWS_REGION, or aws.Region in cloudformation/params/production.conf" in said


def test_a_task_that_is_alive_but_does_not_reach_its_database_ends_with_5(deployed):
    deployed.aws.ready = 503
    assert "https://app-master.example.org/ready says 503: it does not reach its database" in deployed.image(NEWER, deployed.new, code=5)


def test_a_boundary_comes_with_the_next_deployment_whichever_stack_was_first(deployed):
    deployed.aws.stacks["app-master"]["Parameters"]["CiStack"] = ""
    said = deployed.image(NEWER, deployed.new)
    assert "the roles of app-master carry no permissions boundary: there is no base-app-ci-role" in said
    deployed.aws.stacks["base-app-ci-role"] = {"StackStatus": "CREATE_COMPLETE", "Outputs": {"ExecutionRoleArn": "arn:execution"}, "Parameters": {}}
    said = deployed.image(IMAGE, deployed.new)
    assert "boundary" not in said and deployed.aws.stacks["app-master"]["Parameters"]["CiStack"] == "base-app-ci-role"


def test_a_branch_has_a_name_of_its_own_in_consul(sandbox):
    sandbox.image(IMAGE, sandbox.side, branch="side")
    sandbox.image(IMAGE, sandbox.new)
    assert sandbox.aws.stacks["app-side"]["Parameters"]["ServiceName"] == "app-side"
    assert "ServiceName" not in sandbox.aws.stacks["app-master"]["Parameters"], "the template's own, which others watch"


def test_status_shows_every_stack_and_what_runs(deployed):
    said = deployed.run("status")
    for line in (r"base-app-database +CREATE_COMPLETE", r"app-master +UPDATE_COMPLETE", r"ImageUri +" + re.escape(IMAGE), r"containers +2 of 2"):
        assert re.search(line, said), line
    assert "consul" not in said, "an option that is not there"
    assert deployed.called(*CHANGING) == []
    deployed.aws.stacks["base-app-consul"] = {"StackStatus": "CREATE_FAILED", "Outputs": {}, "Parameters": {}}
    assert re.search(r"base-app-consul +CREATE_FAILED", deployed.run("status"))
    assert re.search(r"app-side +absent\n$", deployed.run("status", branch="side"))


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
        assert ("AWS continues with app-master" in said) == (not dropped), said
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
    assert "still UPDATE_IN_PROGRESS after 0 s; AWS continues" in deployed.image(NEWER, deployed.new, code=1, STACK_SECONDS="0")


def test_wrong_words_end_with_2_and_the_usage(sandbox):
    for words in ([], ["deploy"], ["image"], ["verify", "x"], ["status", "x"]):
        assert "scripts/stack.sh plan [STACK...]" in sandbox.run(*words, code=2)
    assert sandbox.aws.calls == []


def test_the_label_says_which_commit_if_nobody_does(deployed):
    deployed.registry(NEWER.split("@")[1], deployed.new)
    deployed.run("image", NEWER)
    assert deployed.aws.stacks["app-master"]["Parameters"]["Commit"] == deployed.new


def test_images_by_names_that_move_are_refused_before_aws_is_asked(sandbox):
    for image in ("registry.example/app:master", "registry.example/app", "registry.example/app@sha256:12"):
        assert "Mutable tags" in sandbox.image(image, sandbox.new, code=1)
    assert "which commit" in sandbox.image(IMAGE, "master", code=1)
    assert "only master is production" in sandbox.image(IMAGE, sandbox.new, branch="side", ENVIRONMENT="production", code=1)
    assert sandbox.aws.calls == []


def test_the_client_tries_throttled_calls_again_by_itself(sandbox, tmp_path):
    (tmp_path / "bin/aws").write_text(f"#!/bin/sh\necho $AWS_RETRY_MODE $AWS_MAX_ATTEMPTS >>{tmp_path}/tries\nexit 254\n")
    sandbox.run("status", code=1)
    assert (tmp_path / "tries").read_text() == "standard 6\n"
