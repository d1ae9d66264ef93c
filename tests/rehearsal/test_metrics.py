"""What alarms and dashboards ask for is compared with what was written, by namespace, name and dimensions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pca_automator.rehearsal.stage.metrics import Metric, asked_for, emitted, in_alarm, in_dashboard, in_log_line
from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import CreateFunction

DUE = Metric("Own", "Due", (("Automation", "fleet"),))


def line(name: str = "Due", dimensions: list[str] | None = None, **values: str) -> str:
    directive = {"Namespace": "Own", "Dimensions": [dimensions or ["Automation"]], "Metrics": [{"Name": name}]}
    return json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "Automation": "fleet", name: [1.0], **values})


def alarm(name: str = "Due", namespace: str = "Own", automation: str = "fleet") -> dict[str, Any]:
    dimensions = [{"Name": "Automation", "Value": automation}]
    return {"MetricName": name, "Namespace": namespace, "Dimensions": dimensions}


def test_reads_what_a_function_wrote() -> None:
    assert set(in_log_line(line())) == {DUE}
    assert set(in_log_line('{"message": "selected", "due": 3}')) == set()
    assert set(in_log_line("START RequestId: x")) == set()


@pytest.mark.parametrize(
    "other", [line("due"), line(Automation="other"), line(dimensions=["Automation", "service"], service="CertCheck")]
)
def test_another_name_value_or_set_of_dimensions_is_another_metric(other: str) -> None:
    assert DUE not in set(in_log_line(other))


def test_reads_what_an_alarm_asks_for() -> None:
    math = {"Metrics": [{"Expression": "a"}, {"MetricStat": {"Metric": alarm()}}]}
    assert set(in_alarm(alarm())) == set(in_alarm(math)) == {DUE}


def test_reads_what_a_dashboard_shows() -> None:
    rows = [["Own", "Due", "Automation", "fleet", {"label": "due"}], [{"expression": "m / 60"}]]
    widgets = [{"properties": {"markdown": "# x"}}, {"properties": {"metrics": rows}}]
    assert set(in_dashboard({"widgets": widgets})) == {DUE}


WRITER = """
def handler(event, context):
    print(event["line"])
"""


def test_a_metric_that_no_function_writes_is_found_missing(aws: LocalAws, create_function: CreateFunction) -> None:
    arn = create_function("writes-metrics", WRITER)
    aws.client("lambda").invoke(FunctionName=arn, Payload=json.dumps({"line": line()}).encode())
    cloudwatch = aws.client("cloudwatch")
    settings = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 1, "Period": 60}
    for name, asked in (("good", alarm()), ("aws", alarm(namespace="AWS/SQS")), ("typo", alarm("Du"))):
        cloudwatch.put_metric_alarm(AlarmName=name, Statistic="Maximum", **settings, **asked)
    rows = [["Own", "Due", "Automation", "fleet"], ["Own", "Due", "Automation", "flet"]]
    body = {"widgets": [{"type": "metric", "properties": {"metrics": rows}}]}
    cloudwatch.put_dashboard(DashboardName="ours", DashboardBody=json.dumps(body))
    assert DUE in emitted(aws)
    assert asked_for(aws) - emitted(aws) == {
        Metric("Own", "Du", (("Automation", "fleet"),)),
        Metric("Own", "Due", (("Automation", "flet"),)),
    }
