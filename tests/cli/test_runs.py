"""The runs of a deployment: which are told of, by which name one is found, and what its report counted."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pca_automator.cli.deployed import runs
from pca_automator.cli.errors import FAILED, Trouble
from tests.cli.conftest import MACHINE_ARN, RUN_ARN, Deployed, deployment, error

BEGUN, ENDED = datetime(2026, 11, 23, 3, 15, tzinfo=UTC), datetime(2026, 11, 23, 3, 45, tzinfo=UTC)


def test_the_last_hundred_runs_are_listed_with_their_ends(deployed: Deployed) -> None:
    done = {"name": "run-1", "status": "SUCCEEDED", "startDate": BEGUN, "stopDate": ENDED}
    deployed.answers["ListExecutions"] = {
        "executions": [{"name": "run-2", "status": "RUNNING", "startDate": BEGUN}, done]
    }
    assert runs.listed(deployment()) == [
        {"runId": "run-2", "status": "RUNNING", "startedAt": "2026-11-23T03:15:00Z", "endedAt": None},
        {
            "runId": "run-1", "status": "SUCCEEDED", "startedAt": "2026-11-23T03:15:00Z",
            "endedAt": "2026-11-23T03:45:00Z",
        },
    ]  # fmt: skip
    runs.listed(deployment(), 7)
    assert deployed.called("ListExecutions") == [
        {"stateMachineArn": MACHINE_ARN, "maxResults": 100}, {"stateMachineArn": MACHINE_ARN, "maxResults": 7},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "newest", "broken"),
    [
        ([("verify-1", "SUCCEEDED"), ("b", "RUNNING"), ("a", "FAILED")], "b", "a"),
        ([("verify-2", "FAILED"), ("verify-1", "SUCCEEDED")], None, "verify-2"),
        ([("enrol-1", "SUCCEEDED"), ("verify-1", "SUCCEEDED"), ("a", "ABORTED")], "enrol-1", "a"),
        ([("changed-1", "SUCCEEDED"), ("a", "FAILED")], "changed-1", "a"),
        ([("a", "SUCCEEDED"), ("z", "FAILED")], "a", None),
        ([("enrol-1", "SUCCEEDED")], "enrol-1", None),
        ([], None, None),
    ],
)  # fmt: skip
def test_a_run_of_a_test_is_none_of_the_fleets_and_only_a_run_over_the_fleet_shows_that_all_is_well(
    listed: list[tuple[str, str]], newest: str | None, broken: str | None
) -> None:
    found = [{"runId": name, "status": status} for name, status in listed]
    last, broke = runs.newest(found), runs.broken(found)
    assert (last and last["runId"], broke and broke["runId"]) == (newest, broken)
    assert [runs.is_test(each) for each in ("verify-1", "a-verify-1", "verify")] == [True, False, False]


@pytest.mark.parametrize("given", ["run-1", RUN_ARN])
def test_a_run_is_found_by_its_id_and_by_its_arn(deployed: Deployed, given: str) -> None:
    deployed.answers["DescribeExecution"] = {
        "status": "FAILED", "startDate": BEGUN, "stopDate": ENDED, "error": "Broken", "cause": "it broke",
        "output": json.dumps({"report": {"Payload": {"renewed": 1, "failed": 2, "published": True}}}),
    }  # fmt: skip
    assert runs.described(deployment(), given) == {
        "runId": "run-1", "executionArn": RUN_ARN, "status": "FAILED", "startedAt": "2026-11-23T03:15:00Z",
        "endedAt": "2026-11-23T03:45:00Z", "error": "Broken", "cause": "it broke", "renewed": 1, "failed": 2,
    }  # fmt: skip
    assert deployed.called("DescribeExecution") == [{"executionArn": RUN_ARN}]


def test_a_machine_whose_name_is_like_a_part_of_its_arn_is_not_renamed(deployed: Deployed) -> None:
    listed: Any = deployed.answers["ListStackResources"]
    for each in listed["StackResourceSummaries"]:
        if each["PhysicalResourceId"] == MACHINE_ARN:
            each["PhysicalResourceId"] = "arn:aws:states:us-east-1:1:stateMachine:of:stateMachine:s"
    assert runs.arn_of(deployment(), "r") == "arn:aws:states:us-east-1:1:execution:of:stateMachine:s:r"


def test_a_run_that_there_is_not_is_a_failure_of_the_question(deployed: Deployed) -> None:
    deployed.answers["DescribeExecution"] = error("ExecutionDoesNotExist")
    with pytest.raises(Trouble, match=r"^there is no run other: pca-automator runs list$") as raised:
        runs.described(deployment(), "other")
    assert raised.value.status == FAILED


def test_a_report_is_read_where_the_run_has_written_it_and_what_aws_refuses_is_no_empty_one(deployed: Deployed) -> None:
    deployed.answers["GetObject"] = lambda _: {"Body": io.BytesIO(b'{"renewed": 3}')}
    assert runs.report(deployment(), "run-1") == {"renewed": 3}
    key = runs.runtime("renewal.work_files").report_key("run-1")
    assert deployed.called("GetObject") == [{"Bucket": "work", "Key": key}]
    for code in ("NoSuchKey", "404", "AccessDenied", "403"):
        deployed.answers["GetObject"] = error(code)
        assert runs.report(deployment(), "run-1") == {}
    deployed.answers["GetObject"] = error("NoSuchBucket")
    with pytest.raises(ClientError):
        runs.report(deployment(), "run-1")


ALL = {"renewed": 1, "failed": 2, "skipped": 3, "lost": 4, "notAttempted": 5, "rejected": 6}


@pytest.mark.parametrize(
    ("output", "counted"),
    [
        (json.dumps({"report": {"Payload": {**ALL, "published": True}}}), ALL),
        (json.dumps({"report": {**ALL, "mail": "x"}}), ALL),
        (json.dumps({"report": {"Payload": {"failed": 0}}}), {"failed": 0}),
        (json.dumps({"report": {"Payload": {"failed": "many"}}}), {}),
        (json.dumps({"report": {"Payload": {"failed": None}}}), {}),
        (json.dumps({"check": {}}), {}),
        (json.dumps({"report": "words"}), {}),
        (json.dumps([1]), {}),
        ("no JSON", {}),
        (None, {}),
    ],
)
def test_what_a_run_counted_is_read_where_it_is_and_nothing_is_made_up(output: object, counted: dict[str, int]) -> None:
    assert runs.counts(output) == counted
