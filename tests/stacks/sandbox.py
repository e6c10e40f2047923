"""A folder in which scripts/stack.sh and scripts/deploy.sh run, with a fake aws, curl and skopeo on PATH."""

import os
import subprocess

from fake_aws import Aws

IMAGE = "registry.example/app@sha256:" + "1" * 64
NEWER = "registry.example/app@sha256:" + "2" * 64
# The calls that change something.
CHANGING = ("cloudformation create-change-set", "ecs run-task", "cloudformation execute-change-set", "cloudformation delete-stack")

# The same in Amazon ECR.
ECR = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/app"


class Sandbox:
    def __init__(self, folder, checkout):
        self.folder, (self.checkout, self.old, self.new, self.side) = folder, checkout
        self.aws = Aws(folder, self.checkout)
        self.aws.serve()
        self.aws.add_base()

    def registry(self, digest, commit):
        """A fake skopeo: every name is that image of that commit; what it was asked for is written down."""
        skopeo = self.folder / "bin/skopeo"
        skopeo.write_text(f"#!/bin/sh\necho \"$*\" >>{self.folder}/skopeo.log\ncase $* in *Digest*) echo {digest} ;; *) echo {commit} ;; esac\n")
        skopeo.chmod(0o755)

    def start(self, words, branch="master", program="scripts/stack.sh", **environment):
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder), "BRANCH": branch, "POLL": "0", "TRIES": "1", "VERIFY_SECONDS": "0", **environment}
        return subprocess.Popen([self.checkout / program if "/" in program else program, *words], cwd=self.checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *words, code=0, **environment):
        """Runs it; returns all that it said."""
        process = self.start(words, **environment)
        said = "".join(process.communicate(timeout=60))
        assert self.aws.wrong == [], said
        assert process.returncode == code, said
        return said

    def image(self, image, commit, **more):
        return self.run("image", image, COMMIT=commit, **more)

    def called(self, *names):
        return [name for name, _ in self.aws.calls if name in names]

    def given(self, call):
        return [options for name, options in self.aws.calls if name == call]
