"""What CloudFormation's own resource handlers call, as their schemas list it (cfn-lint brings them): the role that creates, updates
and deletes a stack needs exactly that, and a list kept by hand would be another one after the next release."""

import functools
import importlib.util
import json
import pathlib

# Read as files: importing cfn-lint takes seconds in each of the tests' processes.
SCHEMAS = pathlib.Path(importlib.util.find_spec("cfnlint").origin).parent / "data/schemas"
REGION = "eu-central-1"
# Handlers list the calls of every property. These belong to properties that no template of ours sets; each has its reason.
UNUSED = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        **dict.fromkeys(("application-autoscaling:PutScheduledAction", "application-autoscaling:DeleteScheduledAction"), "no scheduled action"),
        **dict.fromkeys(("lambda:PutProvisionedConcurrencyConfig", "lambda:GetProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"), "no function"),
    },
    "AWS::ApplicationAutoScaling::ScalingPolicy": {"cloudwatch:GetMetricData": "no predictive scaling"},
    "AWS::ECS::Cluster": {
        **dict.fromkeys(("ecs:PutAccountSetting", "ecs:PutAccountSettingDefault"), "settings of the cluster, not of the account"),
        "kms:DescribeKey": "no key for its storage",
    },
    "AWS::ElasticLoadBalancingV2::ListenerRule": {"cognito-idp:DescribeUserPoolClient": "no login at the load balancer"},
    "AWS::IAM::Role": {"iam:DeleteRolePermissionsBoundary": "a boundary that could be taken off would be none"},
    "AWS::Logs::LogGroup": {
        **dict.fromkeys(("logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy"), "no data protection policy"),
        **dict.fromkeys(("logs:CreateLogDelivery", "s3:REST.PUT.OBJECT", "firehose:TagDeliveryStream"), "no delivery to elsewhere"),
        **dict.fromkeys(("logs:PutResourcePolicy", "logs:DeleteResourcePolicy"), "no resource policy"),
        **dict.fromkeys(("logs:PutIndexPolicy", "logs:DeleteIndexPolicy"), "no index policy"),
        **dict.fromkeys(("logs:AssociateKmsKey", "logs:DisassociateKmsKey"), "CloudWatch's own key"),
        "logs:PutLogGroupDeletionProtection": "a branch's log group goes with it",
        "logs:PutBearerTokenAuthentication": "no bearer tokens",
    },
    "AWS::ElasticLoadBalancingV2::TargetGroup": dict.fromkeys(
        ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"), "ECS or pilot registers; the template lists no target"),
}


@functools.lru_cache(maxsize=None)
def _names():
    return json.loads((SCHEMAS / f"providers/{REGION}.json").read_text())


@functools.lru_cache(maxsize=None)
def listed(kind):
    """Every call of the handlers that create, read, update and delete a resource of that type; `list` is for the console."""
    schema = json.loads((SCHEMAS / f"resources/{_names()[kind]}.json").read_text())
    calls = {call for verb, handler in schema.get("handlers", {}).items() if verb != "list" for call in handler["permissions"]}
    return frozenset(calls | set(schema.get("tagging", {}).get("permissions", [])))


def needed(kind):
    return listed(kind) - set(UNUSED.get(kind, {}))
