"""Alarms on the fleet, and the dashboard."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import Duration

from pca_automator._internal.assets import lambda_source
from tests.synthesis import automation, resources, sample_template, template_of

OURS = "PcaAutomator"


@cache
def alarms() -> dict[str, dict[str, Any]]:
    """The sample stack's alarms by the end of their logical ids."""
    found = resources(sample_template(), "AWS::CloudWatch::Alarm")
    return {logical_id[:-8]: each["Properties"] for logical_id, each in found.items()}


def dashboard(template: dict[str, Any]) -> dict[str, Any]:
    (resource,) = resources(template, "AWS::CloudWatch::Dashboard").values()
    body = resource["Properties"]["DashboardBody"]
    parts = body["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "reference" for part in parts)
    found: dict[str, Any] = json.loads(text)
    return found


def emitted() -> set[str]:
    """Every name that the functions can give a metric: string literals of the code that emits, and the outcomes."""
    from handlers import cert_report

    names = {f"Hosts{outcome.capitalize()}" for outcome in cert_report._METRICS}
    literal = re.compile(r'"((?:Hosts|Crl|Crls|Certificates|Issuance|Least|Departures)[A-Z][A-Za-z]*)"')
    for file in lambda_source().rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "emit(" in text or "metrics[" in text:
            names |= set(literal.findall(text))
    return names


def metric_names(metrics: Any) -> set[str]:
    """Names of our namespace's metrics, in an alarm's or a dashboard's way of writing them."""
    found: set[str] = set()
    if isinstance(metrics, dict):
        if metrics.get("Namespace") == OURS:
            found.add(metrics["MetricName"])
            assert [each["Name"] for each in metrics["Dimensions"]] == ["Automation"]
        for value in metrics.values():
            found |= metric_names(value)
    elif isinstance(metrics, list):
        if metrics[:1] == [OURS]:
            assert metrics[2] == "Automation"
            found.add(metrics[1])
        for value in metrics:
            found |= metric_names(value)
    return found


def test_alarms_and_dashboard_use_metrics_that_the_functions_emit() -> None:
    used = {name for each in alarms().values() for name in metric_names(each)}
    shown = metric_names(dashboard(sample_template())["widgets"])
    assert {"LeastSecondsLeft", "HostsTotal"} <= used
    assert {"LeastSecondsLeft", "HostsFailed", "CrlBytes", "CertificatesIssued"} <= shown
    assert used | shown <= emitted()


def test_every_alarm_tells_the_topic_and_is_on_the_dashboard() -> None:
    (topic,) = resources(sample_template(), "AWS::SNS::Topic")
    for name, alarm in alarms().items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm["AlarmDescription"], name
    (shown,) = (each for each in dashboard(sample_template())["widgets"] if each["type"] == "alarm")
    assert len(shown["properties"]["alarms"]) >= 3


def test_the_runway_alarm_is_quiet_while_runs_renew_in_time() -> None:
    alarm = alarms()["AutomationAlarmsRunway"]
    # Due 48 hours before the end, a run every 12: a good run leaves 36, half the threshold is 24.
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (24 * 3600, "LessThanThreshold")
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Minimum", "ignore")


def test_silence_for_two_intervals_is_an_alarm() -> None:
    alarm = alarms()["AutomationAlarmsNoRun"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 25 * 3600
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert alarm["Threshold"] == 0  # never below it: only silence breaches


def test_a_broken_run_is_an_alarm() -> None:
    names = {alarms()[f"AutomationAlarms{name}"]["MetricName"] for name in ("RunFailed", "RunTimedOut")}
    assert names == {"ExecutionsFailed", "ExecutionsTimedOut"}


def test_each_dead_letter_queue_has_an_alarm() -> None:
    queues = {
        logical_id for logical_id in resources(sample_template(), "AWS::SQS::Queue") if "DeadLetters" in logical_id
    }
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in alarms().values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    assert watched == queues


def test_alarms_may_publish_to_the_topic_and_use_its_key() -> None:
    policies = resources(sample_template(), "AWS::SNS::TopicPolicy").values()
    publishers = [
        statement.get("Principal", {}).get("Service")
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if isinstance(statement.get("Principal"), dict)
    ]
    assert publishers.count("cloudwatch.amazonaws.com") == 1
    (key,) = resources(sample_template(), "AWS::KMS::Key").values()
    granted = [
        statement["Action"]
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
        if statement["Principal"].get("Service") == "cloudwatch.amazonaws.com"
    ]
    assert granted
    assert "kms:Decrypt" in granted[0]


def test_alarms_and_dashboard_can_be_switched_off() -> None:
    types = {each["Type"] for each in template_of(automation(alarms=False, dashboard=False))["Resources"].values()}
    assert not {kind for kind in types if kind.startswith("AWS::CloudWatch::")}


def test_the_threshold_is_a_prop() -> None:
    template = template_of(automation(runway_alarm=Duration.hours(6)))
    found = resources(template, "AWS::CloudWatch::Alarm")
    (alarm,) = (each for logical_id, each in found.items() if "Runway" in logical_id)
    assert alarm["Properties"]["Threshold"] == 6 * 3600


def test_refuses_a_threshold_at_which_a_healthy_fleet_would_be_in_alarm() -> None:
    with pytest.raises(ValueError, match="runway_alarm"):
        automation(runway_alarm=Duration.hours(40))


def test_an_unusual_schedule_has_alarms_within_cloudwatchs_limits() -> None:
    template = template_of(automation(renewal_threshold=Duration.days(5), schedule_interval=Duration.hours(100)))
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        assert properties["EvaluationPeriods"] * properties.get("Period", 300) <= 7 * 86_400
