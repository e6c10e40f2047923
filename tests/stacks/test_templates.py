"""Every environment, both ways of registering, every kind of NAT, with and without Consul and own machines."""

import itertools
import re

import pytest
from chain import DIGEST, build, texts
from evaluator import Refused, load
from invariants import ASSERTIONS
from service_limits import BODY

VARIANTS = list(itertools.product(["production", "staging", "review"], ["ecs", "self"], ["single", "per-zone", "none"], [True, False]))


@pytest.mark.parametrize("environment,mode,nat,consul", VARIANTS)
def test_a_chain_of_stacks_keeps_every_invariant(environment, mode, nat, consul):
    network = {"NatGateways": nat, "Endpoints": "true" if nat == "none" else "false"}
    chain = build(environment, mode, consul, given={"network": network})
    for assertion in ASSERTIONS:
        assertion(chain)
    gateways = len(chain["network"].of_type("AWS::EC2::NatGateway"))
    assert gateways == {"none": 0, "single": 1, "per-zone": 2}[nat]
    assert len(chain["service"].of_type("AWS::ECS::TaskDefinition")["Task"]["ContainerDefinitions"]) == (2 if consul else 1)


def test_own_machines_take_fargates_place():
    chain = build(capacity=True)
    for assertion in ASSERTIONS:
        assertion(chain)
    service = chain["service"].of_type("AWS::ECS::Service")["Service"]
    assert "LaunchType" not in service and service["CapacityProviderStrategy"][0]["CapacityProvider"] == "<ec2-capacity.Capacity>"


OPTIONS = [
    {"service": {"Exec": "true"}},
    {"service": {"Spot": "true"}},
    {"service": {"Architecture": "ARM64"}},
    {"network": {"NatGateways": "none", "Endpoints": "true", "MachineEndpoints": "true", "ExecEndpoint": "true"}},
    {"ci-role": {"GitHubRepository": "myorg/app"}},
    {"ci-role": {"GitHubRepository": "myorg/app", "GitHubProviderArn": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}},
    {"alb": {"ContainerPort": 8080}},
    {"database": {"InstanceClass": "db.m7g.large", "StorageGb": 200, "MaxStorageGb": 500}},
]


@pytest.mark.parametrize("given", OPTIONS, ids=str)
def test_an_option_keeps_every_invariant(given):
    if "alb" in given:  # the walls are written for the usual port
        skipped = {"must_allow_only_the_documented_traffic"}
    else:
        skipped = set()
    chain = build(given=given)
    for assertion in ASSERTIONS:
        if assertion.__name__ not in skipped:
            assertion(chain)


def test_a_machines_architecture_goes_with_its_image():
    arm = {"InstanceType": "t4g.medium", "ImageId": "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"}
    build(capacity=True, given={"ec2-capacity": arm})


