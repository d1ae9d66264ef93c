"""The pace, counted by hand: what it is at each bound, and what a host is told whose start has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pca_runtime.errors.kinds import InstallFailed, PcaAutomatorError, ServiceRefused
from pca_runtime.inventory.item import HostItem
from pca_runtime.renewal import pace
from pca_runtime.renewal.account_use import pace_for
from pca_runtime.renewal.install_again import InstallAgain
from pca_runtime.renewal.pace import Brake, Pace, Reservation, Split, default_production, goes_now, line_max, split
from pca_runtime.renewal.settings import CertCheckSettings
from pca_runtime.renewal.start import Start
from pca_runtime.renewal.start_gate import StartGate
from pca_runtime.renewal.start_items import Account, Lane, Traffic
from pca_runtime.renewal.starts import Starts, StartsOfRun
from pca_runtime.shared.quotas import with_rates

from tests.runtime.conftest import ENVIRONMENT, HOST
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import RUN
from tests.runtime.stub import told

T = NOW.timestamp()
_PACE = Pace(8.0, 9.0, "CreateSession")  # express 0.6 hosts a second, bulk 7.4


def test_what_the_documents_say_of_the_pace_is_what_is_counted_with() -> None:
    """docs/operations and the plan's explanations name these figures."""
    figures = {
        "QUOTA_SHARE": 0.88, "SESSIONS_SHARE": 0.89, "SEND_SHARE": 0.44, "LEAST_SHARE": 0.1, "EXPRESS_SHARE": 0.075,
        "EXPRESS_BACKLOG_MAX": 30, "EXPRESS_SINGLES_MAX": 50, "LATE_SECONDS": 30, "REQUEUES_MAX": 5, "SMALL_RUN": 50,
        "BRAKE_FACTOR": 0.75, "BRAKE_SECONDS": 20, "BRAKE_LEAST": 0.1, "QUIET_SECONDS": 60, "RELEASE_SECONDS": 30,
        "RELEASE_STEP": 0.05,
    }  # fmt: skip
    assert {name: getattr(pace, name) for name in figures} == figures
    assert (_PACE.express, _PACE.bulk) == (pytest.approx(0.6), pytest.approx(7.4))
    assert default_production(7200) == 2
    assert (line_max(1), line_max(2)) == (50, 30)


@pytest.mark.parametrize(
    ("rates", "given", "rate", "floor", "bound_by"),
    [
        ({}, {"production": 0.0}, 8.9, 10, "CreateSession"),
        ({}, {"production": 9.5}, 1, 1, "CreateSession"),
        ({}, {"production": 12.0}, 1, 1, "CreateSession"),
        ({}, {"production": 7.5}, 1.4, 2.5, "CreateSession"),
        ({}, {"production": 8.5}, 1, 1.5, "CreateSession"),
        ({}, {"production": 0.0, "share": 0.25}, 2.225, 2.5, "CreateSession"),
        ({"SendCommand": 6}, {"production": 0.0, "told_send": True}, 2.64, 3, "SendCommand"),
        ({"IssueCertificate": 5}, {"production": 0.0}, 4.4, 5, "IssueCertificate"),
        ({"GetCertificate": 5}, {"production": 0.0, "proof": False}, 4.4, 5, "GetCertificate"),
    ],
)
def test_the_rate_is_the_least_of_what_each_quota_leaves(
    rates: dict[str, float], given: dict[str, Any], rate: float, floor: float, bound_by: str
) -> None:
    found = pace.pace_of(with_rates(rates), **given)
    assert (found.rate, found.floor_rate, found.bound_by) == (pytest.approx(rate), pytest.approx(floor), bound_by)


