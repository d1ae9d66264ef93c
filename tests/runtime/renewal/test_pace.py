"""How fast renewals may start: within the quotas, without overlap, never at a stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_runtime.renewal import pace as pacing
from pca_runtime.renewal.account_use import pace_for
from pca_runtime.renewal.pace import Brake, Pace, goes_now, pace_of, reserve, split
from pca_runtime.renewal.settings import CertCheckSettings
from pca_runtime.renewal.start_items import Account
from pca_runtime.shared.quotas import QUOTAS, with_rates

from tests.runtime.conftest import ENVIRONMENT

NOW = 1_800_000_000.0


def test_create_session_bounds_a_fleet_that_proves_and_production_keeps_its_part() -> None:
    pace = pace_of(QUOTAS, production=2.8)
    assert pace.rate == pytest.approx(0.89 * 10 - 2.8)
    assert pace.floor_rate == pytest.approx(10 - 2.8)
    assert pace.bound_by == "CreateSession"
    assert pace.express + pace.bulk == pytest.approx(pace.rate)


def test_without_proof_issuing_bounds_a_fleet_and_production_does_not() -> None:
    pace = pace_of(QUOTAS, production=9, proof=False)
    assert (pace.rate, pace.floor_rate, pace.bound_by) == (pytest.approx(0.88 * 25), 25, "IssueCertificate")


@pytest.mark.parametrize(
    ("rates", "bound_by", "rate"),
    [
        ({"SendCommand": 5}, "SendCommand", 0.44 * 5),
        ({"CreateSession": 5}, "CreateSession", 0.89 * 5 - 2.8),
        ({"CreateSession": 500}, "IssueCertificate", 0.88 * 25),
        ({"CreateSession": 500, "IssueCertificate": 500}, "GetCertificate", 0.88 * 75),
    ],
)
def test_the_smallest_of_the_quotas_bounds(rates: dict[str, float], bound_by: str, rate: float) -> None:
    pace = pace_of(with_rates(rates), production=2.8, told_send="SendCommand" in rates)
    assert (pace.bound_by, pace.rate) == (bound_by, pytest.approx(rate))


@pytest.mark.parametrize(
    ("told", "seen", "bound_by", "rate"),
    [
        ({"SendCommand": "5"}, {}, "SendCommand", 0.44 * 5),
        ({}, {"SendCommand": 5}, "CreateSession", 0.89 * 10 - 2),  # nobody has said it, and AWS does not
        ({"CreateSession": "6"}, {"CreateSession": 5}, "CreateSession", 0.89 * 6 - 2),
        ({}, {"CreateSession": 5}, "CreateSession", 0.89 * 5 - 2),
    ],
)
def test_what_the_user_says_goes_before_what_was_seen_of_the_account(
    told: dict[str, str], seen: dict[str, float], bound_by: str, rate: float
) -> None:
    quotas = json.dumps({name: float(value) for name, value in told.items()})
    settings = CertCheckSettings.load({**ENVIRONMENT, "QUOTAS": quotas, "PRODUCTION_SESSIONS": "2"})
    pace = pace_for(settings, Account(quotas=seen, production=9), hosts=10)
    assert (pace.bound_by, pace.rate) == (bound_by, pytest.approx(rate))


@pytest.mark.parametrize(("policy", "bound_by"), [("REQUIRED", "CreateSession"), ("NEVER", "IssueCertificate")])
def test_production_is_what_was_seen_where_the_user_says_nothing(policy: str, bound_by: str) -> None:
    settings = CertCheckSettings.load({**ENVIRONMENT, "VALIDATION_POLICY": policy, "PRODUCTION_SESSIONS": ""})
    pace = pace_for(settings, Account(production=4), hosts=10)
    assert pace.bound_by == bound_by
    assert pace.rate == pytest.approx(0.89 * 10 - 4 if policy == "REQUIRED" else 0.88 * 25)


def test_a_rate_of_send_command_that_nobody_gave_bounds_nothing() -> None:
    assert pace_of(with_rates({"CreateSession": 500, "IssueCertificate": 500}), production=0).rate == 66


@pytest.mark.parametrize("production", [10, 11, 500])
def test_a_fleet_is_renewed_even_where_production_takes_the_whole_quota(production: float) -> None:
    assert pace_of(QUOTAS, production=production).rate == pytest.approx(1)


def test_a_share_of_the_quotas_is_a_share_of_the_rate() -> None:
    assert pace_of(QUOTAS, production=2, share=0.5).rate == pytest.approx((0.89 * 10 - 2) / 2)


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(1, 2000)), max_size=20), st.floats(0.01, 100))
def test_reservations_follow_each_other_and_never_start_in_the_past(
    calls: list[tuple[float, int]], rate: float
) -> None:
    until, now = None, NOW
    for later, hosts in calls:
        now += later
        taken = reserve(until, now, hosts, rate)
        assert taken.first >= now
        assert until is None or taken.first >= until
        assert taken.start(hosts - 1) < taken.until
        assert taken.until - taken.first == pytest.approx(hosts / rate, rel=1e-6, abs=1e-5)
        until = taken.until


def test_an_idle_lane_saves_nothing_up() -> None:
    assert reserve(NOW - 3600, NOW, 1, 6).first == NOW


PACE = Pace(6.48, 7.2, "CreateSession")


def test_a_single_host_goes_into_the_express_lane_at_once_while_ten_thousand_wait() -> None:
    shared = split(1, NOW, PACE, express_until=None, bulk_until=NOW + 1600, urgent=True)
    assert (shared.express, shared.bulk) == (1, 0)


def test_a_single_host_of_an_idle_fleet_starts_at_once() -> None:
    assert split(1, NOW, PACE, express_until=None, bulk_until=None, urgent=True).express == 1


def test_the_schedule_and_a_re_issue_of_everything_leave_the_express_lane_alone() -> None:
    assert split(5000, NOW, PACE, express_until=None, bulk_until=None, urgent=False).express == 0


def test_the_express_lane_never_holds_more_than_its_backlog() -> None:
    first = split(1000, NOW, PACE, express_until=None, bulk_until=NOW + 1600, urgent=True)
    assert first.express == pacing.EXPRESS_BACKLOG_MAX
    full = reserve(None, NOW, first.express, PACE.express).until
    assert split(2, NOW, PACE, express_until=full, bulk_until=NOW + 1600, urgent=True).express == 0


def test_a_single_host_goes_before_the_fleet_that_was_put_in_with_it_but_not_thousands_of_them() -> None:
    waiting = {"bulk_until": NOW + 1600, "urgent": True}
    enrolled = NOW + pacing.EXPRESS_BACKLOG_MAX / PACE.express
    assert split(1, NOW, PACE, express_until=enrolled, **waiting).express == 1
    singles = NOW + pacing.EXPRESS_SINGLES_MAX / PACE.express
    assert split(1, NOW, PACE, express_until=singles, **waiting).express == 0


@given(st.integers(0, 10_000), st.floats(0, 3000), st.floats(0, 3000), st.booleans())
def test_every_host_of_a_run_is_in_one_lane(hosts: int, express: float, bulk: float, urgent: bool) -> None:
    shared = split(hosts, NOW, PACE, express_until=NOW + express, bulk_until=NOW + bulk, urgent=urgent)
    assert shared.express + shared.bulk == hosts
    assert min(shared.express, shared.bulk) >= 0
    assert shared.express <= pacing.EXPRESS_BACKLOG_MAX


def test_both_lanes_of_a_run_end_together_where_the_express_lane_has_room() -> None:
    shared = split(200, NOW, PACE, express_until=None, bulk_until=None, urgent=True)
    ends = shared.express / PACE.express, shared.bulk / PACE.bulk
    assert abs(ends[0] - ends[1]) <= 1 / PACE.express + 1 / PACE.bulk


def test_the_brake_falls_once_for_throttled_calls_that_come_together() -> None:
    brake = Brake()
    for second in range(20):
        brake = brake.throttled(NOW + second)
    assert brake.now(NOW + 19) == 0.75
    assert brake.throttled(NOW + 20).now(NOW + 20) == pytest.approx(0.75**2)


def test_the_brake_is_released_in_steps_after_a_quiet_minute() -> None:
    brake = Brake().throttled(NOW)
    found = [brake.now(NOW + seconds) for seconds in (59, 60, 89, 90, 180, 3600)]
    assert found == pytest.approx([0.75, 0.8, 0.8, 0.85, 1, 1])


def test_a_throttled_call_during_the_release_lowers_from_where_it_was() -> None:
    brake = Brake().throttled(NOW).throttled(NOW + 90)
    assert brake.now(NOW + 90) == pytest.approx(0.85 * 0.75)


@given(st.lists(st.floats(0, 400), max_size=200))
def test_the_brake_never_stops_everything_and_never_speeds_up(pauses: list[float]) -> None:
    brake, now = Brake(), NOW
    for pause in pauses:
        now += pause
        brake = brake.throttled(now)
        assert pacing.BRAKE_LEAST <= brake.now(now) <= 1
    assert brake.now(now + 3600) == 1


def test_a_child_goes_at_its_start_and_reserves_again_when_late_or_braked() -> None:
    assert goes_now(NOW, NOW + 30, factor=1, lot=0.99, run_hosts=1000)
    assert not goes_now(NOW, NOW + 31, factor=1, lot=0, run_hosts=1)
    assert goes_now(NOW, NOW, factor=0.5, lot=0.49, run_hosts=1000)
    assert not goes_now(NOW, NOW, factor=0.5, lot=0.5, run_hosts=1000)
    assert goes_now(NOW, NOW, factor=0.1, lot=0.99, run_hosts=pacing.SMALL_RUN)
