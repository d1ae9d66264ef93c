"""The details of events to the field, and what is said and counted where one is not taken."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from pca_runtime.errors.catalogue import remedy_for
from pca_runtime.errors.kinds import Throttled
from pca_runtime.inventory.due import RenewalPolicy, is_due
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.runway import first_percentile
from pca_runtime.reporting.events import Events, failed_detail, renewed_detail
from pca_runtime.reporting.notifications import Notifier

from tests.runtime.fakes import client_error
from tests.runtime.membership.test_asked import Scripted
from tests.runtime.pki import NOW

HOST = "i-0123456789abcdef0"
REFUSED = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Busy", "ErrorMessage": "later"}]}


def published(*answers: Any, detail: dict[str, Any] | None = None) -> tuple[bool, Scripted, list[Any]]:
    """Whether it was, what EventBridge was asked, and what was told and counted."""
    bus, told = Scripted(*answers), list[Any]()
    log: Any = SimpleNamespace(warning=lambda message, **more: told.append((message, more)))
    client: Any = bus
    events = Events(client, "fleet", log, lambda name, metrics: told.append((name, dict(metrics))))
    return events.publish("Host Renewed", detail or {"text": "\u00fc"}), bus, told


def test_an_event_goes_out_as_it_is_described() -> None:
    taken, bus, told = published({"FailedEntryCount": 0})
    assert (taken, told) == (True, [("fleet", {"EventsNotPublished": 0})])
    entry = {
        "Source": "pca-automator", "DetailType": "Host Renewed",
        "Detail": '{"version":"1","automation":"fleet","text":"\u00fc"}',
    }  # fmt: skip
    assert bus.requests == [("put_events", {"Entries": [entry]})]


@pytest.mark.parametrize(
    ("answers", "reason", "asked"),
    [
        ([REFUSED, REFUSED], "Busy: later", 2),
        ([client_error("AccessDeniedException", "PutEvents")], "PutEvents: AccessDeniedException", 1),
        ([EndpointConnectionError(endpoint_url="x")], "PutEvents: EndpointConnectionError", 1),
    ],
)
def test_why_an_event_was_not_taken_is_said_and_counted(answers: list[Any], reason: str, asked: int) -> None:
    taken, bus, told = published(*answers)
    assert not taken
    (warning, words), counted = told
    assert (warning, words["detail_type"]) == ("event not published", "Host Renewed")
    assert reason in words["reason"]
    assert counted == ("fleet", {"EventsNotPublished": 1})
    assert len(bus.requests) == asked


def test_an_event_that_was_refused_once_is_taken_the_second_time() -> None:
    taken, bus, told = published(REFUSED, {})
    assert (taken, len(bus.requests), told) == (True, 2, [("fleet", {"EventsNotPublished": 0})])


def test_an_event_that_is_too_large_says_by_how_much() -> None:
    taken, bus, told = published(detail={"text": "x" * 262_144})
    assert (taken, bus.requests) == (False, [])
    size = 262_144 + len('pca-automatorHost Renewed{"version":"1","automation":"fleet","text":""}')
    assert told[0][1]["reason"] == f"the entry has {size} bytes, 262144 are allowed"


ITEM = {
    "hostID": HOST, "status": "DEPLOYED", "serial": "0a", "expiry": "2026-11-30T13:15:00Z", "validated": True,
    "renewalDate": "2026-11-28T13:15:00Z", "certificateArn": "arn:new", "previousSerial": "0b", "lastRunId": "run-1",
    "notices": {"HOOKS_SKIPPED": "x", "HELPER_GONE": ""}, "failureCount": 2,
    "lastError": {"phase": "CertCSR", "code": "NO_SPACE", "message": "full"},
}  # fmt: skip


def test_a_renewal_is_told_in_these_fields() -> None:
    expected = {
        "hostID": HOST, "runId": "run-1", "serial": "0a", "expiry": "2026-11-30T13:15:00Z",
        "renewalDate": "2026-11-28T13:15:00Z", "certificateArn": "arn:new", "validated": True,
        "notices": ["HELPER_GONE", "HOOKS_SKIPPED"], "previousSerial": "0b",
    }  # fmt: skip
    assert renewed_detail(HostItem.of({**ITEM, "failureCount": 2}, NOW)) == expected
    bare = renewed_detail(HostItem.of({"hostID": HOST}, NOW))
    assert bare == {**dict.fromkeys(expected), "hostID": HOST, "validated": False, "notices": []}


def test_a_failure_is_told_in_these_fields() -> None:
    code_item: dict[str, Any] = json.loads(json.dumps({**ITEM, "failureCount": None}))
    remedy = remedy_for("NO_SPACE", "full").replace("`", "").replace("<id>", HOST)
    detail = failed_detail(HostItem.of(code_item, NOW), NOW + timedelta(seconds=1))
    assert detail.pop("remedy").replace("\n", "").replace(" ", "") == remedy.replace(" ", "")
    assert detail == {
        "hostID": HOST, "runId": "run-1", "phase": "CertCSR", "code": "NO_SPACE", "message": "full",
        "failureCount": 1, "expiry": "2026-11-30T13:15:00Z", "secondsLeft": 7 * 24 * 3600 - 1,
    }  # fmt: skip
    bare = failed_detail(HostItem.of({"hostID": HOST}, NOW), NOW)
    assert (bare["phase"], bare["code"], bare["message"], bare["expiry"], bare["secondsLeft"]) == (
        "",
        "",
        "",
        None,
        None,
    )


def test_a_message_goes_to_the_topic_as_it_is() -> None:
    sns: Any = Scripted({}, client_error("ThrottlingException"))
    Notifier(sns, "arn:topic").publish("subject", "message")
    assert sns.requests == [("publish", {"TopicArn": "arn:topic", "Subject": "subject", "Message": "message"})]
    with pytest.raises(Throttled, match=": Publish: ThrottlingException"):
        Notifier(sns, "arn:topic").publish("subject", "message")


SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("renewal", "expiry", "abandoned", "due"),
    [
        (NOW, NOW + 9 * DAY, False, True), (NOW + SECOND, NOW + 9 * DAY, False, False),
        (NOW + DAY, NOW + 12 * HOUR, False, True), (NOW + DAY, NOW + 12 * HOUR + SECOND, False, False),
        (None, NOW + 9 * DAY, False, True), (NOW + DAY, None, False, True), (NOW + DAY, NOW + 9 * DAY, True, True),
    ],
)  # fmt: skip
def test_a_host_is_due_to_the_second(renewal: Any, expiry: Any, abandoned: bool, due: bool) -> None:
    found = is_due(renewal_date=renewal, expiry=expiry, abandoned=abandoned, now=NOW, next_run=12 * HOUR)
    assert found is due


def test_the_share_of_the_window_that_a_host_has_never_changes() -> None:
    """Else an update would renew a part of the fleet at once."""
    policy = RenewalPolicy(2 * DAY, timedelta(seconds=2**32))
    shares = [policy.jitter_of(f"i-{number:08x}").total_seconds() for number in range(3)]
    assert shares == [3958047862, 1546380169, 2655406398]
    assert policy.renewal_date("i-00000000", NOW) == NOW - 2 * DAY - timedelta(seconds=shares[0])
    assert RenewalPolicy(2 * DAY).renewal_date(HOST, NOW) == NOW - 2 * DAY


@pytest.mark.parametrize(("count", "found"), [(1, 0), (99, 0), (100, 1), (199, 1), (200, 2)])
def test_one_in_a_hundred_is_left_out_of_the_percentile(count: int, found: int) -> None:
    assert first_percentile(list(reversed(range(count)))) == found
    assert first_percentile([]) is None
