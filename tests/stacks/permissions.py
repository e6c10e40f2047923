"""What must be true of the roles in ci-role.yaml: how little Jenkins and CloudFormation may do, and that it is no way up."""

import re

import evaluator
import handlers

# Calls that AWS cannot limit to one resource; nothing else may be allowed on "*".
UNLIMITED = re.compile(
    r"ecr:GetAuthorizationToken|ecs:(Deregister|Describe|Register)TaskDefinition|ecs:ListTasks|logs:Describe(IndexPolicies|LogGroups|ResourcePolicies)|cloudwatch:DescribeAlarms"
    r"|application-autoscaling:Describe(ScalableTargets|ScalingPolicies|ScheduledActions)|cloudformation:ListStacks|ec2:DescribeVpcs"
    r"|elasticloadbalancing:Describe(Rules|Tags|TargetGroupAttributes|TargetGroups|TargetHealth)|ssmmessages:(Create|Open)(Control|Data)Channel"
)
ROLES = "arn:aws:iam::111122223333:role/stacks/app/*"
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
    consul = [chain["consul"].parameters[key] for key in ("AgentSecretArn", "ReviewSecretArn", "SecretKeyArn")]
    for role, statement in statements(chain):
        for resource in statement["Resource"]:
            if resource == "*":
                more = [a for a in statement["Action"] if not UNLIMITED.fullmatch(a)]
                assert not more, f"{role}: {more} on everything"
            elif not resource.startswith("<") and resource not in consul:
                service, rest = resource.split(":", 5)[2], resource.split(":", 5)[5]
                scaling = service == "application-autoscaling" and rest == "scalable-target/*"
                linked = rest == "role/aws-service-role/*" and statement["Action"] == ["iam:CreateServiceLinkedRole"]
                images = role == "Boundary" and rest == "repository/*"
                ours = re.search(r"[/:](base-)?app-|^role/stacks/app/", rest)
                assert ours or scaling or linked or images, f"{role}: {resource} is not only ours"


def must_keep_jenkins_from_other_stacks(chain):
    assert chain["ci-role"].template["Parameters"]["ExternalId"].get("NoEcho") is True, "the shared word is shown to whoever may look at stacks"
    for action in ("cloudformation:CreateChangeSet", "cloudformation:DeleteStack"):
        statement, = allowing(chain, action, "DeployRole")
        assert statement["Condition"] == {"StringEquals": {"cloudformation:RoleArn": EXECUTION}}, f"{action} with any role"
    for _, statement in statements(chain, "DeployRole"):
        changing = [a for a in statement["Action"] if re.match("cloudformation:(?!Describe|List)", a)]
        for resource in statement["Resource"] if changing else []:
            assert re.search(r":stack/app-", resource), f"DeployRole: {changing} on {resource}"
    refused = [s for _, s in statements(chain, "DeployRole") if s["Effect"] == "Deny"]
    assert [(s["Action"], s["Resource"][0].rsplit(":", 1)[1]) for s in refused] == [(["cloudformation:DeleteStack"], "stack/app-master/*")], "production can be deleted"
    for action in ("ecs:ListTasks", "ecs:RunTask"):
        run, = allowing(chain, action, "DeployRole")
        assert "cluster/app-*" in run["Condition"]["ArnLike"]["ecs:cluster"], f"{action} in any cluster"
    for statement in (s for _, s in statements(chain) if "Condition" in s):
        assert statement["Condition"], "an empty condition limits nothing"


def must_scale_services_and_nothing_else(chain):
    for action in ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"):
        for statement in allowing(chain, f"application-autoscaling:{action}", "ExecutionRole"):
            assert statement.get("Condition") == {"StringEquals": {"application-autoscaling:service-namespace": "ecs"}}, f"{action} of anything"


def must_make_only_bounded_roles(chain):
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        for statement in allowing(chain, action, "ExecutionRole"):
            assert statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"] == BOUNDARY, f"{action} without the boundary"
            assert statement["Resource"] == [ROLES], f"{action} on {statement['Resource']}"
    for statement in allowing(chain, "iam:AttachRolePolicy", "ExecutionRole"):
        assert statement["Condition"]["ArnEquals"]["iam:PolicyARN"].endswith("/AmazonECSTaskExecutionRolePolicy"), "any policy can be attached"
    assert not [s for _, s in statements(chain) if "iam:DeleteRolePermissionsBoundary" in s["Action"]], "the boundary can be taken off"
    for role, statement in statements(chain):
        over_roles = [a for a in statement["Action"] if a.startswith("iam:") and a not in ("iam:PassRole", "iam:CreateServiceLinkedRole")]
        assert not over_roles or (role, statement["Resource"]) == ("ExecutionRole", [ROLES]), f"{role}: {over_roles} on {statement['Resource']}"
    linked, = allowing(chain, "iam:CreateServiceLinkedRole", "ExecutionRole")
    assert linked["Condition"] == {"StringEquals": {"iam:AWSServiceName": ["ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com"]}}


