"""What several places must agree on, where CloudFormation sees only that each is well formed: ports, names, keys of secrets, roles,
the ends of imports, metrics and their direction, and what has to be there before something else."""

import functools
import json
import re

import policies
from chain import ROOT, app, everything, service, settings

ACCOUNT = "111122223333"


def value_of(chain, stack, key):
    return chain[stack].outputs[key]


# --- what an export means ------------------------------------------------------------------------------------------------------

EXPORTS = {
    "network": {
        "VpcId": "<network.Vpc>",
        "PublicSubnets": "<network.PublicSubnetA>,<network.PublicSubnetB>",
        "PrivateSubnets": "<network.PrivateSubnetA>,<network.PrivateSubnetB>",
        "DataSubnets": "<network.DataSubnetA>,<network.DataSubnetB>",
    },
    "alerts": {"TopicArn": "<alerts.Topic>"},
    "registry": {
        "RepositoryUri": "<registry.Repository.RepositoryUri>", "RepositoryArn": "<registry.Repository.Arn>",
        "PilotRepositoryArn": "<registry.PilotRepository.Arn>", "ConsulRepositoryArn": "<registry.ConsulRepository.Arn>",
    },
    "alb": {
        "AlbFullName": "<alb.Alb.LoadBalancerFullName>", "HttpsListener": "<alb.HttpsListener>", "AlbDns": "<alb.Alb.DNSName>",
        "ServiceSecurityGroup": "<alb.ServiceSecurityGroup.GroupId>",
    },
    "database": {
        "Endpoint": "<database.Db.Endpoint.Address>", "Port": "<database.Db.Endpoint.Port>", "KeyArn": "<database.Key.Arn>",
        "AppSecretArn": "<database.AppSecret>", "ReviewSecretArn": "<database.ReviewSecret>", "MasterSecretArn": "<database.Db.MasterUserSecret.SecretArn>",
    },
    "logins": {"ClusterName": "<logins.Cluster>", "TaskDefinition": "<logins.Task>", "LogGroup": "<logins.LogGroup>"},
    "service": {
        "ServiceName": "<service.Service.Name>", "ClusterName": "<service.Cluster>", "TaskDefinition": "<service.Task>", "TargetGroupArn": "<service.TargetGroup>",
    },
    "ec2-capacity": {"CapacityProvider": "<ec2-capacity.Capacity>"},
    "ci-role": {"Boundary": "<ci-role.Boundary>", "DeployRoleArn": "<ci-role.DeployRole.Arn>", "ExecutionRoleArn": "<ci-role.ExecutionRole.Arn>", "BuildRoleArn": "<ci-role.BuildRole.Arn>"},
}
FROM_PARAMETERS = {"alb": ["ContainerPort", "DomainName"], "consul": ["Datacenter", "ImageUri"], "service": ["ImageUri", "Commit"], "logins": ["ImageUri"]}


def must_hand_on_what_the_name_says(chain):
    for stack, outputs in EXPORTS.items():
        for key, value in outputs.items():
            assert value_of(chain, stack, key) == value, f"{stack}: {key} is {value_of(chain, stack, key)}"
    for stack, keys in FROM_PARAMETERS.items():
        for key in keys:
            assert str(value_of(chain, stack, key)) == chain[stack].parameters[key], f"{stack}: {key}"
    consul = chain["consul"]
    given = {"AppAgentSecretArn": "AgentSecretArn", "ReviewAgentSecretArn": "ReviewSecretArn", "KeyArn": "SecretKeyArn"}
    assert all(consul.outputs[key] == consul.parameters[parameter] for key, parameter in given.items()), consul.outputs
    assert value_of(chain, "service", "Url") == "https://" + chain["service"].parameters["HostName"]


# What an importing stack pins: these change only with what they belong to, and the whole cluster or the secrets with them.
PINNED = {("consul", "Datacenter"), ("consul", "Join"), ("consul", "AppAgentSecretArn"), ("consul", "ReviewAgentSecretArn"), ("consul", "KeyArn"), ("network", "Cidr")}


def must_export_nothing_that_has_to_change(chain):
    """CloudFormation refuses to change an export that is in use: an image or a port that were exported could never be another one."""
    for stack in chain.values():
        for key, output in stack.template.get("Outputs", {}).items():
            given = [name for name in stack.template["Parameters"] if name in repr(output["Value"])]
            assert "Export" not in output or not given or (stack.name, key) in PINNED, f"{stack.name}: {key} is {given}, and exported"


# --- roles ---------------------------------------------------------------------------------------------------------------------

TRUSTED = {
    "network.FlowLogRole": "vpc-flow-logs.amazonaws.com",
    "database.MonitoringRole": "monitoring.rds.amazonaws.com",
    "logins.ExecutionRole": "ecs-tasks.amazonaws.com",
    "consul.ExecutionRole": "ecs-tasks.amazonaws.com",
    "consul.TaskRole": "ecs-tasks.amazonaws.com",
    "service.ExecutionRole": "ecs-tasks.amazonaws.com",
    "service.TaskRole": "ecs-tasks.amazonaws.com",
    "ec2-capacity.Role": "ec2.amazonaws.com",
    "ci-role.ExecutionRole": "cloudformation.amazonaws.com",
}
MANAGED = {
    "database.MonitoringRole": "AmazonRDSEnhancedMonitoringRole",
    "logins.ExecutionRole": "AmazonECSTaskExecutionRolePolicy",
    "consul.ExecutionRole": "AmazonECSTaskExecutionRolePolicy",
    "service.ExecutionRole": "AmazonECSTaskExecutionRolePolicy",
    "ec2-capacity.Role": "AmazonEC2ContainerServiceforEC2Role",
}


def must_let_each_role_be_taken_on_by_its_own_service(chain):
    for name, role in everything(chain, "AWS::IAM::Role"):
        if name in ("ci-role.BuildRole", "ci-role.DeployRole"):  # people's and Jenkins': permissions.py
            continue
        statement, = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": TRUSTED[name]}, f"{name}: {statement['Principal']}"
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole"), name
        attached = [arn.rsplit("/", 1)[1] for arn in role.get("ManagedPolicyArns", [])]
        assert attached == ([MANAGED[name]] if name in MANAGED else []), f"{name}: {attached}"


