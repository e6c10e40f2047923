"""Every policy of an evaluated chain, with real-looking ARNs in the place of what only AWS knows, so that checkers can read them."""

import json
import re

ACCOUNT = "111122223333"
# What a resource is called in a policy, by its type: Ref or GetAtt Arn, whichever is an ARN.
ARNS = {
    "AWS::CloudFormation::Stack": "cloudformation:{region}:{account}:stack/x/1",
    "AWS::CertificateManager::Certificate": "acm:{region}:{account}:certificate/1",
    "AWS::EC2::SecurityGroup": "ec2:{region}:{account}:security-group/sg-1",
    "AWS::ECR::Repository": "ecr:{region}:{account}:repository/app",
    "AWS::ECS::Cluster": "ecs:{region}:{account}:cluster/app-x",
    "AWS::EFS::AccessPoint": "elasticfilesystem:{region}:{account}:access-point/fsap-1",
    "AWS::EFS::FileSystem": "elasticfilesystem:{region}:{account}:file-system/fs-1",
    "AWS::ElasticLoadBalancingV2::Listener": "elasticloadbalancing:{region}:{account}:listener/app/x/1/2",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:{region}:{account}:targetgroup/app-x/1",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/x",
    "AWS::IAM::OIDCProvider": "iam::{account}:oidc-provider/token.actions.githubusercontent.com",
    "AWS::IAM::Role": "iam::{account}:role/x",
    "AWS::KMS::Key": "kms:{region}:{account}:key/1",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:x:*",
    "AWS::RDS::DBInstance": "secretsmanager:{region}:{account}:secret:rds!db-1",  # its MasterUserSecret is all that policies name
    "AWS::S3::Bucket": None,  # a bucket's Ref is its name
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:app-1",
    "AWS::SNS::Topic": "sns:{region}:{account}:x",
}


def readable(text, chain):
    def arn(found):
        stack, key = found[1].split(".")[:2]
        pattern = ARNS[chain[stack].resources[key]["Type"]]
        return "bucket" if pattern is None else "arn:aws:" + pattern.format(region=chain[stack].region, account=ACCOUNT)

    # A listener's ARN that was turned into its rules'.
    text = re.sub(r"<(alb\.HttpsListener)>/\*", lambda found: arn(found).replace("listener/", "listener-rule/") + "/*", text)
    return re.sub(r"<([\w-]+\.[\w.]+)>", arn, text)


def _found(value):
    """Every policy document in there."""
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _found(item)


def documents(chain):
    """(where, kind, document): `identity` for what somebody may do, `trust` for who may take a role on, `resource` for who may use it."""
    for stack in chain.values():
        for key, body in stack.resources.items():
            for name, value in body.get("Properties", {}).items():
                for document in _found(value):
                    kind = "trust" if name == "AssumeRolePolicyDocument" else "identity" if body["Type"].startswith("AWS::IAM::") else "resource"
                    yield f"{stack.name}.{key}", kind, json.loads(readable(json.dumps(document), chain))
