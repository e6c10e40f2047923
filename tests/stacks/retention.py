"""What must be true of everything that holds data, and of every policy."""

from chain import everything

KEPT = {"AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::S3::Bucket", "AWS::EFS::FileSystem", "AWS::ECR::Repository"}


def must_keep_what_holds_data(chain):
    for stack in chain.values():
        for key, body in stack.resources.items():
            if body["Type"] in KEPT and (stack.name, key) != ("alerts", "Key"):  # that one encrypts what is on its way only
                assert body.get("DeletionPolicy") == body.get("UpdateReplacePolicy") == "Retain", f"{stack.name}.{key} would be deleted"
    database, = chain["database"].of_type("AWS::RDS::DBInstance").values()
    assert database["CopyTagsToSnapshot"] is True and database["DeleteAutomatedBackups"] is False
    for name in ("alb", "database"):
        assert chain[name].template["Parameters"]["DeletionProtection"]["Default"] == "true", name


def must_encrypt_with_keys_of_its_own(chain):
    for name, secret in everything(chain, "AWS::SecretsManager::Secret"):
        assert secret["KmsKeyId"] == "<database.Key>" and secret["GenerateSecretString"]["PasswordLength"] >= 32, name
    disk, = chain["consul"].of_type("AWS::EFS::FileSystem").values()
    assert disk["KmsKeyId"] == chain["consul"].parameters["SecretKeyArn"]
    repository, = chain["registry"].of_type("AWS::ECR::Repository").values()
    assert repository["EncryptionConfiguration"] == {"EncryptionType": "KMS"} and repository["ImageScanningConfiguration"] == {"ScanOnPush": True}


def must_shut_the_bucket_of_logs(chain):
    bucket, = chain["alb"].of_type("AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True} and len(bucket["PublicAccessBlockConfiguration"]) == 4
    policy, = chain["alb"].of_type("AWS::S3::BucketPolicy").values()
    write, plain = policy["PolicyDocument"]["Statement"]
    assert write["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"} and write["Action"] == "s3:PutObject"
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and plain["Principal"] == "*" and len(plain["Resource"]) == 2


# All else is allowed: a policy of ours says what somebody may do.
DENIED = {("alb.LogBucketPolicy", "s3:*"), ("ci-role.DeployRole", "cloudformation:DeleteStack")}


def must_forbid_only_what_is_meant(chain):
    denied = set()
    for stack in chain.values():
        for key, body in stack.resources.items():
            for statement in _statements(body.get("Properties", {})):
                assert statement["Effect"] in ("Allow", "Deny"), f"{stack.name}.{key}"
                if statement["Effect"] == "Deny":
                    denied.add((f"{stack.name}.{key}", statement["Action"]))
    assert denied == DENIED, denied ^ DENIED


def _statements(value):
    """Every statement of every policy in there."""
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _statements(item)


ASSERTIONS = [value for name, value in sorted(globals().items()) if name.startswith("must_")]