def must_give_tasks_their_own_roles(chain):
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        stack = name.split(".")[0]
        assert task["ExecutionRoleArn"] == f"<{stack}.ExecutionRole.Arn>", name
        assert task.get("TaskRoleArn", "") == ("" if stack == "logins" else f"<{stack}.TaskRole.Arn>"), name
    machine, = chain["ec2-capacity"].of_type("AWS::IAM::InstanceProfile").values()
    assert machine["Roles"] == ["<ec2-capacity.Role>"]
    flow, = chain["network"].of_type("AWS::EC2::FlowLog").values()
    assert (flow["DeliverLogsPermissionArn"], flow["LogGroupName"], flow["ResourceId"]) == ("<network.FlowLogRole.Arn>", "<network.FlowLogGroup>", "<network.Vpc>")
    assert (flow["ResourceType"], flow["TrafficType"]) == ("VPC", "ALL"), "refused packets are what one looks for"
    write, = chain["network"].of_type("AWS::IAM::Role")["FlowLogRole"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert write["Resource"] == "<network.FlowLogGroup.Arn>" and {"logs:CreateLogStream", "logs:PutLogEvents"} <= set(write["Action"]), write


def must_read_with_the_execution_role_what_containers_are_given(chain):
    """A secret that ECS may not read, or not decrypt, is a task that never starts."""
    keys = {"database": "<database.Key.Arn>", "consul": chain["consul"].parameters["SecretKeyArn"]}
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        role = chain[name.split(".")[0]].of_type("AWS::IAM::Role")["ExecutionRole"]
        allowed = {}
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                resources = statement["Resource"]
                allowed.setdefault(statement["Action"], set()).update([resources] if isinstance(resources, str) else resources)
        read = {secret["ValueFrom"].rsplit(":", 3)[0] for container in task["ContainerDefinitions"] for secret in container["Secrets"]}
        assert read == allowed["secretsmanager:GetSecretValue"], f"{name}: {read ^ allowed['secretsmanager:GetSecretValue']}"
        wanted = {keys["database" if secret.startswith("<database.") else "consul"] for secret in read}
        assert wanted == allowed["kms:Decrypt"], f"{name}: {wanted ^ allowed['kms:Decrypt']}"


def must_bound_no_more_than_tasks_use(chain):
    """What the roles of the service may do lies within the boundary, resources as well as actions."""
    boundary, = chain["ci-role"].of_type("AWS::IAM::ManagedPolicy").values()
    inside = {}
    for statement in boundary["PolicyDocument"]["Statement"]:
        for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
            inside[action] = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
    for name, role in chain["service"].of_type("AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
                    for resource in [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]:
                        covered = resource in inside[action] or resource == "<service.TargetGroup>" or inside[action] == ["*"]
                        assert covered, f"service.{name}: {action} on {resource} is outside the boundary"
    # What the managed policy of the execution role needs of it.
    assert {"ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "logs:CreateLogStream", "logs:PutLogEvents"} <= set(inside)


def must_write_whole_policies(chain):
    """A statement without one of its parts is refused, or means something else; a key that its account cannot manage is lost."""
    for where, kind, document in policies.documents(chain):
        assert document.get("Version") == "2012-10-17" and document["Statement"], f"{where}: an old language, or an empty policy"
        for statement in document["Statement"]:
            parts = set(statement)
            whole = {"trust": {"Effect", "Action", "Principal"}, "identity": {"Effect", "Action", "Resource"}, "resource": {"Effect", "Action", "Principal", "Resource"}}[kind]
            if where == "consul.Disk":
                whole = whole - {"Resource"}  # a file system's policy is about itself
            assert parts - {"Condition", "Sid"} == whole, f"{where}: {parts ^ whole}"
            assert statement["Effect"] in ("Allow", "Deny") and statement["Action"], where
            principal = statement.get("Principal", {"any": "any"})
            assert principal == "*" or all(principal.values()), f"{where}: nobody"
    for name, key in everything(chain, "AWS::KMS::Key"):
        root = key["KeyPolicy"]["Statement"][0]
        owner = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
        assert root == owner, f"{name}: nobody could manage it any more"
    role = {a for p in chain["service"].of_type("AWS::IAM::Role")["TaskRole"]["Policies"] for s in p["PolicyDocument"]["Statement"]
            for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
    wanted = {"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:DescribeTargetHealth"}
    if chain["service"].parameters["RegistrationMode"] == "self":
        wanted.add("elasticloadbalancing:RegisterTargets")
    if chain["service"].parameters["Exec"] == "true":
        wanted |= {f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")}
    assert role == wanted, f"service.TaskRole: {role ^ wanted}"
    bucket = chain["alb"].of_type("AWS::S3::BucketPolicy")["LogBucketPolicy"]
    assert bucket["Bucket"] == "<alb.LogBucket>"


# --- secrets -------------------------------------------------------------------------------------------------------------------


def keys_made():
    """The keys of each secret of Consul's, as consul/make-secrets.sh writes them."""
    text = (ROOT / "consul/make-secrets.sh").read_text()
    return {who: set(re.findall(r'"(\w+)": "\$\(', re.search(rf"cat >{who}-secret\.json <<END\n(.*?)\nEND", text, re.S)[1])) for who in ("server", "agent", "review")}


VARIABLES = {
    "DB_USER": "username", "APP_USER": "username", "REVIEW_USER": "username", "DB_PASSWD": "password", "APP_PASSWD": "password", "REVIEW_PASSWD": "password",
    "CONSUL_CONFIG": "config", "CONSUL_CA_PEM": "ca", "CONSUL_CERT_PEM": "cert", "CONSUL_KEY_PEM": "key", "CONSUL_TOKENS": "tokens",
}


def must_ask_secrets_for_keys_that_they_have(chain):
    consul = chain["consul"].parameters
    made = {consul[f"{who.title()}SecretArn"]: keys for who, keys in keys_made().items()}
    for key, secret in chain["database"].of_type("AWS::SecretsManager::Secret").items():
        generate = secret["GenerateSecretString"]
        made[f"<database.{key}>"] = {*json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]}
        assert generate["ExcludePunctuation"] is True, f"{key}: a quote or a backslash is in somebody's way"
    made["<database.Db.MasterUserSecret.SecretArn>"] = {"username", "password"}  # RDS' own
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            assert len({s["Name"] for s in container["Secrets"]}) == len(container["Secrets"]), name
            for entry in container["Secrets"]:
                secret, key, stage, version = entry["ValueFrom"].rsplit(":", 3)
                assert key in made[secret], f"{name}: {entry['Name']} asks {secret} for {key}, it has {made[secret]}"
                wanted = VARIABLES.get(entry["Name"]) or ("snapshot_token" if name.startswith("consul.") else "pilot_token")
                assert (key, stage, version) == (wanted, "", ""), f"{name}: {entry['Name']} is {entry['ValueFrom']}"


def must_keep_reviews_identity_apart(chain):
    review = chain["service"].parameters["DatabaseLogin"] == "Review"
    consul = chain["consul"].parameters
    assert len({consul[f"{who}SecretArn"] for who in ("Server", "Agent", "Review")}) == 3
    used = {s["ValueFrom"].rsplit(":", 3)[0] for task in chain["service"].of_type("AWS::ECS::TaskDefinition").values() for c in task["ContainerDefinitions"] for s in c["Secrets"]}
    assert consul["ServerSecretArn"] not in used and consul["AgentSecretArn" if review else "ReviewSecretArn"] not in used, used
    environment = {e["Name"]: e["Value"] for e in app(chain)["Environment"]}
    if "CONSUL_HTTP_ADDR" in environment:
        assert environment["SERVICE_NAME"] == chain["service"].parameters["ServiceName"] and (environment["SERVICE_NAME"] == "app") is not review, environment
        agent = next(c for c in chain["service"].of_type("AWS::ECS::TaskDefinition")["Task"]["ContainerDefinitions"] if c["Name"] == "consul")
        prefix = {e["Name"]: e["Value"] for e in agent["Environment"]}["CONSUL_NODE_PREFIX"]
        policy = (ROOT / f"consul/acl/{'review-agent' if review else 'agent'}.hcl").read_text()
        assert f'node_prefix "{prefix}-"' in policy, f"the agent's token may not speak for {prefix}-..."
        rights = (ROOT / f"consul/acl/{'review' if review else 'pilot'}.hcl").read_text()
        assert re.search(r'service_prefix "app-" \{\s+policy = "write"' if review else r'service "app" \{\s+policy = "write"', rights), rights


# --- ports, health, stop -------------------------------------------------------------------------------------------------------


def must_use_one_port_along_the_whole_path(chain):
    port = int(value_of(chain, "alb", "ContainerPort"))
    group, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    environment = {e["Name"]: e["Value"] for e in app(chain)["Environment"]}
    mapped, = app(chain)["PortMappings"]
    found = {int(group["Port"]), int(environment["PORT"]), int(mapped["ContainerPort"])}
    found |= {int(b["ContainerPort"]) for b in service(chain).get("LoadBalancers", [])}
    for _, rule in [*everything(chain, "AWS::EC2::SecurityGroupIngress"), *everything(chain, "AWS::EC2::SecurityGroupEgress")]:
        if "requests" in rule["Description"]:
            found |= {int(rule["FromPort"]), int(rule["ToPort"])}
    assert found == {port}, f"the load balancer asks at {port}, and there are {found}"
    assert (group["TargetType"], group["Protocol"], mapped["Protocol"]) == ("ip", "HTTP", "tcp"), "awsvpc tasks have addresses of their own"
    assert group["VpcId"] == "<network.Vpc>" and port >= 1024, "no capability is left to bind a lower one"
    if chain["service"].parameters["RegistrationMode"] == "ecs":
        assert len(service(chain)["LoadBalancers"]) == 1, "tasks that nobody sends requests to"
    for balancer in service(chain).get("LoadBalancers", []):
        assert (balancer["ContainerName"], balancer["TargetGroupArn"]) == ("app", "<service.TargetGroup>"), balancer
    for stack in ("service", "logins"):
        task = chain[stack].of_type("AWS::ECS::TaskDefinition")["Task"]
        database = {e["Name"]: e["Value"] for e in next(c for c in task["ContainerDefinitions"] if c["Name"] == "app")["Environment"]}
        assert (database["DB_HOST"], database["DB_PORT"]) == ("<database.Db.Endpoint.Address>", "<database.Db.Endpoint.Port>"), stack
        assert database["DB_CA_FILE"] == chain[stack].parameters["DatabaseCaFile"], stack
    assert environment["DB_NAME"] == chain["service"].parameters["DatabaseName"]
    assert ("CONSUL_HTTP_ADDR" in environment) == bool(chain["service"].parameters["ConsulStack"]), "an agent that nobody registers with"
    if "CONSUL_HTTP_ADDR" in environment:
        assert environment["CONSUL_HTTP_ADDR"] == "http://127.0.0.1:8500", "the agent listens on the loopback interface alone"
        assert "CONSUL_HTTP_TOKEN" in {s["Name"] for s in app(chain)["Secrets"]}, "without a token nobody may do anything"
        agent = next(c for c in chain["service"].of_type("AWS::ECS::TaskDefinition")["Task"]["ContainerDefinitions"] if c["Name"] == "consul")
        there = {e["Name"]: e["Value"] for e in agent["Environment"]}
        assert there["CONSUL_JOIN"] == value_of(chain, "consul", "Join") and there["CONSUL_DATACENTER"] == value_of(chain, "consul", "Datacenter"), there


def must_ask_for_health_what_a_new_task_repairs(chain):
    """A path that needs the database would have a fail-over of it replace every task."""
    routes = set(re.findall(r'\.route\("(/[^"]*)"', (ROOT / "app/src/web.rs").read_text()))
    config = chain["service"].pilot_config
    asked = re.search(r'health: \{ http: "(/[^"]+)"', config)[1]
    group, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    assert {asked, group["HealthCheckPath"]} == {"/health"} <= routes, f"{asked}, {group['HealthCheckPath']} of {routes}"
    assert re.search(r'inFlight: "(/[^"]+)"', config)[1] in routes
    assert group["Matcher"] == {"HttpCode": "200"}
    interval, timeout = int(group["HealthCheckIntervalSeconds"]), int(group["HealthCheckTimeoutSeconds"])
    assert 2 <= timeout < interval <= 15 and int(group["HealthyThresholdCount"]) <= 3 and 2 <= int(group["UnhealthyThresholdCount"]) <= 5, group
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            check = container.get("HealthCheck")
            # The task that ends by itself has none, nor the agent: without it the application goes on.
            assert (check is None) == (name == "logins.Task" or (name == "service.Task" and container["Name"] == "consul")), name
            if check:
                assert check["Command"] == ["CMD", "/bin/pilot", "health"], name
                assert check["Timeout"] < check["Interval"] <= 30 and 2 <= check["Retries"] <= 5 and 30 <= check["StartPeriod"] <= 300, f"{name}: {check}"
    grace = service(chain).get("HealthCheckGracePeriodSeconds")
    assert ("LoadBalancers" in service(chain)) == (grace is not None) and (grace is None or 30 <= int(grace) <= 300), grace


def must_probe_nothing_that_only_its_waiter_makes(chain):
    """The watch that `app` waits for must not select the schema, which `app` alone makes."""
    config = chain["service"].pilot_config
    probe = re.search(r"mysql: \{.*?\n      \},", config, re.S)[0]
    assert "database:" not in probe, "the first deployment would wait for ever"
    read = set(re.findall(r"\.(DB_[A-Z_]+|CONSUL_[A-Z_]+|PILOT_[A-Z_]+|SERVICE_NAME|STOP_BUDGET|PORT)\b", config)) | {"DB_NAME", "DB_PASSWD"}  # the application's own, and a name in quotes
    given = {e["Name"] for e in app(chain)["Environment"]} | {"DB_USER", "DB_PASSWD"}
    assert given <= read | {"CONSUL_HTTP_TOKEN"}, f"image/pilot.json5 does not read {given - read}"


def must_stop_everything_within_its_time(chain):
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            if container["Name"] == "consul":
                file = next(e["Value"] for e in container["Environment"] if e["Name"] == "CONTAINERPILOT").replace("/etc/consul", "consul")
                own = int(re.search(r'stopTimeout: "(\d+)s"', (ROOT / file).read_text())[1])
                assert own + 5 <= int(container["StopTimeout"]) <= 120, f"{name}: Consul takes {own} s to leave"
    # The agent stops last: it must not be killed while the application still leaves Consul.
    containers = {c["Name"]: c for c in chain["service"].of_type("AWS::ECS::TaskDefinition")["Task"]["ContainerDefinitions"]}
    if "consul" in containers:
        assert int(containers["consul"]["StopTimeout"]) >= int(containers["app"]["StopTimeout"])
    data, = chain["ec2-capacity"].of_type("AWS::EC2::LaunchTemplate").values()
    machine = data["LaunchTemplateData"]["UserData"]
    assert int(re.search(r"ECS_CONTAINER_STOP_TIMEOUT=(\d+)s", machine)[1]) >= 60
    assert f"ECS_CLUSTER={chain['ec2-capacity'].parameters['ClusterName']}'" in machine


# --- what must be there before something else ----------------------------------------------------------------------------------

BEFORE = {
    "network.PublicRoute": {"InternetAttachment"},
    "network.NatAddressA": {"InternetAttachment"},
    "network.NatAddressB": {"InternetAttachment"},
    "alb.Alb": {"LogBucketPolicy"},  # creating it writes a test file
    "database.Db": {"ErrorLogs", "SlowQueryLogs"},  # or RDS makes them, without a retention
    "consul.Server1": {"MountTarget1", "MountTarget2"},
    "consul.Server2": {"Server1"},
    "consul.Server3": {"Server2"},
    "service.Service": {"Rule", "TaskRole"},  # a group without a listener takes no tasks
}


def must_wait_for_what_cloudformation_does_not_see(chain):
    for name, wanted in BEFORE.items():
        stack, key = name.split(".")
        if key in chain[stack].resources:
            found = chain[stack].resources[key].get("DependsOn", [])
            assert wanted <= ({found} if isinstance(found, str) else set(found)), f"{name} does not wait for {wanted}"


# --- Consul --------------------------------------------------------------------------------------------------------------------


def must_give_each_consul_server_its_own(chain):
    consul = chain["consul"]
    namespace, = consul.of_type("AWS::ServiceDiscovery::PrivateDnsNamespace").values()
    assert namespace == {"Name": "consul.internal", "Vpc": "<network.Vpc>"}, namespace
    join = ",".join(f"server-{n}.consul.internal" for n in (1, 2, 3))
    assert value_of(chain, "consul", "Join") == join
    for n in (1, 2, 3):
        point = consul.of_type("AWS::EFS::AccessPoint")[f"AccessPoint{n}"]
        owner = {"OwnerUid": "65534", "OwnerGid": "65534", "Permissions": "0700"}
        assert point["RootDirectory"] == {"Path": f"/server-{n}", "CreationInfo": owner} and point["PosixUser"] == {"Uid": "65534", "Gid": "65534"}, point
        name = consul.of_type("AWS::ServiceDiscovery::Service")[f"Name{n}"]
        assert (name["Name"], name["NamespaceId"]) == (f"server-{n}", "<consul.Namespace>"), name
        record, = name["DnsConfig"]["DnsRecords"]
        assert record["Type"] == "A" and int(record["TTL"]) <= 30 and name["HealthCheckCustomConfig"] == {"FailureThreshold": 1}, "a server that comes back is found by its name"
        task = consul.of_type("AWS::ECS::TaskDefinition")[f"Task{n}"]
        volume = task["Volumes"][0]["EFSVolumeConfiguration"]
        assert (volume["FilesystemId"], volume["AuthorizationConfig"]["AccessPointId"]) == ("<consul.Disk>", f"<consul.AccessPoint{n}>"), volume
        container, = task["ContainerDefinitions"]
        environment = {e["Name"]: e["Value"] for e in container["Environment"]}
        assert (environment["CONSUL_NODE"], environment["CONSUL_JOIN"], environment["CONSUL_DATACENTER"]) == (f"server-{n}", join, consul.parameters["Datacenter"]), environment
        assert environment["CONTAINERPILOT"] == "/etc/consul/server.json5" and container["Image"] == consul.parameters["ImageUri"]
        assert container["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == f"server-{n}" and task["Family"] == f"consul-server-{n}"
        found = consul.of_type("AWS::ECS::Service")[f"Server{n}"]
        assert (found["TaskDefinition"], found["ServiceRegistries"]) == (f"<consul.Task{n}>", [{"RegistryArn": f"<consul.Name{n}.Arn>"}]), found
        assert found["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"] == ["<consul.ServerSecurityGroup.GroupId>"], found
        assert (found["Cluster"], found["LaunchType"], found["PlatformVersion"]) == ("<consul.Cluster>", "FARGATE", "LATEST"), found
        assert point["FileSystemId"] == "<consul.Disk>" and found["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["<network.PrivateSubnetA>", "<network.PrivateSubnetB>"]
        alarm = {d["Name"]: d["Value"] for d in consul.of_type("AWS::CloudWatch::Alarm")[f"Server{n}GoneAlarm"]["Dimensions"]}
        assert alarm == {"ClusterName": "<consul.Cluster>", "ServiceName": f"<consul.Server{n}.Name>"}, alarm
    targets = [t for _, t in everything(chain, "AWS::EFS::MountTarget")]
    assert {t["SubnetId"] for t in targets} == {"<network.PrivateSubnetA>", "<network.PrivateSubnetB>"}, "a zone without a mount target has no disk"
    assert all(t["SecurityGroups"] == ["<consul.DiskSecurityGroup.GroupId>"] and t["FileSystemId"] == "<consul.Disk>" for t in targets)


def must_mount_what_there_is(chain):
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        volumes = {v["Name"] for v in task.get("Volumes", [])}
        for container in task["ContainerDefinitions"]:
            paths = [m["ContainerPath"] for m in container.get("MountPoints", [])]
            assert {m["SourceVolume"] for m in container.get("MountPoints", [])} <= volumes and len(paths) == len(set(paths)), f"{name}: {paths}"
            wanted = {"app": {"/data", "/run/pilot"}, "consul": {"/consul", "/run/pilot"}}[container["Name"]]
            assert name == "logins.Task" or wanted <= set(paths), f"{name}: {container['Name']} cannot write to {wanted - set(paths)}"
            assert container["LogConfiguration"]["LogDriver"] == "awslogs", name
            options = container["LogConfiguration"]["Options"]
            assert options["max-buffer-size"] == "25m" and options["awslogs-stream-prefix"] in ("app", "consul", *(f"server-{n}" for n in (1, 2, 3))), f"{name}: {options}"
            assert options["awslogs-region"] == chain[name.split(".")[0]].region and options["awslogs-group"] == f"<{name.split('.')[0]}.LogGroup>", f"{name}: {options}"
        prefixes = [c["LogConfiguration"]["Options"]["awslogs-stream-prefix"] for c in task["ContainerDefinitions"]]
        assert len(prefixes) == len(set(prefixes)), f"{name}: two containers write under one name"
        agents = [c["Image"] for c in task["ContainerDefinitions"] if c["Name"] == "consul"]
        assert set(agents) <= {value_of(chain, "consul", "ImageUri")}, "the agents are of another version than the servers"


# --- alarms and scaling --------------------------------------------------------------------------------------------------------

ABOVE, BELOW = {"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"}, {"LessThanThreshold", "LessThanOrEqualToThreshold"}
# Metric: its namespace, the side on which it is bad, how it is summed up, and between which thresholds an alarm means something.
METRICS = {
    "HTTPCode_ELB_5XX_Count": ("AWS/ApplicationELB", ABOVE, {"Sum"}, (1, 50)),
    "HTTPCode_Target_5XX_Count": ("AWS/ApplicationELB", ABOVE, {"Sum"}, (1, 50)),
    "TargetResponseTime": ("AWS/ApplicationELB", ABOVE, {"p90", "p95", "p99"}, (0.2, 10)),
    "UnHealthyHostCount": ("AWS/ApplicationELB", ABOVE, {"Minimum"}, (1, 1)),
    "HealthyHostCount": ("AWS/ApplicationELB", BELOW, {"Maximum"}, (1, 1)),
    "FreeStorageSpace": ("AWS/RDS", BELOW, {"Average", "Minimum"}, (1 << 30, 10 << 30)),
    "CPUUtilization": ("AWS/RDS", ABOVE, {"Average"}, (60, 95)),
    "FreeableMemory": ("AWS/RDS", BELOW, {"Average", "Minimum"}, (64 << 20, 512 << 20)),
    "DatabaseConnections": ("AWS/RDS", ABOVE, {"Average", "Maximum"}, (20, 5000)),
    "CPUCreditBalance": ("AWS/RDS", BELOW, {"Average", "Minimum"}, (10, 100)),
    "RunningTaskCount": ("ECS/ContainerInsights", BELOW, {"Minimum", "Maximum"}, (1, 1)),
}
# A class's memory in GiB. RDS: max_connections = memory / 12582880 bytes.
MEMORY = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}


def must_raise_alarms_on_the_bad_side(chain):
    for name, alarm in everything(chain, "AWS::CloudWatch::Alarm"):
        namespace, side, statistics, (low, high) = METRICS[alarm["MetricName"]]
        assert alarm["Namespace"] == namespace and alarm["ComparisonOperator"] in side, f"{name}: {alarm['MetricName']} {alarm['ComparisonOperator']}"
        assert (alarm.get("Statistic") or alarm.get("ExtendedStatistic")) in statistics, f"{name}: {alarm.get('Statistic')} of {alarm['MetricName']}"
        assert low <= float(alarm["Threshold"]) <= high, f"{name}: {alarm['Threshold']}"
        assert int(alarm["Period"]) % 60 == 0 and 2 * 60 <= int(alarm["Period"]) * int(alarm["EvaluationPeriods"]) <= 900, f"{name}: raised after {alarm['EvaluationPeriods']} x {alarm['Period']} s"
        assert int(alarm.get("DatapointsToAlarm", 1)) <= int(alarm["EvaluationPeriods"]), name
        assert alarm.get("ActionsEnabled", True) is True, name
        assert alarm["TreatMissingData"] == ("missing" if namespace == "AWS/RDS" else "breaching" if side is BELOW else "notBreaching"), f"{name}: {alarm['TreatMissingData']}"
        stack = name.split(".")[0]
        if stack == "service":
            groups = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
            assert groups == {"LoadBalancer": "<alb.Alb.LoadBalancerFullName>", "TargetGroup": "<service.TargetGroup.TargetGroupFullName>"}, f"{name} looks at everybody's requests"
        if stack != "consul":
            assert alarm["OKActions"] == ["<alerts.Topic>"], f"{name}: nobody hears that it is over"


def must_know_how_many_connections_a_class_takes(chain):
    template = chain["database"].template
    classes = template["Parameters"]["InstanceClass"]["AllowedValues"]
    assert set(classes) == set(template["Mappings"]["Classes"])
    for kind, numbers in template["Mappings"]["Classes"].items():
        memory = MEMORY[kind.rsplit(".", 1)[1]] * (2 if kind.startswith("db.r") else 1)
        most = memory * (1 << 30) / 12_582_880
        assert 0.5 * most <= numbers["Connections"] <= 0.8 * most, f"{kind} takes {most:.0f} connections at most"
    alarm = chain["database"].of_type("AWS::CloudWatch::Alarm")["ConnectionsAlarm"]
    assert alarm["Threshold"] == template["Mappings"]["Classes"][chain["database"].parameters["InstanceClass"]]["Connections"]


def must_scale_its_own_service(chain):
    target, = chain["service"].of_type("AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert target["ResourceId"] == "service/<service.Cluster>/<service.Service.Name>", target["ResourceId"]
    assert (target["ServiceNamespace"], target["ScalableDimension"]) == ("ecs", "ecs:service:DesiredCount")
    assert (str(target["MinCapacity"]), str(target["MaxCapacity"])) == tuple(chain["service"].parameters[key] for key in ("Containers", "MaxContainers")), target
    policies = chain["service"].of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert ("ScaleByRequests" in policies) == (chain["service"].parameters["RegistrationMode"] == "ecs")
    for name, policy in policies.items():
        track = policy["TargetTrackingScalingPolicyConfiguration"]
        assert policy["ScalingTargetId"] == "<service.ScalableTarget>" and track["ScaleInCooldown"] >= 2 * track["ScaleOutCooldown"] > 0, f"{name}: slower down than up"
        assert not track.get("DisableScaleIn")
        metric = track["PredefinedMetricSpecification"]
        if metric["PredefinedMetricType"] == "ECSServiceAverageCPUUtilization":
            assert 30 <= track["TargetValue"] <= 80, name
        else:
            assert metric["ResourceLabel"] == "<alb.Alb.LoadBalancerFullName>/<service.TargetGroup.TargetGroupFullName>" and 600 <= track["TargetValue"] <= 60_000, metric
    alarms = service(chain)["DeploymentConfiguration"]["Alarms"]["AlarmNames"]
    assert alarms == ["<service.ErrorAlarm>", "<service.LatencyAlarm>"], "an alarm of something else would roll this back"


# --- load balancer, certificate, records ---------------------------------------------------------------------------------------


def must_serve_its_host_and_no_other(chain):
    alb, parameters = chain["alb"], chain["service"].parameters
    balancer, = alb.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert (balancer["Type"], balancer["Scheme"]) == ("application", "internet-facing")
    assert balancer["Subnets"] == ["<network.PublicSubnetA>", "<network.PublicSubnetB>"] and balancer["SecurityGroups"] == ["<alb.AlbSecurityGroup.GroupId>"], balancer
    attributes = {a["Key"]: a["Value"] for a in balancer["LoadBalancerAttributes"]}
    assert attributes["routing.http.desync_mitigation_mode"] in ("defensive", "strictest") and 30 <= int(attributes["idle_timeout.timeout_seconds"]) <= 120
    prefix = attributes["access_logs.s3.prefix"]
    write = alb.of_type("AWS::S3::BucketPolicy")["LogBucketPolicy"]["PolicyDocument"]["Statement"][0]
    assert attributes["access_logs.s3.bucket"] == "<alb.LogBucket>" and write["Resource"] == f"arn:aws:s3:::<alb.LogBucket>/{prefix}/AWSLogs/{ACCOUNT}/*", write
    bucket = alb.of_type("AWS::S3::Bucket")["LogBucket"]
    encryption, = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}, "load balancers write to no bucket with another key"
    rule, = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled" and str(rule["ExpirationInDays"]) == alb.parameters["LogDays"]
    for listener in alb.of_type("AWS::ElasticLoadBalancingV2::Listener").values():
        assert listener["LoadBalancerArn"] == "<alb.Alb>", listener
    default, = alb.of_type("AWS::ElasticLoadBalancingV2::Listener")["HttpsListener"]["DefaultActions"]
    assert default["FixedResponseConfig"]["StatusCode"] == "404"
    rule, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    assert rule["Conditions"] == [{"Field": "host-header", "HostHeaderConfig": {"Values": [parameters["HostName"]]}}], rule
    assert rule["Actions"] == [{"Type": "forward", "TargetGroupArn": "<service.TargetGroup>"}] and str(rule["Priority"]) == parameters["RulePriority"], rule


def must_be_found_under_its_names(chain):
    alb = chain["alb"]
    domain = alb.parameters["DomainName"]
    for certificate in alb.of_type("AWS::CertificateManager::Certificate").values():
        assert (certificate["DomainName"], certificate["SubjectAlternativeNames"], certificate["ValidationMethod"]) == (domain, [f"*.{domain}"], "DNS"), certificate
        assert certificate["DomainValidationOptions"] == [{"DomainName": domain, "HostedZoneId": alb.parameters["HostedZoneId"]}], "nobody would prove it"
    records = list(alb.of_type("AWS::Route53::RecordSet").values())
    assert len(records) == (2 if alb.parameters["HostedZoneId"] else 0), "records belong to the zone, whoever made the certificate"
    for record in records:
        assert record["HostedZoneId"] == alb.parameters["HostedZoneId"] and record["Type"] == "A"
        assert record["AliasTarget"] == {"DNSName": "<alb.Alb.DNSName>", "HostedZoneId": "<alb.Alb.CanonicalHostedZoneID>"}, "an alias into a zone that is not the load balancer's"
    assert not records or {r["Name"] for r in records} == {domain, f"*.{domain}"}


def must_be_all_in_one_region(chain):
    """A certificate or key of another region is refused by its service, after some resources have been made."""
    for environment in ("production", "staging"):
        given = settings(environment)
        region = given["aws"]["Region"]
        for stack, values in given.items():
            for key, value in values.items():
                if value.startswith("arn:aws:") and value.split(":")[3]:
                    assert value.split(":")[3] == region, f"{environment}: {stack}.{key} is of {value.split(':')[3]}, all else of {region}"
    region = chain["alb"].region
    for stack in chain.values():
        for key, value in stack.parameters.items():
            if re.match(r"arn:aws[a-z-]*:(acm|kms|secretsmanager):", value):
                assert value.split(":")[3] == region, f"{stack.name}.{key} is of {value.split(':')[3]}"
    for name, listener in everything(chain, "AWS::ElasticLoadBalancingV2::Listener"):
        for certificate in listener.get("Certificates", []):
            assert certificate["CertificateArn"] == "<alb.Certificate>" or certificate["CertificateArn"].split(":")[2:4] == ["acm", region], name


# --- database, registry, alerts, machines --------------------------------------------------------------------------------------


def must_run_the_database_that_its_parameters_belong_to(chain):
    database, = chain["database"].of_type("AWS::RDS::DBInstance").values()
    group, = chain["database"].of_type("AWS::RDS::DBParameterGroup").values()
    major = ".".join(database["EngineVersion"].split(".")[:2])
    assert database["Engine"] == "mysql" and group["Family"] == f"mysql{major}" and database["DBParameterGroupName"] == "<database.ParameterGroup>"
    assert group["Parameters"].get("log_output") == "FILE", "CloudWatch gets files, not tables"
    assert group["Parameters"]["slow_query_log"] == "1" and 0 < float(group["Parameters"]["long_query_time"]) <= 10
    assert database["VPCSecurityGroups"] == ["<database.DatabaseSecurityGroup.GroupId>"] and database["DBSubnetGroupName"] == "<database.SubnetGroup>"
    assert database["MasterUserSecret"] == {"KmsKeyId": "<database.Key>"} and database["MasterUsername"] not in ("app", "review")
    assert int(database["MonitoringInterval"]) in (1, 5, 10, 15, 30, 60) and database["MonitoringRoleArn"] == "<database.MonitoringRole.Arn>"
    assert database["StorageType"] == "gp3" and database["CACertificateIdentifier"].startswith("rds-ca-"), "the image trusts RDS' own authority"
    for key in ("MultiAZ", "BackupRetentionPeriod", "DeletionProtection", "AllocatedStorage", "DBInstanceClass", "EngineVersion"):
        parameter = {"MultiAZ": "MultiAz", "BackupRetentionPeriod": "BackupDays", "AllocatedStorage": "StorageGb", "DBInstanceClass": "InstanceClass"}.get(key, key)
        assert str(database[key]) == chain["database"].parameters[parameter], f"{key} is not the parameter's"
    assert float(database["MaxAllocatedStorage"]) >= 1.1 * float(database["AllocatedStorage"]), "RDS wants a tenth more at least"
    clock = lambda text: int(text[:2]) * 60 + int(text[3:])
    backup = [clock(t) for t in database["PreferredBackupWindow"].split("-")]
    maintenance = [clock(t[4:]) for t in database["PreferredMaintenanceWindow"].split("-")]
    assert backup[1] - backup[0] >= 30 and maintenance[1] - maintenance[0] >= 30, "half an hour at least"
    assert backup[1] <= maintenance[0] or maintenance[1] <= backup[0], "a backup and maintenance at once"
    logs = {body["LogGroupName"] for body in chain["database"].of_type("AWS::Logs::LogGroup").values()}
    wanted = {f"/aws/rds/instance/{database['DBInstanceIdentifier']}/{kind}" for kind in database["EnableCloudwatchLogsExports"]}
    assert {"error", "slowquery"} == set(database["EnableCloudwatchLogsExports"]) and logs == wanted, "RDS makes groups without a retention"
    production = settings("production")["database"]
    assert production["MultiAz"] == "true" and int(production["BackupDays"]) >= 14


@functools.lru_cache(maxsize=None)
def kept(policy, images):
    """The images that a repository's rules leave, as ECR applies them: an image that a rule's names match is no later rule's matter.
    `images`: (tags, days since its push), the newest first."""
    left, seen = list(images), set()
    for rule in sorted(json.loads(policy)["rules"], key=lambda rule: rule["rulePriority"]):
        selection = rule["selection"]
        patterns = [re.escape(p).replace(r"\*", ".*") for p in selection.get("tagPatternList", [])] + [re.escape(p) + ".*" for p in selection.get("tagPrefixList", [])]
        matches = {
            "tagged": lambda tags: any(re.fullmatch(pattern, tag) for pattern in patterns for tag in tags),
            "untagged": lambda tags: not tags, "any": lambda tags: True,
        }[selection["tagStatus"]]
        mine = [image for image in left if image not in seen and matches(image[0])]
        seen.update(mine)
        if selection["countType"] == "imageCountMoreThan":
            expired = set(mine[selection["countNumber"]:])
        else:
            expired = {image for image in mine if image[1] > selection["countNumber"]}
        left = [image for image in left if image not in expired]
    return left


def must_never_expire_what_runs(chain):
    repository = chain["registry"].of_type("AWS::ECR::Repository")["Repository"]
    policy = repository["LifecyclePolicy"]["LifecyclePolicyText"]
    running = (("00000001", "deployed-production"), 400)
    before = (("00000002", "deployed-production-previous"), 500)
    staging = (("00000003", "deployed-staging"), 400)
    review = (("00000004", "fix-1", "deployed-review-fix-1"), 20)
    release = (("00000005", "v1.2.3"), 900)
    signature = (("sha256-abc.sig",), 400)
    many = [((f"{n:08x}", f"branch-{n}"), 10) for n in range(1000, 1300)]
    pulls = [((f"pr-{n}",), 30) for n in range(100)]
    left = kept(policy, (*many, *pulls, ((), 60), review, running, staging, signature, before, release))
    for image in (running, before, staging, review, release, signature):
        assert image in left, f"{image[0]} would be deleted"
    assert not [image for image in left if image in pulls] and ((), 60) not in left, "what nobody needs stays"
    assert len([image for image in left if image in many]) == int(chain["registry"].parameters["KeepImages"])
    priorities = [rule["rulePriority"] for rule in json.loads(policy)["rules"]]
    kinds = [rule["selection"]["tagStatus"] for rule in json.loads(policy)["rules"]]
    assert len(set(priorities)) == len(priorities) and kinds.index("any") == len(kinds) - 1, "ECR wants `any` last"
    assert len({r["RepositoryName"] for _, r in everything(chain, "AWS::ECR::Repository")}) == 3
    for name, other in everything(chain, "AWS::ECR::Repository"):
        if name != "registry.Repository":
            kept_there = kept(other["LifecyclePolicy"]["LifecyclePolicyText"], tuple(((f"{n:08x}",), 1000) for n in range(500)))
            assert len(kept_there) == 500, f"{name}: tasks fetch these again whenever they move"


def must_notify_operators(chain):
    alerts = chain["alerts"]
    topic, = alerts.of_type("AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == "<alerts.Key>"
    mail, = alerts.of_type("AWS::SNS::Subscription").values()
    assert mail == {"TopicArn": "<alerts.Topic>", "Protocol": "email", "Endpoint": alerts.parameters["Email"]}, mail
    policy, = alerts.of_type("AWS::SNS::TopicPolicy").values()
    assert policy["Topics"] == ["<alerts.Topic>"]
    key, = alerts.of_type("AWS::KMS::Key").values()
    for document, calls in ((policy["PolicyDocument"], {"sns:Publish"}), (key["KeyPolicy"], {"kms:Decrypt", "kms:GenerateDataKey*"})):
        writers = {}
        for statement in document["Statement"]:
            services = statement["Principal"].get("Service", [])
            for who in [services] if isinstance(services, str) else services:
                writers[who] = set([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]), statement.get("Condition")
        limited = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        # EventBridge names no account to an encrypted topic.
        wanted = {"cloudwatch.amazonaws.com": limited, "events.rds.amazonaws.com": limited, "events.amazonaws.com": None}
        assert writers == {who: (calls, condition) for who, condition in wanted.items()}, writers
    subscription, = chain["database"].of_type("AWS::RDS::EventSubscription").values()
    assert (subscription["SnsTopicArn"], subscription["SourceType"], subscription["SourceIds"]) == ("<alerts.Topic>", "db-instance", ["<database.Db>"])
    assert {"failover", "failure", "low storage"} <= set(subscription["EventCategories"])
    rules = alerts.of_type("AWS::Events::Rule")
    assert set(rules) == {"TaskFailed", "DeploymentFailed"}
    for name, rule in rules.items():
        target, = rule["Targets"]
        assert target["Arn"] == "<alerts.Topic>" and rule["EventPattern"]["source"] == ["aws.ecs"] and rule.get("State", "ENABLED") == "ENABLED", name
        read = set(re.findall(r"<(\w+)>", target["InputTransformer"]["InputTemplate"]))
        assert read == set(target["InputTransformer"]["InputPathsMap"]), f"{name}: {read}"
        ours = json.dumps(rule["EventPattern"])
        assert re.search(rf':(cluster|service)/{alerts.parameters["StackPrefix"]}-"', ours), f"{name} tells of other people's services"
    assert rules["TaskFailed"]["EventPattern"]["detail-type"] == ["ECS Task State Change"] and rules["TaskFailed"]["EventPattern"]["detail"]["lastStatus"] == ["STOPPED"]
    assert rules["TaskFailed"]["EventPattern"]["detail"]["group"] == [{"prefix": "service:"}], "every migration would be told as a failure"
    assert rules["DeploymentFailed"]["EventPattern"]["detail-type"] == ["ECS Deployment State Change", "ECS Service Action"]
    assert rules["TaskFailed"]["EventPattern"]["detail"]["stopCode"] == ["EssentialContainerExited", "TaskFailedToStart"], "a deployment stops tasks all day"
    names = {"SERVICE_DEPLOYMENT_FAILED", "SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_TASK_START_IMPAIRED", "SERVICE_TASK_CONFIGURATION_FAILURE"}
    assert set(rules["DeploymentFailed"]["EventPattern"]["detail"]["eventName"]) == names
    paths = {path for rule in rules.values() for path in rule["Targets"][0]["InputTransformer"]["InputPathsMap"].values()}
    assert paths == {"$.detail.group", "$.detail.stoppedReason", "$.detail.taskArn", "$.detail.eventName", "$.detail.reason", "$.resources[0]"}, "fields that the events of ECS have"


ARM, X86 = r"(t4g|[cmr][678]g[a-z]*)\.", r"(t3a?|[cmr][567][ai]?)\."


def must_run_on_machines_that_fit(chain):
    capacity, parameters = chain["ec2-capacity"], chain["ec2-capacity"].parameters
    arm = "/arm64/" in parameters["ImageId"]
    assert re.match(ARM if arm else X86, parameters["InstanceType"]), f"{parameters['InstanceType']} does not boot {parameters['ImageId']}"
    for key in ("Architecture",):
        assert chain["service"].template["Parameters"][key]["Default"] == chain["logins"].template["Parameters"][key]["Default"]
    defaults = {key: p.get("Default") for key, p in capacity.template["Parameters"].items()}
    assert ("/arm64/" in defaults["ImageId"]) == (chain["service"].template["Parameters"]["Architecture"]["Default"] == "ARM64"), "the defaults do not fit the service's"
    machines = capacity.resources["Machines"]
    update = machines["UpdatePolicy"]
    assert int(update["AutoScalingRollingUpdate"]["MaxBatchSize"]) == 1, "a new template reaches no machine, or all of them at once"
    assert update["AutoScalingScheduledAction"]["IgnoreUnmodifiedGroupSizeProperties"] is True, "an update would undo the scaling"
    group = machines["Properties"]
    assert group["VPCZoneIdentifier"] == ["<network.PrivateSubnetA>", "<network.PrivateSubnetB>"]
    assert group["LaunchTemplate"] == {"LaunchTemplateId": "<ec2-capacity.Template>", "Version": "<ec2-capacity.Template.LatestVersionNumber>"}, group
    assert "DesiredCapacity" not in group and (str(group["MinSize"]), str(group["MaxSize"])) == (parameters["MinMachines"], parameters["MaxMachines"])
    data = capacity.of_type("AWS::EC2::LaunchTemplate")["Template"]["LaunchTemplateData"]
    assert data["IamInstanceProfile"] == {"Arn": "<ec2-capacity.Profile.Arn>"} and data["SecurityGroupIds"] == ["<ec2-capacity.MachineSecurityGroup.GroupId>"]
    assert int(data["MetadataOptions"]["HttpPutResponseHopLimit"]) == 1 and (data["ImageId"], data["InstanceType"]) == (parameters["ImageId"], parameters["InstanceType"])
    disk, = data["BlockDeviceMappings"]
    assert disk["DeviceName"] == "/dev/xvda" and disk["Ebs"]["VolumeType"] == "gp3" and 30 <= int(disk["Ebs"]["VolumeSize"]) <= 100, "Amazon Linux's root disk; a second one would stay empty"
    provider = capacity.of_type("AWS::ECS::CapacityProvider")["Capacity"]["AutoScalingGroupProvider"]
    assert provider["AutoScalingGroupArn"] == "<ec2-capacity.Machines>" and 50 <= int(provider["ManagedScaling"]["TargetCapacity"]) <= 100


PAIRS = {"256": (512, 2048), "512": (1024, 4096), "1024": (2048, 8192), "2048": (4096, 16384)}


def must_ask_for_what_fargate_has(chain):
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        low, high = PAIRS[task["Cpu"]]
        assert low <= int(task["Memory"]) <= high, f"{name}: Fargate has no {task['Cpu']} with {task['Memory']}"
        own = chain["service"].parameters["CapacityStack"] and name == "service.Task"
        assert task["RequiresCompatibilities"] == ["EC2" if own else "FARGATE"], name
    found, parameters = service(chain), chain["service"].parameters
    strategy = [s["CapacityProvider"] for s in found.get("CapacityProviderStrategy", [])]
    wanted = ["<ec2-capacity.Capacity>"] if parameters["CapacityStack"] else ["FARGATE_SPOT"] if parameters["Spot"] == "true" else []
    assert strategy == wanted and found.get("LaunchType", "") == ("" if wanted else "FARGATE"), f"{strategy}, {found.get('LaunchType')}"
    cluster = chain["service"].of_type("AWS::ECS::Cluster")["Cluster"]
    assert set(strategy) <= set(cluster["CapacityProviders"]), "the cluster does not have it"
    assert chain["logins"].of_type("AWS::ECS::Cluster")["Cluster"]["CapacityProviders"] == ["FARGATE"]
    for environment in ("production", "staging"):
        assert settings(environment)["service"].get("Spot", "false") == "false", "AWS takes Spot tasks back"
        assert settings(environment)["service"].get("Exec", "false") == "false", "a shell in production"
    assert cluster["CapacityProviders"] == (["<ec2-capacity.Capacity>"] if parameters["CapacityStack"] else ["FARGATE", "FARGATE_SPOT"]), cluster
    for stack in ("service", "logins"):
        task = chain[stack].of_type("AWS::ECS::TaskDefinition")["Task"]
        container = next(c for c in task["ContainerDefinitions"] if c["Name"] == "app")
        assert container["Image"] == chain[stack].parameters["ImageUri"], stack
        assert task["Family"] == stack, f"{stack}: the rights of Jenkins go by the name of the stack"
        assert task["RuntimePlatform"] == {"OperatingSystemFamily": "LINUX", "CpuArchitecture": chain[stack].parameters["Architecture"]}, f"{stack}: {task['RuntimePlatform']}"
    network = found["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["SecurityGroups"] == ["<alb.ServiceSecurityGroup.GroupId>"] and network["Subnets"] == ["<network.PrivateSubnetA>", "<network.PrivateSubnetB>"], network
    assert found.get("PlatformVersion", "") == ("" if parameters["CapacityStack"] else "LATEST"), "image by digest, volumes and exec need a late one"
    assert found["EnableECSManagedTags"] is True and found["PropagateTags"] == "SERVICE", "the bill tells branches apart by these"
    assert found["Cluster"] == "<service.Cluster>" and found["TaskDefinition"] == "<service.Task>" and found["AvailabilityZoneRebalancing"] == "ENABLED"


def must_let_people_in_only_by_exec(chain):
    asked = chain["service"].parameters["Exec"] == "true"
    role = chain["service"].of_type("AWS::IAM::Role")["TaskRole"]
    actions = {a for p in role["Policies"] for s in p["PolicyDocument"]["Statement"] for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
    assert bool([a for a in actions if a.startswith("ssmmessages:")]) == asked, actions
    writable = {m["ContainerPath"] for m in app(chain)["MountPoints"]}
    assert ({"/var/lib/amazon", "/var/log/amazon"} <= writable) == asked, "its agent writes there, and the root is read-only"


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
