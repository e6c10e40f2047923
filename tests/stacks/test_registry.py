"""What scripts/registry.sh does at Amazon ECR, and that a deployment keeps there what runs."""

import re

import pytest
from chain import ROOT
from sandbox import ECR, IMAGE, NEWER

OLD, NEW = (f"{ECR}@{image.split('@')[1]}" for image in (IMAGE, NEWER))

DOCKER = """#!/bin/sh
echo "$DOCKER_CONFIG $*" >>{folder}/docker.log
cat >{folder}/password
mkdir -p "$DOCKER_CONFIG" && echo '{{}}' >"$DOCKER_CONFIG/config.json"
"""
# Names are what was last copied to them; the label is a commit.
SKOPEO = """#!/bin/sh
echo "$*" >>{folder}/skopeo.log
for last; do :; done
case "$* " in
*" {gone} "*) echo 'manifest unknown' >&2; exit 1 ;;
copy*) for word; do source=$target; target=$word; done; echo "${{source##*@}}" >"{folder}/tag-${{target##*:}}" ;;
*Labels*) echo {commit} ;;
*) cat "{folder}/tag-${{last##*:}}" 2>/dev/null || echo "${{last##*@}}" ;;
esac
"""


@pytest.fixture
def ecr(sandbox):
    """Production runs an image of ECR."""
    sandbox.aws.add_service("app-master", OLD, sandbox.old)
    for name, text in (("docker", DOCKER), ("skopeo", SKOPEO)):
        program = sandbox.folder / "bin" / name
        program.write_text(text.format(folder=sandbox.folder, commit=sandbox.new, gone="nothing"))
        program.chmod(0o755)
    sandbox.gone = lambda reference: (sandbox.folder / "bin/skopeo").write_text(SKOPEO.format(folder=sandbox.folder, commit=sandbox.new, gone=f"docker://{reference}"))
    sandbox.named = lambda tag: (sandbox.folder / f"tag-{tag}").read_text().strip() if (sandbox.folder / f"tag-{tag}").exists() else None
    return sandbox


def test_at_ecr_the_login_is_awss_own_and_the_token_is_no_argument(ecr):
    ecr.image(NEW, ecr.new)
    folder, words = (ecr.folder / "docker.log").read_text().split(" ", 1)
    assert words == f"login --username AWS --password-stdin {ECR.split('/')[0]}\n", words
    assert (ecr.folder / "password").read_text().strip() == "a-token-of-twelve-hours" and ecr.aws.token_region == "eu-central-1"
    assert f"--authfile {folder}/config.json" in (ecr.folder / "skopeo.log").read_text()
    assert not __import__("os").path.exists(folder), "it logs out"
    assert "twelve" not in (ecr.folder / "skopeo.log").read_text()


def test_what_a_script_calls_is_logged_in_already(ecr):
    ecr.run(program="scripts/deploy.sh", REPO=ECR, MAINLINE="master", IMAGE=NEW)
    assert len((ecr.folder / "docker.log").read_text().splitlines()) == 1


def test_a_password_that_is_given_goes_before_and_other_registries_are_asked_for_no_token(ecr, deployed):
    ecr.image(NEW, ecr.new, REGISTRY_USER="me", REGISTRY_PASSWORD="mine")
    assert "--username me" in (ecr.folder / "docker.log").read_text() and ecr.called("ecr get-login-password") == []
    deployed.image(NEWER, deployed.new)
    assert deployed.called("ecr get-login-password") == [] and ecr.named("deployed-production") == NEW.split("@")[1], "nothing of another registry is renamed"


@pytest.mark.parametrize("host,region", [
    ("111122223333.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
    ("111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
    ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    ("111122223333.dkr.ecr.eu-central-1.amazonaws.com.evil.example", None),
    ("dkr.ecr.eu-central-1.amazonaws.com", None),
    ("registry.example", None),
])
def test_a_token_goes_to_amazons_hosts_only(ecr, host, region):
    image = f"{host}/app@{NEWER.split('@')[1]}"
    ecr.image(image, ecr.new)
    assert getattr(ecr.aws, "token_region", None) == region


def test_without_a_right_to_ecr_nothing_is_changed_and_the_reason_told(ecr):
    def refused(options):
        raise __import__("fake_aws").Refused("AccessDeniedException) when calling the GetAuthorizationToken operation: no identity-based policy allows it")
    ecr.aws.get_login_password = refused
    said = ecr.image(NEW, ecr.new, code=1)
    assert "no token for 111122223333.dkr.ecr.eu-central-1.amazonaws.com: An error occurred (AccessDeniedException" in " ".join(said.split())
    assert ecr.called("cloudformation execute-change-set", "ecs run-task") == []


def test_what_runs_and_what_ran_before_get_names_that_the_registrys_rules_keep(ecr):
    seen = []
    ecr.aws.hook = lambda call: seen.append(ecr.named("deployed-production")) if call[0] == "cloudformation execute-change-set" else None
    ecr.image(NEW, ecr.new)
    assert seen == [NEW.split("@")[1]], "before anything needs it"
    assert (ecr.named("deployed-production"), ecr.named("deployed-production-previous")) == (NEW.split("@")[1], OLD.split("@")[1])
    ecr.image(NEW, ecr.side, branch="side")
    assert ecr.named("deployed-review-side") == NEW.split("@")[1]
    rules = (ROOT / "cloudformation/registry.yaml").read_text()
    for prefix in ("deployed-production", "deployed-staging", "deployed-review-"):
        assert f'"tagPrefixList": ["{prefix}"]' in rules


def test_an_image_that_is_gone_keeps_nobody_from_deploying(ecr):
    ecr.gone(OLD)
    said = ecr.image(NEW, ecr.new)
    assert f"{OLD} could not be kept for a rollback" in said and "verified" in said
    assert ecr.named("deployed-production") == NEW.split("@")[1] and ecr.named("deployed-production-previous") is None


def test_no_branchs_name_is_one_that_the_rules_keep():
    tags = (ROOT / "scripts/tags.sh").read_text()
    assert re.search(r"deployed-\.\*", tags), "a branch called deployed-production would move production's name"
