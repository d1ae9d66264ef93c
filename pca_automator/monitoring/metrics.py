"""The automation's metrics, one method for each that a person, an alarm or the dashboard asks for."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn

from pca_automator.functions.factory import METRIC_NAMESPACE
from pca_automator.reporting.events import AutomationEvents


class AutomationMetrics(AutomationEvents):
    """Metrics with the one dimension ``Automation``; docs/monitoring.md says when each is measured."""

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """The workflow."""
        raise NotImplementedError

    def metric(
        self, name: str, *, statistic: str = "Maximum", period: Duration | None = None, label: str | None = None
    ) -> cloudwatch.Metric:
        """One of the automation's metrics.

        Args:
            name: such as ``HostsFailed``.
            statistic: how the values of a period become one. Default: ``Maximum``.
            period: of a data point. Default: 12 hours, the default schedule's interval.
            label: what a graph calls it. Default: the metric's name.
        """
        return cloudwatch.Metric(
            dimensions_map={"Automation": self.automation_name},
            label=label,
            metric_name=name,
            namespace=METRIC_NAMESPACE,
            period=period or Duration.hours(12),
            statistic=statistic,
        )

    def metric_hosts(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Hosts in the inventory, one data point for each run over the whole fleet: whether runs happen at all.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("HostsTotal", period=period)

    def metric_due(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Hosts that a run over the whole fleet found due.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("HostsDue", period=period)

    def metric_overdue(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Hosts whose certificate had run out when a run over the whole fleet began.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("HostsOverdue", period=period)

    def metric_renewed(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Hosts renewed.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("HostsRenewed", period=period, statistic="Sum")

    def metric_failed(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Hosts that failed.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("HostsFailed", period=period, statistic="Sum")

    def metric_least_time_left(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Seconds until the first certificate of the fleet runs out, as a run saw it: the runway.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("LeastSecondsLeft", period=period, statistic="Minimum")

    def metric_first_percentile_time_left(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Seconds that 99 of 100 certificates still have at least: the runway without the few hosts that are dead.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("FirstPercentileSecondsLeft", period=period, statistic="Minimum")

    def metric_run_duration(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Seconds that a run took which had hosts to renew.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("RunSeconds", period=period)

    def metric_ca_time_left(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Seconds until the CA's own certificate runs out; zero while the CA is not active.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CaSecondsLeft", period=period, statistic="Minimum")

    def metric_trust_anchor_unfit(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """1 while the trust anchor is disabled, or may not trust the certificate that the CA has now; else 0.

        https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_UpdateTrustAnchor.html

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("TrustAnchorUnfit", period=period)

    def metric_certificates_issued(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Certificates that the automation had issued; a CA with a complete CRL may issue 1,000,000 in its life.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CertificatesIssued", period=period, statistic="Sum")

    def metric_ca_certificates_issued(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Certificates issued for the automation in all; a CA with a complete CRL issues 1,000,000 in its life.

        https://docs.aws.amazon.com/general/latest/gr/pca.html

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CaCertificatesIssued", period=period)

    def metric_certificates_revoked(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Certificates of hosts that were retired, revoked at the CA.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CertificatesRevoked", period=period, statistic="Sum")

    def metric_crl_bytes(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Size of the CRL in force; IAM Roles Anywhere takes 300,000 bytes at most.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CrlBytes", period=period)

    def metric_crl_time_left(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Seconds until the ``nextUpdate`` of the CRL in force.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CrlSecondsToNextUpdate", period=period)

    def metric_crl_missing(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """1 while there are certificates and the CA has written no CRL where it is read, else 0.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("CrlMissing", period=period, statistic="Minimum")

    def metric_entries_quarantined(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Entries of the inventory that are no hosts, or hold what the system cannot have written, as a run saw it.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("EntriesQuarantined", period=period)

    def metric_issuance_budget_exceeded(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Certificates that were not asked for, because the host had those of its day.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("IssuanceBudgetExceeded", period=period, statistic="Sum")

    def metric_events_not_published(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Events that EventBridge did not take; what they would have told is in the inventory.

        Args:
            period: of a data point. Default: 12 hours.
        """
        return self.metric("EventsNotPublished", period=period, statistic="Sum")
