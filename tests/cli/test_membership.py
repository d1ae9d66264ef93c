"""Hosts leave through the deployed function, some at a time, and whoever comes is told when it is renewed."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from pca_automator.cli.deployed import membership
from pca_automator.cli.errors import FAILED, NO_DEPLOYMENT, Trouble
from tests.cli.conftest import Deployed, deployment, host, invoked, resources


def without(deployed: Deployed, word: str) -> None:
    deployed.answers["ListStackResources"] = {
        "StackResourceSummaries": [each for each in resources() if word not in each["LogicalResourceId"]]
    }


def test_who_was_added_is_told_when_it_is_renewed(deployed: Deployed) -> None:
    assert membership.renewed_when(deployment()) == "They are renewed within a minute."
    without(deployed, "CertEnroll")
    words = "They are renewed at the next scheduled run, or now with pca-automator run."
    assert membership.renewed_when(deployment()) == words


@pytest.mark.parametrize(
    ("settings", "revokes"),
    [({"REVOKE_ON_RETIRE": "ALWAYS"}, True), ({"REVOKE_ON_RETIRE": "NEVER"}, False), ({}, False)],
)
def test_a_deployment_that_revokes_on_retirement_says_so(
    deployed: Deployed, settings: Mapping[str, str], revokes: bool
) -> None:
    deployed.answers["GetFunctionConfiguration"] = {"Environment": {"Variables": settings}}
    assert membership.revokes(deployment()) is revokes
    assert deployed.called("GetFunctionConfiguration") == [{"FunctionName": "CertRetire"}]


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_hosts_are_retired_ten_at_a_time_each_once_and_counted_together(
    deployed: Deployed, count: int, calls: list[int]
) -> None:
    """CertRetire takes them one after the other, and a client waits half a minute for an answer."""
    asked: list[dict[str, Any]] = []

    def retire(request: Mapping[str, Any]) -> Mapping[str, Any]:
        assert request["FunctionName"] == "CertRetire"
        asked.append(json.loads(request["Payload"]))
        ids = asked[-1]["hostIDs"]
        return invoked({"retired": len(ids), "revoked": 2, "commands": {ids[0]: f"command-of-{ids[0]}"}})

    deployed.answers["Invoke"] = retire
    hosts = [host(number) for number in range(count)]
    total = membership.retire(deployment(), hosts, remove_from_host=False)
    assert [len(each["hostIDs"]) for each in asked] == calls
    assert [host_id for each in asked for host_id in each["hostIDs"]] == hosts
    assert all(each["removeFromHost"] is False for each in asked)
    first = [hosts[start] for start in range(0, count, 10)]
    assert total == {
        "retired": count, "revoked": 2 * len(calls), "commands": {each: f"command-of-{each}" for each in first},
    }  # fmt: skip


def test_an_answer_that_says_nothing_counts_nothing(deployed: Deployed) -> None:
    deployed.answers["Invoke"] = lambda _: {"Payload": io.BytesIO(b""), "StatusCode": 200}
    assert membership.retire(deployment(), [host(1)], remove_from_host=True) == {
        "retired": 0, "revoked": 0, "commands": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"errorMessage": "ACCESS_REFUSED: no", "errorType": "AccessRefused"}, "ACCESS_REFUSED: no"),
        ({"errorType": "Sandbox.Timedout"}, "Sandbox.Timedout"),
        ({"errorMessage": "", "errorType": "Runtime.ExitError"}, "Runtime.ExitError"),
        ({}, "Unhandled"),
    ],
)
def test_a_function_that_fails_is_said_in_its_words_and_may_be_asked_again(
    deployed: Deployed, answer: Mapping[str, Any], words: str
) -> None:
    deployed.answers["Invoke"] = lambda _: invoked(answer, failed=True)
    with pytest.raises(Trouble) as raised:
        membership.retire(deployment(), [host(1)], remove_from_host=True)
    assert (str(raised.value), raised.value.status) == (f"CertRetire failed: {words}; it is safe to repeat", FAILED)


def test_without_the_function_nobody_is_retired(deployed: Deployed) -> None:
    without(deployed, "CertRetire")
    with pytest.raises(Trouble) as raised:
        membership.retire(deployment(), [host(1)], remove_from_host=True)
    assert raised.value.status == NO_DEPLOYMENT
    assert "has no function CertRetire" in str(raised.value)


def test_a_retirement_is_taken_back_whole_and_of_nobody_else(deployed: Deployed) -> None:
    left = {
        "status": "RETIRED",
        "retiredAt": "2026-11-23T00:00:00Z",
        "revocationReason": "SUPERSEDED",
        "keyMode": "0440",
    }
    deployed.put(host(1), **left)
    deployed.put(host(2), **left, revocationOrder="order-1")
    deployed.live(3)
    before = deployed.items()
    assert membership.restore_item(deployment(), host(1)) is True
    assert [membership.restore_item(deployment(), each) for each in (host(1), host(2), host(3), host(4))] == [False] * 4
    assert deployed.items() == before | {host(1): {"hostID": host(1), "keyMode": "0440"}}
