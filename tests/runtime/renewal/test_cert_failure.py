"""CertFailure: the reason is recorded once, and only by the run that holds the host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pca_runtime.errors.kinds import InvalidInput

from tests.runtime.conftest import HOST, World
from tests.runtime.renewal.steps import LIVE, RUN, USERS, fail, host, until_csr


def lambda_cause(message: str) -> str:
    """As Step Functions passes on an error of a Python function."""
    return json.dumps({"errorMessage": message, "errorType": "X", "requestId": "r", "stackTrace": ["..."]})


@pytest.mark.parametrize(
    ("error", "cause", "code", "message"),
    [
        ("CsrFailed", lambda_cause("NO_SPACE: no space is left"), "NO_SPACE", "no space is left"),
        ("LeaseLost", lambda_cause("x: y"), "LeaseLost", "x: y"),
        ("HostUnreachable", "HOST_UNKNOWN_TO_SSM: gone", "HOST_UNKNOWN_TO_SSM", "gone"),
        ("CsrTimedOut", "the host did not finish within 180 s", "CsrTimedOut", "the host did not finish within 180 s"),
        ("States.Timeout", "", "States.Timeout", "States.Timeout without a cause"),
        ("Lambda.Unknown", '{"errorMessage": 5}', "Lambda.Unknown", '{"errorMessage": 5}'),
        ("Sandbox.Timedout", '{"errorMessage": "cut off', "Sandbox.Timedout", '{"errorMessage": "cut off'),
        ("", "", "Unknown", "Unknown without a cause"),
    ],
)
def test_reads_every_form_in_which_step_functions_passes_an_error(
    world: World, error: str, cause: str, code: str, message: str
) -> None:
    world.put()
    until_csr(world)
    assert fail(world, "CertIssue", error, cause) == {"recorded": True, "phase": "CertIssue", "code": code}
    assert world.item()["lastError"] == {
        "phase": "CertIssue",
        "code": code,
        "message": message,
        "at": "2026-11-23T13:15:00Z",
    }


@pytest.mark.parametrize("cause", ["[" * 32_768, '{"a":' * 6_000, "9" * 32_768, '{"errorMessage": ' + "[" * 30_000])
def test_a_cause_that_no_parser_gets_through_is_recorded_too(world: World, cause: str) -> None:
    """SendTaskFailure takes 32,768 characters from whoever has the token of the task."""
    world.put()
    until_csr(world)
    assert fail(world, "CertIssue", "X", cause)["recorded"]
    last_error = world.item()["lastError"]
    assert (last_error["code"], last_error["message"]) == ("X", cause[:1_000])


def test_an_error_without_a_cause_is_no_reason_to_fail(world: World) -> None:
    world.put()
    assert world.invoke("cert_failure", {**host(), "phase": "CertCSR", "error": {"Error": "X"}})["recorded"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"Error": "X", "Cause": None}, "X", "X without a cause"),
        ({"Error": None, "Cause": None}, "Unknown", "Unknown without a cause"),
        ({"Cause": {"reason": "odd"}}, "Unknown", '{"reason": "odd"}'),
        ({"Error": 5, "Cause": ["a"]}, "5", '["a"]'),
        ({}, "Unknown", "Unknown without a cause"),
        (None, "Unknown", "Unknown without a cause"),
        ("NO_SPACE: no space is left", "NO_SPACE", "no space is left"),
        ([1], "Unknown", "[1]"),
        (..., "Unknown", "Unknown without a cause"),
    ],
)
def test_no_form_of_an_error_keeps_the_failure_from_being_recorded(
    world: World, error: Any, code: str, message: str
) -> None:
    """An ellipsis stands for an input that has none at all."""
    world.put()
    until_csr(world)
    given = {} if error is ... else {"error": error}
    assert world.invoke("cert_failure", {**host(), "phase": "CertCSR", **given})["code"] == code
    assert world.item()["lastError"]["message"] == message
    assert "leaseUntil" not in world.item()


def test_lets_the_host_go_and_counts(world: World) -> None:
    world.put(**LIVE, **USERS, failureCount=2)
    until_csr(world)
    fail(world, "CertCSR", "CsrFailed", "x")
    item = world.item()
    assert (item["status"], item["failureCount"], item["lastRunId"]) == ("FAILED", 3, RUN)
    assert item["lastAttempt"] == "2026-11-23T13:15:00Z"
    assert not {"pending", "runId", "leaseUntil"} & item.keys()


def test_a_repeated_call_counts_once(world: World) -> None:
    world.put()
    until_csr(world)
    fail(world, "CertCSR", "CsrFailed", "x")
    before = world.item()
    assert fail(world, "CertCSR", "CsrFailed", "x")["recorded"] is False
    assert world.item() == before
    assert before["failureCount"] == 1


def test_a_host_that_failed_is_free_for_the_next_run(world: World) -> None:
    world.put()
    until_csr(world)
    fail(world, "CertCSR", "CsrFailed", "x")
    assert world.invoke("cert_csr", host("run-2"))["state"] == "SENT"


def test_records_also_when_the_claim_itself_failed(world: World) -> None:
    world.put(**LIVE)
    assert fail(world, "CertCSR", "Throttled", "x")["recorded"]
    assert world.item()["status"] == "FAILED"


def test_records_over_a_lease_that_ran_out(world: World) -> None:
    world.put(status="RENEWING", runId="other", leaseUntil="2026-11-23T13:14:59Z", pending={})
    assert fail(world, "CertCSR", "X", "x")["recorded"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": "RENEWING", "runId": "other", "leaseUntil": "2026-11-23T13:15:01Z", "pending": {"requestId": "x"}},
        {**LIVE, "lastRunId": RUN},
        {**LIVE, "status": "FAILED", "lastRunId": RUN},
        {**LIVE, "status": "RETIRED"},
    ],
)
def test_writes_nothing_where_another_end_stands(world: World, attributes: dict[str, Any]) -> None:
    world.put(**attributes)
    before = world.item()
    assert fail(world, "CertIssue", "X", "x")["recorded"] is False
    assert world.item() == before


def test_a_host_retired_meanwhile_stays_retired_and_loses_what_was_in_flight(world: World) -> None:
    world.put(**USERS)
    until_csr(world)
    world.put(**{**{key: value for key, value in world.item().items() if key != "hostID"}, "status": "RETIRED"})
    fail(world, "CertIssue", "LeaseLost", "x")
    assert world.item() == {"hostID": HOST, **USERS, "status": "RETIRED"}


def test_never_makes_an_item_for_a_host_that_is_not_in_the_inventory(world: World) -> None:
    assert fail(world, "CertCSR", "HostNotInInventory", "x")["recorded"] is False
    assert world.item() == {}


def test_a_long_message_is_cut(world: World) -> None:
    world.put()
    fail(world, "CertCSR", "X", "x" * 30_000)
    assert len(world.item()["lastError"]["message"]) == 1_000


def test_a_long_code_of_a_host_is_cut(world: World) -> None:
    world.put()
    fail(world, "CertCSR", "X", f"EVIL_{'X' * 9_000}: x")
    assert world.item()["lastError"]["code"] == f"EVIL_{'X' * 59}"


def test_an_unknown_phase_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="phase"):
        fail(world, "Somewhere", "X", "x")
