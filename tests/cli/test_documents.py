"""What a program reads: each verb's document, to the last name and value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pca_automator.cli.deployed.deployment import Aws, Deployment
from pca_automator.cli.deployed.inventory import left
from pca_automator.cli.deployed.runs import ended, line
from pca_automator.cli.deployed.schedule import get_schedule
from tests.cli.conftest import RUN_ARN, Deployed, error, host, stamp

STARTED = "2026-11-23T03:15:00Z"
TROUBLE = {"code": "NO_SPACE", "phase": "CertDeploy", "message": "disk is full", "at": STARTED}


@pytest.fixture
def fleet(deployed: Deployed) -> Deployed:
    """One of each: a healthy host, one that failed, one that is retired, and what is no host."""
    deployed.live(1)
    deployed.live(2, status="FAILED", lastError=TROUBLE)
    deployed.live(3, status="RETIRED")
    deployed.put("web-1")
    return deployed


def document(deployed: Deployed, *arguments: str, code: int = 0) -> Any:
    done = deployed.invoke(*arguments, "--output", "json")
    assert done.exit_code == code, done.stderr
    answer = json.loads(done.stdout)
    for each in answer if isinstance(answer, list) else [answer]:
        seconds = each.pop("secondsLeft", None)
        assert seconds is None or 359_000 < seconds <= 360_000
    return answer


def certificate(deployed: Deployed, serial: str) -> dict[str, Any]:
    return {"serial": serial, **deployed.times(100), "left": "4 d 3 h", "due": False}


def test_hosts_are_listed_with_what_is_known_of_each(fleet: Deployed) -> None:
    no_id = "not an EC2 instance id (i-…) nor a hybrid node id (mi-…)"
    assert document(fleet, "hosts", "list") == [
        {
            "hostID": "entry-c4719afa76fa", "key": "web-1", "status": "QUARANTINED", "left": "", "due": False,
            "lastError": "HOST_ID_INVALID", "quarantine": "HOST_ID_INVALID", "reasons": [no_id],
        },
        {"hostID": host(1), "status": "DEPLOYED", "lastError": None, **certificate(fleet, "1ab")},
        {"hostID": host(2), "status": "FAILED", "lastError": "NO_SPACE", **certificate(fleet, "2ab")},
    ]  # fmt: skip
    assert document(fleet, "hosts", "lint", code=1) == [
        {
            "hostID": "entry-c4719afa76fa", "key": "web-1", "attribute": "hostID", "code": "HOST_ID_INVALID",
            "reason": f"'web-1': {no_id}",
        },
    ]  # fmt: skip


def test_a_host_is_shown_and_its_failure_explained(fleet: Deployed) -> None:
    assert document(fleet, "hosts", "show", host(1)) == {
        "hostID": host(1), "status": "DEPLOYED", "lastError": None, "history": [], "certificates": [],
        **certificate(fleet, "1ab"),
    }  # fmt: skip
    told = document(fleet, "explain", host(2))
    assert told.pop("meaning")
    assert told.pop("remedy")
    assert told == {
        "hostID": host(2), "status": "FAILED", "lastError": TROUBLE, "failures": 1,
        "next": f"pca-automator run {host(2)} --force --watch --region us-east-1", **certificate(fleet, "2ab"),
    }  # fmt: skip


def test_what_is_done_to_hosts_is_told_host_by_host(fleet: Deployed) -> None:
    assert document(fleet, "hosts", "add", host(9), "--override", "keyMode=0440", "--dry-run") == [
        {"hostID": host(9), "keyMode": "0440"}
    ]
    assert document(fleet, "hosts", "add", host(9), "--override", "keyMode=0440") == [
        {"hostID": host(9), "result": "added"}
    ]
    assert document(fleet, "hosts", "set", host(9), "--clear", "keyMode") == [
        {"hostID": host(9), "keyMode": None, "result": "changed"}
    ]
    assert document(fleet, "hosts", "retire", host(1), "--dry-run") == [
        {"hostID": host(1), "result": "would be retired"}
    ]
    assert document(fleet, "hosts", "remove", "web-1", "--dry-run") == [
        {"hostID": "entry-c4719afa76fa", "key": "web-1", "result": "would be removed"}
    ]
    assert document(fleet, "hosts", "remove-copies", host(1), "--other", host(2), "--dry-run") == [
        {"hostID": host(1), "keysOf": host(2), "result": "would be removed"}
    ]
    assert document(fleet, "revoke", host(1), "--dry-run") == {
        "hostID": host(1), "reason": "UNSPECIFIED", "goesDark": True,
        "certificates": [{"serial": "1ab", "result": "would be revoked"}],
    }  # fmt: skip


def test_a_run_is_told_from_its_start_to_its_end(fleet: Deployed) -> None:
    assert document(fleet, "run", host(1), "--force", "--dry-run") == {
        "stateMachine": RUN_ARN.replace(":execution:", ":stateMachine:").removesuffix(":run-1"), "hosts": 1,
        "input": {"hostIDs": [host(1)], "force": True},
    }  # fmt: skip
    assert document(fleet, "run", host(1)) == {"runId": "run-1", "executionArn": RUN_ARN}
    started: Any = fleet.answers["DescribeExecution"]
    assert document(fleet, "runs", "show", "run-1") == {
        "runId": "run-1", "executionArn": RUN_ARN, "status": "SUCCEEDED", "startedAt": STARTED, "endedAt": None,
        "error": None, "cause": None, "report": None,
    }  # fmt: skip
    fleet.answers["DescribeExecution"] = started | {
        "status": "FAILED", "stopDate": datetime(2026, 11, 23, 3, 45, tzinfo=UTC), "error": "Broken",
        "cause": json.dumps({"errorMessage": "it broke", "stackTrace": ["line"]}),
        "output": json.dumps({"report": {"Payload": {"deployed": 7, "failed": 2}}}),
    }  # fmt: skip
    shown = document(fleet, "runs", "show", "run-1", code=1)
    assert {name: shown[name] for name in ("status", "endedAt", "error", "cause", "failed")} == {
        "status": "FAILED", "endedAt": "2026-11-23T03:45:00Z", "error": "Broken", "cause": "it broke", "failed": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("no JSON, but words", "no JSON, but words"),
        ('{"Cause": "of the state"}', "of the state"),
        ('{"other": 1}', '{"other": 1}'),
        ('["a list"]', '["a list"]'),
        ("x" * 501, "x" * 500),
        (json.dumps({"errorMessage": "y" * 501}), "y" * 500),
        ("", None),
    ],
)
def test_the_cause_of_a_run_is_a_sentence(deployed: Deployed, cause: str, told: str | None) -> None:
    deployed.answers["DescribeExecution"] = {**deployed.answers["DescribeExecution"], "cause": cause}  # type: ignore[dict-item]
    assert document(deployed, "runs", "show", "run-1")["cause"] == told


@pytest.mark.parametrize("code", ["NoSuchKey", "404", "AccessDenied", "403"])
def test_a_run_whose_report_is_not_there_has_none_and_another_trouble_is_said(deployed: Deployed, code: str) -> None:
    deployed.answers["GetObject"] = error(code)
    assert document(deployed, "runs", "show", "run-1")["report"] is None
    deployed.answers["GetObject"] = error("SlowDown", "later", "GetObject")
    assert deployed.invoke("runs", "show", "run-1").exit_code != 0


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "InvalidArn"])
def test_a_run_that_there_is_not_is_said_and_another_trouble_is_not_taken_for_it(deployed: Deployed, code: str) -> None:
    deployed.answers["DescribeExecution"] = error(code)
    assert "there is no run other: pca-automator runs list" in deployed.invoke("runs", "show", "other").stderr
    deployed.answers["DescribeExecution"] = error("AccessDeniedException", "not you", "DescribeExecution")
    assert "there is no run" not in deployed.invoke("runs", "show", "other").stderr


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (86_400 * 4 + 3_600 * 3, "4 d 3 h"), (86_400, "1 d 0 h"), (86_400 - 60, "23 h 59 min"), (3_600, "1 h 0 min"),
        (3_599, "0 h 59 min"), (60, "0 h 1 min"), (1, "0 h 0 min"), (0, "EXPIRED 0 h 0 min ago"),
        (-86_400, "EXPIRED 1 d 0 h ago"), (-90_000, "EXPIRED 1 d 1 h ago"), (None, "no certificate"),
    ],
)  # fmt: skip
def test_a_time_is_told_in_the_two_units_that_matter(seconds: int | None, told: str) -> None:
    assert left(seconds) == told


def test_what_the_last_run_did_to_a_host_is_in_its_line(deployed: Deployed) -> None:
    deployed.live(1, lastAttempt=STARTED, lastRunId="run-7", failureCount=2, validated=True)
    (row,) = document(deployed, "hosts", "list")
    told = {name: row.get(name) for name in ("lastAttempt", "lastRunId", "failureCount", "validated")}
    assert told == {"lastAttempt": STARTED, "lastRunId": "run-7", "failureCount": 2, "validated": True}


def test_runs_are_told_in_a_line_each_with_their_failures(deployed: Deployed) -> None:
    started = {"executionArn": RUN_ARN, "name": "run-1", "startDate": datetime(2026, 11, 23, 3, 15, tzinfo=UTC)}
    deployed.answers["ListExecutions"] = {
        "executions": [{**started, "status": "SUCCEEDED"}, {**started, "name": "run-2", "status": "FAILED"}]
    }
    told = deployed.invoke("runs", "list").stdout
    assert ("run-1" in told, "run-2" in told, STARTED in told, "FAILED" in told) == (True,) * 4


def test_status_says_when_the_schedule_runs_next(deployed: Deployed) -> None:
    def next_run() -> str:
        return str(json.loads(deployed.invoke("status", "--output", "json").stdout)["nextRun"])

    schedule = {"State": "ENABLED", "ScheduleExpression": "cron(15 3,15 * * ? *)"}
    deployed.answers["GetSchedule"] = schedule
    assert next_run() > stamp(deployed.now)
    assert next_run()[11:] in ("03:15:00Z", "15:15:00Z")
    for changed, told in (
        ({"State": "DISABLED"}, "disabled"),
        ({"ScheduleExpression": "rate(12 hours)"}, "rate(12 hours)"),
        ({"ScheduleExpressionTimezone": "Etc/UTC", "ScheduleExpression": "rate(1 day)"}, "rate(1 day)"),
        ({"ScheduleExpressionTimezone": "Europe/Paris"}, "cron(15 3,15 * * ? *) in Europe/Paris"),
    ):
        deployed.answers["GetSchedule"] = {**schedule, **changed}
        assert next_run() == told
    assert {"Name": "daily"} in deployed.called("GetSchedule")
    listed: Any = deployed.answers["ListStackResources"]
    listed["StackResourceSummaries"] = [
        each for each in listed["StackResourceSummaries"] if "WorkflowSchedule" not in each["LogicalResourceId"]
    ]
    assert next_run() == "no schedule"


def test_a_host_goes_dark_of_the_one_certificate_that_it_works_with(deployed: Deployed) -> None:
    deployed.live(1)
    deployed.issued(host(1), "7cd", 50)
    told = document(deployed, "revoke", host(1), "--dry-run")
    assert (len(told["certificates"]), told["goesDark"]) == (2, True)
    deployed.live(2, status="RETIRED")
    assert document(deployed, "revoke", host(2), "--dry-run")["goesDark"] is False


def test_who_forces_a_run_is_told_that_no_budget_holds(deployed: Deployed) -> None:
    deployed.live(1)
    words = "Forced by hand: the budget of certificates for a host and day does not hold for this run."
    assert words in deployed.invoke("run", host(1), "--force").stderr
    assert words not in deployed.invoke("run", host(1)).stderr


@pytest.mark.parametrize(
    ("physical_id", "asked"),
    [
        ("daily", {"Name": "daily"}),
        ("fleet/daily", {"GroupName": "fleet", "Name": "daily"}),
        ("fleet|daily", {"GroupName": "fleet", "Name": "daily"}),
    ],
)
def test_a_schedule_is_found_in_its_group(deployed: Deployed, physical_id: str, asked: dict[str, str]) -> None:
    found = get_schedule(Deployment(Aws(), "PcaAutomator"), physical_id)
    assert found["State"] == "ENABLED"
    assert deployed.called("GetSchedule") == [asked]


def test_who_failed_and_who_was_lost_are_both_counted_of_a_run() -> None:
    run = {"runId": "run-1", "status": "SUCCEEDED", "startedAt": STARTED}
    assert line(run) == f"SUCCEEDED {STARTED} run-1"
    assert line({**run, "failed": 1}) == f"SUCCEEDED {STARTED} run-1, 1 host failed"
    assert ended({**run, "failed": 1, "lost": 2}) == f"SUCCEEDED {STARTED}, 3 hosts failed"
