"""What the tests of scripts/stack.sh stand on."""

import subprocess

import pytest
from chain import ROOT
from sandbox import IMAGE, Sandbox


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """Scripts and templates in a repository of two commits and one on a branch."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("scripts", "cloudformation", "Makefile"):
        subprocess.run(["cp", "-r", ROOT / name, folder / name], check=True)
    git = lambda *words: subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    git("init", "-q", "-b", "master")
    hashes = []
    for message in ("old", "new"):
        git("commit", "-q", "--allow-empty", "-m", message)
        hashes.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", "-b", "side", hashes[0])
    git("commit", "-q", "--allow-empty", "-m", "side")
    hashes.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", "master")
    return folder, *hashes


@pytest.fixture
def sandbox(tmp_path, checkout):
    sandbox = Sandbox(tmp_path, checkout)
    yield sandbox
    sandbox.aws.end()


@pytest.fixture
def deployed(sandbox):
    sandbox.aws.add_service("app-master", IMAGE, sandbox.old)
    return sandbox
