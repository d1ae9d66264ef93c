"""What a schedule's longest gap really is."""

from __future__ import annotations

import pytest

from pca_automator.renewal.longest_gap import longest_gap


@pytest.mark.parametrize(
    ("expression", "zone", "hours"),
    [
        ("cron(15 3,15 * * ? *)", None, 12),
        ("cron(15 3,15 * * ? *)", "Etc/UTC", 12),
        ("rate(12 hours)", "Europe/Berlin", 12),
        ("rate(1 day)", None, 24),
        ("rate(90 minutes)", None, 1.5),
        # 02:30 does not exist on the day on which the clocks go forward: that run is skipped.
        ("cron(30 2 * * ? *)", "Europe/Berlin", 47),
        ("cron(30 2 * * ? *)", "America/New_York", 47),
        # The clocks go back: a day has 25 hours.
        ("cron(30 12 * * ? *)", "Europe/Berlin", 25),
        ("cron(30 2,14 * * ? *)", "Europe/Berlin", 23),
        # Half an hour of daylight saving.
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", 47.5),
        ("cron(15 3 * * ? *)", "Australia/Lord_Howe", 24.5),
        # A zone that has none.
        ("cron(30 2 * * ? *)", "Asia/Kolkata", 24),
        # Working days alone: from Friday to Monday.
        ("cron(0 6 ? * MON-FRI *)", None, 72),
        ("cron(0 6 ? * 2-6 *)", None, 72),
        ("cron(0 6 ? * FRI-MON *)", None, 96),
        ("cron(0 6 1 * ? *)", None, 31 * 24),
        ("cron(0/20 * * * ? *)", None, 1 / 3),
        ("cron(0 0/6 * * ? *)", None, 6),
        ("cron(0 8-18/2 * * ? *)", None, 14),
    ],
)
def test_the_longest_gap_is_that_of_the_clock_on_the_wall(expression: str, zone: str | None, hours: float) -> None:
    gap = longest_gap(expression, zone)
    assert gap is not None
    assert gap.seconds == pytest.approx(hours * 3600)


def test_the_gap_says_between_which_runs_it_lies() -> None:
    assert str(longest_gap("cron(30 2 * * ? *)", "Europe/Berlin")) in (
        "47 hours (2029-03-24 01:30 to 2029-03-26 00:30 UTC)",
    )
    assert str(longest_gap("rate(36 hours)")) == "36 hours"


@pytest.mark.parametrize(
    "expression",
    ["cron(0 6 L * ? *)", "cron(0 6 ? * 6L *)", "cron(0 6 15W * ? *)", "cron(0 6 ? * 3#1 *)", "cron(0 6)", "soon"],
)
def test_what_is_not_understood_is_not_guessed(expression: str) -> None:
    assert longest_gap(expression) is None


def test_a_zone_without_data_is_not_guessed() -> None:
    assert longest_gap("cron(0 6 * * ? *)", "Middle/Earth") is None


@pytest.mark.parametrize("expression", ["at(2027-01-01T00:00:00)", "cron(0 6 1 1 ? 2027)", "cron(0 6 1 1 ? 1999)"])
def test_a_schedule_that_does_not_repeat_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="it must run"):
        longest_gap(expression)
