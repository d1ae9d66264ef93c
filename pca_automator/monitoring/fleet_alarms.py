"""What wakes a person: alarms on the fleet, its runs and its CA."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal import validation
from pca_automator._internal.arguments import checked
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.monitoring.alarm import AlarmGroup
from pca_automator.monitoring.metrics import AutomationMetrics
from pca_automator.monitoring.options import Alarms
from pca_automator.renewal.times import RenewalTimes
from pca_automator.reporting.notifications import FailureNotifications

_HOUR = Duration.hours(1)
_CA_EXPIRY = Duration.days(90)
# Four fifths of a CA's life: 10,000 hosts with certificates of a week have three months left for its successor.
# https://docs.aws.amazon.com/general/latest/gr/pca.html
_CA_CERTIFICATES = 800_000
# An alarm looks back seven days at most.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_HOURS_MAX = 7 * 24


class FleetAlarms(AlarmGroup):
    """Time is running out, for a host, the fleet or the CA; no run happened; a run broke; something was not handled.

    Not on single failures: the report of a run names them, and a host that fails is tried again before it matters.
    They cost 0.10 USD a month each, https://aws.amazon.com/cloudwatch/pricing/.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html

    Args:
        authority: the CA.
        automation: whose metrics.
        notifications: topic of the alarms.
        times: when a certificate is due, and how often there is a run.
        dead_letters: queues that should be empty, by name. Default: none.
        thresholds: when the alarms go off. Default: as :class:`Alarms` says.

    Raises:
        ValueError: ``runway`` or ``ca_expiry`` of the thresholds is so long that a healthy fleet, or a new CA, would be
            in alarm, or an argument has another type.
    """

    runway: cloudwatch.Alarm
    """Least time left in the fleet."""
    fleet_at_risk: cloudwatch.Alarm
    """Time left without the few hosts that are dead: the system itself does not renew."""
    ca_expiry: cloudwatch.Alarm
    """Time left of the CA."""
    ca_certificates: cloudwatch.Alarm
    """Certificates left of those that the CA may issue in its life."""
    trust_anchor: cloudwatch.Alarm
    """The trust anchor is disabled, or may not trust the certificate that the CA has now."""
    quarantine: cloudwatch.Alarm
    """Entries of the inventory that are no hosts, or hold what the system cannot have written."""
    issuance_budget: cloudwatch.Alarm
    """A host had the certificates of its day, and somebody asked for more."""
    no_run: cloudwatch.Alarm
    """The schedule did not start a run, or CertCheck did not come to an end."""
    run_failed: cloudwatch.Alarm
    """The workflow itself ended in failure, not only some of its hosts."""
    run_timed_out: cloudwatch.Alarm
    """The workflow was still at work two intervals after its start."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        automation: AutomationMetrics,
        notifications: FailureNotifications,
        times: RenewalTimes,
        dead_letters: Mapping[str, sqs.IQueue] | None = None,
        thresholds: Alarms | None = None,
    ) -> None:
        super().__init__(scope, id, notifications=notifications)
        given = thresholds or Alarms()
        short = _runway(given.runway, times.threshold, times.interval)
        self.runway = self._time_left(
            "Runway",
            automation.metric_least_time_left(period=_HOUR),
            short,
            "A host's certificate runs out soon and runs do not renew it",
            "hosts list --due",
        )
        self.fleet_at_risk = self._time_left(
            "FleetAtRisk",
            automation.metric_first_percentile_time_left(period=_HOUR),
            short,
            "More than one host in a hundred runs out soon, so that it is not the hosts",
            "doctor",
        )
        self.ca_expiry = self._time_left(
            "CaExpiry",
            automation.metric_ca_time_left(period=_HOUR),
            _ca_expiry(given.ca_expiry, authority.validity),
            "The CA is not active, or its own certificate runs out",
            "doctor",
        )
        self.ca_certificates = self.make(
            "CaCertificates", metric=automation.metric_ca_certificates_issued(period=_HOUR),
            threshold=_CA_CERTIFICATES,
            description="The CA has issued 800,000 of the 1,000,000 certificates of its life", command="status",
        )  # fmt: skip
        self.trust_anchor = self.make(
            "TrustAnchor", metric=automation.metric_trust_anchor_unfit(period=_HOUR), threshold=1,
            description="The trust anchor is disabled or unlike its CA", command="doctor",
        )  # fmt: skip
        self._watch_the_inventory(automation)
        self.no_run = self.make(
            "NoRun", metric=automation.metric_hosts(period=_HOUR), threshold=0,
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
            description="No run over the whole fleet for two intervals of the schedule", command="doctor",
            periods=_silent_hours(times.interval),
        )  # fmt: skip
        self._watch_runs(automation)
        self.watch_queues(dead_letters or {})

    def _watch_runs(self, automation: AutomationMetrics) -> None:
        """Two alarms and no sum: a number for each is what tells them apart, and metric math is not needed for it."""
        machine, period = automation.state_machine, Duration.minutes(5)
        self.run_failed = self._broken_run(
            "RunFailed", machine.metric_failed(period=period), "A run broke or stopped early"
        )
        self.run_timed_out = self._broken_run(
            "RunTimedOut", machine.metric_timed_out(period=period), "A run took too long"
        )

    def _watch_the_inventory(self, automation: AutomationMetrics) -> None:
        """Whoever may write items, or a host that never gets on, makes work and cost: somebody should know."""
        self.quarantine = self.make(
            "Quarantine",
            metric=automation.metric_entries_quarantined(period=_HOUR),
            threshold=1,
            description="The inventory has entries that are no hosts, or values that this system cannot have written",
            command="hosts lint",
        )
        self.issuance_budget = self.make(
            "IssuanceBudget",
            metric=automation.metric_issuance_budget_exceeded(period=_HOUR),
            threshold=1,
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            description="A host had its certificates of a day, and one more was asked for",
            command="hosts list --failed",
        )

    def _time_left(
        self, name: str, metric: cloudwatch.IMetric, threshold: Duration, description: str, command: str
    ) -> cloudwatch.Alarm:
        return self.make(
            name,
            metric=metric,
            threshold=threshold.to_seconds(),
            operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            description=description,
            command=command,
        )

    def _broken_run(self, name: str, metric: cloudwatch.IMetric, description: str) -> cloudwatch.Alarm:
        return self.make(
            name,
            metric=metric,
            threshold=1,
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
            description=description,
            command="runs list --most 5",
        )


