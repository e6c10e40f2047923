"""What must be true of a chain of stacks. Every assertion is a function `must_...(chain)`: here, in network_policy.py, retention.py (what
holds data), permissions.py (Jenkins), service_limits.py (what a service takes) and wiring.py (what several places must agree on). A
mutant that none of them notices is a hole (test_mutants.py)."""

import functools
import re

import network_policy
import permissions
import retention
import service_limits
import wiring
from chain import ROOT, app, everything, service


def must_end_tls_at_the_load_balancer(chain):
    listeners = {l["Port"]: l for _, l in everything(chain, "AWS::ElasticLoadBalancingV2::Listener")}
    assert set(listeners) == {80, 443}
    https, http = listeners[443], listeners[80]
    assert https["Protocol"] == "HTTPS" and https["Certificates"][0]["CertificateArn"]
    assert re.fullmatch(r"ELBSecurityPolicy-TLS13-1-[23](-Res)?-2021-06", https["SslPolicy"]), https["SslPolicy"]
    assert http["DefaultActions"] == [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    assert https["DefaultActions"][0]["Type"] == "fixed-response", "an unknown host must not reach a branch"
    rule, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    assert rule["Conditions"][0]["Field"] == "host-header" and rule["ListenerArn"] == "<alb.HttpsListener>"


KNOWN = {"deregistration_delay.timeout_seconds": (0, 3600), "slow_start.duration_seconds": (0, 900), "load_balancing.algorithm.type": None}


def must_set_only_attributes_that_exist(chain):
    group, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    for attribute in group["TargetGroupAttributes"]:
        assert attribute["Key"] in KNOWN, attribute
        if KNOWN[attribute["Key"]]:
            low, high = KNOWN[attribute["Key"]]
            assert low <= int(attribute["Value"]) <= high, attribute
    balancer, = chain["alb"].of_type("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    attributes = {a["Key"]: a["Value"] for a in balancer["LoadBalancerAttributes"]}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true" and attributes["access_logs.s3.enabled"] == "true"
    assert attributes["deletion_protection.enabled"] == "true"


def must_stop_within_the_time_that_is_given(chain):
    """The numbers of image/pilot.json5 and of the template are one budget (docs/operate/behind-an-alb.md, "The time budget")."""
    config = chain["service"].pilot_config
    seconds = {key: int(re.search(pattern, config)[1]) for key, pattern in {"app": r"stopTimeout: (\d+)", "min": r'min: "(\d+)s"', "max": r'max: "(\d+)s"'}.items()}
    container = app(chain)
    stop = int(container["StopTimeout"])
    need = 2 + 6 + seconds["max"] + seconds["app"] + 5
    assert need <= stop <= 120, f"{need} s are needed, {stop} s are given, Fargate gives at most 120"
    environment = {e["Name"]: e["Value"] for e in container["Environment"]}
    assert str(environment["STOP_BUDGET"]) == str(stop)
    assert str(environment["PILOT_TARGET_GROUP_MODE"]) == {"ecs": "drain", "self": "self"}[chain["service"].parameters["RegistrationMode"]]
    assert environment["PILOT_TARGET_GROUP_ARN"] == "<service.TargetGroup>"
    group, = chain["service"].of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    delay = int(next(a["Value"] for a in group["TargetGroupAttributes"] if a["Key"].startswith("deregistration")))
    assert seconds["min"] <= delay <= stop, f"delay {delay} s, pilot serves on for at least {seconds['min']} s"


def must_register_in_one_way(chain):
    by_ecs = chain["service"].parameters["RegistrationMode"] == "ecs"
    assert ("LoadBalancers" in service(chain)) == by_ecs
    role = chain["service"].of_type("AWS::IAM::Role")["TaskRole"]
    actions = [a for s in role["Policies"][0]["PolicyDocument"]["Statement"] for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]
    assert ("elasticloadbalancing:RegisterTargets" in actions) == (not by_ecs), actions
    assert set(actions) <= {"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:DescribeTargetHealth"}
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        assert (statement["Resource"] == "*") == (statement["Action"] == "elasticloadbalancing:DescribeTargetHealth"), statement


def must_roll_back_by_itself(chain):
    configuration = service(chain)["DeploymentConfiguration"]
    assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert configuration["Alarms"]["Enable"] is True and configuration["Alarms"]["Rollback"] is True and configuration["Alarms"]["AlarmNames"]
    assert (configuration["MinimumHealthyPercent"], configuration["MaximumPercent"]) == (100, 200)
    assert "DesiredCount" not in service(chain), "an update would undo the scaling"
    assert chain["service"].resources["Service"]["DependsOn"] == ["Rule", "TaskRole"]


def must_keep_containers_small(chain):
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        assert task["NetworkMode"] == "awsvpc" and "PidMode" not in task, name
        for container in task["ContainerDefinitions"]:
            assert container["ReadonlyRootFilesystem"] is True and container["User"] == "65534:65534", name
            assert not container.get("Privileged") and container["LinuxParameters"] == {"InitProcessEnabled": False, "Capabilities": {"Drop": ["ALL"]}}, name
            mounts = container.get("MountPoints", [])
            assert "EntryPoint" in container or "/run/pilot" in [m["ContainerPath"] for m in mounts], f"{name}: pilot cannot write its socket"
            assert not [m for m in mounts if m["ReadOnly"]], f"{name}: a volume that cannot be written"
            # The application serves without its agent; all else ends with its container, and ECS restarts it.
            assert container["Essential"] is not (name == "service.Task" and container["Name"] == "consul"), name
            options = container["LogConfiguration"]["Options"]
            assert options["mode"] == "non-blocking" and options["awslogs-group"].endswith(".LogGroup>"), name
    assert app(chain)["HealthCheck"]["Command"] == ["CMD", "/bin/pilot", "health"]
    for name, found in everything(chain, "AWS::ECS::Service"):
        asked = chain["service"].parameters["Exec"] if name.startswith("service.") else "false"
        assert str(found["EnableExecuteCommand"]).lower() == asked, f"{name}: a shell that nobody asked for"
    for name, cluster in everything(chain, "AWS::ECS::Cluster"):
        assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}], f"{name}: alarms look at its metrics"


