"""What must be true of everything that holds data, and of every policy."""

from chain import everything

KEPT = {"AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::S3::Bucket", "AWS::EFS::FileSystem", "AWS::ECR::Repository"}


def must_retain_what_holds_data(chain):
    for stack in chain.values():
        for key, body in stack.resources.items():
            if body["Type"] in KEPT and (stack.name, key) != ("alerts", "Key"):  # that one encrypts what is on its way only
                # What a failed creation leaves behind costs money, and its name is in the way of the next attempt.
                policies = body.get("DeletionPolicy"), body.get("UpdateReplacePolicy")
                assert policies == ("RetainExceptOnCreate", "Retain"), f"{stack.name}.{key}: {policies}"
    database, = chain["database"].of_type("AWS::RDS::DBInstance").values()
    assert database["CopyTagsToSnapshot"] is True and database["DeleteAutomatedBackups"] is False
    for name in ("alb", "database"):
        assert chain[name].template["Parameters"]["DeletionProtection"]["Default"] == "true", name

    for name, repository in everything(chain, "AWS::ECR::Repository"):
        assert repository["ImageTagMutability"] == "MUTABLE", f"{name}: a branch's name has to move"
    for stack in chain.values():
        for key, body in stack.resources.items():
            if body["Type"] == "AWS::Logs::LogGroup":
                assert body["DeletionPolicy"] == "Delete" and body["UpdateReplacePolicy"] in ("Delete", "Retain"), f"{stack.name}.{key} is in the way of the next stack"


def must_encrypt_with_own_keys(chain):
    for name, secret in everything(chain, "AWS::SecretsManager::Secret"):
        assert secret["KmsKeyId"] == "<database.Key>" and secret["GenerateSecretString"]["PasswordLength"] >= 32, name
    disk, = chain["consul"].of_type("AWS::EFS::FileSystem").values()
    assert disk["KmsKeyId"] == chain["consul"].parameters["SecretKeyArn"]
    for name, repository in everything(chain, "AWS::ECR::Repository"):
        assert repository["EncryptionConfiguration"] == {"EncryptionType": "KMS"} and repository["ImageScanningConfiguration"] == {"ScanOnPush": True}, name


def must_block_public_access_to_the_log_bucket(chain):
    bucket, = chain["alb"].of_type("AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True} and len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    expire, = bucket["LifecycleConfiguration"]["Rules"]
    assert int(expire["NoncurrentVersionExpiration"]["NoncurrentDays"]) <= 30, "versions that nobody sees and everybody pays"
    policy, = chain["alb"].of_type("AWS::S3::BucketPolicy").values()
    write, plain = policy["PolicyDocument"]["Statement"]
    assert write["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"} and write["Action"] == "s3:PutObject"
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and plain["Principal"] == "*" and len(plain["Resource"]) == 2


def must_let_only_the_servers_use_their_disk(chain):
    disk, = chain["consul"].of_type("AWS::EFS::FileSystem").values()
    use, plain = disk["FileSystemPolicy"]["Statement"]
    assert use["Principal"] == {"AWS": "<consul.TaskRole.Arn>"} and use["Action"] == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"], use
    assert use["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}, use
    assert plain["Effect"] == "Deny" and plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and plain["Principal"] == {"AWS": "*"}, plain
    assert not chain["consul"].of_type("AWS::IAM::Role")["TaskRole"].get("Policies"), "a server may use its disk, and nothing else of AWS"


# All else is allowed: a policy of ours says what somebody may do.
DENIED = {("alb.LogBucketPolicy", "s3:*"), ("consul.Disk", "*"), ("ci-role.DeployRole", "cloudformation:DeleteStack")}


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
