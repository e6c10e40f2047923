"""The public mini-demo that this grew from (tgross/ci-cd-mini-demo) has these faults; each has a test here that it is not ours."""

import re

import pytest
from chain import ROOT, app, build, rules_of, service
from invariants import must_have_alarms_that_can_fire

MAKEFILE = (ROOT / "Makefile").read_text()
SCRIPTS = "\n".join(path.read_text() for path in sorted((ROOT / "scripts").glob("stack*.sh")))


@pytest.fixture(scope="module")
def chain():
    return build()


def test_https_has_a_certificate_without_which_the_listener_cannot_be_made(chain):
    listener = chain["alb"].of_type("AWS::ElasticLoadBalancingV2::Listener")["HttpsListener"]
    assert listener["Protocol"] == "HTTPS" and listener["Certificates"][0]["CertificateArn"]


def test_https_can_be_reached(chain):
    assert 443 in {rule["ToPort"] for rule in rules_of(chain, "alb.AlbSecurityGroup", "Ingress")}


def test_load_balancer_and_tasks_have_groups_of_their_own(chain):
    groups = {"AlbSecurityGroup", "ServiceSecurityGroup"}
    assert groups <= set(chain["alb"].resources)
    assert service(chain)["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"] == ["<alb.ServiceSecurityGroup.GroupId>"]


def test_ssh_is_open_to_nobody(chain):
    for stack in chain.values():
        for key in stack.of_type("AWS::EC2::SecurityGroup"):
            assert not [r for r in rules_of(chain, f"{stack.name}.{key}", "Ingress") if int(r["FromPort"]) <= 22 <= int(r["ToPort"])], key


def test_no_rule_repeats_what_the_default_does(chain):
    rule, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    assert [condition["Field"] for condition in rule["Conditions"]] == ["host-header"]


def test_alarms_look_at_metrics_that_exist(chain):
    must_have_alarms_that_can_fire(chain)


def test_errors_do_not_make_more_tasks(chain):
    policies = chain["service"].of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    metrics = [p["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["PredefinedMetricType"] for p in policies]
    assert sorted(metrics) == ["ALBRequestCountPerTarget", "ECSServiceAverageCPUUtilization"]


def test_the_database_that_the_readme_promises_is_there(chain):
    database, = chain["database"].of_type("AWS::RDS::DBInstance").values()
    assert database["Engine"] == "mysql"


def test_no_image_that_moves_is_deployed_by_default(chain):
    assert "Default" not in chain["service"].template["Parameters"]["ImageUri"]


def test_a_bad_version_is_taken_back(chain):
    assert service(chain)["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_tasks_are_drained_before_they_stop(chain):
    environment = {e["Name"]: e["Value"] for e in app(chain)["Environment"]}
    assert environment["PILOT_TARGET_GROUP_MODE"] == "drain" and int(app(chain)["StopTimeout"]) >= 58
    group, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "20"} in group["TargetGroupAttributes"]


def test_every_aws_command_names_its_service():
    # `aws update-service`, without `ecs`. What the commands take is held against AWS' own model by fake_aws.py.
    words = re.findall(r"(?:^|[ (|])(?:ask|aws) (\w[\w-]*) ([\w-]+)", "\n".join(line for line in SCRIPTS.splitlines() if not line.lstrip().startswith("#")), re.M)
    services = {service for service, _ in words if service not in ("is", "and")}
    assert services == {"cloudformation", "ecs", "elbv2", "logs"}, services


def test_stacks_with_roles_are_made_with_the_capability_for_that():
    assert "--capabilities CAPABILITY_IAM" in SCRIPTS


def test_the_variable_that_people_are_told_to_write_is_the_one_that_is_read():
    described = re.search(r"^update-stack: ## (.*)$", MAKEFILE, re.M)[1]
    assert "TAG=" in described and "${TAG:-" in (ROOT / "scripts/deploy.sh").read_text()
    assert "TAG=" in (ROOT / "docs/operate/stacks.md").read_text()
    described = re.search(r"^scale-app: ## (.*)$", MAKEFILE, re.M)[1]
    assert "CONTAINERS=" in described and '"$$CONTAINERS"' in MAKEFILE


def test_one_build_has_both_its_names():
    build = (ROOT / "scripts/build-image.sh").read_text()
    assert "tags.sh commit-tag" in build and "tags.sh branch-tag" in build