def must_deploy_what_was_proven(chain):
    assert re.search(r"(@sha256:[0-9a-f]{64}|:[0-9a-f]{40})$", app(chain)["Image"]), app(chain)["Image"]
    parameters = chain["service"].template["Parameters"]
    assert "Default" not in parameters["ImageUri"] and "Default" not in parameters["RulePriority"]
    for refused in ("app:master", "app", "app:latest", "app@sha256:abc", "app:1.2.3"):
        assert not re.fullmatch(parameters["ImageUri"]["AllowedPattern"], refused), refused
    assert int(parameters["StopTimeout"]["MaxValue"]) <= 120


def must_hide_secrets(chain):
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            for entry in container["Environment"]:
                assert not re.search("PASS|TOKEN|SECRET|KEY|CONFIG", entry["Name"]), f"{name}: {entry['Name']} is in the open"
    environment = {e["Name"]: e["Value"] for e in app(chain)["Environment"]}
    assert environment["DB_TLS"] == "verify-identity" and environment["DB_CA_FILE"]
    login = f"<database.{chain['service'].parameters['DatabaseLogin']}Secret>"
    given = {s["Name"]: s["ValueFrom"] for s in app(chain)["Secrets"] if s["Name"].startswith("DB_")}
    assert given == {"DB_USER": f"{login}:username::", "DB_PASSWD": f"{login}:password::"}, given
    logins = chain["database"].of_type("AWS::SecretsManager::Secret")
    users = {key: re.search(r'"username": "(\w+)"', s["GenerateSecretString"]["SecretStringTemplate"])[1] for key, s in logins.items()}
    assert users == {"AppSecret": "app", "ReviewSecret": "review"}, f"the administrator's, or one for all: {users}"
    execution = chain["service"].of_type("AWS::IAM::Role")["ExecutionRole"]
    for statement in execution["Policies"][0]["PolicyDocument"]["Statement"]:
        assert "*" not in statement["Resource"], statement
        secrets = [r for r in statement["Resource"] if r.startswith("<database.") and r.endswith("Secret>")]
        assert secrets in ([], [login]), f"the tasks of one login can read another's: {secrets}"


