"""Alarms on what would end in a revocation that does not count."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal import validation
from pca_automator._internal.queues import messages_waiting
from pca_automator.functions.factory import METRIC_NAMESPACE
from pca_automator.monitoring.crl_budget import CRL_MAX_BYTES
from pca_automator.reporting.notifications import FailureNotifications

# CRLProcessor measures at least once an hour; two hours hold one measurement whenever it comes.
_PERIOD = Duration.hours(2)


class CrlAlarms(Construct):
    """The CRL in force is near its size limit, or near its ``nextUpdate``; an event was not handled.

    https://docs.aws.amazon.com/general/latest/gr/rolesanywhere.html

    Args:
        automation_name: value of the metric dimension ``Automation``.
        dead_letters: queues that should be empty, by name.
        notifications: topic of the alarms.
        max_percentage: of the 300,000 bytes that IAM Roles Anywhere takes, at which the CRL is too large. Default: 80.
        next_update_margin: how long before ``nextUpdate`` a newer CRL must be in force. Default: 12 hours, half the
            shortest life that AWS Private CA gives a CRL.
        crl_expiry: how long a CRL lives, which must be longer than ``next_update_margin``. Default: not known.

    Raises:
        ValueError: ``max_percentage`` or ``next_update_margin`` is out of bounds.
    """

    crl_size: cloudwatch.Alarm
    """The CRL is near its size limit."""
    crl_age: cloudwatch.Alarm
    """The CRL in force is near its ``nextUpdate``."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        automation_name: str,
        dead_letters: dict[str, sqs.IQueue],
        notifications: FailureNotifications,
        max_percentage: float = 80,
        next_update_margin: Duration | None = None,
        crl_expiry: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        validation.percentage("crl_size_alarm_percentage", max_percentage, minimum=1)
        self._automation_name = automation_name
        self._notifications = notifications
        margin = next_update_margin or Duration.hours(12)
        validation.duration("crl_expiry_alarm", margin, Duration.minutes(1), Duration.days(5000))
        if crl_expiry is not None:
            why = "otherwise a new CRL would be in alarm"
            validation.shorter_than("crl_expiry_alarm", margin, "crl_expiry", crl_expiry, why)
        notifications.let_alarms_publish()
        self.crl_size = self._alarm(
            "CrlSize",
            metric=self._metric("CrlBytes", "Maximum"),
            threshold=max_percentage / 100 * CRL_MAX_BYTES,
            operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            description=f"The CRL has {max_percentage:g} % of the 300,000 bytes that IAM Roles Anywhere takes",
        )
        self.crl_age = self._alarm(
            "CrlNextUpdate",
            # The best measurement: right after an update there is an older one in the same two hours.
            metric=self._metric("CrlSecondsToNextUpdate", "Maximum"),
            threshold=margin.to_seconds(),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            description="The CRL in force runs out soon and no newer one came",
        )
        for name, queue in dead_letters.items():
            self._alarm(
                name,
                metric=messages_waiting(queue),
                threshold=1,
                operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                description="An event or a start was not handled; it is in the dead-letter queue",
            )

    @property
    def all(self) -> list[cloudwatch.IAlarm]:
        """Every alarm."""
        return [each for each in self.node.children if isinstance(each, cloudwatch.Alarm)]

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={"Automation": self._automation_name},
            period=_PERIOD,
            statistic=statistic,
        )

    def _alarm(
        self,
        name: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        operator: cloudwatch.ComparisonOperator,
        description: str,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            comparison_operator=operator,
            evaluation_periods=1,
            metric=metric,
            threshold=threshold,
            # Before the first CRL there is nothing to measure; later, what was true stays true without a measurement.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        alarm.add_alarm_action(actions.SnsAction(self._notifications.topic))
        return alarm
