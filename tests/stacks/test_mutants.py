"""Faults planted one at a time; every one must be noticed. A suite that a mutant survives is not one."""

import pytest
from chain import ROOT, build, faults, texts
from evaluator import Refused

# stack, what stands there, what the fault writes
MUTANTS = [
    ("database", "StorageEncrypted: true", "StorageEncrypted: false"),
    ("database", "PubliclyAccessible: false", "PubliclyAccessible: true"),
    ("database", "require_secure_transport: '1'", "require_secure_transport: '0'"),
    ("database", "DeletionPolicy: Snapshot", "DeletionPolicy: Delete"),
    ("database", "${NetworkStack}-DataSubnets", "${NetworkStack}-PublicSubnets"),
    ("database", "Value: !Ref Db}", "Value: NaN}"),
    ("database", "SourceSecurityGroupId: {'Fn::ImportValue': !Sub '${AlbStack}-ServiceSecurityGroup'}", "CidrIp: 0.0.0.0/0"),
    ("alb", "FromPort: 80, ToPort: 80", "FromPort: 22, ToPort: 22"),
    ("alb", "Type: redirect, RedirectConfig: {Protocol: HTTPS", "Type: redirect, RedirectConfig: {Protocol: HTTP"),
    ("alb", "SslPolicy: !Ref SslPolicy", "SslPolicy: ELBSecurityPolicy-2016-08"),
    ("alb", "DestinationSecurityGroupId: {'Fn::GetAtt': [ServiceSecurityGroup, GroupId]}", "CidrIp: 0.0.0.0/0"),
    ("alb", "Key: access_logs.s3.enabled, Value: 'true'", "Key: access_logs.s3.enabled, Value: 'false'"),
    ("service", "DeploymentCircuitBreaker: {Enable: true, Rollback: true}", "DeploymentCircuitBreaker: {Enable: false, Rollback: false}"),
    ("service", "Alarms: {Enable: true, Rollback: true", "Alarms: {Enable: true, Rollback: false"),
    ("service", "AssignPublicIp: DISABLED", "AssignPublicIp: ENABLED"),
    ("service", "InitProcessEnabled: false", "InitProcessEnabled: true"),
    ("service", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false"),
    ("service", "StopTimeout: !Ref StopTimeout", "StopTimeout: 30"),
    ("service", "deregistration_delay.timeout_seconds, Value: !Ref DeregistrationDelay", "deregistration_delay.timeout_seconds, Value: 300"),
    ("service", "Key: deregistration_delay.timeout_seconds", "Key: deregistration_delay.timeout"),
    ("service", "{Name: DB_TLS, Value: verify-identity}", "{Name: DB_TLS, Value: required}"),
    ("service", "- {Name: DB_USER, Value: app}", "- {Name: DB_USER, Value: app}\n            - {Name: DB_PASSWD, Value: secret}"),
    ("service", "Resource: !Ref TargetGroup", "Resource: '*'"),
    ("service", "!If [BySelf, 'elasticloadbalancing:RegisterTargets', !Ref 'AWS::NoValue']", "elasticloadbalancing:RegisterTargets"),
    ("service", "(@sha256:[0-9a-f]{64}|:[0-9a-f]{40})", "(@sha256:[0-9a-f]{64}|:.+)"),
    ("service", "TreatMissingData: breaching", "TreatMissingData: notBreaching"),
    ("network", "MapPublicIpOnLaunch: false", "MapPublicIpOnLaunch: true"),
    ("network", "'10.${ClassB}.96.0/20'", "'10.${ClassB}.32.0/20'"),
    ("registry", "Name: !Sub '${AWS::StackName}-RepositoryArn'", "Name: !Sub '${AWS::StackName}-RepositoryUri'"),
    ("consul", "DependsOn: Server1", "DependsOn: MountTarget1"),
    ("consul", "MaximumPercent: 100", "MaximumPercent: 200"),
    ("ec2-capacity", "HttpTokens: required", "HttpTokens: optional"),
    ("ci-role", "Condition: {StringEquals: {'sts:ExternalId': !Ref ExternalId}}", "Condition: {}"),
]


def test_without_a_mutant_nothing_is_found():
    assert faults(build()) == []


@pytest.mark.parametrize("stack,there,fault", MUTANTS, ids=[f"{m[0]}: {m[2][:50]}" for m in MUTANTS])
def test_a_planted_fault_is_noticed(stack, there, fault):
    sources = texts()
    assert there in sources[stack], "the mutant has lost its place"
    sources[stack] = sources[stack].replace(there, fault, 1)
    try:
        noticed = faults(build(sources=sources))
    except Refused as refusal:
        noticed = [str(refusal)]
    assert noticed


def test_a_slower_pilot_is_noticed():
    config = (ROOT / "image/pilot.json5").read_text()
    assert faults(build(config=config.replace('max: "25s"', 'max: "40s"')))
