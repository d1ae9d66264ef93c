"""When the schedule starts the next run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.runtime import runtime

_SIMPLE_CRON = re.compile(r"cron\((\d+(?:,\d+)*) (\d+(?:,\d+)*) [*?] \* [*?] \*\)")


def get_schedule(deployment: Deployment, physical_id: str) -> dict[str, Any]:
    """A schedule as EventBridge Scheduler has it."""
    # CloudFormation's Ref is the name, or group and name.
    group, _, name = physical_id.replace("|", "/").rpartition("/")
    where = {"GroupName": group.rpartition("/")[2]} if group else {}
    answer: dict[str, Any] = deployment.aws.client("scheduler").get_schedule(Name=name, **where)
    return answer


def next_run(deployment: Deployment, now: datetime) -> str:
    """When the schedule starts the next run, or its expression where that is not of the simple kind."""
    name = deployment.find("AWS::Scheduler::Schedule", "WorkflowSchedule")
    if name is None:
        return "no schedule"
    schedule = get_schedule(deployment, name)
    if schedule.get("State", "ENABLED") != "ENABLED":
        return "disabled"
    expression = str(schedule["ScheduleExpression"])
    if schedule.get("ScheduleExpressionTimezone", "UTC") not in ("UTC", "Etc/UTC"):
        return f"{expression} in {schedule['ScheduleExpressionTimezone']}"
    moment = next_of_cron(expression, now)
    return expression if moment is None else str(runtime("shared.timestamps").format_time(moment))


def next_of_cron(expression: str, now: datetime) -> datetime | None:
    """The next moment of a daily cron expression with minutes and hours; ``None`` for any other expression."""
    match = _SIMPLE_CRON.fullmatch(expression)
    if match is None:
        return None
    minutes, hours = ([int(part) for part in text.split(",")] for text in match.groups())
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (
        today + timedelta(days=day, hours=hour, minutes=minute)
        for day in (0, 1)
        for hour in hours
        for minute in minutes
    )
    return min(moment for moment in moments if moment > now)