@pytest.mark.parametrize(
    ("environment", "account", "rate"),
    [
        ({}, Account(), 8.9 - 1),
        ({}, Account(hosts_total=7200), 8.9 - 2),
        ({}, Account(hosts_total=7200, production=3.0), 8.9 - 3),
        ({}, Account(hosts_total=7200, production=0.0), 8.9),
        ({"PRODUCTION_SESSIONS": "4"}, Account(production=3.0), 8.9 - 4),
        ({"PRODUCTION_SESSIONS": "0"}, Account(production=3.0), 8.9),
        ({"QUOTA_SHARE": "0.5"}, Account(production=2.0), (8.9 - 2) / 2),
        ({"VALIDATION_POLICY": "NEVER"}, Account(production=2.0), 0.88 * 25),
        ({"QUOTAS": '{"SendCommand": 4}'}, Account(production=2.0), 0.44 * 4),
    ],
)
def test_what_a_user_says_goes_before_what_was_seen_and_that_before_a_guess(
    environment: dict[str, str], account: Account, rate: float
) -> None:
    settings = CertCheckSettings.load({**ENVIRONMENT, **environment})
    assert pace_for(settings, account, hosts=3600).rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("hosts", "express", "bulk", "urgent", "shared"),
    [
        (10, None, None, False, Split(0, 10)),
        (0, None, None, True, Split(0, 0)),
        (1, None, None, True, Split(1, 0)),
        (80, None, None, True, Split(6, 74)),
        (81, None, None, True, Split(7, 74)),
        (400, None, None, True, Split(30, 370)),
        (401, None, None, True, Split(30, 371)),
        (80, 10, None, True, Split(1, 79)),
        (80, 100, None, True, Split(0, 80)),
        (80, -50, -50, True, Split(6, 74)),
        (80, None, 10, True, Split(12, 68)),
        (80, None, 1000, True, Split(30, 50)),
        (20, None, 1000, True, Split(20, 0)),
        (80, 25, 1000, True, Split(15, 65)),
        (1, 81, 1000, True, Split(1, 0)),
        (1, 84, 1000, True, Split(0, 1)),
    ],
)
def test_the_lanes_share_a_run_so_that_both_end_together(
    hosts: int, express: float | None, bulk: float | None, urgent: bool, shared: Split
) -> None:
    until = {
        "express_until": None if express is None else T + express,
        "bulk_until": None if bulk is None else T + bulk,
    }
    assert split(hosts, T, _PACE, **until, urgent=urgent) == shared


@pytest.mark.parametrize(
    ("brake", "after", "factor"),
    [
        (Brake(), 0, 1),
        (Brake(0.5, T, T), 59.9, 0.5),
        (Brake(0.5, T, T), 60, 0.55),
        (Brake(0.5, T, T), 89.9, 0.55),
        (Brake(0.5, T, T), 90, 0.6),
        (Brake(0.5, T, T), 60 + 9 * 30, 1),
        (Brake(0.5, T, T), 9_999, 1),
    ],
)
def test_the_brake_grows_in_steps_once_it_was_quiet(brake: Brake, after: float, factor: float) -> None:
    assert brake.now(T + after) == pytest.approx(factor)


def test_the_brake_falls_by_a_quarter_at_most_every_twenty_seconds_and_never_to_nothing() -> None:
    first = Brake().throttled(T)
    assert first == Brake(0.75, T, T)
    assert first.throttled(T + 19.9) == Brake(0.75, T + 19.9, T)
    assert first.throttled(T + 20) == Brake(0.5625, T + 20, T + 20)
    assert Brake(0.12, T, T).throttled(T + 20).factor == 0.1


@pytest.mark.parametrize(
    ("late", "lot", "run_hosts", "goes"),
    [
        (30, 0.0, 51, True),
        (30.1, 0.0, 51, False),
        (30.1, 0.0, 1, False),
        (0, 0.5, 51, False),
        (0, 0.49, 51, True),
        (0, 0.9, 50, True),
    ],
)
def test_who_comes_late_or_draws_the_wrong_lot_goes_back(late: float, lot: float, run_hosts: int, goes: bool) -> None:
    assert goes_now(T, T + late, factor=0.5, lot=lot, run_hosts=run_hosts) is goes


class Ledger:
    """Of starts, in memory: lanes by name, and what was asked."""

    def __init__(self, *, returned: bool = False, brake: Brake | None = None, rate: float | None = 4.0) -> None:
        self.returned, self.brake, self.rate = returned, brake or Brake(), rate
        self.until: dict[str, float | None] = {"bulk": None, "express": None}
        self.asked: list[tuple[Any, ...]] = []
        self.refuse = 0
        self.error: PcaAutomatorError | None = None

    def traffic(self, lane: str, run_id: str) -> Traffic:
        self.asked.append(("traffic", lane, run_id))
        return Traffic(Lane(T, self.rate), self.brake, self.returned)

    def lane(self, name: str) -> Lane:
        return Lane(self.until[name])

    def requeue(self, lane: str, spacing: float, now: datetime) -> float:
        self.asked.append(("requeue", lane, pytest.approx(spacing), now))
        return T + 7.9

    def note_throttled(self, now: datetime) -> None:
        self.asked.append(("throttled", now))
        if self.error:
            raise self.error

    def give_back(self, lane: str, _has_ended: Callable[[str], bool], now: datetime) -> list[str]:
        self.asked.append(("give back", lane, now))
        return []

    def reserve(
        self, lane: str, run_id: str, hosts: int, rate: float, now: datetime, *, latest: float | None = None
    ) -> Reservation | None:
        self.asked.append(("reserve", lane, run_id, hosts, pytest.approx(rate), now, latest and pytest.approx(latest)))
        if self.refuse and lane == "express":
            self.refuse -= 1
            return None
        return Reservation(max(self.until[lane] or T, T), 1 / rate, hosts)


