"""When a host is due: the threshold counts once, and nobody is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_runtime.inventory.due import RenewalPolicy, is_due
from pca_runtime.shared.timestamps import format_time, parse_time

from tests.runtime.pki import NOW

TWELVE_HOURS = timedelta(hours=12)
DAY = timedelta(days=1)


def due(renewal: timedelta | None, expiry: timedelta | None, *, abandoned: bool = False) -> bool:
    return is_due(
        renewal_date=None if renewal is None else NOW + renewal,
        expiry=None if expiry is None else NOW + expiry,
        abandoned=abandoned,
        now=NOW,
        next_run=TWELVE_HOURS,
    )


def test_a_seven_day_certificate_is_renewed_after_five_days_and_not_after_three() -> None:
    policy = RenewalPolicy(threshold=timedelta(days=2))
    renewal = policy.renewal_date("i-01234567", NOW + timedelta(days=7))
    assert renewal == NOW + timedelta(days=5)


def test_due_from_the_renewal_date_on() -> None:
    assert not due(timedelta(seconds=1), 2 * DAY)
    assert due(timedelta(0), 2 * DAY)


def test_a_host_without_a_certificate_or_with_unreadable_dates_is_due() -> None:
    assert due(None, None)
    assert due(None, 5 * DAY)
    assert due(5 * DAY, None)


def test_due_if_the_certificate_runs_out_before_the_next_run_whatever_the_renewal_date() -> None:
    assert due(DAY, TWELVE_HOURS)
    assert not due(DAY, TWELVE_HOURS + timedelta(seconds=1))


def test_a_host_that_a_run_took_and_left_is_due() -> None:
    assert due(5 * DAY, 7 * DAY, abandoned=True)


@given(st.from_regex(r"i-[0-9a-f]{17}", fullmatch=True), st.integers(0, 10**6))
def test_jitter_brings_the_renewal_forward_within_its_window_and_is_fixed_for_a_host(host: str, window: int) -> None:
    policy = RenewalPolicy(timedelta(days=2), timedelta(seconds=window))
    expiry = NOW + timedelta(days=30)
    renewal = policy.renewal_date(host, expiry)
    assert expiry - timedelta(days=2, seconds=window) <= renewal <= expiry - timedelta(days=2)
    assert renewal == policy.renewal_date(host, expiry)


def test_a_fleet_enrolled_in_one_minute_does_not_renew_in_one_minute() -> None:
    policy = RenewalPolicy(timedelta(days=2), timedelta(hours=6))
    hours = [policy.jitter_of(f"i-{number:017x}") // timedelta(hours=1) for number in range(6_000)]
    assert all(800 < hours.count(hour) < 1_200 for hour in range(6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T13:15:00Z", "2026-11-23T13:15:00Z"),
        ("2026-11-23", "2026-11-23T00:00:00Z"),
        ("2026-13-01", None),
        ("2026-11-23T25:00:00Z", None),
        ("2026-11-23 13:15:00", None),
        ("2026-11-23T13:15:00+01:00", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
        (1795441672, None),
    ],
)
def test_reads_both_forms_of_timestamps_and_nothing_else(text: object, expected: str | None) -> None:
    moment = parse_time(text)
    assert (None if moment is None else format_time(moment)) == expected
