"""What a person looks at first: alarms, numbers, and graphs with the lines at which the alarms go off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator._internal.queues import messages_waiting
from pca_automator.monitoring.crl_budget import CERTIFICATES_PER_CA, CRL_MAX_BYTES
from pca_automator.monitoring.metrics import AutomationMetrics

_HOUR = Duration.hours(1)
_DAY = Duration.days(1)
_WIDTH = 24


class FleetDashboard(Construct):
    """One page: alarms, numbers, how long the fleet has, what the runs did, the CA and its CRL. Some 3 USD a month.

    A line in a graph is what an alarm goes off at, or what AWS allows.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html

    Args:
        alarms: shown on top.
        automation: whose metrics.
        queues: dead-letter queues, by name.
        crl: whether a CRL is distributed. Default: yes.
        membership: metrics of ways to join and leave that not every automation has, such as ``HostsEnrolled``.
            Default: none.
        thresholds: at which the alarms go off, by the names of the alarms, such as ``Runway``, in the units of their
            metrics. Default: no lines of alarms.

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
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(scope, id)
        lines = _Lines(thresholds or {})
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
        self.dashboard.add_widgets(_numbers(automation, crl=crl))
        self.dashboard.add_widgets(_time_left(automation, lines), _fleet(automation))
        self.dashboard.add_widgets(_runs(automation), _durations(automation), _not_handled(automation, queues))
        self.dashboard.add_widgets(*_authority(automation, lines, crl=crl))
        self.dashboard.add_widgets(_membership(automation, membership))


