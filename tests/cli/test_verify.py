"""``pca-automator verify``: real hosts are never touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.conftest import MACHINE_ARN, TOPIC_ARN, WRITES_CRL, Deployed, error, host, stamp


def a_workflow(deployed: Deployed, *, published: bool = True, code: str = "HOST_UNKNOWN_TO_SSM") -> None:
    """What CertCheck, the map and CertReport would make of the test's runs."""
    outputs: list[dict[str, Any]] = []

    def start(request: Mapping[str, Any]) -> dict[str, Any]:
        wanted = json.loads(request["input"])
        items = deployed.items()
        known = [host_id for host_id in wanted["hostIDs"] if host_id in items]
        failed = len(known) if wanted.get("force") else 0
        for host_id in known if failed else []:
            expiry = items[host_id]["expiry"]
            deployed.put(host_id, selfTest=True, status="FAILED", expiry=expiry, lastError={"code": code})
        rejected = len(wanted["hostIDs"]) - len(known)
        report = {"failed": failed, "rejected": rejected, "published": published}
        outputs.append({"check": {"Payload": {"due": failed}}, "report": {"Payload": report}})
        return {"executionArn": f"{MACHINE_ARN}:run", "startDate": deployed.now}

    deployed.answers["StartExecution"] = start
    deployed.answers["DescribeExecution"] = lambda _: {
        "status": "SUCCEEDED", "startDate": deployed.now, "output": json.dumps(outputs[-1] if outputs else {}),
    }  # fmt: skip


def results(deployed: Deployed, *options: str) -> tuple[int, dict[str, str]]:
    done = deployed.invoke("verify", "--yes", "--hosts", "3", "--output", "json", *options)
    return done.exit_code, {row["check"]: row["result"] for row in json.loads(done.stdout)}


def test_a_good_deployment_passes_and_is_left_as_it_was(deployed: Deployed) -> None:
    deployed.live(1)
    before = deployed.items()
    a_workflow(deployed)
    status, found = results(deployed)
    assert {"run without work", "unknown host", "load of 3 invalid hosts", "notification"} <= set(found)
    # Nobody has subscribed, and the message comes to nobody.
    assert (status, {name: result for name, result in found.items() if result != "ok"}) == (
        0, {"notification": "warning"},
    )  # fmt: skip
    assert deployed.items() == before


def test_only_marked_test_entries_are_named_in_runs(deployed: Deployed) -> None:
    deployed.live(1)
    a_workflow(deployed)
    results(deployed)
    inputs = [json.loads(request["input"]) for request in deployed.called("StartExecution")]
    assert len(inputs) == 3
    assert all(host_id.startswith("mi-00000000000") for each in inputs for host_id in each["hostIDs"])
    for request in [*deployed.called("PutItem"), *deployed.called("DeleteItem")]:
        assert "selfTest = :yes" in request["ConditionExpression"]


def test_an_entry_that_is_not_the_tests_own_is_not_overwritten(deployed: Deployed) -> None:
    deployed.put("mi-00000000000000001", keyPath="/real")
    a_workflow(deployed)
    done = deployed.invoke("verify", "--yes", "--hosts", "1")
    assert done.exit_code == 1
    assert deployed.items() == {"mi-00000000000000001": {"hostID": "mi-00000000000000001", "keyPath": "/real"}}


@pytest.mark.parametrize(
    ("operation", "answer", "check"),
    [
        ("DescribeCertificateAuthority", {"CertificateAuthority": {"Status": "DISABLED", **WRITES_CRL}}, "private CA"),
        ("GetTrustAnchor", {"trustAnchor": {"enabled": False}}, "trust anchor"),
        (
            "GetSchedule",
            {"State": "DISABLED", "ScheduleExpression": "rate(1 day)"},
            "schedule, schedule RevocationReconciliation",
        ),
        ("DescribeStateMachine", error("AccessDeniedException"), "workflow"),
        (
            "GetQueueAttributes",
            {"Attributes": {"ApproximateNumberOfMessages": "2"}},
            "queue DeadLetters",
        ),
    ],
)
def test_a_part_that_does_not_work_is_named(deployed: Deployed, operation: str, answer: Any, check: str) -> None:
    deployed.answers[operation] = answer
    status, found = results(deployed, "--components-only")
    assert (status, [name for name, result in found.items() if result == "failed"]) == (1, check.split(", "))
    assert deployed.called("StartExecution") == []


