"""What watches an automation: alarms and a dashboard, of the parts that it has."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_sqs as sqs

from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.monitoring.crl_alarms import CrlAlarms
from pca_automator.monitoring.dashboard import FleetDashboard
from pca_automator.monitoring.fleet_alarms import FleetAlarms
from pca_automator.monitoring.metrics import AutomationMetrics
from pca_automator.monitoring.options import Alarms
from pca_automator.renewal.times import RenewalTimes
from pca_automator.reporting.notifications import FailureNotifications


def watch(
    automation: AutomationMetrics,
    *,
    authority: IssuingAuthority,
    dashboard: bool,
    dead_letters: sqs.IQueue,
    membership: Sequence[str],
    notifications: FailureNotifications,
    thresholds: Alarms,
    times: RenewalTimes,
    unhandled_crls: sqs.IQueue | None,
) -> tuple[FleetAlarms | None, CrlAlarms | None]:
    """Make alarms and dashboard below the automation.

    Args:
        automation: what is watched.
        authority: the CA.
        dashboard: whether a dashboard is made.
        dead_letters: starts and events that were not handled.
        membership: metrics of the ways to join and leave that the automation has.
        notifications: topic of the alarms.
        thresholds: when alarms go off, and whether there are any.
        times: when certificates are due.
        unhandled_crls: CRLs that were not taken; None where no CRL is distributed.

    Returns:
        The alarms of the fleet and of its CRL, None where there are none.

    Raises:
        ValueError: a threshold would do nothing, or a healthy fleet would be in alarm.
    """
    queues: dict[str, sqs.IQueue] = {"UnhandledEvents": dead_letters}
    crl_queues: dict[str, sqs.IQueue] = {}
    if unhandled_crls is None:
        thresholds.check_without_crl()
    else:
        crl_queues["UnhandledCrls"] = unhandled_crls
    fleet_alarms = crl_alarms = None
    if thresholds.are_made:
        if unhandled_crls is not None:
            crl_alarms = CrlAlarms(
                automation, "CrlAlarms", authority=authority, automation=automation, dead_letters=crl_queues,
                notifications=notifications, thresholds=thresholds,
            )  # fmt: skip
        fleet_alarms = FleetAlarms(
            automation, "Alarms", authority=authority, automation=automation, dead_letters=queues,
            notifications=notifications, thresholds=thresholds, times=times,
        )  # fmt: skip
    if dashboard:
        groups = [group for group in (fleet_alarms, crl_alarms) if group is not None]
        FleetDashboard(
            automation, "Dashboard", alarms=[alarm for group in groups for alarm in group.all], automation=automation,
            crl=unhandled_crls is not None, membership=membership, queues=queues | crl_queues,
            thresholds={name: value for group in groups for name, value in group.thresholds.items()},
        )  # fmt: skip
    return fleet_alarms, crl_alarms