REFUSED = [
    ("service", {"ImageUri": "registry.example/app:master"}),
    ("service", {"ImageUri": "registry.example/app"}),
    ("service", {"ImageUri": "registry.example/app@sha256:abc"}),
    ("service", {"StopTimeout": 999}),
    ("service", {"StopTimeout": 57}),
    ("service", {"DeregistrationDelay": 99999}),
    ("service", {"DeregistrationDelay": 5}),
    ("service", {"RegistrationMode": "both"}),
    ("service", {"DatabaseName": "a;b"}),
    ("service", {"NetworkStack": "elsewhere"}),
    ("service", {"Commit": "master"}),
    ("network", {"NatGateways": "none", "Endpoints": "false"}),
    ("network", {"ClassB": 256}),
    ("network", {"NatGateways": "none", "MachineEndpoints": "true"}),
    ("service", {"Cpu": "256", "Memory": "4096"}),
    ("service", {"Cpu": "512", "Memory": "512"}),
    ("service", {"Cpu": "1024", "Memory": "1024"}),
    ("service", {"Cpu": "2048", "Memory": "2048"}),
    ("service", {"Spot": "true", "CapacityStack": "ec2-capacity"}),
    ("service", {"ServiceName": "App"}),
    ("service", {"ConsulImageUri": ""}),
    ("service", {"ConsulImageUri": "consul:latest"}),
    ("service", {"ContainerPort": 80}),
    ("consul", {"Cpu": "512", "Memory": "512"}),
    ("consul", {"Cpu": "1024", "Memory": "1024"}),
    ("consul", {"ReviewSecretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:agent"}),
    ("ec2-capacity", {"InstanceType": "t4g.medium"}),
    ("ec2-capacity", {"ImageId": "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"}),
    ("ec2-capacity", {"ImageId": "ami-1"}),
    ("alb", {"ContainerPort": 80}),
    ("database", {"InstanceClass": "db.t4g.nano"}),
    ("database", {"StorageGb": 50, "MaxStorageGb": 50}),
    ("database", {"StorageGb": 100, "MaxStorageGb": 50}),
    ("database", {"StorageGb": 200, "MaxStorageGb": 200}),
    ("database", {"StorageGb": 500, "MaxStorageGb": 200}),
    ("database", {"StorageGb": 1000, "MaxStorageGb": 1000}),
    ("ci-role", {"JenkinsPrincipal": "", "GitHubRepository": ""}),
    ("ci-role", {"GitHubRepository": "myorg"}),
    ("ci-role", {"GitHubRepository": "myorg/*"}),
    ("alerts", {"StackPrefix": "*"}),
    ("alb", {"CertificateArn": "", "HostedZoneId": ""}),
    ("alb", {"SslPolicy": "ELBSecurityPolicy-2016-08"}),
    ("alb", {"SslPolicy": "nonsense"}),
    ("database", {"EngineVersion": "5.7.1"}),
    ("logins", {"ImageUri": "registry.example/app:" + "c" * 40}),
    ("consul", {"ImageUri": "consul:latest"}),
    ("ci-role", {"StackPrefix": "staging"}),
    ("ci-role", {"ExternalId": "short"}),
    ("ci-role", {"JenkinsPrincipal": "*"}),
]


@pytest.mark.parametrize("stack,values", REFUSED, ids=lambda value: str(value))
def test_a_bad_parameter_is_refused(stack, values):
    with pytest.raises(Refused) as refusal:
        build(given={stack: values})
    assert stack in str(refusal.value)


def test_images_by_digest_and_by_whole_hash_are_taken():
    for image in (DIGEST, "localhost:5000/a/b@sha256:" + "0" * 64, "registry.example/app:" + "c" * 40):
        build(given={"service": {"ImageUri": image}})


def test_a_certificate_is_made_when_there_is_a_zone():
    chain = build(given={"alb": {"CertificateArn": "", "HostedZoneId": "Z1"}})
    assert chain["alb"].of_type("AWS::CertificateManager::Certificate")
    assert len(chain["alb"].of_type("AWS::Route53::RecordSet")) == 2
    chain = build(given={"alb": {"HostedZoneId": "Z1"}})
    assert not chain["alb"].of_type("AWS::CertificateManager::Certificate")
    assert len(chain["alb"].of_type("AWS::Route53::RecordSet")) == 2, "records are the zone's matter, whoever made the certificate"


def test_everything_is_written_so_that_moto_reads_it_too():
    for name, text in texts().items():
        text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        assert "Fn::Cidr" not in text and "!Cidr" not in text, name
        assert "!ImportValue" not in text, f"{name}: write Fn::ImportValue"
        assert "!GetAtt" not in text, f"{name}: write Fn::GetAtt"
        assert not re.search(r"[:\-] [&*][a-z]", text) and "<<:" not in text, f"{name}: CloudFormation takes no YAML aliases"
        assert len(text.encode()) <= BODY, f"{name}: {len(text.encode())} bytes do not fit into --template-body"


def test_only_what_is_never_replaced_is_exported():
    for name in ("service",):
        assert not [o for o in load(texts()[name])["Outputs"].values() if "Export" in o], name