def test_a_missing_message_and_a_wrong_reason_are_found(deployed: Deployed) -> None:
    a_workflow(deployed, published=False, code="INTERNAL")
    status, found = results(deployed)
    failed = [name for name, result in found.items() if result == "failed"]
    assert (status, failed) == (1, ["load of 3 invalid hosts", "notification"])


def test_a_run_that_fails_is_found_and_the_entries_are_removed(deployed: Deployed) -> None:
    a_workflow(deployed)
    deployed.answers["DescribeExecution"] = {"status": "FAILED", "error": "RunStopped"}
    status, found = results(deployed)
    assert (status, found["run without work"]) == (1, "failed")
    assert deployed.items() == {}


def test_what_status_warns_of_verify_warns_of(deployed: Deployed) -> None:
    nobody = {"Attributes": {"TopicArn": TOPIC_ARN, "SubscriptionsConfirmed": "0", "SubscriptionsPending": "0"}}
    deployed.answers["GetTopicAttributes"] = nobody
    status, found = results(deployed, "--components-only")
    assert (status, found["topic"]) == (0, "warning")
    assert set(found.values()) == {"ok", "warning"}
    subscribed = {"Attributes": {"TopicArn": TOPIC_ARN, "SubscriptionsConfirmed": "1", "SubscriptionsPending": "0"}}
    deployed.answers["GetTopicAttributes"] = subscribed
    assert results(deployed, "--components-only")[1]["topic"] == "ok"


def test_the_runs_of_a_test_are_no_runs_of_the_fleet(deployed: Deployed) -> None:
    """Their hosts fail as they must: status speaks of the run before them, and of what broke it."""
    a_workflow(deployed)
    results(deployed)
    names = [request["name"] for request in deployed.called("StartExecution")]
    assert len(set(names)) == len(names) == 3
    of_the_fleet = "6e3c0000-run"
    endings = dict.fromkeys(names, "SUCCEEDED") | {of_the_fleet: "FAILED"}
    deployed.answers["ListExecutions"] = {
        "executions": [{"name": name, "status": endings[name], "startDate": deployed.now} for name in endings]
    }
    payload = {"report": {"Payload": {"failed": 3}}}

    def described(request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["executionArn"].rpartition(":")[2]
        return {"status": endings[name], "startDate": deployed.now, "output": json.dumps(payload)}

    deployed.answers["DescribeExecution"] = described
    done = deployed.invoke("status", "--output", "json")
    answer = json.loads(done.stdout)
    assert answer["lastRun"]["runId"] == of_the_fleet
    assert [text for text in answer["troubles"] if "run" in text] == ["the last run ended FAILED"]
    endings[of_the_fleet] = "SUCCEEDED"
    shown = deployed.invoke("runs", "show", names[0])
    assert (shown.exit_code, "test entries, which fail as they must" in shown.output) == (0, True)
    assert deployed.invoke("runs", "show", of_the_fleet).exit_code == 1


def test_where_only_tests_have_run_there_was_no_run(deployed: Deployed) -> None:
    found = {"name": "verify-1", "status": "SUCCEEDED", "startDate": deployed.now}
    deployed.answers["ListExecutions"] = {"executions": [found]}
    assert json.loads(deployed.invoke("status", "--output", "json").stdout)["lastRun"] is None
    (line,) = (line for line in deployed.invoke("status").stdout.splitlines() if "last run" in line)
    assert line.split()[-2:] == ["none", "yet"]


def test_dry_run_and_no_write_nothing(deployed: Deployed) -> None:
    assert deployed.invoke("verify", "--dry-run").exit_code == 0
    assert deployed.invoke("verify", input="n\n").exit_code == 1
    assert deployed.called("PutItem") == []
    assert deployed.called("StartExecution") == []


def test_the_test_entries_are_never_due(deployed: Deployed) -> None:
    """What a scheduled run would see in the middle of a test."""
    a_workflow(deployed)
    seen: list[dict[str, Any]] = []
    started = deployed.answers["StartExecution"]

    def start(request: Mapping[str, Any]) -> Any:
        seen.extend(json.loads(deployed.invoke("hosts", "list", "--output", "json").stdout))
        assert callable(started)
        return started(request)

    deployed.answers["StartExecution"] = start
    results(deployed)
    assert seen
    assert not any(row["due"] for row in seen)
    assert all(row["expiry"] > stamp(deployed.now) for row in seen)
    assert host(1) not in {row["hostID"] for row in seen}
