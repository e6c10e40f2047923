"""Characters, lengths and names that a service takes. CloudFormation learns of a refusal when it is half-way through a stack."""

import json
import re

# EC2 API reference, AuthorizeSecurityGroupIngress; IAM API reference, CreateRole; the others' API references.
EC2 = (r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*", 255)
LATIN = r"[\t\n\r\x20-\x7e\xa1-\xff]*"
DESCRIPTIONS = {
    "AWS::CloudWatch": (r"(?s).*", 1024),
    "AWS::EC2": EC2,
    "AWS::Events": (r"(?s).*", 512),
    "AWS::IAM": (LATIN, 1000),
    "AWS::KMS": (r"(?s).*", 8192),
    "AWS::RDS": (r"[\x20-\x7e]*", 255),
    "AWS::SecretsManager": (r"(?s).*", 2048),
}
# Of a template itself: its body as it goes by --template-body, and what is in it (CloudFormation quotas).
BODY, TEMPLATE_DESCRIPTION, PARAMETER_DESCRIPTION = 51_200, 1024, 4000


def descriptions(value, key=""):
    """Every text in there whose key ends in `Description`."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from descriptions(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from descriptions(item, key)
    elif key.endswith("Description"):
        yield key, str(value)


def must_describe_in_characters_that_the_service_takes(chain):
    for stack in chain.values():
        for name, body in stack.resources.items():
            service = body["Type"].rsplit("::", 1)[0]
            for key, text in descriptions(body.get("Properties", {})):
                assert service in DESCRIPTIONS, f"{stack.name}.{name}: what may {key} of {service} hold? Look it up and write it here"
                pattern, longest = DESCRIPTIONS[service]
                assert re.fullmatch(pattern, text) and len(text) <= longest, f"{stack.name}.{name}: {service} refuses {key}: {text!r}"


def must_be_a_template_that_cloudformation_takes(chain):
    for stack in chain.values():
        template = stack.template
        assert len(template["Description"].encode()) <= TEMPLATE_DESCRIPTION, stack.name
        for key, parameter in template.get("Parameters", {}).items():
            assert re.fullmatch(r"[A-Za-z0-9]{1,255}", key), f"{stack.name}: {key} cannot be a parameter's name"
            assert all(len(text) <= PARAMETER_DESCRIPTION for _, text in descriptions(parameter)), f"{stack.name}.{key}"
        for key in [*template["Resources"], *template.get("Outputs", {}), *template.get("Conditions", {}), *template.get("Rules", {})]:
            assert re.fullmatch(r"[A-Za-z0-9]{1,255}", key), f"{stack.name}: {key} is not a logical name"
        for name in stack.exports:
            assert re.fullmatch(r"[A-Za-z0-9:-]{1,255}", name), f"{name} cannot be exported"


def must_write_policies_that_fit(chain):
    """A role's inline policies together, and a managed policy, without white space (IAM quotas)."""
    size = lambda document: len(json.dumps(document, separators=(",", ":")))
    for stack in chain.values():
        for name, role in stack.of_type("AWS::IAM::Role").items():
            assert sum(size(p["PolicyDocument"]) for p in role.get("Policies", [])) <= 10_240 * 0.8, f"{stack.name}.{name} is too large"
            for policy in role.get("Policies", []):
                assert re.fullmatch(r"[\w+=,.@-]{1,128}", policy["PolicyName"]), f"{stack.name}.{name}: {policy['PolicyName']}"
        for name, policy in stack.of_type("AWS::IAM::ManagedPolicy").items():
            assert size(policy["PolicyDocument"]) <= 6_144 * 0.8, f"{stack.name}.{name} is too large"


def must_answer_and_start_within_limits(chain):
    for stack in chain.values():
        for name, listener in stack.of_type("AWS::ElasticLoadBalancingV2::Listener").items():
            for action in listener["DefaultActions"]:
                assert len(action.get("FixedResponseConfig", {}).get("MessageBody", "")) <= 1024, f"{stack.name}.{name}"
        for name, template in stack.of_type("AWS::EC2::LaunchTemplate").items():
            assert len(template["LaunchTemplateData"].get("UserData", "")) <= 16_384, f"{stack.name}.{name}"


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