def must_tell_the_administrators_password_to_one_task_that_ends(chain):
    told = {f"{s.name}.{key}" for s in chain.values() for key, body in s.resources.items() if "MasterUserSecret.SecretArn" in repr(body)}
    assert told == {"logins.ExecutionRole", "logins.Task"}, told
    logins = chain["logins"]
    assert {body["Type"] for body in logins.resources.values()} == {"AWS::ECS::Cluster", "AWS::Logs::LogGroup", "AWS::IAM::Role", "AWS::ECS::TaskDefinition"}
    role, task = logins.of_type("AWS::IAM::Role")["ExecutionRole"], logins.of_type("AWS::ECS::TaskDefinition")["Task"]
    secrets = {"DB": "<database.Db.MasterUserSecret.SecretArn>", "APP": "<database.AppSecret>", "REVIEW": "<database.ReviewSecret>"}
    read, decrypt = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert (read["Action"], sorted(read["Resource"])) == ("secretsmanager:GetSecretValue", sorted(secrets.values())), read
    assert (decrypt["Action"], decrypt["Resource"]) == ("kms:Decrypt", "<database.Key.Arn>"), decrypt
    assert "TaskRoleArn" not in task, "it asks AWS for nothing"
    container, = task["ContainerDefinitions"]
    assert (container["EntryPoint"], container["Command"]) == (["/bin/app"], ["logins"])
    assert {e["Name"]: e["ValueFrom"] for e in container["Secrets"]} == {
        f"{who}_{what}": f"{secret}:{key}::" for who, secret in secrets.items() for what, key in (("USER", "username"), ("PASSWD", "password"))}
    environment = {e["Name"]: e["Value"] for e in container["Environment"]}
    assert environment.keys() == {"DB_HOST", "DB_PORT", "DB_NAME", "DB_TLS", "DB_CA_FILE"}
    assert (environment["DB_TLS"], environment["DB_NAME"]) == ("verify-identity", "app") and environment["DB_CA_FILE"]
    image = logins.template["Parameters"]["ImageUri"]
    assert "Default" not in image
    for refused in ("app:master", "app", "app@sha256:abc", "app:" + "c" * 40):
        assert not re.fullmatch(image["AllowedPattern"], refused), refused


def must_keep_the_database_safe(chain):
    database, = chain["database"].of_type("AWS::RDS::DBInstance").values()
    assert database["StorageEncrypted"] is True and database["KmsKeyId"] == "<database.Key>"
    assert database["EnableIAMDatabaseAuthentication"] is True and database["AutoMinorVersionUpgrade"] is True
    assert database["ManageMasterUserPassword"] is True and "MasterUserPassword" not in database
    assert str(database["DeletionProtection"]) == "true" and int(database["BackupRetentionPeriod"]) >= 7
    body = chain["database"].resources["Db"]
    assert body["DeletionPolicy"] == body["UpdateReplacePolicy"] == "Snapshot"
    group, = chain["database"].of_type("AWS::RDS::DBParameterGroup").values()
    assert group["Parameters"]["require_secure_transport"] == "1"
    for name, key in everything(chain, "AWS::KMS::Key"):
        assert key["EnableKeyRotation"] is True, name
    assert chain["database"].resources["Key"]["DeletionPolicy"] == "RetainExceptOnCreate"


DIMENSIONS = {
    "AWS/ApplicationELB": ({"LoadBalancer"}, {"LoadBalancer", "TargetGroup"}),
    "AWS/RDS": ({"DBInstanceIdentifier"},),
    "ECS/ContainerInsights": ({"ClusterName", "ServiceName"},),
}


def must_have_alarms_that_can_fire(chain):
    alarms = list(everything(chain, "AWS::CloudWatch::Alarm"))
    assert len(alarms) >= 10
    for name, alarm in alarms:
        dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        assert set(dimensions) in DIMENSIONS[alarm["Namespace"]], f"{name}: no metric has the dimensions {set(dimensions)}"
        for key, value in dimensions.items():
            wanted = {"LoadBalancer": "LoadBalancerFullName>", "TargetGroup": "TargetGroupFullName>", "DBInstanceIdentifier": ".Db>", "ClusterName": ".Cluster>", "ServiceName": ".Name>"}[key]
            assert value.endswith(wanted), f"{name}: {key} is {value}"
        if "HealthyHost" not in alarm["MetricName"] and alarm["MetricName"].endswith(("5XX_Count",)):
            assert "LoadBalancer" in dimensions and alarm["TreatMissingData"] == "notBreaching", name
        if alarm["MetricName"] in ("HealthyHostCount", "RunningTaskCount"):
            assert alarm["TreatMissingData"] == "breaching", f"{name}: when all are gone there is no data"
        assert alarm["AlarmActions"] == ["<alerts.Topic>"], f"{name} tells nobody"


def must_keep_logs_for_a_while(chain):
    for name, group in everything(chain, "AWS::Logs::LogGroup"):
        assert int(group["RetentionInDays"]) >= 7, name


