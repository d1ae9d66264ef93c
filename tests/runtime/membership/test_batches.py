"""Several hosts that leave: what each call makes of the trouble of one, of late events, and of the time there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pca_runtime.errors.kinds import AccessRefused, HostUnreachable, InvalidInventoryItem, PcaAutomatorError, Throttled
from pca_runtime.inventory.item import HostItem
from pca_runtime.membership.batches import Batch, Batches
from pca_runtime.membership.departures import Roll
from pca_runtime.membership.payloads import Removed
from pca_runtime.membership.retirement import Outcome, Retirement
from pca_runtime.shared.timestamps import format_time

from tests.runtime.pki import NOW

HOST, OTHER, THIRD = "i-00000001", "i-00000002", "i-00000003"
TROUBLE = Throttled("no", code="SERVICE_THROTTLED")
WORSE = AccessRefused("no", code="ACCESS_REFUSED")


def item(host_id: str = HOST, **attributes: Any) -> HostItem:
    return HostItem.of({"hostID": host_id, **attributes}, NOW)


@dataclass
class Rig:
    """Everything that Batches asks, answered from tables; what it did stands in ``done``."""

    items: dict[str, HostItem] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, datetime] = field(default_factory=dict)
    roll: Roll = field(default_factory=Roll)
    gone: Any = field(default_factory=list)
    worked_off: int = 0
    now: datetime = NOW
    done: list[Any] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def _given(self, value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    def _note(self, *what: Any, answer: Any = None) -> Any:
        self.done.append(what)
        return self._given(answer)

    def batches(self) -> Batches:
        known = self.outcomes
        retirement: Any = SimpleNamespace(
            retire=lambda host, reason="default": self._note(
                "retire", host, reason, answer=known.get(host, Outcome(host, "RETIRED", 1))
            ),
            finish=lambda each: self._note("finish", each.host_id, answer=known.get(each.host_id, 1)),
            finish_removed=lambda each, at, gone: self._note(
                "removed", each.host_id, at, gone, answer=known.get(each.host_id, 1)
            ),
            remove_from_host=lambda each: f"command-{each.host_id}",
        )
        departures: Any = SimpleNamespace(
            roll=lambda most: self._note("roll", most, answer=self.roll),
            gone=lambda live: self._note("gone", dict(live), answer=self.gone),
            state=lambda host: self._note("state", host, answer=self.states.get(host)),
        )
        inventory: Any = SimpleNamespace(get=lambda host: self._given(self.items.get(host)))
        orders: Any = SimpleNamespace(
            knows=lambda host: self._note("knows", answer=host not in self.outcomes),
            last_asked=self.asked.get,
            work_off=lambda until: self._note("work off", until, answer=self.worked_off),
        )
        unanswered: Any = SimpleNamespace(settle=lambda until: self._note("settle", until))
        log: Any = SimpleNamespace(
            info=lambda message, **more: self.told.append((message, more)),
            warning=lambda message, **more: self.told.append((message, more)),
        )
        return Batches(retirement, departures, inventory, orders, unanswered, lambda: self.now, log)


def test_every_host_is_retired_once_and_the_first_trouble_is_kept() -> None:
    outcomes = {HOST: Outcome(HOST, "RETIRED", 2), OTHER: TROUBLE, THIRD: WORSE, "a": Outcome("a", "UNKNOWN"),
                "b": Outcome("b", "ALREADY", 4)}  # fmt: skip
    rig = Rig(outcomes=outcomes)
    batch = rig.batches().retire([HOST, OTHER, HOST, THIRD, "a", "b"], "KEY_COMPROMISE")
    assert batch == Batch(retired=1, revoked=6, unknown=["a"], error=TROUBLE)
    assert rig.done == [("retire", host, "KEY_COMPROMISE") for host in (HOST, OTHER, THIRD, "a", "b")]
    assert [(each["host_id"], each["code"], each["reason"]) for _, each in rig.told] == [
        (OTHER, "SERVICE_THROTTLED", "no"), (THIRD, "ACCESS_REFUSED", "no")
    ]  # fmt: skip
    rig = Rig()
    rig.batches().retire([HOST])
    assert rig.done == [("retire", HOST, "CESSATION_OF_OPERATION")]


def retires(at: datetime | None, host: HostItem | None, state: Any = None, **rig: Any) -> bool:
    """Whether an event of that moment retires the host."""
    made = Rig(items={HOST: host} if host else {}, states={HOST: state}, **rig)
    made.batches().terminated(HOST, at)
    return ("retire", HOST, "CESSATION_OF_OPERATION") in made.done


MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("age", "state", "retired"),
    [
        (5 * MINUTE, "running", True),  # on time: not even asked
        (5 * MINUTE + SECOND, "running", False),
        (5 * MINUTE + SECOND, "terminated", True),
        (5 * MINUTE + SECOND, "shutting-down", True),
        (5 * MINUTE + SECOND, "stopped", False),
        (5 * MINUTE + SECOND, None, True),
        (60 * MINUTE, None, True),
        (60 * MINUTE + SECOND, None, False),
        (60 * MINUTE + SECOND, "terminated", True),
        (6 * MINUTE, TROUBLE, True),
        (61 * MINUTE, TROUBLE, False),
    ],
)
def test_an_event_on_time_is_believed_and_a_late_one_as_far_as_ec2_goes(
    age: timedelta, state: Any, retired: bool
) -> None:
    assert retires(NOW - age, item(), state) is retired


def test_an_event_that_says_no_moment_or_meets_no_item_or_a_retired_one_is_carried_out() -> None:
    assert retires(None, item(enrolledAt=format_time(NOW)), "running")
    assert retires(NOW - timedelta(hours=9), None, "running")
    assert retires(NOW - timedelta(hours=9), item(status="RETIRED", retiredAt=format_time(NOW)), "running")


SIGNS: dict[str, Callable[[str], dict[str, Any]]] = {
    "enrolled": lambda at: {"enrolledAt": at},
    "brought back": lambda at: {"retiredAt": at},
    "renewed": lambda at: {"status": "DEPLOYED", "lastAttempt": at},
}


@pytest.mark.parametrize("sign", SIGNS)
def test_who_was_seen_after_the_event_s_moment_is_not_retired_without_ec2_s_word(sign: str) -> None:
    at = NOW - 2 * MINUTE
    newer, same = item(**SIGNS[sign](format_time(at + SECOND))), item(**SIGNS[sign](format_time(at)))
    assert not retires(at, newer)
    assert not retires(at, newer, "running")
    assert retires(at, newer, "terminated")
    assert retires(at, same)
    assert retires(at, item(**SIGNS[sign](format_time(NOW + SECOND)))), "a moment that is still to come is no sign"
    assert not retires(at, item(**SIGNS[sign](format_time(NOW))))


def test_a_key_that_was_asked_for_after_the_event_is_a_sign_and_a_failed_renewal_is_none() -> None:
    at = NOW - 2 * MINUTE
    assert not retires(at, item(), asked={HOST: at + SECOND})
    assert retires(at, item(), asked={HOST: at})
    assert retires(at, item(status="FAILED", lastAttempt=format_time(NOW)))


def test_a_late_event_changes_nothing_and_says_so() -> None:
    rig = Rig(items={HOST: item()}, states={HOST: "running"})
    nothing = Batch(retired=0, removed=0, revoked=0, unknown=[], refused=[], live=0, error=None)
    assert rig.batches().terminated(HOST, NOW - timedelta(hours=2)) == nothing
    assert rig.told == [
        ("a late event: not retired", {"host_id": HOST, "terminated_at": "2026-11-23T11:15:00Z"})
    ]  # fmt: skip
    rig = Rig(items={HOST: TROUBLE})  # type: ignore[dict-item]
    assert rig.batches().terminated(HOST, NOW) == Batch(error=TROUBLE)
    assert rig.done == []


def test_each_known_host_is_told_once_to_remove_its_files() -> None:
    rig = Rig(items={HOST: item(), OTHER: item(OTHER)})
    assert rig.batches().remove_from_hosts([HOST, "unknown", OTHER, HOST]) == {
        HOST: f"command-{HOST}", OTHER: f"command-{OTHER}"
    }  # fmt: skip


def test_every_removed_item_is_finished_whatever_becomes_of_the_others() -> None:
    rig = Rig(gone=[OTHER], outcomes={HOST: TROUBLE, OTHER: 3, THIRD: 4})
    removed = [
        Removed(item(HOST), NOW), Removed(item(OTHER, serial="0a", expiry=format_time(NOW))), Removed(item(OTHER)),
        Removed(item(THIRD)),
    ]  # fmt: skip
    assert rig.batches().finish_removed(removed) == Batch(removed=4, revoked=10, error=TROUBLE)
    assert rig.done == [
        ("gone", {HOST: False, OTHER: True, THIRD: False}),
        ("removed", HOST, NOW, False), ("removed", OTHER, None, True), ("removed", OTHER, None, True),
        ("removed", THIRD, None, False),
    ]  # fmt: skip
    assert rig.told[:2] == [
        ("not revoked", {"host_id": HOST, "code": "SERVICE_THROTTLED", "reason": "no"}),
        ("item removed", {"host_id": OTHER, "gone": True, "serial": "0a", "expiry": "2026-11-23T13:15:00Z"}),
    ]


RETIRED = {"status": "RETIRED", "retiredAt": "2026-11-22T00:00:00Z"}


def test_the_reconciliation_retires_finishes_settles_and_works_off_in_seven_minutes() -> None:
    by_hand, begun = item(OTHER, status="RETIRED"), item(THIRD, **RETIRED)
    replaced = item("i-00000004", revocationOrder="SUPERSEDED")
    broken = item("i-00000005", **RETIRED)
    rig = Rig(
        roll=Roll({HOST: True, "i-00000009": True}, [by_hand, broken, begun, replaced]), gone=[HOST], worked_off=7,
        outcomes={"i-00000005": TROUBLE},
    )  # fmt: skip
    assert rig.batches().reconcile() == Batch(retired=1, revoked=1 + 3 + 7, live=2)
    until = NOW + 7 * MINUTE
    assert rig.done == [
        ("roll", 1_000), ("gone", {HOST: True, "i-00000009": True}), ("retire", HOST, "CESSATION_OF_OPERATION"),
        ("retire", OTHER, "default"), ("finish", "i-00000005"), ("finish", THIRD), ("finish", "i-00000004"),
        ("settle", until), ("work off", until),
    ]  # fmt: skip


def test_what_is_left_when_the_time_is_over_waits_for_the_next_hour() -> None:
    rig = Rig(roll=Roll({}, [item(HOST, **RETIRED), item(OTHER, **RETIRED)]))
    batches = rig.batches()

    def finish(_item: HostItem) -> int:
        rig.now += 7 * MINUTE
        return 1

    batches._retirement.finish = finish  # type: ignore[method-assign]
    assert batches.reconcile().revoked == 1


def test_without_ec2_nobody_is_gone_and_the_error_is_raised_in_the_end() -> None:
    rig = Rig(roll=Roll({HOST: True}, [item(OTHER, **RETIRED)]), gone=WORSE)
    assert rig.batches().reconcile() == Batch(revoked=1, live=1, error=WORSE)
    rig = Rig(roll=Roll({HOST: True}), gone=[HOST], outcomes={HOST: TROUBLE})
    assert rig.batches().reconcile().error is TROUBLE


def believed(gone: int, live: int, invented: int) -> tuple[int, int]:
    """How many were retired and refused; of so many that never had a certificate."""
    hosts = [f"i-{number:08x}" for number in range(live)]
    outcomes = {host: Outcome(host, "ALREADY") for host in hosts[:invented]}  # Rig: these are not known
    rig = Rig(roll=Roll(dict.fromkeys(hosts, True)), gone=hosts[:gone], outcomes=outcomes)
    batch = rig.batches().reconcile()
    assert batch.live == live
    return sum(each[0] == "retire" for each in rig.done), len(batch.refused)


@pytest.mark.parametrize(
    ("gone", "live", "invented", "expected"),
    [
        (3, 6, 0, (3, 0)),
        (4, 6, 0, (0, 4)),
        (8, 30, 5, (8, 0)),
        (15, 30, 5, (10, 5)),
        (16, 30, 5, (0, 16)),
        (15, 30, 0, (0, 15)),
        (8, 10, 5, (0, 8)),
        (7, 10, 5, (2, 5)),
    ],
)
def test_hosts_that_there_never_were_hold_up_nobody_s_departure(
    gone: int, live: int, invented: int, expected: tuple[int, int]
) -> None:
    assert believed(gone, live, invented) == expected


@pytest.mark.parametrize(("gone", "expected", "looked_up"), [(2_000, (0, 2_000), 2_000), (2_001, (0, 2_001), 0)])
def test_of_very_many_nobody_looks_who_had_a_certificate(gone: int, expected: tuple[int, int], looked_up: int) -> None:
    hosts = [f"i-{number:08x}" for number in range(gone)]
    rig = Rig(roll=Roll(dict.fromkeys(hosts, True)), gone=hosts)
    batch = rig.batches().reconcile()
    assert (batch.retired, len(batch.refused)) == expected
    assert sum(each == ("knows",) for each in rig.done) == looked_up


class Inventory:
    """Of Retirement: what is recorded."""

    def __init__(self, there: HostItem | None, after: HostItem | None = None) -> None:
        self.there, self.after = there, after
        self.done: list[Any] = []

    def get(self, _host_id: str) -> HostItem | None:
        return self.there

    def record_retired(self, host_id: str, reason: str, now: datetime, *, revoke: bool) -> HostItem | None:
        self.done.append((host_id, reason, now, revoke))
        return self.after

    def order_is_written(self, each: HostItem) -> None:
        self.done.append(("order is written", each.host_id))


class Orders:
    """Of Retirement: two certificates for everything, one for what was replaced."""

    def __init__(self) -> None:
        self.about: list[Any] = []

    def everything(self, _item: HostItem, reason: str, about: Any = None) -> list[str]:
        self.about.append(about)
        return [f"all {reason}"] * 2

    def replaced(self, _item: HostItem, reason: str, *, about: Any = None) -> list[str]:
        self.about.append(about)
        return [f"replaced {reason}"]

    def carry_out(self, entries: list[str]) -> int:
        self.about.append(entries)
        return len(entries)


def retirement(inventory: Inventory, orders: Orders, policy: str = "ALWAYS", send: Any = None) -> Retirement:
    settings: Any = SimpleNamespace(
        revoke_on_retire=policy, remove_document="Remove", command_timeout_seconds=77,
        cert_path="/c", key_path="/k", cacert_path="/a",
    )  # fmt: skip
    log: Any = SimpleNamespace(info=lambda *_, **__: None)
    commands: Any = SimpleNamespace(send=send)
    return Retirement(settings, inventory, orders, commands, lambda: NOW, log)  # type: ignore[arg-type]


ORDER = {"revocationOrder": "KEY_COMPROMISE", "revocationReason": "KEY_COMPROMISE"}


@pytest.mark.parametrize("policy", ["ALWAYS", "NEVER"])
def test_a_host_is_retired_with_its_reason_and_what_it_may_hold_is_revoked(policy: str) -> None:
    inventory, orders = Inventory(item(), item(**RETIRED, **ORDER)), Orders()
    assert retirement(inventory, orders, policy).retire(HOST, "KEY_COMPROMISE") == Outcome(HOST, "RETIRED", 2)
    assert inventory.done == [(HOST, "KEY_COMPROMISE", NOW, policy == "ALWAYS"), ("order is written", HOST)]
    assert orders.about == [None, ["all KEY_COMPROMISE"] * 2]


def test_who_is_not_there_or_was_retired_before_is_said_to_be() -> None:
    assert retirement(Inventory(None), Orders()).retire(HOST) == Outcome(HOST, "UNKNOWN")
    gone_meanwhile = Inventory(item(), None)
    assert retirement(gone_meanwhile, Orders()).retire(HOST) == Outcome(HOST, "UNKNOWN")
    assert gone_meanwhile.done == [(HOST, "CESSATION_OF_OPERATION", NOW, True)]
    again = Inventory(item(**RETIRED, **ORDER))
    assert retirement(again, Orders()).retire(HOST) == Outcome(HOST, "ALREADY", 2)
    assert again.done == [("order is written", HOST)]
    assert retirement(Inventory(item(**RETIRED)), Orders()).retire(HOST) == Outcome(HOST, "ALREADY", 0)
    by_hand = Inventory(item(status="RETIRED"), item(**RETIRED))
    assert retirement(by_hand, Orders()).retire(HOST) == Outcome(HOST, "RETIRED", 0)


@pytest.mark.parametrize(
    ("attributes", "gone", "policy", "revoked"),
    [
        ({}, True, "ALWAYS", ["all CESSATION_OF_OPERATION"] * 2),
        ({}, False, "ALWAYS", None),
        ({}, True, "NEVER", None),
        (RETIRED, True, "ALWAYS", None),
        ({**RETIRED, **ORDER}, True, "NEVER", ["all KEY_COMPROMISE"] * 2),
        (ORDER, False, "NEVER", ["replaced KEY_COMPROMISE"]),
    ],
)
def test_what_a_removed_item_held_is_revoked_if_the_machine_is_gone_or_it_was_ordered(
    attributes: dict[str, Any], gone: bool, policy: str, revoked: list[str] | None
) -> None:
    orders = Orders()
    found = retirement(Inventory(None), orders, policy).finish_removed(item(**attributes), None, gone=gone)
    assert found == len(revoked or [])
    assert orders.about == ([None, revoked] if revoked else [])


def test_what_was_asked_for_since_the_item_was_put_in_again_is_left_alone() -> None:
    """Only of a machine that is there; of one that is gone everything is revoked."""
    for gone in (False, True):
        orders = Orders()
        retirement(Inventory(item()), orders).finish_removed(item(**ORDER), NOW, gone=gone)
        assert (orders.about[0] is None) is gone


def test_a_host_is_told_where_its_files_are_and_who_cannot_be_told_is_left() -> None:
    sent: list[Any] = []
    made = retirement(Inventory(None), Orders(), send=lambda order: sent.append(order) or "command-1")
    assert made.remove_from_host(item(keyPath="/own")) == "command-1"
    (order,) = sent
    assert (order.document, order.host_id, order.purpose, order.delivery_seconds) == ("Remove", HOST, "retire", 77)
    assert order.parameters == {"hostID": HOST, "certPath": "/c", "keyPath": "/own", "cacertPath": "/a"}
    assert made.remove_from_host(item(keyPath="relative")) is None

    def refusing(error: PcaAutomatorError) -> Any:
        def send(_order: Any) -> str:
            raise error

        return retirement(Inventory(None), Orders(), send=send)

    for error in (HostUnreachable("no", code="HOST_UNKNOWN_TO_SSM"), InvalidInventoryItem("no", code="X")):
        assert refusing(error).remove_from_host(item()) is None
    with pytest.raises(Throttled):
        refusing(TROUBLE).remove_from_host(item())
