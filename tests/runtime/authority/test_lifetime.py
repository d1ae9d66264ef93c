"""When a CA has issued all that it may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pca_runtime.authority.lifetime import MONTH, Cycle, Lifetime

WEEK = Cycle(timedelta(days=7), timedelta(days=2), timedelta(hours=12))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_ten_thousand_hosts_with_certificates_of_a_week_use_a_ca_up_in_the_sixteenth_month() -> None:
    lifetime = Lifetime(0, WEEK.certificates(10_000, MONTH))
    assert lifetime.months == pytest.approx(15.6, abs=0.05)
    end = lifetime.used_up(NOW)
    assert end is not None
    assert (end.year, end.month) == (2027, 4)


def test_what_was_issued_brings_the_end_nearer() -> None:
    assert Lifetime(500_000, 50_000).months == 10
    assert Lifetime(500_000, 50_000).share == 0.5


@pytest.mark.parametrize("issued", [1_000_000, 1_200_000])
def test_a_ca_that_is_used_up_has_nothing_left(issued: int) -> None:
    lifetime = Lifetime(issued, 10)
    assert (lifetime.left, lifetime.months, lifetime.used_up(NOW)) == (0, 0, NOW)


def test_a_fleet_that_takes_none_has_no_end_and_a_tiny_one_none_within_the_calendar() -> None:
    assert (Lifetime(5, 0).months, Lifetime(5, 0).used_up(NOW)) == (None, None)
    assert Lifetime(5, 0.001).used_up(NOW) is None
