"""When somebody is woken, by what, and who is told that it is over."""

from __future__ import annotations

from collections.abc import Iterator

from tests.constructs.promises.view import View

HOUR, DAY = 3600, 86_400
_LEFT = {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "ignore", "EvaluationPeriods": 1}
_WAITING = {
    "ComparisonOperator": "GreaterThanOrEqualToThreshold", "EvaluationPeriods": 1, "Period": 300,
    "MetricName": "ApproximateNumberOfMessagesVisible", "Namespace": "AWS/SQS", "Statistic": "Maximum",
    "Threshold": 1, "TreatMissingData": "ignore",
}  # fmt: skip
_BROKEN = {
    "ComparisonOperator": "GreaterThanOrEqualToThreshold", "EvaluationPeriods": 1, "Namespace": "AWS/States",
    "Period": 300, "Statistic": "Sum", "Threshold": 1, "TreatMissingData": "notBreaching",
}  # fmt: skip
_OURS = {"Namespace": "PcaAutomator"}
# With the defaults of times and alarms. A new alarm is a breach until it says here when it goes off.
ALARMS = {
    "AlarmsCaExpiry": {
        **_LEFT, **_OURS, "MetricName": "CaSecondsLeft", "Period": HOUR, "Statistic": "Minimum", "Threshold": 90 * DAY,
    },
    "AlarmsCaCertificates": {
        **_LEFT, **_OURS, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "MetricName": "CaCertificatesIssued",
        "Period": HOUR, "Statistic": "Maximum", "Threshold": 800_000,
    },
    "AlarmsQuarantine": {
        **_LEFT, **_OURS, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "MetricName": "EntriesQuarantined",
        "Period": HOUR, "Statistic": "Maximum", "Threshold": 1,
    },
    "AlarmsIssuanceBudget": {
        **_LEFT, **_OURS, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "MetricName": "IssuanceBudgetExceeded", "Period": HOUR, "Statistic": "Sum", "Threshold": 1,
        "TreatMissingData": "notBreaching",
    },
    "AlarmsFleetAtRisk": {
        **_LEFT, **_OURS, "MetricName": "FirstPercentileSecondsLeft", "Period": HOUR, "Statistic": "Minimum",
        "Threshold": DAY,
    },
    "AlarmsNoRun": {
        **_LEFT, **_OURS, "MetricName": "HostsTotal", "Period": HOUR, "Statistic": "Maximum", "Threshold": 0,
        "TreatMissingData": "breaching", "EvaluationPeriods": 25,
    },
    "AlarmsRunFailed": {**_BROKEN, "MetricName": "ExecutionsFailed"},
    "AlarmsRunTimedOut": {**_BROKEN, "MetricName": "ExecutionsTimedOut"},
    "AlarmsRunway": {
        **_LEFT, **_OURS, "MetricName": "LeastSecondsLeft", "Period": HOUR, "Statistic": "Minimum", "Threshold": DAY,
    },
    "AlarmsUnhandledEvents": _WAITING,
    "AlarmsTrustAnchor": {
        **_LEFT, **_OURS, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "MetricName": "TrustAnchorUnfit",
        "Period": HOUR, "Statistic": "Maximum", "Threshold": 1,
    },
    "CrlAlarmsCrlMissing": {
        **_LEFT, **_OURS, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "MetricName": "CrlMissing",
        "Period": 2 * HOUR, "Statistic": "Minimum", "Threshold": 1,
    },
    "CrlAlarmsCrlNextUpdate": {
        **_LEFT, **_OURS, "MetricName": "CrlSecondsToNextUpdate", "Period": 2 * HOUR, "Statistic": "Maximum",
        "Threshold": DAY,
    },
    "CrlAlarmsCrlSize": {
        **_LEFT, **_OURS, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "MetricName": "CrlBytes",
        "Period": 2 * HOUR, "Statistic": "Maximum", "Threshold": 240_000,
    },
    "CrlAlarmsUnhandledCrls": _WAITING,
}  # fmt: skip
_SAID = ("MetricName", "Namespace", "Period", "Statistic", "Threshold", "ComparisonOperator", "EvaluationPeriods",
         "TreatMissingData")  # fmt: skip
_OF = {
    "AlarmsRunFailed": {"WorkflowStateMachine"},
    "AlarmsRunTimedOut": {"WorkflowStateMachine"},
    "AlarmsUnhandledEvents": {"DeadLetters.QueueName"},
    "CrlAlarmsUnhandledCrls": {"RevocationDeadLetters.QueueName"},
}
_WHOSE = {"PcaAutomator": "Automation", "AWS/SQS": "QueueName", "AWS/States": "StateMachineArn"}


def _every_alarm_goes_off_when_it_should(view: View) -> Iterator[str]:
    # The automation's name, as its functions know it.
    ours = {
        function.get("Environment", {}).get("Variables", {}).get("AUTOMATION_NAME")
        for function in view.of_type("Lambda::Function").values()
    } - {None}
    for name, alarm in view.of_type("CloudWatch::Alarm").items():
        found = {key: alarm.get(key) for key in _SAID}
        wanted = {key: ALARMS.get(name, {}).get(key) for key in _SAID}
        if name == "CrlAlarmsCrlNextUpdate" and not view.names("ACMPCA::CertificateAuthority"):
            wanted["Threshold"] = DAY // 2  # how long the CRL of another's CA lasts is not known
        if found != wanted:
            yield f"{name}: {found}"
        (dimension,) = alarm.get("Dimensions") or [{}]
        whose = _OF.get(name, ours)
        if dimension.get("Name") != _WHOSE.get(str(alarm.get("Namespace"))) or dimension.get("Value") not in whose:
            yield f"{name} watches {dimension}"


def _every_alarm_tells_the_topic(view: View) -> Iterator[str]:
    """When it begins, and when it is over."""
    topics = view.names("SNS::Topic")
    for name, alarm in view.of_type("CloudWatch::Alarm").items():
        actions = {kind: alarm.get(kind, []) for kind in ("AlarmActions", "OKActions")}
        if len(actions["AlarmActions"]) != 1 or not (set(actions["AlarmActions"]) <= topics or not topics):
            yield f"{name} tells {actions['AlarmActions']}"
        if actions["OKActions"] != actions["AlarmActions"] or alarm.get("ActionsEnabled") is False:
            yield f"{name} says that it is over to {actions['OKActions']}"


PROMISES = (_every_alarm_goes_off_when_it_should, _every_alarm_tells_the_topic)
