"""The metrics that functions really wrote into their logs, and those that alarms and dashboards ask for.

Functions write metrics as lines of the embedded metric format, which CloudWatch reads out of their logs; the local AWS
keeps the logs and reads nothing out of them.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pca_automator.rehearsal.stage.process import LocalAws

MEASURED_BY_AWS = frozenset({"AWS/SQS", "AWS/States"})
"""Namespaces of metrics that AWS services emit by themselves; nothing in a rehearsal does."""


@dataclasses.dataclass(frozen=True, order=True)
class Metric:
    """What identifies a metric: without the right dimensions it is another one, which never has a value."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """For a person."""
        return f"{self.namespace} {self.name} {dict(self.dimensions)}"


def emitted(aws: LocalAws) -> set[Metric]:
    """Every metric that any function wrote."""
    logs = aws.client("logs")
    found: set[Metric] = set()
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for page in pages:
                for event in page["events"]:
                    found |= set(in_log_line(event["message"]))
    return found


def asked_for(aws: LocalAws) -> set[Metric]:
    """Every metric of the deployed alarms and dashboards that is not measured by AWS itself."""
    cloudwatch = aws.client("cloudwatch")
    found: set[Metric] = set()
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for alarm in page["MetricAlarms"]:
            found |= set(in_alarm(alarm))
    for page in cloudwatch.get_paginator("list_dashboards").paginate():
        for entry in page["DashboardEntries"]:
            body = cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"]
            found |= set(in_dashboard(json.loads(body)))
    return {metric for metric in found if metric.namespace not in MEASURED_BY_AWS}


def in_log_line(line: str) -> Iterator[Metric]:
    """The metrics of a line in the embedded metric format; any other line has none."""
    if '"CloudWatchMetrics"' not in line:
        return
    document = json.loads(line)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = tuple(sorted((name, str(document[name])) for name in names))
            for metric in directive["Metrics"]:
                yield Metric(directive["Namespace"], metric["Name"], dimensions)


def in_alarm(alarm: Mapping[str, Any]) -> Iterator[Metric]:
    """The metric of an alarm, or those of its metric math."""
    for stat in [
        alarm,
        *(query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query),
    ]:
        if stat.get("MetricName"):
            dimensions = tuple(sorted((each["Name"], each["Value"]) for each in stat.get("Dimensions", [])))
            yield Metric(stat["Namespace"], stat["MetricName"], dimensions)


def in_dashboard(body: Mapping[str, Any]) -> Iterator[Metric]:
    """The metrics of a dashboard's graphs: ``[namespace, name, dimension, value, …, {options}]``."""
    for widget in body["widgets"]:
        for row in widget["properties"].get("metrics", []):
            yield from _in_row(row)


def _in_row(row: Sequence[Any]) -> Iterator[Metric]:
    words = [word for word in row if isinstance(word, str)]
    if words:  # a row with nothing but options is an expression over other rows
        namespace, name, *pairs = words
        yield Metric(namespace, name, tuple(sorted(zip(pairs[::2], pairs[1::2], strict=True))))
