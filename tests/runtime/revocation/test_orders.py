"""Orders of revocation: which certificates of a host they are about, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import PcaAutomatorError, ServiceRefused, Throttled
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.ledger import Entry
from pca_runtime.revocation.orders import Orders, asked_before
from pca_runtime.shared.identifiers import request_id

from tests.runtime.fakes import CA_ARN
from tests.runtime.pki import NOW, Ca, make_csr
from tests.runtime.revocation.ledger import HOST, MemoryLedger, entry
from tests.runtime.stub import Said

_CA = Ca()
_ARN = f"{CA_ARN}/certificate/0a"


class Revoker:
    """Revokes everything, but for what is told otherwise by its serial number."""

    def __init__(self, pem: str | PcaAutomatorError | None = None, **answers: Any) -> None:
        self._pem, self._answers = pem, answers
        self.revoked: list[tuple[str, str, str]] = []
        self.anothers: set[str] = set()

    def revoke(self, host_id: str, serial: str, reason: str) -> str:
        self.revoked.append((host_id, serial, reason))
        answer = self._answers.get(serial, "REVOKED")
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    def is_anothers(self, _host_id: str, serial: str) -> bool:
        return serial in self.anothers

    def certificate(self, _certificate_arn: str) -> str | None:
        if isinstance(self._pem, Exception):
            raise self._pem
        return self._pem


def _orders(ledger: MemoryLedger, revoker: Revoker | None = None, said: Said | None = None) -> Orders:
    return Orders(ledger, revoker or Revoker(), lambda: NOW, said or Said())  # type: ignore[arg-type]


def _item(**attributes: Any) -> HostItem:
    return HostItem.of({"hostID": HOST, **attributes}, NOW)


def _serials(entries: list[Entry]) -> list[str | None]:
    return [each.serial for each in entries]


def test_who_leaves_has_everything_ordered_that_may_be_valid() -> None:
    ledger = MemoryLedger(
        entry("0a"),
        entry("0b", reason="SUPERSEDED"),
        entry("0c", reason="CESSATION_OF_OPERATION"),
        entry("0d", fate="REVOKED"),
        entry("0e", not_after=NOW),
        entry("0f", not_after=NOW + timedelta(seconds=1)),
        entry(None),
        entry(None, fate="NOT_ISSUED"),
        entry("99", "i-0123456789abcdef1"),
    )
    ordered = _orders(ledger).everything(_item(), "CESSATION_OF_OPERATION")
    assert _serials(ordered) == ["0a", "0b", "0c", "0f", None]
    assert {each.reason for each in ordered} == {"CESSATION_OF_OPERATION"}
    assert [each[1] for each in ledger.done] == ["0a", "0b", "0f", None]
    assert {each[2:] for each in ledger.done} == {("CESSATION_OF_OPERATION", None)}


def test_only_what_it_is_about_is_ordered() -> None:
    def about(each: Entry) -> bool:
        return each.serial == "0b"

    ledger = MemoryLedger(entry("0a"), entry("0b"))
    assert _serials(_orders(ledger).everything(_item(), "SUPERSEDED", about)) == ["0b"]
    assert _serials(_orders(ledger).replaced(_item(), "SUPERSEDED", about=about)) == ["0b"]


@pytest.mark.parametrize(
    ("attributes", "until"),
    [
        ({"serial": "ff", "expiry": "2026-11-24T13:15:00Z"}, NOW + timedelta(days=1)),
        ({"serial": "ff"}, NOW + timedelta(days=400)),
        ({"serial": "ff", "expiry": "2026-11-23T13:15:00Z"}, None),
        ({"serial": "0A"}, None),
        ({}, None),
    ],
)
def test_a_live_certificate_that_the_ledger_does_not_know_is_taken_into_it(
    attributes: dict[str, Any], until: datetime | None
) -> None:
    ledger = MemoryLedger(entry("0a", reason="SUPERSEDED"))
    ordered = _orders(ledger).everything(_item(**attributes), "SUPERSEDED")
    assert ledger.done == ([] if until is None else [("adopt", HOST, "ff", until, "SUPERSEDED")])
    assert _serials(ordered) == (["0a"] if until is None else ["0a", "ff"])


def test_anothers_certificate_is_not_taken_into_it_and_the_log_warns() -> None:
    ledger, revoker, said = MemoryLedger(), Revoker(), Said()
    revoker.anothers.add("ff")
    assert _orders(ledger, revoker, said).everything(_item(serial="ff"), "SUPERSEDED") == []
    assert ledger.done == []
    warned = "not revoked: the certificate is another's"
    assert said.lines == [("warning", warned, {"host_id": HOST, "serial": "ff"})]


def test_what_was_replaced_is_everything_asked_for_before_the_live_certificate() -> None:
    flying = request_id("run-2", HOST)
    ledger = MemoryLedger(
        entry("0a", minutes=-30),
        entry("0b", minutes=-31),
        entry("0c", minutes=-30, request_id="at the same time"),
        entry("0d", minutes=-29),
        entry("0e", minutes=-40, reason="KEY_COMPROMISE"),
        entry("0f", minutes=-50, not_after=NOW),
        entry("1a", minutes=-60, request_id=flying),
        entry("1b", minutes=-60, request_id=f"{flying}+spare"),
    )
    item = _item(serial="0A", status="RENEWING", runId="run-2", leaseUntil="2026-11-23T13:30:00Z")
    ordered = _orders(ledger).replaced(item, "SUPERSEDED")
    assert _serials(ordered) == ["0b", "0c", "0e"]
    assert [each.reason for each in ordered] == ["SUPERSEDED", "SUPERSEDED", "KEY_COMPROMISE"]
    assert [each[1] for each in ledger.done] == ["0b", "0c"]


def test_a_live_certificate_that_is_not_known_spares_none_of_those_that_are() -> None:
    ledger = MemoryLedger(entry("0a"), entry("0b", minutes=-1))
    assert _serials(_orders(ledger).replaced(_item(serial="ff"), "SUPERSEDED")) == ["0a", "0b"]


@pytest.mark.parametrize(
    ("before", "adopted"),
    [({"serial": "ee"}, True), ({"serial": "ff"}, False), ({"serial": "0a"}, False), ({}, False)],
)
def test_what_the_item_held_before_is_ordered_even_where_the_ledger_does_not_know_it(
    before: dict[str, Any], adopted: bool
) -> None:
    ledger = MemoryLedger(entry("0a", reason="SUPERSEDED"))
    ordered = _orders(ledger).replaced(_item(serial="ff"), "SUPERSEDED", _item(**before))
    assert ledger.done == ([("adopt", HOST, "ee", NOW + timedelta(days=400), "SUPERSEDED")] if adopted else [])
    assert _serials(ordered) == (["0a", "ee"] if adopted else ["0a"])


def test_whether_and_when_a_host_asked_is_the_ledgers_word() -> None:
    ledger = MemoryLedger(
        entry("0a", minutes=-50),
        entry("0b", minutes=-40),
        entry("0c", minutes=-30, request_id="x+spare"),
        entry("0d", minutes=-20, run_id=""),
    )
    orders = _orders(ledger)
    assert (orders.knows(HOST), orders.knows("i-0123456789abcdef1")) == (True, False)
    assert orders.last_asked(HOST) == NOW - timedelta(minutes=40)
    assert orders.last_asked("i-0123456789abcdef1") is None


def test_orders_are_carried_out_one_by_one_and_noted() -> None:
    ledger, revoker = MemoryLedger(), Revoker(**{"0c": "ANOTHERS", "0d": "BEFORE"})
    ordered = [entry(each, reason="SUPERSEDED") for each in ("0a", "0c", "0d")]
    done = entry("0b", fate="REVOKED", reason="SUPERSEDED")
    assert _orders(ledger, revoker).carry_out([done, *ordered, entry(None, reason="SUPERSEDED")]) == 2
    assert revoker.revoked == [(HOST, each, "SUPERSEDED") for each in ("0a", "0c", "0d")]
    assert ledger.done == [("revoked", each) for each in ("0a", "0c", "0d")]


def test_one_that_is_not_taken_keeps_no_other_and_is_told_as_the_first() -> None:
    first, second = Throttled("slow", code="SERVICE_THROTTLED"), ServiceRefused("no", code="SERVICE_REFUSED")
    ledger, revoker, said = MemoryLedger(), Revoker(**{"0a": first, "0b": second}), Said()
    with pytest.raises(Throttled) as raised:
        _orders(ledger, revoker, said).carry_out([entry(each, reason="SUPERSEDED") for each in ("0a", "0b", "0c")])
    assert raised.value is first
    assert ledger.done == [("revoked", "0c")]
    assert said.lines == [
        ("warning", "not revoked yet", {"host_id": HOST, "code": error.code, "reason": error.message})
        for error in (first, second)
    ]


def test_twenty_are_carried_out_at_once_and_what_is_done_is_not_among_them() -> None:
    revoker = Revoker()
    ordered = [entry(f"{number:x}", reason="SUPERSEDED") for number in range(1, 24)]
    assert _orders(MemoryLedger(), revoker).carry_out([entry("ff", fate="REVOKED"), *ordered]) == 20
    assert [serial for _, serial, _ in revoker.revoked] == [f"{number:x}" for number in range(1, 21)]


@pytest.mark.parametrize(
    ("arn", "pem", "said", "revoked"),
    [
        (None, "x", [], False),
        (_ARN, None, [], False),
        (_ARN, _CA.issue(make_csr(HOST)), [], True),
        (_ARN, Throttled("slow", code="SERVICE_THROTTLED"), [("SERVICE_THROTTLED", "slow")], False),
        (_ARN, "unreadable", [("CERTIFICATE_MALFORMED", "the certificate cannot be parsed")], False),
    ],
)
def test_a_certificate_without_a_serial_is_fetched_first(
    arn: str | None, pem: Any, said: list[tuple[str, str]], revoked: bool
) -> None:
    ledger, revoker, log = MemoryLedger(), Revoker(pem), Said()
    ledger.noticed = entry("0a", reason="SUPERSEDED")
    ordered = entry(None, certificate_arn=arn, reason="SUPERSEDED")
    assert _orders(ledger, revoker, log).carry_out([ordered]) == int(revoked)
    assert revoker.revoked == ([(HOST, "0a", "SUPERSEDED")] if revoked else [])
    assert ledger.done == ([("notice", HOST, _ARN), ("revoked", "0a")] if revoked else [])
    assert log.lines == [("info", "not known yet", {"host_id": HOST, "code": a, "reason": b}) for a, b in said]


def test_a_certificate_that_the_ledger_takes_for_anothers_stays() -> None:
    ledger, revoker = MemoryLedger(), Revoker(_CA.issue(make_csr(HOST)))
    assert _orders(ledger, revoker).carry_out([entry(None, certificate_arn=_ARN, reason="SUPERSEDED")]) == 0
    assert revoker.revoked == []


def _clock(*moments: datetime) -> Callable[[], datetime]:
    left = list(moments)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_what_waits_is_worked_off_until_the_time_is_over() -> None:
    ledger = MemoryLedger(*(entry(f"{number:x}", reason="SUPERSEDED") for number in range(1, 6)))
    revoker = Revoker(**{"1": Throttled("slow")})
    until = NOW + timedelta(seconds=2)
    clock = _clock(NOW, NOW, NOW + timedelta(seconds=1.9), until)
    assert Orders(ledger, revoker, clock, Said()).work_off(until) == 2  # type: ignore[arg-type]
    assert [serial for _, serial, _ in revoker.revoked] == ["1", "2", "3"]
    assert ledger.done[0] == ("waiting", "REVOKE")


def test_a_host_with_many_is_nobody_elses_delay() -> None:
    many = [entry(f"{number:x}", reason="SUPERSEDED") for number in range(1, 103)]
    other = entry("ff", "i-0123456789abcdef1", reason="SUPERSEDED")
    revoker = Revoker()
    assert _orders(MemoryLedger(*many, other), revoker).work_off(NOW + timedelta(hours=1)) == 101
    assert [serial for _, serial, _ in revoker.revoked[-2:]] == ["64", "ff"]


_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seconds", "serial", "about"),
    [
        (-1, "ff", True),
        (0, "ff", True),
        (1, "ff", False),
        (60, "ff", False),
        (61, "ff", False),
        (1, "0b", True),
        (60, "0b", True),
        (61, "0b", False),
    ],
)
def test_within_the_minute_of_its_removal_what_a_host_holds_is_spared(seconds: int, serial: str, about: bool) -> None:
    at = NOW - timedelta(hours=1)
    asked = entry(serial, requested_at=at + timedelta(seconds=seconds))
    assert asked_before(_item(serial="FF"), at)(asked) is about


@pytest.mark.parametrize(
    ("asked", "about"),
    [
        (entry("0b"), True),
        (entry("ff"), False),
        (entry(None), True),
        (entry("0c", request_id=request_id("run-2", HOST)), False),
        (entry("0c", request_id=request_id("run-2", HOST) + "+spare"), False),
    ],
)
def test_of_a_removal_of_no_known_time_what_a_host_holds_or_asks_for_is_spared(asked: Entry, about: bool) -> None:
    present = _item(serial="ff", status="RENEWING", runId="run-2", leaseUntil="2026-11-23T13:30:00Z")
    assert asked_before(present, None)(asked) is about


def test_without_a_live_certificate_or_a_request_nothing_is_spared() -> None:
    about = asked_before(_item(), None)
    assert about(entry("0a"))
    assert about(entry(None))
