"""What must be true of the roles in ci-role.yaml: how little Jenkins and CloudFormation may do, and that it is no way up."""

import re

# Calls that AWS cannot limit to one resource; nothing else may be allowed on "*".
UNLIMITED = re.compile(
    r"ecr:GetAuthorizationToken|ecs:(Deregister|Describe|Register)TaskDefinition|ecs:ListTasks|logs:DescribeLogGroups|cloudwatch:DescribeAlarms"
    r"|application-autoscaling:DescribeScal(ableTargets|ingPolicies)"
    r"|elasticloadbalancing:Describe(Listeners|LoadBalancers|Rules|Tags|TargetGroupAttributes|TargetGroups|TargetHealth)"
)
ACCOUNT = "arn:aws:iam::111122223333:role/app-*"
EXECUTION, BOUNDARY = "<ci-role.ExecutionRole.Arn>", "<ci-role.Boundary>"


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(chain, only=None):
    """(role or policy, statement) of ci-role.yaml, actions and resources as lists."""
    stack = chain["ci-role"]
    documents = [(key, p["PolicyDocument"]) for key, role in stack.of_type("AWS::IAM::Role").items() for p in role["Policies"]]
    documents += [(key, p["PolicyDocument"]) for key, p in stack.of_type("AWS::IAM::ManagedPolicy").items()]
    for key, document in documents:
        if only in (None, key):
            for statement in document["Statement"]:
                yield key, {**statement, "Action": listed(statement["Action"]), "Resource": listed(statement["Resource"])}


def allowing(chain, action, only):
    """Statements of a role that allow an action."""
    return [s for _, s in statements(chain, only) if s["Effect"] == "Allow" and action in s["Action"]]


def must_name_every_action(chain):
    for role, statement in statements(chain):
        for action in statement["Action"]:
            assert "*" not in action and "?" not in action, f"{role}: {action} is more than one call"
            assert "NotAction" not in statement and "NotResource" not in statement, role


def must_name_every_resource(chain):
    consul = [chain["consul"].parameters[key] for key in ("AgentSecretArn", "SecretKeyArn")]
    for role, statement in statements(chain):
        for resource in statement["Resource"]:
            if resource == "*":
                more = [a for a in statement["Action"] if not UNLIMITED.fullmatch(a)]
                assert not more, f"{role}: {more} on everything"
            elif not resource.startswith("<") and resource not in consul:
                service, rest = resource.split(":", 5)[2], resource.split(":", 5)[5]
                scaling = service == "application-autoscaling" and statement["Condition"] == {"StringEquals": {"application-autoscaling:service-namespace": "ecs"}}
                linked = "aws-service-role/ecs.application-autoscaling.amazonaws.com/" in rest
                images = role == "Boundary" and rest == "repository/*"
                ours = re.search(r"[/:](base-)?app-", rest)
                assert ours or scaling or linked or images, f"{role}: {resource} is not only ours"


def must_keep_jenkins_from_other_stacks(chain):
    assert chain["ci-role"].template["Parameters"]["ExternalId"].get("NoEcho") is True, "the shared word is shown to whoever may look at stacks"
    for action in ("cloudformation:CreateChangeSet", "cloudformation:DeleteStack"):
        statement, = allowing(chain, action, "DeployRole")
        assert statement["Condition"] == {"StringEquals": {"cloudformation:RoleArn": EXECUTION}}, f"{action} with any role"
    for _, statement in statements(chain, "DeployRole"):
        changing = [a for a in statement["Action"] if a.startswith("cloudformation:") and not a.startswith("cloudformation:Describe")]
        for resource in statement["Resource"] if changing else []:
            assert re.search(r":stack/app-", resource), f"DeployRole: {changing} on {resource}"
    refused = [s for _, s in statements(chain, "DeployRole") if s["Effect"] == "Deny"]
    assert [(s["Action"], s["Resource"][0].rsplit(":", 1)[1]) for s in refused] == [(["cloudformation:DeleteStack"], "stack/app-master/*")], "production can be deleted"
    run, = allowing(chain, "ecs:RunTask", "DeployRole")
    assert "cluster/app-*" in run["Condition"]["ArnLike"]["ecs:cluster"], "a task in any cluster"


