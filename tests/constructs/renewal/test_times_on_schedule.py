"""A schedule and the times of renewal are held against each other, with the clocks of the schedule's zone."""

from __future__ import annotations

import pytest
from aws_cdk import Duration, Stack, TimeZone
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Annotations, Match

from pca_automator import RenewalTimes
from tests.synthesis import new_app

NIGHTLY = scheduler.ScheduleExpression.cron(hour="2", minute="30", time_zone=TimeZone.EUROPE_BERLIN)


def stack() -> Stack:
    return Stack(new_app(), "Fleet")


def test_the_interval_is_the_schedules_own_where_none_is_given() -> None:
    times = RenewalTimes(threshold=Duration.days(3)).on_schedule(NIGHTLY, stack())
    assert times.interval.to_hours() == 47
    assert RenewalTimes().on_schedule(None, stack()).interval.to_hours() == 12
    every_six = scheduler.ScheduleExpression.rate(Duration.hours(6))
    assert RenewalTimes().on_schedule(every_six, stack()).interval.to_hours() == 6


def test_an_interval_that_a_change_of_clocks_exceeds_is_refused_with_the_night_it_happens() -> None:
    times = RenewalTimes(threshold=Duration.hours(60), interval=Duration.hours(24))
    with pytest.raises(ValueError, match=r"interval is 1 day, but cron\(30 2 .*Europe/Berlin has a gap of 47 hours \("):
        times.on_schedule(NIGHTLY, stack())
    longer = RenewalTimes(threshold=Duration.hours(60), interval=Duration.hours(48))
    assert longer.on_schedule(NIGHTLY, stack()) is longer


def test_a_threshold_that_a_gap_outlasts_is_refused() -> None:
    with pytest.raises(ValueError, match="interval must be shorter than threshold"):
        RenewalTimes(threshold=Duration.hours(36)).on_schedule(NIGHTLY, stack())


def test_a_schedule_that_is_not_understood_is_warned_of_not_guessed() -> None:
    fleet = stack()
    last_day = scheduler.ScheduleExpression.expression("cron(0 6 L * ? *)")
    times = RenewalTimes(validity=Duration.days(90), threshold=Duration.days(35), interval=Duration.days(31))
    assert times.on_schedule(last_day, fleet) is times
    Annotations.from_stack(fleet).has_warning("*", Match.string_like_regexp("cannot be known at synthesis"))
