"""scripts/aws-rehearsal.sh is not run here. What can be known of it without AWS: its calls exist, it asks before it begins, and it
deletes what it makes."""

import re
import subprocess

import botocore.session
import pytest
from chain import NAMES, ROOT

TEXT = (ROOT / "scripts/aws-rehearsal.sh").read_text()


def test_every_call_and_every_option_is_one_of_awss():
    session = botocore.session.get_session()
    calls = re.findall(r"aws ([a-z]+) ([a-z-]+)((?: (?:--[a-z-]+|\"[^\"]*\"|'[^']*'|[^ |)&;>]+))*)", "\n".join(l for l in TEXT.splitlines() if not l.startswith("#")))
    assert len(calls) >= 10
    for service, command, words in calls:
        if (service, command) == ("git", "skopeo"):
            continue  # the list of programs that it needs
        model = session.get_service_model(service)
        if command == "wait":
            waiter = words.split()[0]
            assert waiter.title().replace("-", "") in {re.sub("DbInstance", "DBInstance", n) for n in session.get_waiter_model(service).waiter_names} | {"DbInstanceAvailable"}, waiter
            continue
        operations = {botocore.xform_name(name, "-"): name for name in model.operation_names}
        assert command in operations, f"{service} {command}"
        members = {botocore.xform_name(name, "-") for name in model.operation_model(operations[command]).input_shape.members}
        for option in re.findall(r"--([a-z-]+)", words):
            assert option in members | {"query", "output"} or option.removeprefix("no-") in members, f"{service} {command} --{option}"


def test_it_deletes_every_stack_that_it_makes_and_in_an_order_that_exports_allow():
    order = re.search(r"for stack in ((?:(?:base-)?app-[\w-]+ ?)+); do", TEXT)[1].split()
    made = {"app-master", *(f"base-app-{name}" for name in NAMES if name not in ("service", "consul", "ec2-capacity"))}
    assert set(order) == made
    place = {name.removeprefix("base-app-").replace("app-master", "service"): number for number, name in enumerate(order)}
    for user, used in (("service", "ci-role"), ("ci-role", "database"), ("logins", "database"), ("database", "alb"), ("alb", "network"), ("alb", "alerts"), ("ci-role", "registry")):
        assert place[user] < place[used], f"{used} is in use by {user}"


@pytest.mark.parametrize("missing", ["DOMAIN", "HOSTED_ZONE_ID", "MAIL"])
def test_without_its_settings_it_does_nothing(missing, tmp_path):
    given = {"PATH": "/usr/bin:/bin", "DOMAIN": "x.example.org", "HOSTED_ZONE_ID": "Z1", "MAIL": "me@example.org"}
    del given[missing]
    said = subprocess.run([ROOT / "scripts/aws-rehearsal.sh"], env=given, capture_output=True, text=True)
    assert said.returncode == 1 and f"{missing} is not set" in said.stderr


def test_it_asks_before_it_begins():
    assert TEXT.index("read -r said") < TEXT.index("make create-stack") and '[ "$said" = "$account" ]' in TEXT
