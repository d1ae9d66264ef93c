"""When the schedule starts the next run: to the minute, at each bound, in whatever zone and group."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pca_automator.cli.deployed.schedule import get_schedule, next_of_cron, next_run
from tests.cli.conftest import Deployed, deployment, resources

DAY = datetime(2026, 12, 31, tzinfo=UTC)


def at(hour: int, minute: int, second: int = 0, microsecond: int = 0, days: int = 0) -> datetime:
    return DAY + timedelta(days=days, hours=hour, minutes=minute, seconds=second, microseconds=microsecond)


@pytest.mark.parametrize(
    ("expression", "now", "expected"),
    [
        ("cron(15 3 * * ? *)", at(3, 14, 59, 999_999), at(3, 15)),
        ("cron(15 3 * * ? *)", at(3, 15), at(3, 15, days=1)),
        ("cron(15 3 * * ? *)", at(3, 15, 1, 1), at(3, 15, days=1)),
        ("cron(15 3 ? * * *)", at(0, 0), at(3, 15)),
        ("cron(30,0 12,0 * * ? *)", at(0, 0), at(0, 30)),
        ("cron(30,0 12,0 * * ? *)", at(0, 30), at(12, 0)),
        ("cron(30,0 12,0 * * ? *)", at(12, 30), at(0, 0, days=1)),
        ("cron(59 23 * * ? *)", at(23, 59), at(23, 59, days=1)),
        # The same moment elsewhere: in Kiribati it is the next day already.
        ("cron(15 3 * * ? *)", at(3, 14).astimezone(timezone(timedelta(hours=14))), at(3, 15)),
        ("cron(15 3 * * ? *)", at(22, 0).astimezone(timezone(timedelta(hours=14))), at(3, 15, days=1)),
        ("cron(15 3 1 * ? *)", at(0, 0), None),
        ("cron(15 3 * 1 ? *)", at(0, 0), None),
        ("cron(15 3 * * ? 2027)", at(0, 0), None),
        ("cron(0/15 3 * * ? *)", at(0, 0), None),
        ("at(2027-01-01T00:00:00)", at(0, 0), None),
        ("cron(15 3 * * ? *) ", at(0, 0), None),
    ],
)
def test_the_next_moment_of_a_daily_time_is_the_first_that_is_still_to_come(
    expression: str, now: datetime, expected: datetime | None
) -> None:
    assert next_of_cron(expression, now) == expected


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ({}, "2026-12-31T03:15:00Z"),
        ({"State": "ENABLED", "ScheduleExpressionTimezone": "UTC"}, "2026-12-31T03:15:00Z"),
        ({"ScheduleExpressionTimezone": "Etc/UTC"}, "2026-12-31T03:15:00Z"),
        ({"ScheduleExpressionTimezone": "Asia/Tokyo"}, "cron(15 3 * * ? *) in Asia/Tokyo"),
        ({"ScheduleExpression": "rate(12 hours)"}, "rate(12 hours)"),
        ({"State": "DISABLED"}, "disabled"),
    ],
)
def test_the_next_run_is_told_as_exactly_as_can_be(deployed: Deployed, schedule: dict[str, str], told: str) -> None:
    deployed.answers["GetSchedule"] = {"ScheduleExpression": "cron(15 3 * * ? *)", **schedule}
    assert next_run(deployment(), at(0, 0)) == told
    assert deployed.called("GetSchedule") == [{"Name": "daily"}]


def test_another_schedule_is_not_the_workflows(deployed: Deployed) -> None:
    listed: Any = deployed.answers["ListStackResources"]
    listed["StackResourceSummaries"] = [each for each in resources() if "WorkflowSchedule" not in str(each)]
    assert next_run(deployment(), at(0, 0)) == "no schedule"
    assert deployed.called("GetSchedule") == []


def test_a_schedule_that_is_named_by_its_arn_is_found_in_its_group(deployed: Deployed) -> None:
    arn = "arn:aws:scheduler:us-east-1:123456789012:schedule/fleet/daily"
    get_schedule(deployment(), arn)
    assert deployed.called("GetSchedule") == [{"GroupName": "fleet", "Name": "daily"}]