def _gate(ledger: Ledger, lot: float = 0.5, unknown: list[tuple[str, str]] | None = None) -> StartGate:
    tell = told(unknown if unknown is not None else [])
    return StartGate(ledger, lambda: NOW, lambda error: tell("ledger", error), lambda: lot)  # type: ignore[arg-type]


_LATER = NOW + timedelta(seconds=7)
_HALF = Brake(0.5, T, T)


@pytest.mark.parametrize(
    ("ledger", "start", "later", "spacing"),
    [
        (Ledger(), Start(NOW, "bulk", 100), None, None),
        (Ledger(), Start(NOW - timedelta(seconds=31), "express", 9), Start(_LATER, "express", 9), 0.25),
        (Ledger(brake=_HALF), Start(NOW, "bulk", 50), None, None),
        (Ledger(brake=_HALF), Start(NOW - timedelta(seconds=31), "bulk", 50), Start(_LATER, "bulk", 50), 0.25),
        (Ledger(brake=_HALF), Start(NOW, "bulk", 51, 2), Start(_LATER, "bulk", 51, 2), 0.5),
        (Ledger(brake=_HALF, rate=None), Start(NOW, "bulk", 51), Start(_LATER, "bulk", 51), 2),
        (Ledger(returned=True), Start(NOW, "bulk", 100), Start(_LATER, "bulk", 100, 1), 0.25),
        (Ledger(returned=True), Start(NOW, "bulk", 100, 1), None, None),
        (Ledger(returned=True, brake=_HALF), Start(NOW, "bulk", 100, 3), Start(_LATER, "bulk", 100, 3), 0.5),
    ],
)
def test_a_host_goes_on_or_back_into_its_lane_as_wide_apart_as_the_brake_asks(
    ledger: Ledger, start: Start, later: Start | None, spacing: float | None
) -> None:
    ledger.asked.clear()
    assert _gate(ledger).later(RUN, start) == later
    expected: list[Any] = [("traffic", start.lane, RUN)]
    assert ledger.asked == (expected if spacing is None else [*expected, ("requeue", start.lane, spacing, NOW)])


def test_what_is_throttled_is_told_once_and_who_cannot_be_told_keeps_nobody() -> None:
    ledger, unknown = Ledger(brake=_HALF), []  # type: ignore[var-annotated]
    gate = _gate(ledger, unknown=unknown)
    assert gate.after_throttling(Start(NOW, "express", 9)) == _LATER
    assert ledger.asked == [("throttled", NOW), ("traffic", "express", ""), ("requeue", "express", 0.5, NOW)]
    ledger.asked.clear()
    assert gate.requeue() == _LATER
    assert ledger.asked == [("traffic", "bulk", ""), ("requeue", "bulk", 0.5, NOW)]
    ledger.error = ServiceRefused("gone", code="SERVICE_REFUSED")
    gate.note()
    assert unknown == [("ledger", "SERVICE_REFUSED")]


class _Inventory:
    def __init__(self, times: int | None) -> None:
        pending = {} if times is None else {"pending": {"requestId": "r", "installsAgain": Decimal(times)}}
        lease = {"status": "RENEWING", "runId": RUN, "leaseUntil": "2026-11-23T13:30:00Z"}
        self._item = HostItem.of({"hostID": HOST, **lease, **pending}, NOW)
        self.again: list[Any] = []

    def held(self, _host_id: str, _run_id: str) -> HostItem:
        return self._item

    def install_again(self, lease: Any, until: datetime) -> None:
        self.again.append((lease.host_id, lease.run_id, until))


