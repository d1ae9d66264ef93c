"""What a person looks at first: one page with alarms, time left, runs, the CA and its CRL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator._internal.queues import messages_waiting
from pca_automator.monitoring.crl_budget import CERTIFICATES_PER_CA
from pca_automator.monitoring.metrics import AutomationMetrics

_HOUR = Duration.hours(1)
_DAY = Duration.days(1)
_WIDTH = 24


class FleetDashboard(Construct):
    """One page: the alarms, how long the fleet has, what the runs did, the CA and its CRL. Some 3 USD a month.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html

    Args:
        alarms: shown on top.
        automation: whose metrics.
        queues: dead-letter queues, by name.
        crl: whether a CRL is distributed. Default: yes.
        membership: metrics of ways to join and leave that not every automation has, such as ``HostsEnrolled``.
            Default: none.

    Raises:
        ValueError: an argument has another type.
    """

    dashboard: cloudwatch.Dashboard
    """Its name is CloudFormation's."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        alarms: Sequence[cloudwatch.IAlarm],
        automation: AutomationMetrics,
        queues: Mapping[str, sqs.IQueue],
        crl: bool = True,
        membership: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(14))
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
        self.dashboard.add_widgets(_time_left(automation), _fleet(automation))
        self.dashboard.add_widgets(_runs(automation), _durations(automation), _not_handled(automation, queues))
        self.dashboard.add_widgets(*_authority(automation, crl=crl))
        self.dashboard.add_widgets(_membership(automation, membership))


def _time_left(automation: AutomationMetrics) -> cloudwatch.GraphWidget:
    first = _share(automation.metric_least_time_left(period=_HOUR), 3600, "until the first certificate runs out")
    percentile = _share(
        automation.metric_first_percentile_time_left(period=_HOUR), 3600, "that 99 of 100 certificates still have"
    )
    return _graph("Least time left (hours)", [first, percentile], width=12)


def _fleet(automation: AutomationMetrics) -> cloudwatch.GraphWidget:
    labels = {"HostsTotal": "hosts", "HostsDue": "due", "HostsOverdue": "certificate has run out"}
    metrics = [automation.metric(name, label=label, period=_HOUR) for name, label in labels.items()]
    return _graph("Fleet, as each run saw it", metrics, width=12)


def _runs(automation: AutomationMetrics) -> cloudwatch.GraphWidget:
    outcomes = {
        "HostsRenewed": "renewed", "HostsFailed": "failed", "HostsSkipped": "skipped", "HostsLost": "lost",
        "HostsNotAttempted": "not attempted", "HostsRejected": "rejected",
    }  # fmt: skip
    return _graph("What runs did (hosts)", _sums(automation, outcomes))


def _durations(automation: AutomationMetrics) -> cloudwatch.GraphWidget:
    minutes = _share(automation.metric_run_duration(period=_HOUR), 60, "a run that had hosts to renew")
    return _graph("How long runs took (minutes)", [minutes])


def _not_handled(automation: AutomationMetrics, queues: Mapping[str, sqs.IQueue]) -> cloudwatch.GraphWidget:
    waiting = [messages_waiting(queue, label=name) for name, queue in queues.items()]
    lost = {"EventsNotPublished": "events not published", "IssuanceIgnored": "certificates of others on this CA"}
    return _graph("Not handled", [*waiting, *_sums(automation, lost)])


def _authority(automation: AutomationMetrics, *, crl: bool) -> list[cloudwatch.IWidget]:
    issued = automation.metric_certificates_issued(period=_DAY)
    used = cloudwatch.MathExpression(
        expression=f"100 * RUNNING_SUM(issued) / {CERTIFICATES_PER_CA}",
        label=f"% of the {CERTIFICATES_PER_CA:,} that a CA with a complete CRL may issue, in the time shown",
        period=_DAY,
        using_metrics={"issued": issued},
    )
    ends = [_share(automation.metric_ca_time_left(period=_HOUR), 86_400, "the CA's own certificate")]
    widgets: list[cloudwatch.IWidget] = [_graph("Certificates issued", [used], right=[issued])]
    if crl:
        until = _share(automation.metric_crl_time_left(period=_HOUR), 86_400, "until the next CRL must be in force")
        size = automation.metric("CrlBytes", label="bytes (300,000 are allowed)", period=_HOUR)
        widgets.append(_graph("CRL in force: size, and days left (right)", [size], right=[until]))
    return [_graph("Days until the CA runs out", ends), *widgets]


def _membership(automation: AutomationMetrics, optional: Sequence[str]) -> cloudwatch.GraphWidget:
    labels = {
        "HostsEnrolled": "enrolled", "HostsRegistered": "registered by tag", "HostsRetired": "retired",
        "HostsRemoved": "items removed", "CertificatesRevoked": "certificates revoked",
    }  # fmt: skip
    shown = {
        name: label for name, label in labels.items() if name in (*optional, "HostsRetired", "CertificatesRevoked")
    }
    return _graph("Joining and leaving", _sums(automation, shown), width=_WIDTH)


def _sums(automation: AutomationMetrics, labels: Mapping[str, str]) -> list[cloudwatch.IMetric]:
    return [automation.metric(name, label=label, period=_HOUR, statistic="Sum") for name, label in labels.items()]


def _share(metric: cloudwatch.Metric, divisor: int, label: str) -> cloudwatch.MathExpression:
    """Seconds in a unit that a person reads."""
    # One graph may hold two of them, and their ids begin with a small letter.
    name = f"m{metric.metric_name}"
    return cloudwatch.MathExpression(
        expression=f"{name} / {divisor}", label=label, period=_HOUR, using_metrics={name: metric}
    )


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    width: int = _WIDTH // 3,
) -> cloudwatch.GraphWidget:
    from_zero = cloudwatch.YAxisProps(min=0)
    return cloudwatch.GraphWidget(
        left=list(metrics),
        left_y_axis=from_zero,
        region=Aws.REGION,
        right=list(right),
        right_y_axis=from_zero if right else None,
        title=title,
        width=width,
    )
