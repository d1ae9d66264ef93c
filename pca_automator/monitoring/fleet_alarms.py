"""What wakes a person: alarms on the fleet, its runs and its CA."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal import validation
from pca_automator._internal.queues import messages_waiting
from pca_automator.automation_base import AutomationBase
from pca_automator.reporting.notifications import FailureNotifications

_HOUR = Duration.hours(1)
_CA_EXPIRY = Duration.days(90)
# An alarm looks back seven days at most.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_HOURS_MAX = 7 * 24


class FleetAlarms(Construct):
    """Time is running out, for a host, the fleet or the CA; no run happened; a run broke; something was not handled.

    Not on single failures: the report of a run names them, and a host that fails is tried again before it matters.
    They cost 0.10 USD a month each, https://aws.amazon.com/cloudwatch/pricing/.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html

    Args:
        automation: whose metrics.
        notifications: topic of the alarms.
        renewal_threshold: how long before its end a certificate is due.
        schedule_interval: the longest time between two runs.
        ca_expiry: alarm when the CA's own certificate has less than this left, or the CA is not active. Default: 90
            days, or half of ``ca_validity`` if that is less.
        ca_validity: of a created CA. Default: not known.
        dead_letters: queues that should be empty, by name. Default: none.
        runway: alarm when a certificate has less than this left. Default: half the renewal threshold, or what a good
            run can leave if that is less.

    Raises:
        ValueError: ``runway`` or ``ca_expiry`` is so long that a healthy fleet, or a new CA, would be in alarm.
    """

    runway: cloudwatch.Alarm
    """Least time left in the fleet."""
    fleet_at_risk: cloudwatch.Alarm
    """Time left without the few hosts that are dead: the system itself does not renew."""
    ca_expiry: cloudwatch.Alarm
    """Time left of the CA."""
    no_run: cloudwatch.Alarm
    """The schedule did not start a run, or CertCheck did not come to an end."""
    run_failed: cloudwatch.Alarm
    """The workflow itself ended in failure, not only some of its hosts."""
    run_timed_out: cloudwatch.Alarm
    """The workflow was still at work two intervals after its start."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        automation: AutomationBase,
        notifications: FailureNotifications,
        renewal_threshold: Duration,
        schedule_interval: Duration,
        ca_expiry: Duration | None = None,
        ca_validity: Duration | None = None,
        dead_letters: Mapping[str, sqs.IQueue] | None = None,
        runway: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._notifications = notifications
        notifications.let_alarms_publish()
        short = _runway(runway, renewal_threshold, schedule_interval)
        self.runway = self._time_left(
            "Runway",
            automation.metric_least_time_left(period=_HOUR),
            short,
            "A host's certificate runs out soon and runs do not renew it: pca-automator hosts list --due",
        )
        self.fleet_at_risk = self._time_left(
            "FleetAtRisk",
            automation.metric_first_percentile_time_left(period=_HOUR),
            short,
            "More than one host in a hundred runs out soon: it is not the hosts. pca-automator status",
        )
        self.ca_expiry = self._time_left(
            "CaExpiry",
            automation.metric_ca_time_left(period=_HOUR),
            _ca_expiry(ca_expiry, ca_validity),
            "The CA is not active, or its own certificate runs out: pca-automator status",
        )
        self.no_run = self._alarm(
            "NoRun",
            metric=automation.metric_hosts(period=_HOUR),
            threshold=0,
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
            description="No run over the whole fleet for two intervals of the schedule: pca-automator status",
            periods=_silent_hours(schedule_interval),
        )
        # Two alarms and no sum: a number for each is what tells them apart, and metric math is not needed for it.
        machine, period = automation.state_machine, Duration.minutes(5)
        self.run_failed = self._broken_run(
            "RunFailed", machine.metric_failed(period=period), "A run broke or stopped early: pca-automator status"
        )
        self.run_timed_out = self._broken_run(
            "RunTimedOut", machine.metric_timed_out(period=period), "A run took too long: pca-automator status"
        )
        for name, queue in (dead_letters or {}).items():
            self._alarm(
                name,
                metric=messages_waiting(queue),
                threshold=1,
                operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                missing=cloudwatch.TreatMissingData.IGNORE,
                description="An event or a start was not handled; it is in the dead-letter queue",
            )

    @property
    def all(self) -> list[cloudwatch.IAlarm]:
        """Every alarm."""
        return [each for each in self.node.children if isinstance(each, cloudwatch.Alarm)]

    def _time_left(
        self, name: str, metric: cloudwatch.IMetric, threshold: Duration, description: str
    ) -> cloudwatch.Alarm:
        return self._alarm(
            name,
            metric=metric,
            threshold=threshold.to_seconds(),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            # Between two runs nothing is measured: what the last one saw stays true.
            missing=cloudwatch.TreatMissingData.IGNORE,
            description=description,
        )

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


def _runway(given: Duration | None, threshold: Duration, interval: Duration) -> Duration:
    """A run comes at most one interval after a certificate is due: a good one leaves threshold minus interval."""
    if given is not None:
        validation.duration("runway_alarm", given, Duration.minutes(1), Duration.days(3650))
    if threshold.is_unresolved() or interval.is_unresolved():
        return given or Duration.days(1)
    good = Duration.seconds(threshold.to_seconds() - interval.to_seconds())
    if given is None:
        return Duration.seconds(min(threshold.to_seconds() / 2, good.to_seconds()))
    why = "otherwise a fleet that is renewed in time would be in alarm"
    validation.shorter_than("runway_alarm", given, "renewal_threshold minus schedule_interval", good, why)
    return given


def _ca_expiry(given: Duration | None, validity: Duration | None) -> Duration:
    if given is not None:
        validation.duration("ca_expiry_alarm", given, Duration.minutes(1), Duration.days(365 * 30))
    if validity is None or validity.is_unresolved():
        return given or _CA_EXPIRY
    if given is None:
        return Duration.seconds(min(_CA_EXPIRY.to_seconds(), validity.to_seconds() / 2))
    validation.shorter_than("ca_expiry_alarm", given, "ca_validity", validity, "otherwise a new CA would be in alarm")
    return given


def _silent_hours(interval: Duration) -> int:
    """Two intervals and an hour, for the flexible window of the schedule and the time that CertCheck takes."""
    if interval.is_unresolved():
        return _HOURS_MAX
    return min(_HOURS_MAX, math.ceil(2 * interval.to_seconds() / 3600) + 1)
