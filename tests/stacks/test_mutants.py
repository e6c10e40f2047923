"""Faults planted one at a time; every one must be noticed. A suite that a mutant survives is not one."""

import pytest
from chain import ROOT, build, texts
from evaluator import Refused
from invariants import faults
from more_mutants import MUTANTS as MORE

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
    ("service", "              - {SourceVolume: consul-run, ContainerPath: /run/pilot, ReadOnly: false}\n", ""),
    ("service", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false"),
    ("service", "StopTimeout: !Ref StopTimeout", "StopTimeout: 30"),
    ("service", "deregistration_delay.timeout_seconds, Value: !Ref DeregistrationDelay", "deregistration_delay.timeout_seconds, Value: 300"),
    ("service", "Key: deregistration_delay.timeout_seconds", "Key: deregistration_delay.timeout"),
    ("service", "{Name: DB_TLS, Value: verify-identity}", "{Name: DB_TLS, Value: required}"),
    ("service", "- {Name: DB_NAME, Value: !Ref DatabaseName}", "- {Name: DB_NAME, Value: !Ref DatabaseName}\n            - {Name: DB_PASSWD, Value: secret}"),
    ("service", "${DatabaseLogin}SecretArn'}, ':username::'", "AppSecretArn'}, ':password::'"),
    ("service", "- {'Fn::ImportValue': !Sub '${DatabaseStack}-${DatabaseLogin}SecretArn'}",
     "- {'Fn::ImportValue': !Sub '${DatabaseStack}-AppSecretArn'}\n                  - {'Fn::ImportValue': !Sub '${DatabaseStack}-ReviewSecretArn'}"),
    ("database", '{"username": "review"}', '{"username": "app"}'),
    ("service", "- {'Fn::ImportValue': !Sub '${DatabaseStack}-${DatabaseLogin}SecretArn'}",
     "- {'Fn::ImportValue': !Sub '${DatabaseStack}-${DatabaseLogin}SecretArn'}\n                  - {'Fn::ImportValue': !Sub '${DatabaseStack}-MasterSecretArn'}"),
    ("logins", "Resource: {'Fn::ImportValue': !Sub '${DatabaseStack}-KeyArn'}", "Resource: '*'"),
    ("logins", "{Name: DB_TLS, Value: verify-identity}", "{Name: DB_TLS, Value: required}"),
    ("logins", "@sha256:[0-9a-f]{64}'", "(@sha256:[0-9a-f]{64}|:.+)'"),
    ("logins", "${DatabaseStack}-AppSecretArn'}, ':password::'", "${DatabaseStack}-ReviewSecretArn'}, ':password::'"),
    ("logins", "Command: [logins]", "Command: [migrate]"),
    ("logins", "{Name: DB_NAME, Value: app}", "{Name: DB_NAME, Value: db}"),
    ("logins", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false"),
    ("service", "Resource: !Ref TargetGroup", "Resource: '*'"),
    ("service", "!If [BySelf, 'elasticloadbalancing:RegisterTargets', !Ref 'AWS::NoValue']", "elasticloadbalancing:RegisterTargets"),
    ("service", "(@sha256:[0-9a-f]{64}|:[0-9a-f]{40})", "(@sha256:[0-9a-f]{64}|:.+)"),
    ("service", "TreatMissingData: breaching", "TreatMissingData: notBreaching"),
    ("network", "MapPublicIpOnLaunch: false", "MapPublicIpOnLaunch: true"),
    ("network", "'10.${ClassB}.96.0/20'", "'10.${ClassB}.32.0/20'"),
    ("registry", "Name: !Sub '${AWS::StackName}-RepositoryArn'", "Name: !Sub '${AWS::StackName}-RepositoryUri'"),
    ("consul", "{Name: CONTAINERPILOT, Value: /etc/consul/server.json5}", "{Name: CONSUL_ROLE, Value: server}"),
    ("consul", "            - {Name: CONSUL_TOKENS, ValueFrom: !Sub '${ServerSecretArn}:tokens::'}\n", ""),
    ("service", "Name: CONSUL_CA_PEM", "Name: CONSUL_CA"),
    ("service", "Condition: START}", "Condition: HEALTHY}"),
    ("consul", "DependsOn: Server1", "DependsOn: MountTarget1"),
    ("consul", "MaximumPercent: 100", "MaximumPercent: 200"),
    ("ec2-capacity", "HttpTokens: required", "HttpTokens: optional"),
    ("ec2-capacity", "ManagedDraining: ENABLED", "ManagedDraining: DISABLED"),
    ("consul", "FromPort: 8300, ToPort: 8301, CidrIp", "FromPort: 0, ToPort: 65535, CidrIp"),
    ("consul", "SecurityGroupEgress:\n        - {IpProtocol: tcp, FromPort: 1", "SecurityGroupEgress:\n        - {IpProtocol: tcp, FromPort: 22"),
    ("consul", "AuthorizationConfig: {AccessPointId: !Ref AccessPoint2, IAM: ENABLED}", "AuthorizationConfig: {AccessPointId: !Ref AccessPoint2, IAM: DISABLED}"),
    ("consul", "DeploymentCircuitBreaker: {Enable: true, Rollback: true}", "DeploymentCircuitBreaker: {Enable: false, Rollback: true}"),
    ("consul", "      KmsKeyId: !Ref SecretKeyArn\n", ""),
    ("alb", "FromPort: 3306, ToPort: 3306, CidrIp: {'Fn::ImportValue': !Sub '${NetworkStack}-Cidr'}", "FromPort: 3306, ToPort: 3306, CidrIp: 0.0.0.0/0"),
    ("alb", "BlockPublicPolicy: true", "BlockPublicPolicy: false"),
    ("alb", "Condition: {Bool: {'aws:SecureTransport': 'false'}}", "Condition: {Bool: {'aws:SecureTransport': 'true'}}"),
    ("alb", "Default: 'true', AllowedValues: ['true', 'false']}", "Default: 'false', AllowedValues: ['true', 'false']}"),
    ("registry", "UpdateReplacePolicy: Retain", "UpdateReplacePolicy: Delete"),
    ("database", "      KmsKeyId: !Ref Key\n      GenerateSecretString: {SecretStringTemplate: '{\"username\": \"review\"}'", "      GenerateSecretString: {SecretStringTemplate: '{\"username\": \"review\"}'"),
    ("service", "EnableExecuteCommand: !Ref Exec", "EnableExecuteCommand: true"),
    ("service", "Essential: false # the app", "Essential: true # the app"),
    ("ci-role", "MinLength: 16, NoEcho: true", "MinLength: 16"),
    ("ci-role", "Condition: {StringEquals: {'sts:ExternalId': !Ref ExternalId}}", "Condition: {}"),
    ("ci-role", "- ecs:CreateCluster", "- 'ecs:*'"),
    ("ci-role", "                  - ecs:UpdateService\n", ""),
    ("ci-role", "cluster/${StackPrefix}-*'\n                  - ", "cluster/*'\n                  - "),
    ("ci-role", ":targetgroup/${StackPrefix}-*'\n        - PolicyName", ":targetgroup/*'\n        - PolicyName"),
    ("ci-role", "Action: elasticloadbalancing:CreateRule\n                Resource: {'Fn::ImportValue': !Sub '${AlbStack}-HttpsListener'}",
     "Action: elasticloadbalancing:CreateRule\n                Resource: !Sub 'arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:listener/*'"),
    ("ci-role", "ecr:GetAuthorizationToken, ecs:DescribeTaskDefinition, ", "ecr:GetAuthorizationToken, ecs:RunTask, "),
    ("ci-role", "iam:PutRolePermissionsBoundary, iam:PutRolePolicy]\n                Resource: !Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/stacks/${StackPrefix}/*'\n"
     "                Condition: {StringEquals: {'iam:PermissionsBoundary': !Ref Boundary}}",
     "iam:PutRolePermissionsBoundary, iam:PutRolePolicy]\n                Resource: !Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/stacks/${StackPrefix}/*'"),
    ("ci-role", "                  ArnEquals: {'iam:PolicyARN': !Sub 'arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy'}\n", ""),
    ("ci-role", "                  - iam:DeleteRole\n", "                  - iam:DeleteRolePermissionsBoundary\n"),
    ("ci-role", "Condition: {StringEquals: {'iam:PassedToService': ecs-tasks.amazonaws.com}}\n        - PolicyName: without-a-resource\n          PolicyDocument:\n"
     "            Version: '2012-10-17'\n            Statement:\n              # These calls cannot be limited to one resource; all",
     "Condition: {StringEquals: {'iam:PassedToService': ec2.amazonaws.com}}\n        - PolicyName: without-a-resource\n          PolicyDocument:\n"
     "            Version: '2012-10-17'\n            Statement:\n              # These calls cannot be limited to one resource; all"),
    ("ci-role", "Resource: {'Fn::GetAtt': [ExecutionRole, Arn]}\n                Condition: {StringEquals: {'iam:PassedToService': cloudformation.amazonaws.com}}", "Resource: '*'"),
    ("ci-role", "                Condition: {StringEquals: {'cloudformation:RoleArn': {'Fn::GetAtt': [ExecutionRole, Arn]}}}\n", ""),
    ("ci-role", "Effect: Deny", "Effect: Allow"),
    ("ci-role", "                Condition: {ArnLike: {'ecs:cluster'", "                Condition: {ArnLike: {'ecs:other'"),
    ("ci-role", "Action: secretsmanager:GetSecretValue\n", "Action: ['secretsmanager:GetSecretValue', 'sts:AssumeRole']\n"),
    ("ci-role", "                  - ecr:CompleteLayerUpload\n", "                  - ecr:BatchDeleteImage\n                  - s3:GetObject\n"),
    ("ci-role", "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:DescribeImages, ecr:GetDownloadUrlForLayer, ecr:PutImage]", "ecr:BatchGetImage, ecr:PutImage, ecr:UploadLayerPart]"),
    ("ci-role", "'iam:AWSServiceName': [ecs.amazonaws.com, ecs.application-autoscaling.amazonaws.com]", "'iam:AWSServiceName': '*'"),
    ("ci-role", "'application-autoscaling:service-namespace': ecs", "'application-autoscaling:service-namespace': dynamodb"),
    ("service", "PermissionsBoundary: !If [WithCi, {'Fn::ImportValue': !Sub '${CiStack}-Boundary'}, !Ref 'AWS::NoValue']", "Description: unbounded"),
    ("service", "Action: kms:Decrypt", "Action: [kms:Decrypt, kms:CreateGrant]"),
]


ALL = [(*mutant, {}) for mutant in MUTANTS] + MORE
WAYS = [way for number, (*_, way) in enumerate(ALL) if way not in [other for *_, other in ALL[:number]]]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_without_a_mutant_nothing_is_found(way):
    assert faults(build(**way)) == []


def test_no_mutant_is_planted_twice():
    assert len({mutant[:3] for mutant in ALL}) == len(ALL) and len(MORE) >= 60


@pytest.mark.parametrize("stack,there,fault,way", ALL, ids=[f"{m[0]}: {m[2][:50]}" for m in ALL])
def test_a_planted_fault_is_noticed(stack, there, fault, way):
    sources = texts()
    assert there in sources[stack], "the mutant has lost its place"
    sources[stack] = sources[stack].replace(there, fault, 1)
    try:
        noticed = faults(build(sources=sources, **way))
    except Refused as refusal:
        noticed = [str(refusal)]
    assert noticed


def test_a_slower_pilot_is_noticed():
    config = (ROOT / "image/pilot.json5").read_text()
    assert faults(build(config=config.replace('max: "25s"', 'max: "40s"')))


IMAGE_MUTANTS = [
    ('user: "{{ .DB_USER }}",', 'user: "{{ .DB_USER }}", database: "{{ .DB_NAME }}",'),  # the first deployment would wait for ever
    ('health: { http: "/health"', 'health: { http: "/ready"'),  # a fail-over would replace every task
    ('inFlight: "/in-flight"', 'inFlight: "/inflight"'),
    ("STOP_BUDGET | default 60", "STOP_SECONDS | default 60"),
    ("{{ .SERVICE_NAME | default", "{{ .CONSUL_SERVICE | default"),
]


@pytest.mark.parametrize("there,fault", IMAGE_MUTANTS, ids=[fault for _, fault in IMAGE_MUTANTS])
def test_a_fault_in_the_images_configuration_is_noticed(there, fault):
    config = (ROOT / "image/pilot.json5").read_text()
    assert there in config
    assert faults(build(config=config.replace(there, fault)))
