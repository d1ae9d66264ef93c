"""How every alarm of an automation is made."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.queues import messages_waiting
from pca_automator.reporting.notifications import FailureNotifications

_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD


class AlarmGroup(Construct):
    """Alarms of one kind, which publish to one topic when they begin and when they are over.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html

    Args:
        notifications: topic of the alarms.
    """

    def __init__(self, scope: Construct, id: str, *, notifications: FailureNotifications) -> None:
        super().__init__(scope, id)
        notifications.let_alarms_publish()
        self._topic = notifications.topic
        self.thresholds: dict[str, float] = {}
        """At which each alarm goes off, by the alarm's name, in the unit of its metric."""
        stack = Stack.of(self)
        # Who reads the text has the mail alone: the command must reach this deployment from anywhere.
        self._place = f"--stack {stack.stack_name} --region {stack.region}"

    @property
    def all(self) -> list[cloudwatch.IAlarm]:
        """Every alarm."""
        return [each for each in self.node.children if isinstance(each, cloudwatch.Alarm)]

    def make(
        self,
        name: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        command: str,
        # What was true stays true without a measurement: most are made once in a run.
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.IGNORE,
        operator: cloudwatch.ComparisonOperator = _AT_LEAST,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        """One alarm.

        Args:
            name: its construct id.
            metric: what is watched.
            threshold: at which it goes off.
            description: what is wrong, in one line.
            command: the arguments of ``pca-automator`` with which one looks further.
            missing: what no measurement means. Default: nothing new.
            operator: how the metric is compared. Default: at least the threshold.
            periods: how many data points must say so. Default: 1.
        """
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"{description}: pca-automator {command} {self._place}",
            comparison_operator=operator,
            evaluation_periods=periods,
            metric=metric,
            threshold=threshold,
            treat_missing_data=missing,
        )
        self.thresholds[name] = threshold
        action = actions.SnsAction(self._topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm

    def watch_queues(self, queues: Mapping[str, sqs.IQueue]) -> None:
        """An alarm for each queue that should be empty.

        Args:
            queues: by the name of the alarm.
        """
        for name, queue in queues.items():
            self.make(
                name,
                metric=messages_waiting(queue),
                threshold=1,
                description="An event or a start was not handled, and waits in the dead-letter queue",
                command="doctor",
            )