def must_pass_roles_only_where_they_belong(chain):
    for role in ("DeployRole", "ExecutionRole"):
        for statement in allowing(chain, "iam:PassRole", role):
            service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
            allowed = {"cloudformation.amazonaws.com": [EXECUTION], "ecs-tasks.amazonaws.com": [ROLES]}
            assert statement["Resource"] == allowed[service] and (role, service) != ("ExecutionRole", "cloudformation.amazonaws.com"), statement
    assert not allowing(chain, "iam:PassRole", "BuildRole") and not allowing(chain, "iam:PassRole", "Boundary")


def must_bound_what_tasks_can_do(chain):
    inside = {a for _, s in statements(chain, "Boundary") for a in s["Action"]}
    assert not [a for a in inside if a.split(":")[0] in ("iam", "sts", "cloudformation", "ecs", "ec2", "rds")], inside
    roles = chain["service"].of_type("AWS::IAM::Role")
    for key, role in roles.items():
        assert role.get("PermissionsBoundary") == BOUNDARY, f"service.{key} carries no boundary"
        assert role.get("Path") == f"/stacks/{chain['service'].name.split('-')[0]}/", f"service.{key}: Jenkins has no right over it there"
        # A permission outside the boundary is none: the template would promise what does not work.
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                assert set(listed(statement["Action"])) <= inside, f"service.{key}: {statement['Action']} is outside the boundary"


def must_let_builds_push_and_no_more(chain):
    actions = {a for _, s in statements(chain, "BuildRole") for a in s["Action"]}
    assert actions and all(a.startswith("ecr:") for a in actions) and not [a for a in actions if "Delete" in a], actions
    deploying = {a for _, s in statements(chain, "DeployRole") for a in s["Action"] if a.startswith("ecr:")}
    assert deploying == {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer", "ecr:PutImage"}, deploying


GITHUB = "token.actions.githubusercontent.com"


def must_let_in_jenkins_and_one_repository_only(chain):
    wanted = {"BuildRole": ("StringLike", "refs/heads/*"), "DeployRole": ("StringLike", "refs/heads/master")}
    repository = chain["ci-role"].parameters["GitHubRepository"]
    for role, (operator, branches) in wanted.items():
        trust = chain["ci-role"].of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
        ways = {s["Action"]: s for s in trust}
        assert set(ways) == {"sts:AssumeRole"} | ({"sts:AssumeRoleWithWebIdentity"} if repository else set()), f"{role}: {set(ways)}"
        assert ways["sts:AssumeRole"]["Condition"] == {"StringEquals": {"sts:ExternalId": chain["ci-role"].parameters["ExternalId"]}}, role
        assert re.fullmatch(r"arn:aws:iam::\d{12}:(role|user)/.+", ways["sts:AssumeRole"]["Principal"]["AWS"]), role
        if repository:
            web = ways["sts:AssumeRoleWithWebIdentity"]
            assert web["Principal"]["Federated"] in ("<ci-role.GitHubProvider>", chain["ci-role"].parameters["GitHubProviderArn"]), role
            assert web["Condition"] == {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}, operator: {f"{GITHUB}:sub": f"repo:{repository}:ref:{branches}"}}, role


def must_be_enough_for_the_service(chain):
    allowed = {a for _, s in statements(chain, "ExecutionRole") if s["Effect"] == "Allow" for a in s["Action"]}
    for key, body in chain["service"].resources.items():
        missing = handlers.needed(body["Type"]) - allowed
        assert not missing, f"service.{key} cannot be made, changed or deleted: {missing}"
    rules, = (s for s in allowing(chain, "elasticloadbalancing:ModifyRule", "ExecutionRole"))
    create, = allowing(chain, "elasticloadbalancing:CreateRule", "ExecutionRole")
    assert create["Resource"] == ["<alb.HttpsListener>"] and rules["Resource"] == ["<alb.HttpsListener>/*"], "rules of another listener"


def must_make_the_rules_arn_of_the_listeners(chain):
    """Evaluated with a real ARN: the placeholder of a listener has nothing that could be split."""
    stack = chain["ci-role"]
    listener = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/x/1/2"
    exports = {name: listener if value == "<alb.HttpsListener>" else value for name, value in stack.exports.items() if not name.startswith("ci-role-")}
    again = {"ci-role": evaluator.Stack("ci-role", stack.template, stack.parameters, exports)}
    rules = {r for s in allowing(again, "elasticloadbalancing:ModifyRule", "ExecutionRole") for r in s["Resource"]}
    assert rules == {listener.replace("listener/", "listener-rule/") + "/*"}, rules


