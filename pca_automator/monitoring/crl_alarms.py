"""Alarms on what would end in a revocation that does not count."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal import validation
from pca_automator._internal.arguments import checked
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.monitoring.alarm import AlarmGroup
from pca_automator.monitoring.crl_budget import CRL_ALARM_SHARE, CRL_MAX_BYTES
from pca_automator.monitoring.metrics import AutomationMetrics
from pca_automator.monitoring.options import Alarms
from pca_automator.reporting.notifications import FailureNotifications

# CRLProcessor measures at least once an hour; two hours hold one measurement whenever it comes.
_PERIOD = Duration.hours(2)


class CrlAlarms(AlarmGroup):
    """The CRL in force is near its size limit, or near its ``nextUpdate``; there is none; a CRL was not taken.

    https://docs.aws.amazon.com/general/latest/gr/rolesanywhere.html

    Args:
        authority: the CA that writes the CRL.
        automation: whose metrics.
        dead_letters: queues that should be empty, by name.
        notifications: topic of the alarms.
        thresholds: when the alarms go off. Default: as :class:`Alarms` says.

    Raises:
        ValueError: ``crl_next_update`` of the thresholds is so long that a new CRL would be in alarm, or an argument
            has another type.
    """

    crl_size: cloudwatch.Alarm
    """The CRL is near its size limit."""
    crl_age: cloudwatch.Alarm
    """The CRL in force is near its ``nextUpdate``."""

    crl_missing: cloudwatch.Alarm
    """There are certificates, and no CRL: no revocation would be enforced."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        automation: AutomationMetrics,
        dead_letters: Mapping[str, sqs.IQueue],
        notifications: FailureNotifications,
        thresholds: Alarms | None = None,
    ) -> None:
        super().__init__(scope, id, notifications=notifications)
        given = thresholds or Alarms()
        share = given.crl_size_percentage or 100 * CRL_ALARM_SHARE
        margin = _margin(given.crl_next_update, authority.crl_expiry)
        self.crl_size = self.make(
            "CrlSize",
            metric=automation.metric_crl_bytes(period=_PERIOD),
            threshold=share / 100 * CRL_MAX_BYTES,
            description=f"The CRL has {share:g} % of the {CRL_MAX_BYTES:,} bytes that IAM Roles Anywhere takes",
            command="explain CRL_TOO_LARGE",
        )
        self.crl_age = self.make(
            "CrlNextUpdate",
            # The best measurement: right after an update there is an older one in the same two hours.
            metric=automation.metric_crl_time_left(period=_PERIOD),
            threshold=margin.to_seconds(),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            description="The CRL in force runs out soon and no newer one came",
            command="doctor",
        )
        self.crl_missing = self.make(
            "CrlMissing",
            # The best measurement, so that the first CRL ends the alarm.
            metric=automation.metric_crl_missing(period=_PERIOD),
            threshold=1,
            description="There are certificates, and the CA has written no CRL: no revocation is enforced",
            command="doctor",
        )
        self.watch_queues(dead_letters)


def _margin(given: Duration | None, crl_expiry: Duration | None) -> Duration:
    """Half a CRL's life, at most a day; where it is not known, half the shortest life that AWS Private CA gives one."""
    if crl_expiry is None or crl_expiry.is_unresolved():
        return given or Duration.hours(12)
    margin = given or Duration.seconds(min(86_400, crl_expiry.to_seconds() / 2))
    if given is not None:
        why = "otherwise a new CRL would be in alarm"
        validation.shorter_than("crl_next_update", margin, "the CA's crl_expiry", crl_expiry, why)
    return margin
