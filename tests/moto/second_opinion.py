"""pilot against moto's ELBv2 instead of our own stand-in, which might share pilot's mistakes. `make test-moto` runs it.

moto knows no `initial` and no `draining`, calls a target that is not there `unavailable`, and refuses to deregister it.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import boto3

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}
TARGET = "10.0.0.9"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, ask, seconds=30):
    """Asks again and again until there is an answer; `what` says what for, if there is none."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.02)
    sys.exit(f"test-moto: waited {seconds} s in vain for {what()}")


class Pilot:
    """A running pilot with one job in the group."""

    def __init__(self, program, folder, arn, mode, endpoint):
        self.log = folder / f"{mode}.log"
        config = folder / f"{mode}.json5"
        job = {
            "name": "app", "exec": ["/bin/sleep", "600"],
            "loadBalancer": {"targetGroup": arn, "mode": mode, "target": TARGET, "port": 8080}, "drain": {"min": "1s"},
        }
        control = {"socket": str(folder / f"{mode}.socket")}
        config.write_text(json.dumps({"consul": False, "logging": {"level": "DEBUG"}, "control": control, "jobs": [job]}))
        environment = os.environ | KEYS | {"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": endpoint}
        with self.log.open("w") as log:
            self.process = subprocess.Popen([program, "-config", str(config)], env=environment, stdout=log, stderr=log)

    def says(self, text):
        until(lambda: f"{text!r}; pilot said:\n{self.log.read_text()}", lambda: text in self.log.read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        assert code == 0, f"exit code {code}:\n{self.log.read_text()}"


def main(program):
    folder = pathlib.Path(tempfile.mkdtemp())
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with (folder / "moto.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    pilots = []
    try:
        until(lambda: "moto to listen", lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
        settings = {"endpoint_url": endpoint, "region_name": REGION, "aws_access_key_id": "k", "aws_secret_access_key": "s"}
        network = boto3.client("ec2", **settings).describe_vpcs()["Vpcs"][0]["VpcId"]
        groups = boto3.client("elbv2", **settings)
        group = groups.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=network, TargetType="ip")
        arn = group["TargetGroups"][0]["TargetGroupArn"]

        def targets():
            health = groups.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            return [(one["Target"]["Id"], one["Target"]["Port"], one["TargetHealth"]["State"]) for one in health]

        pilots.append(Pilot(program, folder, arn, "self", endpoint))
        pilots[0].says("registered target 10.0.0.9:8080 in target group app")
        pilots[0].says("is healthy in target group app")
        assert targets() == [(TARGET, 8080, "healthy")], targets()
        pilots[0].stop()
        pilots[0].says("deregistered target 10.0.0.9:8080 from target group app")
        assert targets() == [], targets()

        pilots.append(Pilot(program, folder, arn, "drain", endpoint))
        pilots[1].says("app.Run start")
        groups.register_targets(TargetGroupArn=arn, Targets=[{"Id": TARGET, "Port": 8080}])
        pilots[1].stop()
        assert targets() == [], "what somebody else has registered is taken out"

        pilots.append(Pilot(program, folder, arn, "drain", endpoint))
        pilots[2].says("app.Run start")
        pilots[2].stop()
        assert "could not be taken out" not in pilots[2].log.read_text(), "what is not there is out"
        print("test-moto: in, healthy, out; out for somebody else; absent is out")
    finally:
        for process in [server, *(pilot.process for pilot in pilots)]:
            process.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
