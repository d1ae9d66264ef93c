"""``pca-automator leftovers``: what it finds of small stacks in a local AWS, and what it never removes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pca_automator.cli.deployed import remains
from pca_automator.cli.errors import Trouble
from pca_automator.cli.main import app
from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import CreateFunction, eventually

Command = Callable[..., Result]
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}


def left_by(aws: LocalAws, role_arn: str, name: str, *, fails: bool = False) -> None:
    """A stack with an automation's function, bucket, table and log group, somebody else's bucket; and its end."""
    function = {"Runtime": "python3.13", "Handler": "i.h", "Role": role_arn, "Code": {"ZipFile": "def h(*_): pass\n"}}
    policies = {"DeletionPolicy": "Retain"}
    resources: dict[str, Any] = {
        "FleetWorkflowCertCheck0123ABCD": {"Type": "AWS::Lambda::Function", "Properties": function},
        "FleetBucket0123ABCD": {"Type": "AWS::S3::Bucket", **policies},
        "FleetTable0123ABCD": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE, **policies},
        "FleetLog0123ABCD": {"Type": "AWS::Logs::LogGroup", **policies},
        "FleetTopic0123ABCD": {"Type": "AWS::SNS::Topic", **policies},
        "OthersBucket0123ABCD": {"Type": "AWS::S3::Bucket", **policies},
    }
    if fails:
        machine = {"DefinitionString": "{}", "RoleArn": "no role"}
        resources["FleetLast0123ABCD"] = {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {**machine, "EncryptionConfiguration": {"Type": "NONE"}},
            "DependsOn": [each for each in resources if each.startswith("Fleet")],
        }
    cloudformation = aws.client("cloudformation")
    stack = cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))["StackId"]

    def status() -> Any:
        found = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        return None if found.endswith("IN_PROGRESS") else found

    assert eventually(status) == ("ROLLBACK_COMPLETE" if fails else "CREATE_COMPLETE")
    if not fails:
        cloudformation.delete_stack(StackName=name)
        assert eventually(status) == "DELETE_COMPLETE"


@pytest.fixture
def command(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Command:
    for name, value in aws.client_environment().items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, ["leftovers", "--output", "json", *arguments])


def parts(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [row["part"] for row in json.loads(result.stdout or "[]")]


def test_what_is_left_of_an_automation_is_listed_with_how_that_came_about(
    aws: LocalAws, role_arn: str, command: Command
) -> None:
    left_by(aws, role_arn, "Listed")
    listed = json.loads(command("--stack", "Listed").stdout)
    assert [row["part"] for row in listed] == ["FleetTable", "FleetBucket", "FleetLog", "FleetTopic"]
    assert {row["origin"] for row in listed} == {"stack destroyed"}
    assert parts(command("--stack", "Listed", "--automation", "Elsewhere")) == []
    assert parts(command("--stack", "Other")) == []


def test_what_a_failed_first_deployment_leaves_goes_and_nothing_that_is_not_known(
    aws: LocalAws, role_arn: str, command: Command
) -> None:
    left_by(aws, role_arn, "Failed", fails=True)
    (bucket,) = [row["id"] for row in json.loads(command("--stack", "Failed").stdout) if row["kind"] == "bucket"]
    for key in ("a", "b"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    assert parts(command("--stack", "Failed", "--remove", "--yes")) == ["FleetTable", "FleetBucket", "FleetLog"]
    assert parts(command("--stack", "Failed")) == ["FleetTopic"]


def test_what_a_complete_stack_has_left_goes_only_where_that_is_said(
    aws: LocalAws, role_arn: str, command: Command
) -> None:
    left_by(aws, role_arn, "Whole")
    assert parts(command("--stack", "Whole", "--remove", "--yes")) == []
    assert len(parts(command("--stack", "Whole"))) == 4
    assert len(parts(command("--stack", "Whole", "--remove", "--destroyed", "--yes"))) == 3
    assert parts(command("--stack", "Whole")) == ["FleetTopic"]


def test_what_was_handed_on_is_never_removed(
    aws: LocalAws, role_arn: str, command: Command, create_function: CreateFunction
) -> None:
    left_by(aws, role_arn, "Handed")
    ids = {row["part"]: row["id"] for row in json.loads(command("--stack", "Handed").stdout)}
    create_function("heir", "def handler(event, context): pass\n")
    aws.client("lambda").update_function_configuration(
        FunctionName="heir", Environment={"Variables": {"TABLE_NAME": ids["FleetTable"]}}
    )
    used = {row["part"]: row["usedBy"] for row in json.loads(command("--stack", "Handed").stdout)}
    assert used == {"FleetTable": "function heir", "FleetBucket": "", "FleetLog": "", "FleetTopic": ""}
    assert parts(command("--stack", "Handed", "--remove", "--destroyed", "--yes")) == ["FleetBucket", "FleetLog"]
    assert parts(command("--stack", "Handed")) == ["FleetTable", "FleetTopic"]


def test_one_that_cannot_be_removed_costs_none_of_the_others(
    aws: LocalAws, role_arn: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by(aws, role_arn, "Stuck", fails=True)

    def refuse(*_: object) -> str:
        raise Trouble("the bucket is locked")

    monkeypatch.setattr(remains.KINDS["AWS::S3::Bucket"], "remove", refuse)
    result = command("--stack", "Stuck", "--remove", "--yes")
    assert result.exit_code == 1
    assert "1 of 3 could not be removed: the bucket is locked" in result.stderr
    assert parts(command("--stack", "Stuck")) == ["FleetBucket", "FleetTopic"]


@pytest.mark.parametrize(
    ("arguments", "words"), [(["--stack", "tag:a=b"], "give --stack NAME"), (["--destroyed"], "--remove removes")]
)
def test_what_cannot_be_meant_is_said(command: Command, arguments: list[str], words: str) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
