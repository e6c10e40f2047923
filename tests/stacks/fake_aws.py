"""A fake AWS for scripts/stack.sh: `aws` and `curl` on PATH that ask this process, which plays CloudFormation, ECS and the
load balancer, records every call, and holds each against botocore's own model: a call or an option that AWS does not have fails."""

import json
import os
import pathlib
import re
import threading

import botocore.session
import evaluator
import jmespath

# One question at a time through two pipes: a Python process for each of the hundreds of calls would take minutes.
CLIENT = """#!/bin/sh
printf '%s\\0' {name} "$@" >"{folder}/asked"
read -r code <"{folder}/answered"
cat "{folder}/stdout"
cat "{folder}/stderr" >&2
exit "$code"
"""
SESSION = botocore.session.get_session()
MODELS = {}
GLOBAL = {"query", "output", "no_paginate", "region"}


def model(service):
    if service not in MODELS:
        MODELS[service] = SESSION.get_service_model(service)
    return MODELS[service]


def parsed(words, root):
    """service, operation and {parameter: value} of an aws command line; raises ValueError where aws would complain."""
    service, command, options = words[0], words[1], {}
    if words[:2] == ["ecr", "get-login-password"]:  # the client's own, made of GetAuthorizationToken
        if words[2::2] != ["--region"]:
            raise ValueError(f"ecr get-login-password {words[2:]}")
        return service, command, {"region": words[3]}
    operations = {botocore.xform_name(name, "-"): name for name in model(service).operation_names}
    if command not in operations:
        raise ValueError(f"aws {service} has no {command}")
    operation = model(service).operation_model(operations[command])
    members = {botocore.xform_name(name, "-"): name for name in operation.input_shape.members}
    position = 2
    while position < len(words):
        option = words[position]
        if not option.startswith("--"):
            raise ValueError(f"{option} is not an option")
        name, values = option[2:], []
        position += 1
        while position < len(words) and not words[position].startswith("--"):
            values.append(words[position])
            position += 1
        flag = name.replace("no-", "", 1) if name.startswith("no-") and name != "no-paginate" else name
        if name.replace("-", "_") in GLOBAL:
            options[name] = values[0] if values else True
        elif name == "cli-input-json":
            options.update(json.loads(contents(values[0], root)))
            if re.search(r"\bnull\b", contents(values[0], root)):
                raise ValueError(f"{command} takes no null")
            unknown = set(options) - set(operation.input_shape.members) - {"query", "output"}
            if unknown:
                raise ValueError(f"{command} takes no {unknown}")
        elif flag in members:
            options[members[flag]] = name == flag if not values else [contents(v, root) for v in values] if len(values) > 1 else contents(values[0], root)
        else:
            raise ValueError(f"{command} has no option --{name}")
    missing = set(operation.input_shape.required_members) - set(options)
    if missing:
        raise ValueError(f"{command} needs {missing}")
    return service, command, options


def contents(value, root):
    return (root / value[7:]).read_text() if value.startswith("file://") else value


def as_text(value):
    """As `--output text` writes: a list of lists is lines of tab-separated words."""
    word = lambda item: "None" if item is None else str(item)
    if isinstance(value, list):
        if any(isinstance(item, list) for item in value):
            return "".join(as_text(item) for item in value)
        return "\t".join(map(word, value)) + "\n"
    return word(value) + "\n"


LOGINS = {"ClusterName": "base-app-logins-cluster", "TaskDefinition": "base-app-logins:1", "LogGroup": "logs"}


class Refused(Exception):
    """What AWS answers with an error."""


