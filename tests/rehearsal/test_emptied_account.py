"""``removal_policy=DESTROY`` leaves an account empty, for tests of users: with certificates, logs and objects in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.test_failing_deployments import APP, STACK, Account, account_with

# The CDK's function that empties buckets is JavaScript, and takes the SDK from Lambda's Node.js runtime; here it comes
# from npm, by ``make test-long``.
SDK = Path(__file__).resolve().parents[2] / "build" / "sdk" / "node_modules"
DESTROYED = APP.replace("from aws_cdk import App, Stack", "from aws_cdk import App, RemovalPolicy, Stack").replace(
    '"Fleet")', '"Fleet", removal_policy=RemovalPolicy.DESTROY)'
)
pytestmark = [pytest.mark.long, pytest.mark.rehearsal]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    assert DESTROYED != APP
    monkeypatch.setenv("NODE_PATH", str(SDK))
    with account_with(tmp_path, DESTROYED) as made:
        yield made


def standing(account: Account) -> dict[str, list[str]]:
    """What costs or holds data, by kind; the CDK's own bootstrap stack has things of its own."""
    client = account.aws.client
    keys = [each["KeyId"] for each in client("kms").list_keys()["Keys"]]
    described = [client("kms").describe_key(KeyId=each)["KeyMetadata"] for each in keys]
    authorities = client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]
    return {
        "bucket": [each["Name"] for each in client("s3").list_buckets()["Buckets"] if "cdk-" not in each["Name"]],
        "table": client("dynamodb").list_tables()["TableNames"],
        "private CA": [each["Arn"] for each in authorities if each["Status"] != "DELETED"],
        "key": [each["KeyId"] for each in described if each["KeyState"] == "Enabled" and "cdk" not in str(each)],
        "log group": [
            each["logGroupName"]
            for each in client("logs").describe_log_groups()["logGroups"]
            if STACK in each["logGroupName"]
        ],
        "trust anchor": [each["name"] for each in client("rolesanywhere").list_trust_anchors()["trustAnchors"]],
        "function": [each["FunctionName"] for each in client("lambda").list_functions()["Functions"]],
    }


def fill(account: Account) -> int:
    """Write into every bucket: two versions of an object, and one that is hidden by a delete marker."""
    s3: Any = account.aws.client("s3")
    buckets = standing(account)["bucket"]
    for bucket in buckets:
        for body in (b"one", b"two"):
            s3.put_object(Bucket=bucket, Key="crl/of-a-test.crl", Body=body)
        s3.put_object(Bucket=bucket, Key="deleted", Body=b"three")
        s3.delete_object(Bucket=bucket, Key="deleted")
    return len(buckets)


def test_an_account_is_empty_after_the_stack_was_destroyed(account: Account) -> None:
    account.cdk.deploy()
    before = standing(account)
    assert all(before.values()), before
    assert fill(account) >= 3
    account.cdk.destroy()
    # The log group of the CDK's own function is made by Lambda itself, and belongs to no stack.
    left = {
        kind: [each for each in those if "CustomS3AutoDelete" not in each] for kind, those in standing(account).items()
    }
    assert {kind: those for kind, those in left.items() if those} == {}
    assert account.command() == []
