"""``pca-automator leftovers``: what is left is told as it is, and what is removed is what nobody uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from tests.cli.conftest import ACCOUNT, REGION, Deployed, error, table

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/PcaAutomator/1"
AUTHORITY = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/old"
# As CloudFormation names them: the last eight characters of a logical id are the CDK's hash.
KEPT = {
    "AutomationAuthorityCa0A1B2C3D": ("AWS::ACMPCA::CertificateAuthority", AUTHORITY),
    "AutomationInventory0A1B2C3D": ("AWS::DynamoDB::Table", "old-inventory"),
    "AutomationLedger0A1B2C3D": ("AWS::DynamoDB::GlobalTable", "old-ledger"),
    "AutomationCrls0A1B2C3D": ("AWS::S3::Bucket", "old-crls"),
    "AutomationCrlsPolicy0A1B2C3D": ("AWS::S3::BucketPolicy", "old-crls"),
    "AutomationAuthorityCertificate0A1B2C3D": ("AWS::ACMPCA::Certificate", f"{AUTHORITY}/certificate/1"),
    "AutomationAuthorityActive0A1B2C3D": ("AWS::ACMPCA::CertificateAuthorityActivation", f"{AUTHORITY}/active"),
    "AutomationLogs0A1B2C3D": ("AWS::Logs::LogGroup", "/old/logs"),
    "AutomationKey0A1B2C3D": ("AWS::KMS::Key", "old-key"),
    "AutomationDead0A1B2C3D": ("AWS::SQS::Queue", "old-queue"),
    "OtherInventory0A1B2C3D": ("AWS::DynamoDB::Table", "others-inventory"),
    "NotOursBucket0A1B2C3D": ("AWS::S3::Bucket", "somebodys-bucket"),
}


@pytest.fixture
def left(deployed: Deployed) -> Deployed:
    """A complete stack with two automations and a bucket of somebody's was destroyed, and kept what it keeps."""
    gone = {"StackId": STACK_ID, "StackName": "PcaAutomator", "StackStatus": "DELETE_COMPLETE"}
    events = [
        {
            "LogicalResourceId": name,
            "ResourceType": kind,
            "PhysicalResourceId": physical,
            "ResourceStatus": "DELETE_SKIPPED",
        }
        for name, (kind, physical) in KEPT.items()
    ]
    events += [
        {"LogicalResourceId": "AutomationTopic0A1B2C3D", "ResourceType": "AWS::SNS::Topic", "PhysicalResourceId": "t",
         "ResourceStatus": "DELETE_COMPLETE"},
        {"LogicalResourceId": "AutomationNeverMade0A1B2C3D", "ResourceType": "AWS::KMS::Key", "PhysicalResourceId": "",
         "ResourceStatus": "DELETE_SKIPPED"},
        {"LogicalResourceId": "AutomationLedger0A1B2C3D", "ResourceType": "AWS::DynamoDB::GlobalTable",
         "PhysicalResourceId": "old-ledger", "ResourceStatus": "CREATE_COMPLETE"},
        complete(),
        {**complete(), "ResourceStatus": "CREATE_IN_PROGRESS"},
    ]  # fmt: skip
    names = ("AutomationWorkflowCertCheck0A1B2C3D", "OtherWorkflowCertCheck0A1B2C3D")
    deployed.answers |= {
        "ListStacks": {"StackSummaries": [gone, {**gone, "StackName": "PcaAutomator2", "StackId": "another"}]},
        "DescribeStackEvents": {"StackEvents": events},
        "GetTemplate": {"TemplateBody": {"Resources": {name: {} for name in names}}},
        "DescribeStackResources": error("ValidationError"),
        "ListFunctions": {"Functions": []},
        "DescribeCertificateAuthority": {"CertificateAuthority": {"Status": "ACTIVE"}},
        "DescribeKey": {"KeyMetadata": {"KeyState": "Enabled"}},
        "DescribeLogGroups": {
            "logGroups": [{"logGroupName": "/old/logs-of-others"}, {"logGroupName": "/old/logs", "storedBytes": 4096}]
        },
        **{name: {} for name in ("UpdateCertificateAuthority", "DeleteCertificateAuthority", "ScheduleKeyDeletion")},
        "DeleteLogGroup": {},
    }
    dynamodb, s3 = boto3.client("dynamodb", region_name=REGION), boto3.client("s3", region_name=REGION)
    for kept, items in (("old-inventory", 1), ("old-ledger", 0), ("others-inventory", 2)):
        key = [{"AttributeName": "hostID", "KeyType": "HASH"}]
        kinds = [{"AttributeName": "hostID", "AttributeType": "S"}]
        dynamodb.create_table(
            TableName=kept, KeySchema=key, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
        )  # fmt: skip
        for number in range(items):
            dynamodb.put_item(TableName=kept, Item={"hostID": {"S": str(number)}})
    for bucket in ("old-crls", "somebodys-bucket"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for _ in range(2):
            s3.put_object(Bucket=bucket, Key="crl/1.crl", Body=b"x")
    s3.delete_object(Bucket="old-crls", Key="crl/1.crl")
    deployed.calls.clear()
    return deployed


def complete() -> dict[str, str]:
    return {
        "LogicalResourceId": "PcaAutomator", "ResourceType": "AWS::CloudFormation::Stack",
        "PhysicalResourceId": STACK_ID, "ResourceStatus": "CREATE_COMPLETE",
    }  # fmt: skip


def first_deployment_failed(left: Deployed) -> None:
    answer: Any = left.answers["DescribeStackEvents"]
    answer["StackEvents"].remove(complete())


def listed(deployed: Deployed, *options: str) -> list[dict[str, Any]]:
    done = deployed.invoke("leftovers", "--output", "jsonl", *options)
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_everything_of_ours_that_is_left_is_listed_with_what_it_holds_in_the_order_of_removal(left: Deployed) -> None:
    found = listed(left)
    assert [(row["kind"], row["part"], row["id"], row["holds"]) for row in found] == [
        ("CA", "AutomationAuthorityCa", AUTHORITY, "ACTIVE, at its monthly price"),
        ("table", "AutomationInventory", "old-inventory", "1 item"),
        ("table", "OtherInventory", "others-inventory", "2 items"),
        ("table", "AutomationLedger", "old-ledger", "nothing"),
        ("bucket", "AutomationCrls", "old-crls", "3 object versions"),
        ("log group", "AutomationLogs", "/old/logs", "4,096 bytes"),
        ("key", "AutomationKey", "old-key", "enabled, $1 a month"),
        ("AWS::SQS::Queue", "AutomationDead", "old-queue", "nothing"),
    ]
    assert {(row["origin"], row["usedBy"], row["stackId"]) for row in found} == {("stack destroyed", "", STACK_ID)}
    assert left.called("ListStacks")[0]["StackStatusFilter"] == [
        "DELETE_COMPLETE", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
    ]  # fmt: skip
    assert {request["StackName"] for request in left.called("DescribeStackEvents")} == {STACK_ID}
    assert left.called("GetTemplate") == [{"StackName": STACK_ID, "TemplateStage": "Original"}]


def test_of_one_automation_nothing_of_another_is_listed(left: Deployed) -> None:
    assert [row["id"] for row in listed(left, "--automation", "Other")] == ["others-inventory"]


def test_of_an_automation_whose_name_begins_like_anothers_nothing_of_the_other_is_listed(left: Deployed) -> None:
    """What is listed is removed: the CA of Fleet2 does not go with Fleet's."""
    also = {"AutomationTwoWorkflowCertCheck0A1B2C3D": {}, "AutomationTwoInventory0A1B2C3D": {}}
    template: Any = left.answers["GetTemplate"]
    template["TemplateBody"]["Resources"] |= also
    events: Any = left.answers["DescribeStackEvents"]
    theirs = {"LogicalResourceId": "AutomationTwoKey0A1B2C3D", "ResourceType": "AWS::KMS::Key",
              "PhysicalResourceId": "key-of-two", "ResourceStatus": "DELETE_SKIPPED"}  # fmt: skip
    events["StackEvents"].append(theirs)
    assert "key-of-two" not in {row["id"] for row in listed(left, "--automation", "Automation")}
    assert [row["id"] for row in listed(left, "--automation", "AutomationTwo")] == ["key-of-two"]
    assert {"key-of-two", "old-key", "others-inventory"} < {row["id"] for row in listed(left)}


@pytest.mark.parametrize(
    "written", ["  AutomationWorkflowCertCheck0A1B2C3D:\n", '  "AutomationWorkflowCertCheck0A1B2C3D": {']
)
def test_a_template_in_yaml_is_read_for_whose_it_is(left: Deployed, written: str) -> None:
    """Stacks of one name can have been made by anybody; CloudFormation hands YAML on as text."""
    left.answers["GetTemplate"] = {"TemplateBody": f"Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n{written}"}
    found = {row["id"] for row in listed(left)}
    assert {"old-inventory", "old-key"} < found
    assert "others-inventory" not in found
    left.answers["GetTemplate"] = {
        "TemplateBody": "Resources:\n  AutomationLogs0A1B2C3D:\n    Type: AWS::Logs::LogGroup\n"
    }
    assert listed(left) == []


def test_of_a_stack_that_kept_nothing_no_template_is_asked_for(left: Deployed) -> None:
    events: Any = left.answers["DescribeStackEvents"]
    events["StackEvents"] = [each for each in events["StackEvents"] if each["ResourceStatus"] != "DELETE_SKIPPED"]
    assert listed(left) == []
    assert left.called("GetTemplate") == []


def test_a_large_table_and_a_large_bucket_are_not_counted_to_their_end(left: Deployed) -> None:
    left.answers["Scan"] = {"Count": 1000, "LastEvaluatedKey": {"hostID": {"S": "x"}}}
    left.answers["ListObjectVersions"] = {"Versions": [{}] * 900, "DeleteMarkers": [{}] * 100, "IsTruncated": True}
    held = {row["id"]: row["holds"] for row in listed(left)}
    assert held["old-inventory"] == "more than 1000 items"
    assert held["old-crls"] == "more than 1000 object versions"
    assert {request["Limit"] for request in left.called("Scan")} == {1000}
    assert {request["MaxKeys"] for request in left.called("ListObjectVersions")} == {1000}


@pytest.mark.parametrize("group", [{}, {"storedBytes": 0}])
def test_what_holds_nothing_is_said_to_hold_nothing(left: Deployed, group: dict[str, int]) -> None:
    left.answers["DescribeLogGroups"] = {"logGroups": [{"logGroupName": "/old/logs", **group}]}
    left.answers["ListObjectVersions"] = {}
    held = {row["id"]: row["holds"] for row in listed(left)}
    assert {held[name] for name in ("/old/logs", "old-crls", "old-ledger", "old-queue")} == {"nothing"}
    assert left.called("DescribeLogGroups") == [{"logGroupNamePrefix": "/old/logs"}]


def test_what_a_table_holds_is_counted_as_it_is_now_and_not_read(left: Deployed) -> None:
    listed(left, "--automation", "Other")
    counted = {"Limit": 1_000, "Select": "COUNT", "ConsistentRead": True}
    assert left.called("Scan") == [{"TableName": "others-inventory", **counted}]


def test_a_table_is_removed_when_its_protection_is_off_and_that_has_taken_effect(left: Deployed) -> None:
    """DeleteTable refuses a table that is still being updated."""
    states = iter(["ACTIVE", "UPDATING", "UPDATING", "ACTIVE"])
    left.answers |= {
        "DescribeTable": lambda _: {"Table": {"TableStatus": next(states)}}, "UpdateTable": {}, "DeleteTable": {},
    }  # fmt: skip
    assert [row["result"] for row in listed(left, "--automation", "Other", "--remove", "--destroyed", "--yes")] == [
        "deleted"
    ]
    names = [name for name, _ in left.calls if name.endswith("Table")]
    assert names == ["DescribeTable", "UpdateTable", *["DescribeTable"] * 3, "DeleteTable"]
    assert left.called("UpdateTable") == [{"TableName": "others-inventory", "DeletionProtectionEnabled": False}]
    assert left.called("DeleteTable") == [{"TableName": "others-inventory"}]


def test_a_bucket_is_emptied_page_by_page_and_an_empty_page_removes_nothing(left: Deployed) -> None:
    pages: list[dict[str, Any]] = [
        {"Versions": [{"Key": "a", "VersionId": "1", "Size": 1}], "DeleteMarkers": [{"Key": "a", "VersionId": "2"}]},
        {},
        {"DeleteMarkers": [{"Key": "b", "VersionId": "3"}]},
    ]  # fmt: skip

    def page(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number = int(asked.get("KeyMarker", "0"))
        more = {"IsTruncated": True, "NextKeyMarker": str(number + 1)} if number < 2 else {}
        return {**pages[number], **more}

    left.answers |= {"ListObjectVersions": page, "DeleteObjects": {}, "DeleteBucket": {}}
    found = {row["id"]: row["result"] for row in listed(left, "--remove", "--destroyed", "--yes")}
    assert found["old-crls"] == "emptied and deleted"
    assert [asked["Delete"] for asked in left.called("DeleteObjects")] == [
        {"Objects": [{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}], "Quiet": True},
        {"Objects": [{"Key": "b", "VersionId": "3"}], "Quiet": True},
    ]
    assert {asked["Bucket"] for asked in left.called("DeleteObjects")} == {"old-crls"}
    assert left.called("DeleteBucket") == [{"Bucket": "old-crls"}]


@pytest.mark.parametrize(
    ("operation", "answer", "gone"),
    [
        ("DescribeCertificateAuthority", {"CertificateAuthority": {"Status": "DELETED"}}, AUTHORITY),
        ("DescribeCertificateAuthority", error("ResourceNotFoundException"), AUTHORITY),
        ("DescribeTable", {"Table": {"TableStatus": "DELETING"}}, "old-inventory"),
        ("DescribeTable", error("ResourceNotFoundException"), "old-inventory"),
        ("ListObjectVersions", error("NoSuchBucket"), "old-crls"),
        ("ListObjectVersions", error("404"), "old-crls"),
        ("DescribeLogGroups", {"logGroups": [{"logGroupName": "/old/logs-of-others"}]}, "/old/logs"),
        ("DescribeKey", {"KeyMetadata": {"KeyState": "PendingDeletion"}}, "old-key"),
        ("DescribeKey", error("NotFoundException"), "old-key"),
    ],
)
def test_what_is_gone_or_on_its_way_out_is_not_listed(left: Deployed, operation: str, answer: Any, gone: str) -> None:
    left.answers[operation] = answer
    found = {row["id"] for row in listed(left)}
    assert gone not in found
    assert found & {"old-key", AUTHORITY}


@pytest.mark.parametrize("operation", ["DescribeKey", "DescribeStackResources", "ListObjectVersions"])
def test_what_may_not_be_looked_at_is_said_and_not_taken_for_gone(left: Deployed, operation: str) -> None:
    left.answers[operation] = error("AccessDeniedException", "not you", operation)
    done = left.invoke("leftovers")
    assert done.exit_code != 0
    assert "not you" in done.stderr or "denies" in done.stderr


def in_use(left: Deployed) -> None:
    """The inventory was handed on to a function, the bucket imported into a stack."""
    function = {"FunctionName": "new-check", "Environment": {"Variables": {"TABLE_NAME": "old-inventory"}}}
    left.answers["ListFunctions"] = {"Functions": [{"FunctionName": "plain"}, function]}

    def owner(request: Mapping[str, Any]) -> Mapping[str, Any]:
        if request["PhysicalResourceId"] == "old-crls":
            return {"StackResources": [{"StackName": "Kept"}]}
        raise error("ValidationError")

    left.answers["DescribeStackResources"] = owner


def test_whoever_uses_it_is_named(left: Deployed) -> None:
    in_use(left)
    used = {row["id"]: row["usedBy"] for row in listed(left)}
    assert {name: by for name, by in used.items() if by} == {
        "old-inventory": "function new-check", "old-crls": "stack Kept",
    }  # fmt: skip


def test_of_a_destroyed_stack_nothing_is_removed_unless_that_is_said(left: Deployed) -> None:
    done = left.invoke("leftovers", "--remove", "--yes")
    assert done.exit_code == 0
    assert "nothing to remove; 8 resources are left: see leftovers" in done.stderr
    assert left.invoke("leftovers", "--destroyed").exit_code == 2
    assert not [name for name, _ in left.calls if name.startswith(("Delete", "Update", "Schedule"))]


def test_what_nobody_uses_is_removed_and_what_is_not_known_or_in_use_stays(left: Deployed) -> None:
    in_use(left)
    found = listed(left, "--remove", "--destroyed", "--yes")
    assert {row["id"]: row["result"] for row in found} == {
        AUTHORITY: "disabled; to be deleted in 30 days, until then it can be restored",
        "others-inventory": "deleted", "old-ledger": "deleted", "/old/logs": "deleted",
        "old-key": "to be deleted in 30 days, until then that can be cancelled",
    }  # fmt: skip
    assert [row["kind"] for row in found] == ["CA", "table", "table", "log group", "key"]
    tables = boto3.client("dynamodb", region_name=REGION).list_tables()["TableNames"]
    assert "old-inventory" in tables
    assert not {"old-ledger", "others-inventory"} & set(tables)
    assert left.called("UpdateCertificateAuthority") == [{"CertificateAuthorityArn": AUTHORITY, "Status": "DISABLED"}]
    assert left.called("DeleteCertificateAuthority") == [
        {"CertificateAuthorityArn": AUTHORITY, "PermanentDeletionTimeInDays": 30}
    ]
    assert left.called("ScheduleKeyDeletion") == [{"KeyId": "old-key", "PendingWindowInDays": 30}]
    assert left.called("DeleteLogGroup") == [{"logGroupName": "/old/logs"}]


def test_a_ca_that_never_became_active_is_not_disabled_first(left: Deployed) -> None:
    left.answers["DescribeCertificateAuthority"] = {"CertificateAuthority": {"Status": "PENDING_CERTIFICATE"}}
    listed(left, "--remove", "--destroyed", "--yes")
    assert left.called("UpdateCertificateAuthority") == []
    assert left.called("DeleteCertificateAuthority")


def test_a_bucket_is_emptied_of_every_version_and_what_others_own_is_not_touched(left: Deployed) -> None:
    listed(left, "--remove", "--destroyed", "--yes")
    buckets = {each["Name"] for each in boto3.client("s3", region_name=REGION).list_buckets()["Buckets"]}
    assert "old-crls" not in buckets
    assert "somebodys-bucket" in buckets


def test_what_a_failed_first_deployment_left_is_removed_without_more_ado(left: Deployed) -> None:
    first_deployment_failed(left)
    found = listed(left, "--remove", "--yes")
    assert {row["origin"] for row in found} == {"first deployment failed"}
    assert len(found) == 7


def test_it_is_asked_first_with_what_would_be_lost(left: Deployed) -> None:
    done = left.invoke("leftovers", "--remove", "--destroyed", input="n\n")
    assert done.exit_code != 0
    question = " ".join((done.stdout + done.stderr).split())
    assert "remove 1 CA, 3 tables, 1 bucket, 1 log group, 1 key, with all that is in them?" in question
    assert "Certificates of a destroyed stack's CA can still be valid" in question
    assert left.called("DeleteCertificateAuthority") == []
    first_deployment_failed(left)
    done = left.invoke("leftovers", "--remove", input="n\n")
    assert "can still be valid" not in done.stdout + done.stderr


def test_what_cannot_be_removed_is_said_and_the_others_are_removed(left: Deployed) -> None:
    left.answers["DeleteCertificateAuthority"] = error("AccessDeniedException", "not you", "DeleteCertificateAuthority")
    done = left.invoke("leftovers", "--remove", "--destroyed", "--yes", "--output", "jsonl")
    assert done.exit_code == 1
    assert "1 of 7 could not be removed" in done.stderr
    rows = {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (rows[AUTHORITY]["failed"], rows["old-key"]["failed"]) == (True, False)
    assert left.called("ScheduleKeyDeletion")


def test_a_person_reads_what_is_left_and_what_became_of_it(left: Deployed) -> None:
    in_use(left)
    title, head, *rows = table(left.invoke("leftovers", env={"COLUMNS": "250"}).stdout)
    assert title == ["Left behind by stacks called PcaAutomator"]
    assert head == ["kind", "part", "id", "holds", "origin", "usedBy"]
    assert rows[1:3] == [
        ["table", "AutomationInventory", "old-inventory", "1 item", "stack destroyed", "function new-check"],
        ["table", "OtherInventory", "others-inventory", "2 items", "stack destroyed"],
    ]
    done = left.invoke("leftovers", "--remove", "--destroyed", "--yes", env={"COLUMNS": "250"})
    title, head, *rows = table(done.stdout)
    assert (title, head) == (["Removed in us-east-1"], ["kind", "part", "id", "result"])
    assert rows[1] == ["table", "OtherInventory", "others-inventory", "deleted"]
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--destroyed",), "--destroyed says what --remove removes: give both, or none"),
        (("--stack", "tag:a=b"), "a stack that is gone is found by its name, not by a tag: give --stack NAME"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    left: Deployed, arguments: tuple[str, ...], told: str
) -> None:
    done = left.invoke("leftovers", *arguments, "--yes")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"error: {told}\n")
    assert left.calls == []


@pytest.mark.parametrize("output", ["table", "json"])
def test_nothing_to_remove_is_said_with_how_much_is_left(left: Deployed, output: str) -> None:
    left.answers["DescribeStackEvents"]["StackEvents"] = [  # type: ignore[index]
        {
            "LogicalResourceId": "AutomationKey0A1B2C3D",
            "ResourceType": "AWS::KMS::Key",
            "PhysicalResourceId": "old-key",
            "ResourceStatus": "DELETE_SKIPPED",
        },
        complete(),
    ]
    done = left.invoke("leftovers", "--remove", "--output", output)
    assert (done.exit_code, done.stderr) == (0, "nothing to remove; 1 resource is left: see leftovers\n")
    assert done.stdout == ("[]\n" if output == "json" else "")


def test_what_cannot_be_removed_is_told_with_its_cause(left: Deployed) -> None:
    left.answers["DeleteLogGroup"] = error("AccessDeniedException", "not you", "DeleteLogGroup")
    done = left.invoke("leftovers", "--remove", "--destroyed", "--yes", "--output", "json")
    (failed,) = [row for row in json.loads(done.stdout) if row["failed"]]
    assert (failed["kind"], failed["id"]) == ("log group", "/old/logs")
    assert done.stderr == f"error: 1 of 7 could not be removed: {failed['result']}\n"
    assert "not you" in failed["result"]


def test_a_defect_while_something_is_removed_is_no_result(left: Deployed) -> None:
    left.answers["DeleteLogGroup"] = ZeroDivisionError("defect")
    done = left.invoke("leftovers", "--remove", "--destroyed", "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "a fault of the command itself" in done.stderr


def test_nothing_left_is_said(left: Deployed) -> None:
    left.answers["ListStacks"] = {"StackSummaries": []}
    done = left.invoke("leftovers")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "nothing is left behind\n")
