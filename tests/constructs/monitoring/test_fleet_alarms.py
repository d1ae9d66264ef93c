"""Alarms on the fleet, and the dashboard."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_acmpca as acmpca

from pca_automator import Alarms, Authority, PcaCertificateAutomation, RenewalTimes
from pca_automator._internal.assets import lambda_source
from tests.synthesis import automation, new_app, resources, sample_template, template_of

OURS = "PcaAutomator"
EVERY_METRIC = {
    "CaCertificatesIssued", "CaSecondsLeft", "CertificatesIssued", "CertificatesRevoked", "CrlBytes",
    "CrlSecondsToNextUpdate", "EntriesQuarantined", "EventsNotPublished", "FirstPercentileSecondsLeft", "HostsDue",
    "HostsEnrolled", "HostsFailed", "HostsLost", "HostsNotAttempted", "HostsOverdue", "HostsRegistered",
    "HostsRejected", "HostsRemoved", "HostsRenewed", "HostsRetired", "HostsSkipped", "HostsTotal",
    "IssuanceBudgetExceeded", "IssuanceIgnored", "LeastSecondsLeft", "RunSeconds",
}  # fmt: skip
"""What the dashboard shows where everything is switched on."""


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

    names = {cert_report._metric(outcome) for outcome in cert_report._METRICS}
    literal = re.compile(
        r'"((?:Hosts|Crl|Crls|Ca|Certificates|Issuance|Least|FirstPercentile|Run|Events|Entries|Departures|TrustAnchor)[A-Z][A-Za-z]*)"'
    )
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
    assert {"LeastSecondsLeft", "FirstPercentileSecondsLeft", "CaSecondsLeft", "HostsTotal"} <= used
    assert shown == EVERY_METRIC - {"HostsRegistered"}
    assert used | shown <= emitted()


def test_every_alarm_tells_the_topic_and_is_on_the_dashboard() -> None:
    (topic,) = resources(sample_template(), "AWS::SNS::Topic")
    for name, alarm in alarms().items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm["AlarmDescription"], name
    (shown,) = (each for each in dashboard(sample_template())["widgets"] if each["type"] == "alarm")
    assert len(shown["properties"]["alarms"]) == len(alarms())


def test_every_metric_has_a_method_and_every_method_a_metric_that_is_emitted() -> None:
    construct = automation(alarms=Alarms.none(), dashboard=False)
    found = [getattr(construct, method)() for method in dir(construct) if method.startswith("metric_")]
    names = {metric.metric_name for metric in found if metric.namespace == OURS}
    assert [metric.metric_name for metric in found if metric.namespace == "AWS/SQS"] == [
        "ApproximateNumberOfMessagesVisible"
    ]
    assert names <= emitted()
    assert {
        "HostsTotal", "HostsDue", "HostsOverdue", "HostsRenewed", "HostsFailed", "LeastSecondsLeft",
        "FirstPercentileSecondsLeft", "RunSeconds", "CaSecondsLeft", "CrlBytes", "CrlMissing", "CrlSecondsToNextUpdate",
        "CertificatesIssued", "CertificatesRevoked", "EventsNotPublished", "CaCertificatesIssued",
        "EntriesQuarantined", "IssuanceBudgetExceeded", "TrustAnchorUnfit",
    } == names  # fmt: skip


def test_the_dashboard_shows_nothing_that_is_not_made() -> None:
    arn = "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555"
    stack = Stack(new_app(), "Consumer")
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "CA", arn)
    bare = PcaCertificateAutomation(
        stack, "Automation", authority=Authority.existing(authority), immediate_enrolment=False
    )
    shown = metric_names(dashboard(template_of(bare))["widgets"])
    without = {"CrlBytes", "CrlSecondsToNextUpdate", "HostsEnrolled", "HostsRegistered", "HostsRemoved"}
    assert shown == EVERY_METRIC - without
    tagged = metric_names(dashboard(template_of(automation(enrol_by_tag={"a": "b"})))["widgets"])
    assert tagged == EVERY_METRIC


def test_the_runway_of_the_fleet_and_the_time_of_the_ca_are_alarms() -> None:
    fleet, ca = alarms()["AutomationAlarmsFleetAtRisk"], alarms()["AutomationAlarmsCaExpiry"]
    assert (fleet["MetricName"], fleet["Threshold"]) == ("FirstPercentileSecondsLeft", 24 * 3600)
    assert (ca["MetricName"], ca["Threshold"]) == ("CaSecondsLeft", 90 * 86_400)
    issued = alarms()["AutomationAlarmsCaCertificates"]
    assert (issued["MetricName"], issued["Threshold"], issued["Statistic"]) == (
        "CaCertificatesIssued",
        800_000,
        "Maximum",
    )
    assert issued["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    for alarm in (fleet, ca):
        assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Minimum", "ignore")
        assert alarm["ComparisonOperator"] == "LessThanThreshold"


def test_a_ca_of_a_short_life_is_not_in_alarm_from_the_start() -> None:
    template = template_of(automation(authority=Authority.created(validity=Duration.days(60))))
    found = resources(template, "AWS::CloudWatch::Alarm")
    (alarm,) = (each["Properties"] for name, each in found.items() if "CaExpiry" in name)
    assert alarm["Threshold"] == 30 * 86_400


def test_no_alarm_is_about_a_single_failure() -> None:
    ours = {alarm["MetricName"] for alarm in alarms().values() if alarm["Namespace"] == OURS}
    assert not {"HostsFailed", "HostsLost", "EventsNotPublished"} & ours


def test_whoever_may_write_items_is_noticed() -> None:
    quarantine, budget = (alarms()[f"AutomationAlarms{name}"] for name in ("Quarantine", "IssuanceBudget"))
    assert (quarantine["MetricName"], quarantine["Statistic"]) == ("EntriesQuarantined", "Maximum")
    assert (budget["MetricName"], budget["Statistic"]) == ("IssuanceBudgetExceeded", "Sum")
    for alarm in (quarantine, budget):
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
        assert alarm["OKActions"] == alarm["AlarmActions"]
    # A run measures the one each time; the other is measured only when it happens.
    assert (quarantine["TreatMissingData"], budget["TreatMissingData"]) == ("ignore", "notBreaching")


def test_every_threshold_is_a_prop() -> None:
    template = template_of(
        automation(
            alarms=Alarms(
                runway=Duration.hours(6),
                ca_expiry=Duration.days(30),
                crl_next_update=Duration.hours(2),
                crl_size_percentage=50,
            )
        )
    )
    found = resources(template, "AWS::CloudWatch::Alarm")
    thresholds = {logical_id[:-8]: each["Properties"]["Threshold"] for logical_id, each in found.items()}
    assert thresholds["AutomationAlarmsRunway"] == thresholds["AutomationAlarmsFleetAtRisk"] == 6 * 3600
    assert thresholds["AutomationAlarmsCaExpiry"] == 30 * 86_400
    assert thresholds["AutomationCrlAlarmsCrlNextUpdate"] == 2 * 3600
    assert thresholds["AutomationCrlAlarmsCrlSize"] == 150_000


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
    types = {
        each["Type"] for each in template_of(automation(alarms=Alarms.none(), dashboard=False))["Resources"].values()
    }
    assert not {kind for kind in types if kind.startswith("AWS::CloudWatch::")}


def test_an_unusual_schedule_has_alarms_within_cloudwatchs_limits() -> None:
    template = template_of(automation(times=RenewalTimes(threshold=Duration.days(5), interval=Duration.hours(100))))
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        assert properties["EvaluationPeriods"] * properties.get("Period", 300) <= 7 * 86_400