def must_trust_only_this_account(chain):
    for name, role in everything(chain, "AWS::IAM::Role"):
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            condition = statement.get("Condition", {}).get("StringEquals", {})
            limited = condition.get("aws:SourceAccount") == "111122223333" or condition.get("sts:ExternalId")
            # By GitHub's word: permissions.py says of which repository.
            assert limited or "Federated" in statement["Principal"], f"{name}: who may take it on is not limited"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Action"] != "*", name


def must_scale_within_bounds(chain):
    target, = chain["service"].of_type("AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert int(target["MinCapacity"]) <= int(target["MaxCapacity"])
    policies = chain["service"].of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    assert all(p["PolicyType"] == "TargetTrackingScaling" for p in policies)


def must_keep_consul_whole(chain):
    servers = [p for _, p in everything(chain, "AWS::ECS::Service") if p.get("ServiceRegistries")]
    assert len(servers) == 3 and all(s["DesiredCount"] == 1 for s in servers)
    once = {"MinimumHealthyPercent": 0, "MaximumPercent": 100, "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}}
    assert all(s["DeploymentConfiguration"] == once for s in servers), "two processes on one disk"
    assert [chain["consul"].resources[f"Server{n}"]["DependsOn"] for n in (2, 3)] == ["Server1", "Server2"]
    disk, = chain["consul"].of_type("AWS::EFS::FileSystem").values()
    assert disk["Encrypted"] is True and disk["BackupPolicy"]["Status"] == "ENABLED"
    for task in chain["consul"].of_type("AWS::ECS::TaskDefinition").values():
        volume = task["Volumes"][0]["EFSVolumeConfiguration"]
        assert volume["TransitEncryption"] == "ENABLED" and volume["AuthorizationConfig"]["IAM"] == "ENABLED"


@functools.lru_cache(maxsize=None)
def _words_of_consul():
    return frozenset(word for path in (ROOT / "consul").glob("*.sh") for word in re.findall(r"\w+", path.read_text()))


def must_give_consul_what_its_files_read(chain):
    """Names of variables are a contract with consul/, where nothing else would notice that they differ."""
    read = _words_of_consul()
    for name, task in everything(chain, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            if container["Name"] == "consul":
                environment = {e["Name"]: e["Value"] for e in container["Environment"]}
                assert (ROOT / environment.pop("CONTAINERPILOT").replace("/etc/consul", "consul")).is_file(), name
                names = {*environment, *(s["Name"] for s in container["Secrets"])}
                unknown = names - read
                assert not unknown, f"{name}: consul/ does not read {unknown}"
                server = {"CONSUL_CERT_PEM", "CONSUL_KEY_PEM", "CONSUL_TOKENS", "CONSUL_HTTP_TOKEN"} if name.startswith("consul.") else set()
                assert names >= {"CONSUL_JOIN", "CONSUL_CONFIG", "CONSUL_CA_PEM"} | server, f"{name}: {names}"
    if len(chain["service"].of_type("AWS::ECS::TaskDefinition")["Task"]["ContainerDefinitions"]) == 2:
        assert app(chain)["DependsOn"] == [{"ContainerName": "consul", "Condition": "START"}], "the agent would go before the application is out of Consul"


def must_protect_own_machines(chain):
    template, = chain["ec2-capacity"].of_type("AWS::EC2::LaunchTemplate").values()
    data = template["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required" and data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True and "KeyName" not in data
    machines, = chain["ec2-capacity"].of_type("AWS::AutoScaling::AutoScalingGroup").values()
    assert machines["NewInstancesProtectedFromScaleIn"] is True, "managed termination protection needs it"
    capacity = chain["ec2-capacity"].of_type("AWS::ECS::CapacityProvider")["Capacity"]["AutoScalingGroupProvider"]
    managed = (capacity["ManagedScaling"]["Status"], capacity["ManagedTerminationProtection"], capacity["ManagedDraining"])
    assert managed == ("ENABLED",) * 3, "tasks are drained off a machine before it goes"


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")] + (
    network_policy.ASSERTIONS + permissions.ASSERTIONS + retention.ASSERTIONS + service_limits.ASSERTIONS + wiring.ASSERTIONS)


def faults(chain):
    """What is wrong with a chain; empty if nothing is."""
    found = []
    for assertion in ASSERTIONS:
        try:
            assertion(chain)
        except Exception as problem:  # whatever an assertion stumbles over is a fault of the template
            found.append(f"{assertion.__name__}: {problem!r}")
    return found