def must_make_only_bounded_roles(chain):
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        for statement in allowing(chain, action, "ExecutionRole"):
            assert statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"] == BOUNDARY, f"{action} without the boundary"
            assert statement["Resource"] == [ACCOUNT], f"{action} on {statement['Resource']}"
    for statement in allowing(chain, "iam:AttachRolePolicy", "ExecutionRole"):
        assert statement["Condition"]["ArnEquals"]["iam:PolicyARN"].endswith("/AmazonECSTaskExecutionRolePolicy"), "any policy can be attached"
    changing = {a for _, s in statements(chain) for a in s["Action"] if a.startswith("iam:")} - {
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:CreateServiceLinkedRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:PassRole", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole"}
    assert not changing, f"ways around the boundary: {changing}"
    linked, = allowing(chain, "iam:CreateServiceLinkedRole", "ExecutionRole")
    assert linked["Condition"] == {"StringEquals": {"iam:AWSServiceName": "ecs.application-autoscaling.amazonaws.com"}}


def must_pass_roles_only_where_they_belong(chain):
    for role in ("DeployRole", "ExecutionRole"):
        for statement in allowing(chain, "iam:PassRole", role):
            service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
            allowed = {"cloudformation.amazonaws.com": [EXECUTION], "ecs-tasks.amazonaws.com": [ACCOUNT]}
            assert statement["Resource"] == allowed[service] and (role, service) != ("ExecutionRole", "cloudformation.amazonaws.com"), statement
    assert not allowing(chain, "iam:PassRole", "BuildRole") and not allowing(chain, "iam:PassRole", "Boundary")


def must_bound_what_tasks_can_do(chain):
    inside = {a for _, s in statements(chain, "Boundary") for a in s["Action"]}
    assert not [a for a in inside if a.split(":")[0] in ("iam", "sts", "cloudformation", "ecs", "ec2", "rds")], inside
    roles = chain["service"].of_type("AWS::IAM::Role")
    for key, role in roles.items():
        assert role.get("PermissionsBoundary") == BOUNDARY, f"service.{key} carries no boundary"
        # A permission outside the boundary is none: the template would promise what does not work.
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                assert set(listed(statement["Action"])) <= inside, f"service.{key}: {statement['Action']} is outside the boundary"


def must_let_builds_push_and_no_more(chain):
    actions = {a for _, s in statements(chain, "BuildRole") for a in s["Action"]}
    assert actions and all(a.startswith("ecr:") for a in actions) and not [a for a in actions if "Delete" in a], actions
    deploying = {a for _, s in statements(chain, "DeployRole") for a in s["Action"] if a.startswith("ecr:")}
    assert deploying == {"ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"}, deploying


# Which calls make, change and delete what service.yaml contains. A new type there needs its calls here, and in ci-role.yaml.
NEEDED = {
    "AWS::ECS::Cluster": "ecs:CreateCluster ecs:UpdateCluster ecs:DeleteCluster ecs:DescribeClusters ecs:PutClusterCapacityProviders",
    "AWS::ECS::Service": "ecs:CreateService ecs:UpdateService ecs:DeleteService ecs:DescribeServices iam:PassRole",
    "AWS::ECS::TaskDefinition": "ecs:RegisterTaskDefinition ecs:DeregisterTaskDefinition ecs:DescribeTaskDefinition iam:PassRole",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup logs:PutRetentionPolicy logs:DeleteLogGroup logs:DescribeLogGroups",
    "AWS::IAM::Role": "iam:CreateRole iam:PutRolePolicy iam:AttachRolePolicy iam:DetachRolePolicy iam:DeleteRolePolicy iam:DeleteRole iam:GetRole",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:ModifyTargetGroup"
    " elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:DescribeTargetGroups",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "elasticloadbalancing:CreateRule elasticloadbalancing:ModifyRule elasticloadbalancing:DeleteRule"
    " elasticloadbalancing:SetRulePriorities elasticloadbalancing:DescribeRules",
    "AWS::ApplicationAutoScaling::ScalableTarget": "application-autoscaling:RegisterScalableTarget application-autoscaling:DeregisterScalableTarget"
    " application-autoscaling:DescribeScalableTargets",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "application-autoscaling:PutScalingPolicy application-autoscaling:DeleteScalingPolicy"
    " application-autoscaling:DescribeScalingPolicies",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms",
}


def must_be_enough_for_the_service(chain):
    allowed = {a for _, s in statements(chain, "ExecutionRole") if s["Effect"] == "Allow" for a in s["Action"]}
    for key, body in chain["service"].resources.items():
        missing = set(NEEDED[body["Type"]].split()) - allowed
        assert not missing, f"service.{key} cannot be made: {missing}"
    rules, = (s for s in allowing(chain, "elasticloadbalancing:ModifyRule", "ExecutionRole"))
    create, = allowing(chain, "elasticloadbalancing:CreateRule", "ExecutionRole")
    assert create["Resource"] == ["<alb.HttpsListener>"] and rules["Resource"] == ["<alb.HttpsListener>/*"], "rules of another listener"


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