class _Lines:
    """Where the alarms go off, in the unit of a graph."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._thresholds = thresholds

    def of(self, name: str, words: str, divisor: float = 1) -> list[cloudwatch.HorizontalAnnotation]:
        """The line of an alarm; none without the alarm, or where its threshold is only known at deployment."""
        value = self._thresholds.get(name)
        if value is None or Token.is_unresolved(value):
            return []
        return [_line(value / divisor, f"alarm: {words}")]


def _line(value: float, words: str) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(color=cloudwatch.Color.RED, label=words, value=value)


def _numbers(automation: AutomationMetrics, *, crl: bool) -> cloudwatch.SingleValueWidget:
    """What is read from across the room."""
    left = automation.metric_least_time_left(period=_HOUR)
    percentile = automation.metric_first_percentile_time_left(period=_HOUR)
    numbers: list[cloudwatch.IMetric] = [
        _share(left, 3600, "hours: the first certificate", "a"),
        _share(percentile, 3600, "hours: 99 of 100", "b"),
        *_counted(automation, {"HostsTotal": "hosts", "HostsDue": "due", "HostsOverdue": "ran out"}),
        *_sums(automation, {"HostsFailed": "failed"}),
        _share(automation.metric_ca_time_left(period=_HOUR), 86_400, "days: the CA", "c"),
    ]
    if crl:
        size = automation.metric_crl_bytes(period=_HOUR)
        numbers.append(_share(size, CRL_MAX_BYTES / 100, "% of the CRL's room", "d"))
    return cloudwatch.SingleValueWidget(
        height=3, metrics=numbers, region=Aws.REGION, title="As the last run saw it", width=_WIDTH
    )


def _time_left(automation: AutomationMetrics, lines: _Lines) -> cloudwatch.GraphWidget:
    first = _share(automation.metric_least_time_left(period=_HOUR), 3600, "until the first certificate runs out", "a")
    percentile = _share(
        automation.metric_first_percentile_time_left(period=_HOUR), 3600, "that 99 of 100 certificates still have", "b"
    )
    alarm = lines.of("Runway", "a host is not renewed in time", 3600)
    return _graph("Least time left (hours)", [first, percentile], lines=alarm, width=12)


def _fleet(automation: AutomationMetrics) -> cloudwatch.GraphWidget:
    labels = {"HostsTotal": "hosts", "HostsDue": "due", "HostsOverdue": "certificate has run out"}
    return _graph("Fleet, as each run saw it", _counted(automation, labels), width=12)


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
    waiting = [messages_waiting(queue, label=_QUEUES.get(name, name)) for name, queue in queues.items()]
    lost = {
        "EventsNotPublished": "events not published", "IssuanceBudgetExceeded": "certificates beyond a host's budget",
        "IssuanceIgnored": "certificates of others on this CA",
    }  # fmt: skip
    quarantined = automation.metric("EntriesQuarantined", label="entries in quarantine", period=_HOUR)
    return _graph("Not handled (all of it should be 0)", [*waiting, quarantined, *_sums(automation, lost)])


_QUEUES = {"UnhandledEvents": "events and starts that failed", "UnhandledCrls": "CRLs that were not taken"}


def _authority(automation: AutomationMetrics, lines: _Lines, *, crl: bool) -> list[cloudwatch.IWidget]:
    total = _share(automation.metric_ca_certificates_issued(period=_HOUR), CERTIFICATES_PER_CA / 100, "% of its life's")
    issued = automation.metric("CertificatesIssued", label="issued in a day (right)", period=_DAY, statistic="Sum")
    ends = [_share(automation.metric_ca_time_left(period=_HOUR), 86_400, "the CA's own certificate")]
    widgets: list[cloudwatch.IWidget] = [
        _graph("Days until the CA runs out", ends, lines=lines.of("CaExpiry", "renew the CA", 86_400)),
        _graph(
            f"Certificates of the {CERTIFICATES_PER_CA:,} that a CA with a complete CRL issues",
            [total],
            lines=lines.of("CaCertificates", "plan its successor", CERTIFICATES_PER_CA / 100),
            right=[issued],
        ),
    ]
    if crl:
        until = _share(
            automation.metric_crl_time_left(period=_HOUR), 86_400, "days until the next must be in force (right)"
        )
        size = automation.metric("CrlBytes", label="bytes", period=_HOUR)
        limits = [*lines.of("CrlSize", "the CRL is nearly full"), _line(CRL_MAX_BYTES, "allowed")]
        widgets.append(_graph("CRL in force", [size], lines=limits, right=[until]))
    return widgets


def _membership(automation: AutomationMetrics, optional: Sequence[str]) -> cloudwatch.GraphWidget:
    labels = {
        "HostsEnrolled": "enrolled", "HostsRegistered": "registered by tag", "HostsRetired": "retired",
        "HostsRemoved": "items removed", "CertificatesRevoked": "certificates revoked",
    }  # fmt: skip
    shown = {
        name: label for name, label in labels.items() if name in (*optional, "HostsRetired", "CertificatesRevoked")
    }
    return _graph("Joining and leaving", _sums(automation, shown), width=_WIDTH)


def _counted(automation: AutomationMetrics, labels: Mapping[str, str]) -> list[cloudwatch.IMetric]:
    return [automation.metric(name, label=label, period=_HOUR) for name, label in labels.items()]


def _sums(automation: AutomationMetrics, labels: Mapping[str, str]) -> list[cloudwatch.IMetric]:
    return [automation.metric(name, label=label, period=_HOUR, statistic="Sum") for name, label in labels.items()]


def _share(metric: cloudwatch.Metric, divisor: float, label: str, name: str = "a") -> cloudwatch.MathExpression:
    """Seconds in a unit that a person reads, or a percentage; ``name`` is its own in its graph."""
    return cloudwatch.MathExpression(
        expression=f"{name} / {divisor:g}", label=label, period=_HOUR, using_metrics={name: metric}
    )


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    lines: Sequence[cloudwatch.HorizontalAnnotation] = (),
    right: Sequence[cloudwatch.IMetric] = (),
    width: int = _WIDTH // 3,
) -> cloudwatch.GraphWidget:
    from_zero = cloudwatch.YAxisProps(min=0)
    return cloudwatch.GraphWidget(
        left=list(metrics),
        left_annotations=list(lines) or None,
        left_y_axis=from_zero,
        region=Aws.REGION,
        right=list(right),
        right_y_axis=from_zero if right else None,
        title=title,
        width=width,
    )