# What an action must be allowed on, at the end of the ARN; more or less of it is a deployment that stops half-way, or a way around.
STACKS, TAGGED = {"stack/app-*/*"}, {"<alb.HttpsListener>/*", "targetgroup/app-*"}
PUSH = ("BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "DescribeImages", "GetDownloadUrlForLayer", "InitiateLayerUpload", "PutImage", "UploadLayerPart")
REACH = {
    **{("BuildRole", f"ecr:{call}"): {f"<registry.{name}.Arn>" for name in ("Repository", "PilotRepository", "ConsulRepository")} for call in PUSH},
    ("BuildRole", "ecr:GetAuthorizationToken"): {"*"},
    ("DeployRole", "cloudformation:DescribeStacks"): {*STACKS, "stack/base-app-*/*"},
    **{("DeployRole", f"cloudformation:{call}"): STACKS for call in (
        "CreateChangeSet", "DeleteChangeSet", "DeleteStack", "DescribeChangeSet", "DescribeStackEvents", "ExecuteChangeSet", "UpdateTerminationProtection")},
    **{("DeployRole", f"ecs:{call}"): {"service/app-*", "task/app-*"} for call in ("DescribeServices", "DescribeTasks")},
    ("DeployRole", "ecs:RunTask"): {"task-definition/app-*:*"},
    ("DeployRole", "logs:GetLogEvents"): {"log-group:app-*"},
    ("DeployRole", "iam:PassRole"): {EXECUTION, "role/stacks/app/*"},
    ("DeployRole", "ecr:PutImage"): {"<registry.Repository.Arn>"},
    **{("ExecutionRole", f"ecs:{call}"): {"cluster/app-*", "service/app-*", "service-deployment/app-*", "task-definition/app-*"} for call in (
        "CreateCluster", "CreateService", "DeleteCluster", "DeleteService", "StopServiceDeployment", "TagResource", "UpdateCluster", "UpdateService")},
    **{("ExecutionRole", f"cloudwatch:{call}"): {"alarm:app-*", "alarm:TargetTracking-service/app-*"} for call in ("DeleteAlarms", "PutMetricAlarm")},
    **{("ExecutionRole", f"elasticloadbalancing:{call}"): TAGGED for call in ("AddTags", "RemoveTags")},
    **{("ExecutionRole", f"logs:{call}"): {"log-group:app-*"} for call in ("CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy")},
    **{("Boundary", f"elasticloadbalancing:{call}"): {"targetgroup/app-*"} for call in ("DeregisterTargets", "RegisterTargets")},
    **{("Boundary", f"ssmmessages:{verb}{kind}Channel"): {"*"} for verb in ("Create", "Open") for kind in ("Control", "Data")},
}


def must_reach_what_is_called_and_no_more(chain):
    for (role, action), wanted in REACH.items():
        found = {r if r.startswith("<") else r.split(":", 5)[5] if r != "*" else r for s in allowing(chain, action, role) for r in s["Resource"]}
        assert found == wanted, f"{role}: {action} on {found}, not on {wanted}"
    logins = {"AppSecret", "ReviewSecret"}
    boundary = {r for s in allowing(chain, "secretsmanager:GetSecretValue", "Boundary") for r in s["Resource"]}
    consul = chain["consul"].parameters
    agents = {consul["AgentSecretArn"], consul["ReviewSecretArn"]} if chain["ci-role"].parameters["ConsulStack"] else set()
    assert boundary == {f"<database.{name}>" for name in logins} | agents, boundary
    role = chain["ci-role"].of_type("AWS::IAM::Role")["DeployRole"]
    assert 3600 <= int(role["MaxSessionDuration"]) <= 14_400, "a deployment may take an hour, and no key should live for a day"
    for provider in chain["ci-role"].of_type("AWS::IAM::OIDCProvider").values():
        assert provider == {"Url": f"https://{GITHUB}", "ClientIdList": ["sts.amazonaws.com"]}, provider
    reading, = [s for s in allowing(chain, "logs:DescribeLogGroups", "ExecutionRole")]
    assert reading["Condition"] == {"StringEquals": {"aws:RequestedRegion": chain["ci-role"].region}}, "in every region"


# Not in any handler's list: ECS and Application Auto Scaling call them for whoever made the service.
FOR_OTHERS = {"cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "iam:CreateServiceLinkedRole", "ecs:UpdateClusterSettings"}


def must_be_no_more_than_the_handlers_need(chain):
    allowed = {a for _, s in statements(chain, "ExecutionRole") if s["Effect"] == "Allow" for a in s["Action"]}
    needed = set().union(*(handlers.needed(body["Type"]) for body in chain["service"].resources.values()))
    assert allowed <= needed | FOR_OTHERS, f"nothing in service.yaml needs {allowed - needed - FOR_OTHERS}"


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