@pytest.mark.parametrize(
    ("times", "code", "waits"),
    [
        (None, "ROLES_ANYWHERE_THROTTLED", True),
        (0, "ROLES_ANYWHERE_THROTTLED", True),
        (2, "ROLES_ANYWHERE_THROTTLED", True),
        (3, "ROLES_ANYWHERE_THROTTLED", False),
        (0, "ROLES_ANYWHERE_REJECTED", False),
    ],
)
def test_three_times_a_proof_that_was_throttled_waits(times: int | None, code: str, waits: bool) -> None:
    ledger, inventory = Ledger(), _Inventory(times)
    again = InstallAgain(inventory, _gate(ledger), 540)  # type: ignore[arg-type]
    failure = InstallFailed("x", code=code)
    if not waits:
        with pytest.raises(InstallFailed) as raised:
            again.start(HOST, RUN, failure)
        assert (raised.value, ledger.asked, inventory.again) == (failure, [], [])
        return
    assert again.start(HOST, RUN, failure) == _LATER
    assert inventory.again == [(HOST, RUN, _LATER + timedelta(seconds=540))]
    assert ledger.asked == [("throttled", NOW), ("traffic", "bulk", ""), ("requeue", "bulk", 0.25, NOW)]


def _starts(ledger: Ledger, hours: float = 12) -> Starts:
    return Starts(ledger, _PACE, timedelta(hours=hours), lambda _: False)  # type: ignore[arg-type]


def test_a_run_over_the_fleet_takes_the_bulk_lane_and_what_has_ended_is_given_back_first() -> None:
    ledger = Ledger()
    found = _starts(ledger).reserve(RUN, 100, NOW, urgent=False)
    assert (found.express, found.bulk, found.postponed) == (None, Reservation(T, 1 / _PACE.bulk, 100), 0)
    assert ledger.asked == [
        ("give back", "bulk", NOW), ("give back", "express", NOW), ("reserve", "bulk", RUN, 100, 7.4, NOW, None),
    ]  # fmt: skip


def test_an_enrolment_takes_both_lanes_and_no_more_than_the_express_line_may_hold() -> None:
    ledger = Ledger()
    found = _starts(ledger).reserve(RUN, 80, NOW, urgent=True)
    assert (found.express and found.express.hosts, found.bulk and found.bulk.hosts) == (6, 74)
    assert ledger.asked[2:] == [
        ("reserve", "express", RUN, 6, 0.6, NOW, T + 24 / 0.6), ("reserve", "bulk", RUN, 74, 7.4, NOW, None),
    ]  # fmt: skip
    single = Ledger()
    found = _starts(single).reserve(RUN, 1, NOW, urgent=True)
    assert (found.hosts, found.bulk, len(single.asked)) == (1, None, 3)
    assert single.asked[2] == ("reserve", "express", RUN, 1, 0.6, NOW, T + 49 / 0.6)


@pytest.mark.parametrize(("refuse", "express"), [(4, 6), (5, None)])
def test_where_others_take_the_express_lane_meanwhile_the_bulk_lane_has_all(refuse: int, express: int | None) -> None:
    ledger = Ledger()
    ledger.refuse = refuse
    found = _starts(ledger).reserve(RUN, 80, NOW, urgent=True)
    assert (found.express and found.express.hosts) == express
    assert found.hosts == 80


@pytest.mark.parametrize(
    ("until", "hosts", "start"),
    [
        (None, 100, 74),
        (-50, 100, 74),
        (5, 100, 37),
        (9, 100, 30),
        (500, 100, 30),
        (500, 20, 20),
        (None, 0, 0),
    ],
)
def test_who_would_start_after_the_runs_end_waits_for_the_next_and_some_room_is_always_kept(
    until: float | None, hosts: int, start: int
) -> None:
    ledger = Ledger()
    ledger.until["bulk"] = None if until is None else T + until
    found = _starts(ledger, 10 / 3600).reserve(RUN, hosts, NOW, urgent=False)
    assert (found.hosts, found.postponed) == (start, hosts - start)


def test_the_starts_of_a_run_come_in_order_with_their_lanes() -> None:
    found = StartsOfRun(Reservation(T, 3, 2), Reservation(T + 1, 1, 3), 9)
    assert [(each.at, each.lane) for each in found.slots()] == [
        (NOW + timedelta(seconds=seconds), lane)
        for seconds, lane in ((0, "express"), (1, "bulk"), (2, "bulk"), (3, "bulk"), (3, "express"))
    ]
    assert (found.hosts, found.last) == (5, T + 3)
    assert (StartsOfRun(None, None).hosts, StartsOfRun(None, None).last) == (0, None)
    reservation = Reservation(T, 2, 3)
    assert (reservation.until, reservation.start(0), reservation.start(2)) == (T + 6, T, T + 4)
    assert pace.reserve(None, T, 3, 0.5) == reservation
    assert pace.reserve(T + 9, T, 3, 0.5) == Reservation(T + 9, 2, 3)
