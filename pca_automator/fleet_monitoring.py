"""What wakes a person, and what they look at then: alarms on the fleet, and the dashboard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal import validation
from pca_automator.automation_base import AutomationBase
from pca_automator.notifications import FailureNotifications

_HOUR = Duration.hours(1)
# An alarm looks back seven days at most.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_HOURS_MAX = 7 * 24
_WIDTH = 24


class FleetAlarms(Construct):
    """Some host is running out of time; no run happened; a run broke; something was not handled.

    Not on single failures: the report of a run names them, and a host that fails is tried again before it matters.
    They cost some 0.50 USD a month. https://aws.amazon.com/cloudwatch/pricing/

    Args:
        automation: whose metrics.
        dead_letters: queues that should be empty, by name. Default: none.
        notifications: topic of the alarms.
        renewal_threshold: how long before its end a certificate is due.
        runway: alarm when a certificate has less than this left. Default: half the renewal threshold, or what a good
            run can leave if that is less.
        schedule_interval: the longest time between two runs.

    Raises:
        ValueError: ``runway`` is so long that a healthy fleet would be in alarm.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        automation: AutomationBase,
        notifications: FailureNotifications,
        renewal_threshold: Duration,
        schedule_interval: Duration,
        dead_letters: Mapping[str, sqs.IQueue] | None = None,
        runway: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._notifications = notifications
        notifications.let_alarms_publish()
        self.runway: cloudwatch.Alarm = self._alarm(
            "Runway",
            metric=automation.metric_least_time_left(period=_HOUR),
            threshold=_runway(runway, renewal_threshold, schedule_interval).to_seconds(),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            # Between two runs nothing is measured: what the last one saw stays true.
            missing=cloudwatch.TreatMissingData.IGNORE,
            description="A host's certificate runs out soon and runs do not renew it: pca-automator hosts list --due",
        )
        """Least time left in the fleet."""
        self.no_run: cloudwatch.Alarm = self._alarm(
            "NoRun",
            metric=automation.metric_hosts(period=_HOUR),
            threshold=0,
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
            description="No run over the whole fleet for two intervals of the schedule: pca-automator status",
            periods=_silent_hours(schedule_interval),
        )
        """The schedule did not start a run, or CertCheck did not come to an end."""
        # Two alarms and no sum: a number for each is what tells them apart, and metric math is not needed for it.
        machine, period = automation.state_machine, Duration.minutes(5)
        self.run_failed: cloudwatch.Alarm = self._broken_run(
            "RunFailed", machine.metric_failed(period=period), "A run broke or stopped early: pca-automator status"
        )
        """The workflow itself ended in failure, not only some of its hosts."""
        self.run_timed_out: cloudwatch.Alarm = self._broken_run(
            "RunTimedOut", machine.metric_timed_out(period=period), "A run took too long: pca-automator status"
        )
        """The workflow was still at work two intervals after its start."""
        for name, queue in (dead_letters or {}).items():
            self._alarm(
                name,
                metric=queue.metric_approximate_number_of_messages_visible(
                    period=Duration.minutes(5), statistic="Maximum"
                ),
                threshold=1,
                operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                missing=cloudwatch.TreatMissingData.IGNORE,
                description="An event or a start was not handled; it is in the dead-letter queue",
            )

    @property
    def all(self) -> list[cloudwatch.IAlarm]:
        """Every alarm."""
        return [each for each in self.node.children if isinstance(each, cloudwatch.Alarm)]

    def _broken_run(self, name: str, metric: cloudwatch.IMetric, description: str) -> cloudwatch.Alarm:
        return self._alarm(
            name,
            metric=metric,
            threshold=1,
            operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            description=description,
        )

    def _alarm(
        self,
        name: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        operator: cloudwatch.ComparisonOperator,
        missing: cloudwatch.TreatMissingData,
        description: str,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            comparison_operator=operator,
            evaluation_periods=periods,
            metric=metric,
            threshold=threshold,
            treat_missing_data=missing,
        )
        action = actions.SnsAction(self._notifications.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm


class FleetDashboard(Construct):
    """One page: the alarms, how long the fleet has, what the runs did, revocation. Some 3 USD a month.

    Args:
        alarms: shown on top.
        automation: whose metrics.
        queues: dead-letter queues, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        alarms: Sequence[cloudwatch.IAlarm],
        automation: AutomationBase,
        queues: Mapping[str, sqs.IQueue],
    ) -> None:
        super().__init__(scope, id)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(14))
        """Its name is CloudFormation's."""
        self.dashboard.add_widgets(
            cloudwatch.TextWidget(
                height=2,
                markdown=f"# Certificates of {automation.automation_name}\n"
                "Least time left is what counts. `pca-automator status` says the same, and who needs a person.",
                width=_WIDTH,
            )
        )
        if alarms:
            self.dashboard.add_widgets(cloudwatch.AlarmStatusWidget(alarms=list(alarms), height=3, width=_WIDTH))
        self.dashboard.add_widgets(*_fleet_widgets(automation))
        self.dashboard.add_widgets(*_run_widgets(automation, queues))
        self.dashboard.add_widgets(*_revocation_widgets(automation))


def _fleet_widgets(automation: AutomationBase) -> list[cloudwatch.IWidget]:
    least = automation.metric_least_time_left(period=_HOUR)
    hours = cloudwatch.MathExpression(
        expression="least / 3600", label="hours until the first certificate runs out", period=_HOUR,
        using_metrics={"least": least},
    )  # fmt: skip
    return [
        _graph("Least time left (hours)", [hours]),
        _graph(
            "Fleet, as each run saw it",
            [
                automation.metric("HostsTotal", label="hosts", period=_HOUR),
                automation.metric("HostsDue", label="due", period=_HOUR),
                automation.metric("HostsOverdue", label="certificate has run out", period=_HOUR),
            ],
        ),
    ]


def _run_widgets(automation: AutomationBase, queues: Mapping[str, sqs.IQueue]) -> list[cloudwatch.IWidget]:
    outcomes = {
        "HostsRenewed": "renewed", "HostsFailed": "failed", "HostsSkipped": "skipped", "HostsLost": "lost",
        "HostsRejected": "rejected",
    }  # fmt: skip
    sums = [automation.metric(name, label=label, period=_HOUR, statistic="Sum") for name, label in outcomes.items()]
    issued = automation.metric("CertificatesIssued", label="certificates issued", period=_HOUR, statistic="Sum")
    return [
        _graph("What runs did", sums, width=8),
        _graph("Issuance", [issued, automation.metric("IssuanceIgnored", period=_HOUR, statistic="Sum")], width=8),
        _graph(
            "Not handled",
            [
                queue.metric_approximate_number_of_messages_visible(label=name, statistic="Maximum")
                for name, queue in queues.items()
            ],
            width=8,
        ),
    ]


def _revocation_widgets(automation: AutomationBase) -> list[cloudwatch.IWidget]:
    update = automation.metric("CrlSecondsToNextUpdate", period=_HOUR, statistic="Minimum")
    days = cloudwatch.MathExpression(
        expression="seconds / 86400", label="days until the CRL runs out", period=_HOUR,
        using_metrics={"seconds": update},
    )  # fmt: skip
    size = automation.metric("CrlBytes", label="bytes (300,000 are allowed)", period=_HOUR)
    joined = ("HostsEnrolled", "HostsRegistered", "HostsRetired", "HostsRemoved", "CertificatesRevoked")
    return [
        _graph("CRL in force", [days], width=8),
        _graph("CRL size", [size], width=8),
        _graph(
            "Joining and leaving",
            [automation.metric(name, period=_HOUR, statistic="Sum") for name in joined],
            width=8,
        ),
    ]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], width: int = _WIDTH // 2) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        left=list(metrics), left_y_axis=cloudwatch.YAxisProps(min=0), region=Aws.REGION, title=title, width=width
    )


def _runway(given: Duration | None, threshold: Duration, interval: Duration) -> Duration:
    """A run comes at most one interval after a certificate is due: a good one leaves threshold minus interval."""
    if threshold.is_unresolved() or interval.is_unresolved():
        return given or Duration.days(1)
    good = Duration.seconds(threshold.to_seconds() - interval.to_seconds())
    if given is None:
        return Duration.seconds(min(threshold.to_seconds() / 2, good.to_seconds()))
    why = "otherwise a fleet that is renewed in time would be in alarm"
    validation.shorter_than("runway_alarm", given, "renewal_threshold minus schedule_interval", good, why)
    return given


def _silent_hours(interval: Duration) -> int:
    """Two intervals and an hour, for the flexible window of the schedule and the time that CertCheck takes."""
    if interval.is_unresolved():
        return _HOURS_MAX
    return min(_HOURS_MAX, math.ceil(2 * interval.to_seconds() / 3600) + 1)
