"""From an account and a certificate to a deployed application, in the order of docs/operate/stacks.md: the scripts, the templates evaluated with
what the scripts give them, a registry. Nothing of AWS is there, and nothing in between is skipped but the building of images."""

import re

import pytest
from chain import ROOT
from sandbox import ECR, IMAGE, NEWER
from test_registry import DOCKER, SKOPEO

FIRST, SECOND = (f"{ECR}@{image.split('@')[1]}" for image in (IMAGE, NEWER))
ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"
CONSUL = f"""
consul.ServerSecretArn = {ARN}consul-server
consul.AgentSecretArn = {ARN}consul-agent
consul.ReviewSecretArn = {ARN}consul-review
consul.SecretKeyArn = arn:aws:kms:eu-central-1:111122223333:key/1
consul.ImageUri = {ECR}-consul@sha256:{'3' * 64}
"""


@pytest.fixture
def account(sandbox):
    sandbox.aws.stacks.clear()
    sandbox.aws.changes = []
    sandbox.aws.evaluates = True
    for name, text in (("docker", DOCKER), ("skopeo", SKOPEO)):
        program = sandbox.folder / "bin" / name
        program.write_text(text.format(folder=sandbox.folder, commit=sandbox.new, gone="nothing"))
        program.chmod(0o755)
    params = sandbox.checkout / "cloudformation/params/production.conf"
    before = params.read_text()
    sandbox.params = params
    yield sandbox
    params.write_text(before)


def resources(account, stack, kind):
    return {key: body for key, body in account.aws.stacks[stack]["Resources"].items() if body["Type"] == kind}


def secrets(account, stack):
    task, = (body["Properties"] for key, body in resources(account, stack, "AWS::ECS::TaskDefinition").items())
    return {s["ValueFrom"] for container in task["ContainerDefinitions"] for s in container.get("Secrets", [])}


def test_from_an_account_and_a_certificate_to_production_a_branch_and_the_way_back(account):
    make = lambda target, **more: account.run(target, program="make", REPO=ECR, MAINLINE="master", **more)
    # 1, 2: the numbers are there; the base stacks.
    said = make("create-stack")
    made = list(account.aws.stacks)
    assert made == [f"base-app-{name}" for name in ("network", "alerts", "registry", "alb", "database")]
    assert "app-master is created with its first image" in said
    # 3, 4: an image; users, then the service.
    said = make("deploy", IMAGE=FIRST)
    executed = [account.aws.sets[options["ChangeSetName"]]["stack"] for options in account.given("cloudformation execute-change-set")]
    assert executed[-2:] == ["base-app-logins", "app-master"] and "verified" in said
    assert "carry no permissions boundary" in said
    assert account.called("ecs run-task", "curl") == ["ecs run-task", "curl"], "the users, and no migration"
    given = account.aws.stacks["app-master"]["Parameters"]
    assert (given["HostName"], given["ContainerPort"]) == ("app.example.org", account.aws.stacks["base-app-alb"]["Outputs"]["ContainerPort"])
    # 5: Consul, which the service then has.
    account.params.write_text(account.params.read_text() + CONSUL)
    account.run("up", "consul")
    account.run("up", "service")
    assert any("consul-agent" in secret for secret in secrets(account, "app-master")) and not any("consul-review" in secret for secret in secrets(account, "app-master"))
    # Later a newer Consul: the servers, then the agents; nothing that is in use keeps it from that.
    account.params.write_text(account.params.read_text().replace("3" * 64, "4" * 64))
    account.run("up", "consul")
    account.run("up", "service")
    assert account.aws.stacks["app-master"]["Parameters"]["ConsulImageUri"].endswith("4" * 64)
    # 6: Jenkins' roles, after the first deployment.
    account.run("up", "ci-role", EXTERNAL_ID="0123456789abcdef")
    said = make("deploy", IMAGE=SECOND, TAG="")
    assert "boundary" not in said and account.aws.migrated == [SECOND]
    for key, role in resources(account, "app-master", "AWS::IAM::Role").items():
        assert role["Properties"]["PermissionsBoundary"] == "<base-app-ci-role.Boundary>" and role["Properties"]["Path"] == "/stacks/app/", key
    made = account.aws.sets[account.given("cloudformation execute-change-set")[-1]["ChangeSetName"]]
    assert (made["stack"], made["role"]) == ("app-master", "<base-app-ci-role.ExecutionRole.Arn>")
    # Every day: a branch, and its end.
    assert "app-fix-1 is created with its first image" in make("create-stack", branch="fix-1")
    account.image(SECOND, account.new, branch="fix-1")
    given = account.aws.stacks["app-fix-1"]["Parameters"]
    assert (given["HostName"], given["DatabaseName"], given["DatabaseLogin"], given["ServiceName"]) == ("fix-1.app.example.org", "app_fix_1", "Review", "app-fix-1")
    assert any("consul-review" in secret for secret in secrets(account, "app-fix-1")) and not any("consul-agent" in secret for secret in secrets(account, "app-fix-1"))
    make("delete-stack", branch="fix-1")
    assert account.aws.dropped == ["app_fix_1"] and "app-fix-1" not in account.aws.stacks
    # The way back.
    previous = account.aws.stacks["app-master"]["Parameters"]["PreviousImageUri"]
    assert previous == FIRST
    make("deploy", IMAGE=previous, BACK="1")
    assert account.aws.stacks["app-master"]["Parameters"]["ImageUri"] == FIRST
    names = {tag: (account.folder / f"tag-{tag}").read_text().strip() for tag in ("deployed-production", "deployed-production-previous", "deployed-review-fix-1")}
    assert names == {"deployed-production": FIRST.split("@")[1], "deployed-production-previous": SECOND.split("@")[1], "deployed-review-fix-1": SECOND.split("@")[1]}


def test_the_documents_name_the_steps_in_the_order_that_is_tested():
    steps = re.search(r"## From nothing\n(.*?)\n## ", (ROOT / "docs/operate/stacks.md").read_text(), re.S)[1]
    places = [steps.index(step) for step in ("make create-stack", "make build push", "make deploy", "scripts/stack.sh up consul", "scripts/stack.sh up ci-role")]
    assert places == sorted(places)


def test_own_machines_come_after_the_service_and_take_its_tasks(account):
    account.run("create-stack", program="make")
    account.image(FIRST, account.new)
    account.params.write_text(account.params.read_text() + "ec2-capacity.ClusterName = app-master-Cluster\n")
    account.run("up", "ec2-capacity")
    account.run("up", "service")
    service, = resources(account, "app-master", "AWS::ECS::Service").values()
    assert service["Properties"]["CapacityProviderStrategy"] == [{"CapacityProvider": "<base-app-ec2-capacity.Capacity>", "Weight": 1}]
    task, = resources(account, "app-master", "AWS::ECS::TaskDefinition").values()
    assert task["Properties"]["RequiresCompatibilities"] == ["EC2"]
    # Branches stay on Fargate's Spot; the machines are of one cluster.
    account.image(FIRST, account.new, branch="fix-1")


def test_a_certificate_of_another_region_stops_before_anything_is_made(account):
    account.params.write_text(account.params.read_text().replace("acm:eu-central-1", "acm:us-east-1"))
    said = account.run("up", "alb", code=1)
    assert "CertificateArn is of another region than everything else, which is made in eu-central-1: arn:aws:acm:us-east-1" in said
    assert account.called("cloudformation create-change-set") == []
