"""``pca-automator hosts remove-copies``: another host's keys go when somebody says so, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.conftest import Deployed, error, host, resources

OTHERS = {"OTHER_HOSTS_KEY": f"{host(8)},{host(9)}"}


@pytest.fixture
def copied(deployed: Deployed) -> Deployed:
    """A machine that told of two others, and does what it is told."""
    document = {
        "LogicalResourceId": "AutomationDocumentsRemoveCertificate0A1B2C3D", "ResourceType": "AWS::SSM::Document",
        "PhysicalResourceId": "fleet-RemoveCertificate",
    }  # fmt: skip
    deployed.answers["ListStackResources"] = {"StackResourceSummaries": [*resources(), document]}
    deployed.live(1, notices=OTHERS, keyPath="/opt/keys/")
    sent: list[str] = []

    def send(request: Mapping[str, Any]) -> dict[str, Any]:
        sent.extend(request["Parameters"]["hostID"])
        return {"Command": {"CommandId": "11111111-2222-3333-4444-555555555555"}}

    def answer(_: Mapping[str, Any]) -> dict[str, Any]:
        kept = int(sent[-1] == host(9))
        words = f"PCA_RESULT hostID={sent[-1]} removed=true serial=1a takenOverKept={kept} clock=2026-11-26T00:00:00Z\n"
        return {"Status": "Success", "StandardOutputContent": words}

    deployed.answers["SendCommand"] = send
    deployed.answers["GetCommandInvocation"] = answer
    return deployed


def test_the_keys_that_the_machine_told_of_are_removed_by_name(copied: Deployed) -> None:
    done = copied.invoke("hosts", "remove-copies", host(1), "--yes", "--output", "json")
    assert done.exit_code == 0, done.stderr
    assert [row["keysOf"] for row in json.loads(done.stdout)] == [host(8), host(9)]
    assert [row["result"] for row in json.loads(done.stdout)] == [
        "removed", "removed, but for files of another tool that were taken over",
    ]  # fmt: skip
    orders = copied.called("SendCommand")
    assert [(order["InstanceIds"], order["DocumentName"]) for order in orders] == [
        ([host(1)], "fleet-RemoveCertificate"), ([host(1)], "fleet-RemoveCertificate"),
    ]  # fmt: skip
    assert [order["Parameters"]["hostID"] for order in orders] == [[host(8)], [host(9)]]
    assert orders[0]["Parameters"]["keyPath"] == ["/opt/keys"]
    assert "serial" not in orders[0]["Parameters"], "whatever it is"
    assert f"pca-automator revoke {host(8)} --reason KEY_COMPROMISE" in done.stderr


def test_one_that_is_named_is_removed_alone(copied: Deployed) -> None:
    assert copied.invoke("hosts", "remove-copies", host(1), "--other", host(9), "-y").exit_code == 0
    assert [order["Parameters"]["hostID"] for order in copied.called("SendCommand")] == [[host(9)]]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--other", host(1)), 2, "is the machine itself"),
        (("--other", "web-1"), 2, "'web-1' is no host id"),
        (("--other", "i-0; rm -rf /"), 2, "is no host id"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_sent(
    copied: Deployed, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = copied.invoke("hosts", "remove-copies", host(1), *arguments, "--yes")
    assert done.exit_code == status
    assert words in done.stderr
    assert copied.called("SendCommand") == []


@pytest.mark.parametrize("notices", [{}, {"OTHER_HOSTS_KEY": ""}, {"OTHER_HOSTS_KEY": "a,b"}])
def test_a_machine_that_told_of_none_has_them_named(deployed: Deployed, notices: dict[str, str]) -> None:
    deployed.live(1, notices=notices)
    done = deployed.invoke("hosts", "remove-copies", host(1), "--yes")
    assert done.exit_code == 1
    assert "name one with --other" in done.stderr


def test_an_answer_about_another_host_is_no_success(copied: Deployed) -> None:
    copied.answers["GetCommandInvocation"] = {
        "Status": "Success", "StandardOutputContent": f"PCA_RESULT hostID={host(1)} removed=true\n",
    }  # fmt: skip
    done = copied.invoke("hosts", "remove-copies", host(1), "--yes")
    assert done.exit_code == 1
    assert f"gave no answer about {host(8)}" in done.stderr


@pytest.mark.parametrize("operation", ["SendCommand", "GetCommandInvocation"])
@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("AccessDeniedException", 4, "AWS denies"), ("ThrottlingException", 5, "AWS throttles")],
)
def test_a_call_that_is_refused_is_one_line(
    copied: Deployed, operation: str, code: str, status: int, words: str
) -> None:
    copied.answers[operation] = error(code, "User is not authorized", operation)
    done = copied.invoke("hosts", "remove-copies", host(1), "--yes")
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (done.exit_code, len(said)) == (status, 1), done.stderr
    assert words in said[0]
    assert operation in said[0]


def test_show_says_how_the_keys_are_removed(copied: Deployed) -> None:
    words = " ".join(copied.invoke("hosts", "show", host(1)).stdout.split())
    assert f"OTHER_HOSTS_KEY ({host(8)},{host(9)})" in words
    assert f"pca-automator hosts remove-copies {host(1)}" in words
