"""A document that is sent to one host is waited for, and whatever comes of it is said once, as whose trouble it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from pca_automator.cli.deployed import host_command
from pca_automator.cli.errors import FAILED, REFUSED, UNAVAILABLE, Trouble, trouble_of
from pca_automator.cli.runtime import runtime
from tests.cli.conftest import Deployed, deployment, error, host

COMMAND = "11111111-2222-3333-4444-555555555555"


class Clock:
    """Goes on while somebody sleeps, and not otherwise."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(host_command, "time", SimpleNamespace(monotonic=found.monotonic, sleep=found.sleep))
    deployed.answers["SendCommand"] = {"Command": {"CommandId": COMMAND}}
    return found


def answer() -> str:
    order = runtime("hosts.commands").Order("fleet-InspectCertificate", host(1), {"hostID": host(1)}, "look", 60)
    return host_command.answer_of(deployment(), order)


def after(polls: int, last: Mapping[str, Any]) -> Any:
    """The host is at work, so many times."""
    left = [{"Status": "InProgress"}] * polls
    return lambda _: left.pop() if left else last


def test_it_is_asked_once_a_second_until_there_is_an_answer(deployed: Deployed, clock: Clock) -> None:
    deployed.answers["GetCommandInvocation"] = after(3, {"Status": "Success", "StandardOutputContent": "words"})
    assert answer() == "words"
    assert clock.slept == [1.0] * 3
    assert deployed.called("GetCommandInvocation") == [{"CommandId": COMMAND, "InstanceId": host(1)}] * 4
    assert len(deployed.called("SendCommand")) == 1


def test_an_answer_may_be_empty(deployed: Deployed, clock: Clock) -> None:
    deployed.answers["GetCommandInvocation"] = after(0, {"Status": "Success"})
    assert (answer(), clock.slept) == ("", [])


@pytest.mark.parametrize(("polls", "answers"), [(89, True), (90, False)])
def test_who_does_not_answer_in_a_minute_and_a_half_is_named_with_the_command(
    deployed: Deployed, clock: Clock, polls: int, answers: bool
) -> None:
    deployed.answers["GetCommandInvocation"] = after(polls, {"Status": "Success", "StandardOutputContent": "late"})
    if answers:
        assert answer() == "late"
        assert clock.now == 1_089.0
        return
    with pytest.raises(Trouble) as raised:
        answer()
    words = f"{host(1)} did not answer within 90 s: command {COMMAND}"
    assert (str(raised.value), raised.value.status) == (words, FAILED)


@pytest.mark.usefixtures("clock")
def test_what_a_host_cannot_do_is_its_own_trouble(deployed: Deployed) -> None:
    said = {"Status": "Failed", "StandardOutputContent": "PCA_ERROR NO_SPACE no space on /var\n"}
    deployed.answers["GetCommandInvocation"] = after(0, said)
    with pytest.raises(Trouble, match=f'^{host(1)}: NO_SPACE the host says: "no space on /var"$') as raised:
        answer()
    assert raised.value.status == FAILED
    deployed.answers["SendCommand"] = error("InvalidInstanceId")
    with pytest.raises(Trouble, match=f"^{host(1)}: HOST_UNKNOWN_TO_SSM ") as raised:
        answer()
    assert raised.value.status == FAILED


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (error("AccessDeniedException", "no", "SendCommand", 403), REFUSED),
        (error("ThrottlingException", "slow", "SendCommand"), UNAVAILABLE),
        (error("InternalServerError", "oh", "SendCommand", 500), UNAVAILABLE),
        (EndpointConnectionError(endpoint_url="https://ssm"), UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("operation", ["SendCommand", "GetCommandInvocation"])
@pytest.mark.usefixtures("clock")
def test_what_aws_answers_whoever_asks_is_not_laid_at_the_hosts_door(
    deployed: Deployed, operation: str, refusal: Exception, status: int
) -> None:
    deployed.answers[operation] = refusal
    with pytest.raises(runtime("errors.kinds").PcaAutomatorError) as raised:
        answer()
    trouble = trouble_of(raised.value)
    assert trouble is not None
    assert trouble.status == status
    assert host(1) not in str(trouble)