def _runway(given: Duration | None, threshold: Duration, interval: Duration) -> Duration:
    """A run comes at most one interval after a certificate is due: a good one leaves threshold minus interval."""
    if threshold.is_unresolved() or interval.is_unresolved():
        return given or Duration.days(1)
    good = Duration.seconds(threshold.to_seconds() - interval.to_seconds())
    if given is None:
        return Duration.seconds(min(threshold.to_seconds() / 2, good.to_seconds()))
    why = "otherwise a fleet that is renewed in time would be in alarm"
    validation.shorter_than("runway", given, "threshold minus interval", good, why)
    return given


def _ca_expiry(given: Duration | None, validity: Duration | None) -> Duration:
    if validity is None or validity.is_unresolved():
        return given or _CA_EXPIRY
    if given is None:
        return Duration.seconds(min(_CA_EXPIRY.to_seconds(), validity.to_seconds() / 2))
    validation.shorter_than("ca_expiry", given, "the CA's validity", validity, "otherwise a new CA would be in alarm")
    return given


def _silent_hours(interval: Duration) -> int:
    """Two intervals and an hour, for the flexible window of the schedule and the time that CertCheck takes."""
    if interval.is_unresolved():
        return _HOURS_MAX
    return min(_HOURS_MAX, math.ceil(2 * interval.to_seconds() / 3600) + 1)
