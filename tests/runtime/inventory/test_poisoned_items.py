"""Whoever may write one item of the inventory, with any attribute in it, stops nobody else's renewal or departure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from pca_runtime.shared.expressions import Stored

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN
from tests.runtime.membership.rig import LIVE, Members, ec2_event, enter, record
from tests.runtime.pki import make_csr
from tests.runtime.renewal.steps import RUN, fail, renew, until_csr
from tests.runtime.renewal.test_cert_check import host_id
from tests.runtime.reporting.test_cert_report import document, listed, report

GONE, REMOVED = host_id(1), host_id(2)
RETIRED = {"retiredAt": "2026-11-23T13:00:00Z", "revocationOrder": "CESSATION_OF_OPERATION"}
# What DynamoDB can hold, in every kind, and text that no person would want in a mail.
VALUES: dict[str, Any] = {
    "empty": "",
    "long": "x" * 100_000,
    "lines": "a\r\nb\x1b[2J\u202ec",
    "number": Decimal("-1.5"),
    # 101 digits: DynamoDB takes it, boto3's deserializer raises decimal.Rounded.
    "long number": Stored({"N": "1" + "0" * 100}),
    "small number": Stored({"N": "-1E-130"}),
    "long numbers": Stored({"NS": ["1" + "0" * 100, "1E+125"]}),
    "deep": Stored({"M": {"a": {"L": [{"M": {"b": {"N": "9" * 38 + "E+80"}}}]}}}),
    "truth": True,
    "nothing": None,
    "bytes": b"\xff\x00",
    "list": [1, "a", {"b": {"c"}}],
    "map": {"requestId": 7, "code": {"a": ["x" * 50_000]}, "taskToken": 1, "serial": "zz", "certificateArn": 5},
    "map of texts": {"serial": "-1", "certificateArn": "x" * 300, "code": "x" * 300_000, "requestId": ""},
    "map of bytes": dict.fromkeys(("serial", "certificateArn", "code", "phase", "message", "requestId"), b"\xff"),
    "texts": {"zz", "-1", "0", "f" * 300, " 0b", "0x0c", "00"},
    "numbers": {Decimal(1), Decimal(2)},
    "bytes in a set": {b"a", b"b"},
    "first day": "0001-01-01T00:00:00Z",
    "last day": "9999-12-31T23:59:59Z",
}
# Those that differ most; all of them are in make test-long.
SOME = ("long", "lines", "long number", "deep", "nothing", "map", "map of bytes", "texts", "last day")
EACH_VALUE = [value if value in SOME else pytest.param(value, marks=pytest.mark.long) for value in VALUES]
ATTRIBUTES = (
    "status", "serial", "expiry", "renewalDate", "certificateArn", "validated", "runId", "leaseUntil", "pending",
    "lastRunId", "lastAttempt", "lastError", "failureCount", "previousSerial", "retiredAt", "revocationReason",
    "revocationOrder", "notices", "dnsNames", "certPath", "keyMode", "bundle", "unknown",
)  # fmt: skip
# What decides over a renewal, and is the system's own.
OWN = (
    "status", "serial", "expiry", "renewalDate", "certificateArn", "validated", "runId", "leaseUntil", "pending",
    "lastRunId", "lastAttempt", "lastError", "failureCount", "previousSerial", "notices",
)  # fmt: skip


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def poison(members: Members, value: str) -> dict[str, dict[str, Any]]:
    """A host for each attribute, all of them there."""
    items = {
        host_id(number): {**LIVE, name: VALUES[value]} for number, name in enumerate(ATTRIBUTES, 100)
    }  # fmt: skip
    for name, item in items.items():
        members.world.put(name, **item)
        members.ec2.instances[name] = ("running", {})
    return items


def in_a_stream(number: int, before: dict[str, Any], after: dict[str, Any] | None) -> dict[str, Any]:
    """A record as Lambda gives it: bytes in base64."""
    return dict(json.loads(json.dumps(record(number, before, after), default=lambda b: base64.b64encode(b).decode())))


@pytest.mark.parametrize("value", EACH_VALUE)
def test_poisoned_items_hold_up_no_run_and_no_report(members: Members, value: str) -> None:
    world = members.world
    poison(members, value)
    world.put(HOST)
    listed(world, {"reissue": "all"})
    assert HOST in [line["hostID"] for line in world.lines(f"runs/{RUN}/hosts.jsonl")]
    world.later(minutes=1)
    renew(world)
    assert report(world)["renewed"] == 1
    world.invoke("cert_digest", {})
    assert len(world.inbox.messages()) == 2


@pytest.mark.parametrize("value", EACH_VALUE)
def test_poisoned_items_hold_up_no_departure(members: Members, value: str) -> None:
    items = poison(members, value)
    members.world.put(GONE, **{**LIVE, "serial": "0d"})
    members.invoke("cert_retire", {"reconcile": True})
    assert members.world.item(GONE)["status"] == "RETIRED"
    records = [in_a_stream(number, {"hostID": name, **item}, None) for number, (name, item) in enumerate(items.items())]
    records.append(record(999, {"hostID": REMOVED, **LIVE, "serial": "0e", "status": "RETIRED", **RETIRED}, None))
    assert members.invoke("cert_retire", {"Records": records})["removed"] == len(records)
    assert {0x0D, 0x0E} <= set(members.pca.revoked)


@pytest.mark.parametrize("value", SOME)
def test_a_poisoned_host_can_still_be_retired(members: Members, value: str) -> None:
    """Each third of the attributes with each third of the values; the long test takes all with all."""
    can_be_retired(members, list(poison(members, value))[SOME.index(value) % 3 :: 3])


@pytest.mark.long
@pytest.mark.parametrize("value", VALUES)
def test_a_host_can_be_retired_whichever_attribute_is_poisoned(members: Members, value: str) -> None:
    can_be_retired(members, poison(members, value))


def can_be_retired(members: Members, hosts: Iterable[str]) -> None:
    for name in hosts:
        members.invoke("cert_retire", ec2_event(name, "terminated"))
        assert members.world.item(name)["status"] == "RETIRED"


@pytest.mark.parametrize("value", EACH_VALUE)
def test_poisoned_items_in_the_stream_hold_up_no_enrolment(members: Members, value: str) -> None:
    items = poison(members, value)
    records = [
        in_a_stream(number, {"hostID": name, **item}, {"hostID": name, **item, "certPath": "/x"})
        for number, (name, item) in enumerate(items.items())
    ]
    records.append(record(999, None, {"hostID": HOST}))
    assert members.invoke("cert_enroll", {"Records": records})["enrolled"] == 1


def some_of(value: str) -> list[str]:
    """Two attributes, so that with some values each has its turn; the long test takes all with all."""
    start = 2 * SOME.index(value)
    return [OWN[(start + number) % len(OWN)] for number in range(2)]


@pytest.mark.parametrize("value", SOME)
def test_whatever_a_host_s_own_item_holds_it_is_renewed_failed_and_listed(members: Members, value: str) -> None:
    """Of what the system itself writes: a time in 9999, a count that is a text, a lease that is a map."""
    is_renewed_failed_and_listed(members, value, some_of(value))


@pytest.mark.long
@pytest.mark.parametrize("value", VALUES)
def test_each_attribute_may_hold_each_value(members: Members, value: str) -> None:
    assert {name for each in SOME for name in some_of(each)} == set(OWN)
    is_renewed_failed_and_listed(members, value, OWN)


def is_renewed_failed_and_listed(members: Members, value: str, attributes: Sequence[str]) -> None:
    world = members.world
    for number, name in enumerate(attributes, 300):
        each = host_id(number)
        world.put(each, **{name: VALUES[value]})
        world.invoke("cert_check", {"input": {"hostIDs": [each], "force": True}, "runId": RUN})
        assert [line["hostID"] for line in world.lines(f"runs/{RUN}/hosts.jsonl")] == [each], name
        until_csr(world, host_id=each)
        assert fail(world, "CertIssue", "CsrRejected", "x", host_id=each)["recorded"], name
        assert world.item(each)["failureCount"] == 1
        renew(world, "run-2", each)
        assert {"failureCount", "pending", "runId", "leaseUntil"}.isdisjoint(world.item(each)), name


@pytest.mark.parametrize("name", ["phase", "code", "message"])
def test_a_long_last_error_hides_no_other_host_in_report_and_digest(world: World, name: str) -> None:
    """The message takes 262,144 bytes, and an item 400 KB."""
    for each in (GONE, REMOVED):
        world.put(each, **LIVE)
    listed(world, {"reissue": "all"})
    for each in (GONE, REMOVED):
        fail(world, "CertCSR", "HostUnreachable", "HOST_UNDELIVERABLE: it does not answer", host_id=each)
    item = world.item(GONE)
    long = {**item["lastError"], name: "\N{SNOWMAN}" * 120_000}
    world.put(item.pop("hostID"), **{**item, "lastError": long})
    assert report(world)["failed"] == 2
    world.invoke("cert_digest", {})
    messages = world.inbox.messages()
    assert len(messages) == 2
    assert all(f"  {REMOVED}" in message["Message"] for message in messages)
    assert {host["hostID"] for host in document(world)["hosts"]} == {GONE, REMOVED}
    (event,) = world.events.details("Run Report")
    assert len(event["hosts"]) == 2


@pytest.mark.parametrize("item", ["serial", "pending"])
def test_an_item_has_only_certificates_of_its_own_host_revoked(members: Members, item: str) -> None:
    """With a CA that is shared, the certificate could be a subordinate CA's."""
    arn = members.pca.add(members.pca.ca.issue(make_csr(REMOVED)))
    serial = arn.removeprefix(f"{CA_ARN}/certificate/").lstrip("0")
    written = {"serial": serial, "pending": {"requestId": "r", "certificateArn": arn}}
    members.world.put(GONE, **{**LIVE, item: written[item]})
    members.invoke("cert_retire", ec2_event(GONE, "terminated"))
    assert int(serial, 16) not in members.pca.revoked
    assert "revocationOrder" not in members.world.item(GONE)
    members.world.put(REMOVED, **{**LIVE, "serial": serial})
    members.invoke("cert_retire", ec2_event(REMOVED, "terminated"))
    assert int(serial, 16) in members.pca.revoked