class Aws:
    """The state of one account. A test changes what it wants to be different; methods named after calls answer them."""

    def __init__(self, folder, root):
        self.root = root  # of the scripts' relative paths
        self.folder = pathlib.Path(folder)
        self.calls, self.wrong = [], []
        self.stacks = {}
        self.sets = {}
        self.changes = [{"Action": "Modify", "LogicalResourceId": "Service", "ResourceType": "AWS::ECS::Service", "Replacement": "False"}]
        self.nothing_to_do = False
        self.set_failure = None
        self.outcome = "COMPLETE"  # or ROLLBACK_COMPLETE
        self.ecs_goes_back = False  # while CloudFormation says COMPLETE
        self.pulled_digest = None  # what tasks run, if not what they were to run
        self.running, self.desired = 2, 2
        self.deployments = 1
        self.migration_exit = 0
        self.served_commit = None
        self.ready = 200  # what /ready answers
        self.dropped = []  # databases
        self.drop_exit = 0
        self.priorities = ["default"]
        self.late = 0  # looks at a stack before its change has begun
        self.registered = {}
        self.migrated = []
        self.logins_exit = 0
        self.hook = lambda call: None
        self.evaluates = False  # whether templates are evaluated, parameters, rules and imports included, as CloudFormation does

    def evaluated(self, name, template, given):
        """The stack that comes of it; refuses what CloudFormation would refuse."""
        exports = {}
        for other, stack in self.stacks.items():
            if other != name:
                exports.update(stack.get("Exports", {}))
        before = set(exports)
        try:
            stack = evaluator.Stack(name, evaluator.load(template), given, exports, region="eu-central-1")
        except evaluator.Refused as refusal:
            raise Refused(f"ValidationError) when calling the CreateChangeSet operation: {refusal}") from refusal
        stack.own_exports = {key: value for key, value in exports.items() if key not in before}
        return stack

    def add_base(self, prefix="app", **more):
        for name, outputs in {
            "network": {"PrivateSubnets": "subnet-1,subnet-2"}, "alerts": {}, "registry": {}, "database": {}, "logins": LOGINS,
            "alb": {"DomainName": "example.org", "HttpsListener": "arn:listener", "ServiceSecurityGroup": "sg-1", "ContainerPort": "5000"}, **more,
        }.items():
            self.stacks[f"base-{prefix}-{name}"] = {"StackStatus": "CREATE_COMPLETE", "Outputs": outputs, "Parameters": {}}

    def add_service(self, name, image, commit, status="UPDATE_COMPLETE", **parameters):
        self.stacks[name] = {"StackStatus": status, "Parameters": {"ImageUri": image, "Commit": commit, "RulePriority": "1234", "Containers": "2", "MaxContainers": "4",
                                                                    "DatabaseName": "app_x", "PreviousImageUri": "", **parameters}}
        self.run(name)

    def run(self, name):
        """The service gets what the stack says."""
        stack = self.stacks[name]
        given = stack["Parameters"]
        stack["revision"] = stack.get("revision", 0) + 1
        stack["Outputs"] = {"ServiceName": "service", "ClusterName": f"{name}-cluster", "TaskDefinition": f"{name}:{stack['revision']}", "ImageUri": given["ImageUri"],
                            "Commit": given["Commit"], "PreviousImageUri": given.get("PreviousImageUri", ""), "Url": f"https://{name}.example.org"}
        if not self.ecs_goes_back:
            stack["runs"] = {"TaskDefinition": stack["Outputs"]["TaskDefinition"], "image": given["ImageUri"], "commit": given["Commit"]}

    # --- the other side of the pipes

    def serve(self):
        for name in ("asked", "answered"):
            os.mkfifo(self.folder / name)
        for name in ("aws", "curl"):
            client = self.folder / "bin" / name
            client.parent.mkdir(exist_ok=True)
            client.write_text(CLIENT.format(name=name, folder=self.folder))
            client.chmod(0o755)
        threading.Thread(target=self._answer_all, daemon=True).start()

    def _answer_all(self):
        while True:
            words = (self.folder / "asked").read_bytes().decode().split("\0")[:-1]
            if words == ["end"]:
                return
            try:
                code, out, err = 0, self.curl(words[1:]) if words[0] == "curl" else self.answer(words[1:]), ""
            except Refused as refusal:
                code, out, err = 254, "", f"\nAn error occurred ({refusal})\n"
            except Exception as problem:  # a mistake of the script, or of this stand-in: told by the test
                self.wrong.append(f"{words}: {problem!r}")
                code, out, err = 252, "", repr(problem)
            (self.folder / "stdout").write_text(out)
            (self.folder / "stderr").write_text(err)
            (self.folder / "answered").write_text(f"{code}\n")

    def end(self):
        (self.folder / "asked").write_text("end\0")

    def answer(self, words):
        service, command, options = parsed(words, self.root)
        self.calls.append((f"{service} {command}", {key: value for key, value in options.items() if key not in ("query", "output", "no-paginate")}))
        self.hook(self.calls[-1])
        result = getattr(self, command.replace("-", "_"))(options)
        if "query" in options:
            result = jmespath.search(options["query"], result)
        return json.dumps(result, indent=4) if options.get("output") == "json" else as_text(result)

    def curl(self, words):
        if words[-1].endswith("/ready"):
            return str(self.ready)
        self.calls.append(("curl", words))
        name = re.search(r"https://([a-z0-9-]+)\.example\.org/version", words[-1])[1]
        return json.dumps({"git_hash": self.served_commit or self.stacks[name]["runs"]["commit"], "started_at": "now"}, separators=(",", ":"))

    # --- CloudFormation

    def _stack(self, options):
        name = options["StackName"]
        if name not in self.stacks:
            raise Refused(f"ValidationError) when calling the DescribeStacks operation: Stack with id {name} does not exist")
        return self.stacks[name]

    def describe_stacks(self, options):
        stack = self._stack(options)
        if stack.get("late"):  # it has not begun yet
            stack["late"] -= 1
        elif "next" in stack:  # it takes a while, as seen from outside
            stack["StackStatus"], stack["next"] = (stack["next"][0], stack["next"][1:]) if stack["next"] else (stack["StackStatus"], [])
        if stack["StackStatus"] == "DELETE_COMPLETE":
            del self.stacks[options["StackName"]]
            return self.describe_stacks(options)
        return {"Stacks": [{
            "StackStatus": stack["StackStatus"], "LastUpdatedTime": f"at {stack.get('updates', 0) - (1 if stack.get('late') else 0)}",
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in stack.get("Outputs", {}).items()],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.get("Parameters", {}).items()],
        }]}

    def create_change_set(self, options):
        name, kind = options["StackName"], options["ChangeSetType"]
        there = name in self.stacks and self.stacks[name]["StackStatus"] != "REVIEW_IN_PROGRESS"
        if there != (kind == "UPDATE"):
            raise Refused(f"ValidationError) when calling the CreateChangeSet operation: a change set of type {kind} for {name}")
        if there and not re.fullmatch(r"(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE", self.stacks[name]["StackStatus"]):
            raise Refused(f"ValidationError) when calling the CreateChangeSet operation: {name} is {self.stacks[name]['StackStatus']}")
        had = self.stacks.get(name, {}).get("Parameters", {})
        template = options["TemplateBody"]
        known = re.findall(r"^  (\w+):", re.search(r"^Parameters:\n(.*?)^\w", template, re.S | re.M)[1], re.M)
        given = {}
        for entry in json.loads(options["Parameters"]):
            key = entry["ParameterKey"]
            if key not in known:
                raise Refused(f"ValidationError) when calling the CreateChangeSet operation: Parameters: [{key}] do not exist in the template")
            if entry.get("UsePreviousValue"):
                if key not in had:
                    raise Refused(f"ValidationError) when calling the CreateChangeSet operation: no previous value of {key}")
                given[key] = had[key]
            else:
                given[key] = entry["ParameterValue"]
        if not there:
            self.stacks[name] = {"StackStatus": "REVIEW_IN_PROGRESS", "Parameters": {}}
        identity = f"arn:set:{len(self.sets)}"
        evaluated = self.evaluated(name, template, given) if self.evaluates else None
        if evaluated:
            given = evaluated.parameters
        self.sets[identity] = {"stack": name, "evaluated": evaluated, "parameters": given, "role": options.get("RoleARN"), "state": "made"}
        return {"Id": identity}

    def describe_change_set(self, options):
        if self.nothing_to_do:
            return {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes. Submit different information to create a change set."}
        if self.set_failure:
            return {"Status": "FAILED", "StatusReason": self.set_failure}
        return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": change} for change in self.changes]}

    def delete_change_set(self, options):
        self.sets[options["ChangeSetName"]]["state"] = "dropped"
        return {}

    def execute_change_set(self, options):
        made = self.sets[options["ChangeSetName"]]
        assert made["state"] == "made", "a change set that was dropped or done"
        made["state"] = "done"
        stack = self.stacks[made["stack"]]
        stack.update(updates=stack.get("updates", 0) + 1, late=self.late)
        verb = "CREATE" if stack["StackStatus"] == "REVIEW_IN_PROGRESS" else "UPDATE"
        if self.outcome == "COMPLETE":
            stack["Parameters"] = made["parameters"]
            stack["next"] = [f"{verb}_IN_PROGRESS", f"{verb}_COMPLETE"]
            if made["evaluated"]:
                stack.update(Outputs=made["evaluated"].outputs, Exports=made["evaluated"].own_exports, Resources=made["evaluated"].resources)
            if made["stack"].endswith("-logins"):
                stack["Outputs"] = LOGINS
            elif "HostName" in made["parameters"]:
                self.run(made["stack"])
        else:
            stack["next"] = [f"{verb}_IN_PROGRESS", "ROLLBACK_COMPLETE" if verb == "CREATE" else self.outcome]
        return {}

    def describe_stack_events(self, options):
        return {"StackEvents": [{"Timestamp": "12:00", "ResourceStatus": "UPDATE_FAILED", "LogicalResourceId": "Service", "ResourceStatusReason": "the circuit breaker was opened"}]}

    def set_stack_policy(self, options):
        json.loads(options["StackPolicyBody"])
        return {}

    def update_termination_protection(self, options):
        return {}

    def delete_stack(self, options):
        self._stack(options)["next"] = ["DELETE_IN_PROGRESS", "DELETE_COMPLETE" if self.outcome == "COMPLETE" else "DELETE_FAILED"]
        return {}

    def list_stacks(self, options):
        wanted = options["StackStatusFilter"]
        return {"StackSummaries": [
            {"StackName": name, "StackStatus": stack["StackStatus"], "CreationTime": stack.get("created", "2026-11-30T12:00:00.1+00:00"), **({"LastUpdatedTime": stack["updated"]} if "updated" in stack else {})}
            for name, stack in self.stacks.items() if stack["StackStatus"] in wanted]}

    # --- ECS, ECR, load balancer, logs

    def get_login_password(self, options):
        self.token_region = options.get("region")
        return "a-token-of-twelve-hours"

    def _of_cluster(self, options):
        return self.stacks[re.fullmatch(r"(.*)-cluster", options["cluster"])[1]]

    def describe_services(self, options):
        runs = self._of_cluster(options)["runs"]
        primary = {"status": "PRIMARY", "rolloutState": "COMPLETED" if self.deployments == 1 else "IN_PROGRESS"}
        return {"services": [{
            "taskDefinition": runs["TaskDefinition"], "deployments": [primary] + [{"status": "ACTIVE", "rolloutState": "COMPLETED"}] * (self.deployments - 1),
            "runningCount": self.running, "desiredCount": self.desired, "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            "events": [{"createdAt": "12:00", "message": "(service x) was unable to place a task"}],
        }]}

    def list_tasks(self, options):
        return {"taskArns": ["arn:task/stopped"] if options["desiredStatus"] == "STOPPED" else [f"arn:task/{n}" for n in range(self.running)]}

    def describe_tasks(self, options):
        names = options["tasks"] if isinstance(options["tasks"], list) else [options["tasks"]]
        digest = lambda: self.pulled_digest or self._of_cluster(options)["runs"]["image"].split("@")[1]
        running = lambda name: {"taskDefinitionArn": "x:1", "lastStatus": "RUNNING", "containers": [{"name": "app", "imageDigest": digest()}, {"name": "consul", "imageDigest": "sha256:other"}]}
        codes = {"arn:task/cluster/migration1": self.migration_exit, "arn:task/cluster/drop1": self.drop_exit, "arn:task/cluster/logins1": self.logins_exit, "arn:task/stopped": 137}
        stopped = lambda name: {"taskDefinitionArn": "x:2", "lastStatus": "STOPPED", "stoppedReason": "Essential container in task exited",
                                "containers": [{"name": "app", "exitCode": codes[name], "reason": "OutOfMemoryError: killed"}]}
        return {"tasks": [(stopped if name in codes else running)(name) for name in names]}

    def describe_task_definition(self, options):
        return {"taskDefinition": {
            "taskDefinitionArn": "arn:definition", "revision": 7, "status": "ACTIVE", "family": options["taskDefinition"].split(":")[0], "executionRoleArn": "arn:execution",
            "taskRoleArn": "arn:task-role", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": [
                {"name": "app", "image": "old", "user": "65534:65534", "readonlyRootFilesystem": True, "environment": [{"name": "DB_HOST", "value": "db"}],
                 "secrets": [{"name": "DB_PASSWD", "valueFrom": "arn:secret"}], "portMappings": [{"containerPort": 5000}],
                 "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "logs", "awslogs-stream-prefix": "app"}}},
                {"name": "consul", "image": "consul"}],
        }}

    def register_task_definition(self, options):
        self.registered = options
        return {"taskDefinition": {"taskDefinitionArn": "arn:migration:1"}}

    def run_task(self, options):
        if options["taskDefinition"].startswith("base-"):
            json.loads(options["overrides"])
            return {"tasks": [{"taskArn": "arn:task/cluster/logins1"}], "failures": []}
        if self.registered["family"].endswith("-drop"):
            self.dropped.append(self.registered["containerDefinitions"][0]["command"][1])
            return {"tasks": [{"taskArn": "arn:task/cluster/drop1"}], "failures": []}
        self.migrated.append(self.registered["containerDefinitions"][0]["image"])
        return {"tasks": [{"taskArn": "arn:task/cluster/migration1"}], "failures": []}

    def get_log_events(self, options):
        return {"events": [{"message": "ERROR the database is not migrated: no such column"}]}

    def describe_rules(self, options):
        return {"Rules": [{"Priority": p} for p in self.priorities]}
