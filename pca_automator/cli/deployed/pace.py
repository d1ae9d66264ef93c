"""How fast the deployment may renew, as its ledger of starts says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.runtime import runtime


@dataclass(frozen=True)
class Starts:
    """What stands in the ledger of starts.

    Args:
        account: what the runs have learned of the account.
        brake: how AWS throttles.
        lanes: what is taken, by lane.
    """

    account: Any
    brake: Any
    lanes: dict[str, Any]


def read(deployment: Deployment) -> Starts:
    """The ledger of starts.

    Raises:
        PcaAutomatorError: it cannot be read; AWS's answer is the cause.
    """
    ledger = runtime("renewal.start_ledger").StartLedger(deployment.aws.client("dynamodb"), deployment.starts)
    traffic = ledger.traffic("bulk", "")
    return Starts(ledger.account(), traffic.brake, {"bulk": traffic.lane, "express": ledger.lane("express")})


def look(deployment: Deployment, starts: Starts, hosts: int, now: datetime) -> dict[str, Any]:
    """Rate, what bounds it, and how long the lanes are taken.

    Args:
        deployment: the automation.
        starts: its ledger of starts.
        hosts: of the fleet.
        now: the time.

    Returns:
        ``rate`` (hosts a second), ``boundBy``, ``quotas`` and ``production`` (requests a second, as far as they are
        told or were read; None: as documented, as estimated), ``brake`` (the share of the rate that is let through),
        ``waiting`` (seconds until the last start, by lane), ``certificatesIssued`` (as the last run over the fleet
        counted; None if none has) and ``summary``.
    """
    settings = runtime("renewal.settings").CertCheckSettings.load(deployment.settings("CertCheck"))
    account = starts.account
    pace = runtime("renewal.account_use").pace_for(settings, account, hosts)
    present = now.timestamp()
    waiting = {name: max(0, round((lane.until or 0) - present)) for name, lane in starts.lanes.items()}
    factor = float(starts.brake.now(present))
    production = settings.production_sessions if settings.production_sessions is not None else account.production
    return {
        "rate": round(pace.rate, 3),
        "boundBy": pace.bound_by,
        "quotas": {**account.quotas, **settings.quotas},
        "production": production,
        "brake": round(factor, 3),
        "waiting": waiting,
        "certificatesIssued": account.issued,
        "summary": _summary(pace, production, factor, waiting),
    }


def _summary(pace: Any, production: float | None, factor: float, waiting: dict[str, int]) -> str:
    words = [f"{pace.rate:.3g} hosts a second, bound by {pace.bound_by}"]
    words.append("production estimated" if production is None else f"production {production:.3g} sessions a second")
    if factor < 1:
        words.append(f"AWS throttles: {factor:.0%} of it are let through")
    if any(waiting.values()):
        words.append(f"the last host in line starts in {max(waiting.values())} s")
    return "; ".join(words)
