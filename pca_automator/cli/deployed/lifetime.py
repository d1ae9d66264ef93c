"""How many certificates the CA may still issue, and until when that lasts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.runtime import runtime

_WARN_SHARE = 0.8
# Of a small fleet it would be the year 3652.
_FORESEEN_MONTHS = 120


def look(deployment: Deployment, hosts: int, issued: int | None, now: datetime) -> dict[str, Any]:
    """What a CA with a complete CRL has left of its 1,000,000 certificates.

    Args:
        deployment: the automation.
        hosts: of the fleet.
        issued: certificates that the automation has had issued, as its last run over the fleet counted; None if none
            has counted.
        now: the time.

    Returns:
        ``issued``, ``allowed``, ``month`` (in which it is used up, counted from now; None: never, or unknown),
        ``usedUp`` (such as ``2027-04``), ``soon`` and ``summary``.
    """
    allowed = runtime("shared.quotas").CA_LIFETIME_CERTIFICATES
    if deployment.function("CRLProcessor") is None:
        return {"issued": issued, "allowed": None, "month": None, "usedUp": None, "soon": False, "summary": "no limit"}
    module = runtime("authority.lifetime")
    cycle = _cycle(deployment)
    a_month = 0.0 if cycle is None else cycle.certificates(hosts, module.MONTH)
    left = module.Lifetime(0 if issued is None else issued, a_month)
    end = left.used_up(now)
    month = None if end is None else max(1, math.ceil(left.months))
    known = f"{allowed:,} in all" if issued is None else f"{issued:,} of {allowed:,} issued"
    until = f"; used up in {end:%Y-%m}, month {month} from now" if end is not None else ""
    if month is not None and month > _FORESEEN_MONTHS:
        until = "; enough for more than ten years"
    return {
        "issued": issued,
        "allowed": allowed,
        "month": month,
        "usedUp": None if end is None else f"{end:%Y-%m}",
        "soon": left.share >= _WARN_SHARE,
        "summary": f"{known}{until}",
    }


def _cycle(deployment: Deployment) -> Any:
    """The life of a certificate; None where the deployment does not tell it."""
    told = {name: deployment.settings(name) for name in ("CertDeploy", "CertIssue") if deployment.function(name)}
    times = (
        ("days", told.get("CertIssue", {}).get("VALIDITY_DAYS")),
        ("seconds", told.get("CertDeploy", {}).get("RENEWAL_THRESHOLD_SECONDS")),
        ("seconds", told.get("CertDeploy", {}).get("RENEWAL_JITTER_SECONDS")),
    )
    if not all(text is not None and text.isdigit() for _, text in times):
        return None
    return runtime("authority.lifetime").Cycle(*(timedelta(**{unit: int(str(text))}) for unit, text in times))
