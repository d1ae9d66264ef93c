"""Events tell of what is recorded; none of them can hurt a renewal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from pca_runtime.observability.invocation import emit, logger
from pca_runtime.reporting.events import ENTRY_MAX, Events

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CrashError, FakeEventBridge, client_error
from tests.runtime.renewal.steps import LIVE, RUN, completed, fail, finish, issuance_event, issue, renew, until_csr
from tests.runtime.renewal.test_cert_check import metrics


def installing(world: World, **attributes: Any) -> dict[str, Any]:
    world.put(**attributes)
    world.invoke("cert_deploy", issuance_event(issue(world)))
    return completed(world)


def test_a_renewal_is_told_with_the_certificate_that_is_live_now(world: World) -> None:
    world.put(**LIVE)
    renew(world)
    (event,) = world.events.events
    item = world.item()
    assert (event["Source"], event["DetailType"]) == ("pca-automator", "Host Renewed")
    assert event["Detail"] == {
        "version": "1",
        "automation": "fleet",
        "hostID": HOST,
        "runId": RUN,
        "serial": item["serial"],
        "expiry": item["expiry"],
        "renewalDate": item["renewalDate"],
        "certificateArn": item["certificateArn"],
        "validated": item["validated"],
        "notices": [],
        "previousSerial": "0abc",
    }


def test_a_failure_is_told_with_its_cause_its_remedy_and_the_time_left(world: World) -> None:
    world.put(**LIVE, failureCount=2)
    until_csr(world)
    fail(world, "CertCSRStatus", "CsrFailed", "NO_SPACE: no space is left")
    (detail,) = world.events.details("Host Renewal Failed")
    assert "space" in detail.pop("remedy")
    assert detail == {
        "version": "1",
        "automation": "fleet",
        "hostID": HOST,
        "runId": RUN,
        "phase": "CertCSRStatus",
        "code": "NO_SPACE",
        "message": "no space is left",
        "failureCount": 3,
        "expiry": "2026-11-25T12:00:00Z",
        "secondsLeft": 46 * 3600 + 45 * 60,
    }


def test_a_host_without_a_certificate_has_no_time_left_to_tell(world: World) -> None:
    world.put()
    fail(world, "CertCSR", "X", "x")
    (detail,) = world.events.details("Host Renewal Failed")
    assert (detail["expiry"], detail["secondsLeft"]) == (None, None)


def test_waiting_is_no_news(world: World) -> None:
    install = installing(world)
    world.ssm.invocations[install["installCommandId"]].update(Status="InProgress")
    assert finish(world, install)["state"] == "PENDING"
    assert world.events.calls == []


def test_what_was_not_recorded_is_not_told(world: World) -> None:
    world.put(**{**LIVE, "status": "RETIRED"})
    fail(world, "CertIssue", "X", "x")
    assert world.events.calls == []


def test_an_answer_that_was_lost_does_not_lose_the_event(world: World) -> None:
    install = installing(world)
    world.dynamodb.crash_after("update_item")
    with pytest.raises(CrashError):
        finish(world, install)
    assert world.events.events == []
    finish(world, install)
    assert [detail["hostID"] for detail in world.events.details("Host Renewed")] == [HOST]


def test_a_failure_whose_answer_was_lost_is_told_too(world: World) -> None:
    world.put()
    world.dynamodb.crash_after("update_item")
    with pytest.raises(CrashError):
        fail(world, "CertCSR", "X", "x")
    assert fail(world, "CertCSR", "X", "x")["recorded"] is False
    assert len(world.events.details("Host Renewal Failed")) == 1


TROUBLE = [
    client_error("AccessDeniedException", "PutEvents"),
    client_error("ThrottlingException", "PutEvents"),
    client_error("InternalException", "PutEvents", 500),
    EndpointConnectionError(endpoint_url="https://events.example.com"),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda error: str(error)[:40])
def test_no_trouble_of_eventbridge_fails_a_renewal(
    world: World, trouble: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    install = installing(world)
    world.events.fail("put_events", trouble)
    capsys.readouterr()
    assert finish(world, install)["state"] == "DEPLOYED"
    assert world.item()["status"] == "DEPLOYED"
    assert metrics(capsys) == {"EventsNotPublished": 1}


def test_no_trouble_of_eventbridge_keeps_a_failure_from_being_recorded(world: World) -> None:
    world.put()
    world.events.fail("put_events", TROUBLE[0])
    assert fail(world, "CertCSR", "X", "x")["recorded"]
    assert world.item()["status"] == "FAILED"


def test_an_event_that_was_taken_counts_as_zero_lost(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    install = installing(world)
    capsys.readouterr()
    finish(world, install)
    assert metrics(capsys) == {"EventsNotPublished": 0}


@pytest.mark.parametrize(("refusals", "taken", "calls"), [(0, True, 1), (1, True, 2), (2, False, 2), (9, False, 2)])
def test_an_entry_that_was_refused_in_a_call_that_succeeded_is_put_again_once(
    refusals: int, taken: bool, calls: int
) -> None:
    bus = FakeEventBridge()
    bus.refuse = refusals
    assert Events(bus, "fleet", logger, emit).publish("Host Renewed", {}) is taken
    assert (bus.count("put_events"), len(bus.events)) == (calls, int(taken))


@pytest.mark.parametrize(("extra", "taken"), [(0, True), (1, False)])
def test_what_is_larger_than_an_entry_may_be_is_not_even_tried(extra: int, taken: bool) -> None:
    bus = FakeEventBridge()
    empty = json.dumps({"version": "1", "automation": "fleet", "text": ""}, separators=(",", ":"))
    room = ENTRY_MAX - len("pca-automator") - len("Host Renewed") - len(empty)
    text = "ü" * (room // 2) + "x" * (room % 2 + extra)
    assert Events(bus, "fleet", logger, emit).publish("Host Renewed", {"text": text}) is taken
    assert bus.count("put_events") == int(taken)


def test_what_a_person_wrote_into_the_item_does_no_harm(world: World) -> None:
    install = installing(world, previousSerial={"a", "b"}, failureCount=1)
    assert finish(world, install)["state"] == "DEPLOYED"
    assert world.events.details("Host Renewed")[0]["previousSerial"] is None
