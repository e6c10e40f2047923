"""All stacks of an environment, evaluated in the order of scripts/stack.sh, and how to look into them."""

import pathlib

from evaluator import Stack, load

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "cloudformation"
DIGEST = "registry.example/app@sha256:" + "a" * 64
HASH = "b" * 40
NAMES = ["network", "alerts", "registry", "alb", "database", "logins", "consul", "ci-role", "service", "ec2-capacity"]


def texts():
    return {name: (FOLDER / f"{name}.yaml").read_text() for name in NAMES}


def settings(environment):
    """{stack: {parameter: value}} of an environment's file; a branch under review starts from production's."""
    found = {}
    for name in ("production", "review") if environment == "review" else (environment,):
        for line in (FOLDER / f"params/{name}.conf").read_text().splitlines():
            if line and not line.startswith("#"):
                place, value = line.split(" = ")
                stack, key = place.split(".")
                found.setdefault(stack, {})[key] = value
    return found


def build(environment="production", mode="ecs", consul=True, capacity=False, given=None, sources=None, config=None):
    """Evaluates everything; `given` is {stack: {parameter: value}} on top of the environment's file."""
    sources = sources or texts()
    parameters = settings(environment)
    common = {"NetworkStack": "network", "AlbStack": "alb", "AlertsStack": "alerts"}
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"
    fixed = {
        "network": {}, "alerts": {}, "registry": {},
        "alb": {"NetworkStack": "network", "AlertsStack": "alerts"},
        "database": common,
        "logins": {"DatabaseStack": "database", "ImageUri": DIGEST},
        "consul": {**common, "ImageUri": DIGEST.replace("/app@", "/consul@"), "ServerSecretArn": arn + "server", "AgentSecretArn": arn + "agent", "ReviewSecretArn": arn + "review", "SecretKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1"},
        "service": {**common, "DatabaseStack": "database", "ConsulStack": "consul" if consul else "", "ImageUri": DIGEST, "Commit": HASH,
                    "HostName": "x.example.org", "RulePriority": 1000, "DatabaseName": "app", "RegistrationMode": mode, "DatabaseLogin": "Review" if environment == "review" else "App", "ServiceName": "app-x" if environment == "review" else "app", "CiStack": "ci-role", "CapacityStack": "ec2-capacity" if capacity else ""},
        "ec2-capacity": {"NetworkStack": "network", "ClusterName": "c"},
        "ci-role": {"StackPrefix": "app", "BuildPrincipal": "arn:aws:iam::111122223333:role/builder", "ExternalId": "0123456789abcdef",
                    "RegistryStack": "registry", "AlbStack": "alb", "DatabaseStack": "database", "ConsulStack": "consul" if consul else ""},
    }
    exports, stacks = {}, {}
    order = NAMES if not capacity else [name for name in NAMES if name != "ec2-capacity"]
    if capacity:
        order.insert(order.index("service"), "ec2-capacity")
    for name in order:
        values = {**parameters.get(name, {}), **fixed[name], **(given or {}).get(name, {})}
        if name == "service":
            values.setdefault("ContainerPort", stacks["alb"].outputs["ContainerPort"])
            values.setdefault("ConsulImageUri", stacks["consul"].outputs["ImageUri"] if consul else "")
        stacks[name] = Stack(name, load(sources[name]), values, exports)
    stacks["service"].pilot_config = config or (ROOT / "image/pilot.json5").read_text()
    return stacks


def everything(chain, kind):
    for stack in chain.values():
        for key, properties in stack.of_type(kind).items():
            yield f"{stack.name}.{key}", properties


def app(chain):
    task, = [p for k, p in chain["service"].of_type("AWS::ECS::TaskDefinition").items()]
    return next(c for c in task["ContainerDefinitions"] if c["Name"] == "app")


def service(chain):
    found, = chain["service"].of_type("AWS::ECS::Service").values()
    return found


def rules_of(chain, group, direction):
    """Every rule of a security group, inline or on its own."""
    name, key = group.split(".")
    inline = chain[name].of_type("AWS::EC2::SecurityGroup")[key].get("SecurityGroup" + direction, [])
    own = [p for _, p in everything(chain, "AWS::EC2::SecurityGroup" + direction) if p["GroupId"] == f"<{group}.GroupId>"]
    return inline + own
