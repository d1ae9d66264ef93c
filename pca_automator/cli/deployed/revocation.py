"""Revoking certificates, with the functions' own revoker: it knows what AWS Private CA answers, and whose they are."""

from __future__ import annotations

from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import say
from pca_automator.cli.runtime import runtime

ATTRIBUTES = ("status", "serial", "previousSerial", "previousExpiry", "expiry", "otherSerials", "pending")
"""What says which certificates a host may hold."""
RESULTS = {
    "REVOKED": "revoked",
    "BEFORE": "was revoked before",
    "UNKNOWN": "unknown to this CA",
    "ANOTHERS": "not revoked: another host's",
}
"""What came of a serial, for a person."""


class _Console:
    """The revoker's log: what is as it should be stands in the answer already."""

    def info(self, msg: object, **fields: Any) -> None:
        """Nothing is said."""

    def warning(self, msg: object, **fields: Any) -> None:
        """One line."""
        say(f"{msg}: {', '.join(f'{name} {value}' for name, value in fields.items())}")


def check_reason(reason: str) -> None:
    """Refuse what AWS Private CA has no name for.

    Raises:
        Trouble: naming it and what is allowed.
    """
    allowed = runtime("revocation.reasons").REASONS
    if reason not in allowed:
        raise Trouble(f"{reason!r} is not a reason: allowed are {', '.join(allowed)}", USAGE)


def held(item: Any, *, previous: bool = True) -> list[str]:
    """The serials of what a host may hold: the live one, the one before, and what was sent to it and never recorded."""
    times = runtime("shared.timestamps")
    found = list(runtime("inventory.other_certificates").held_serials(item, times.utc_now(), previous=previous))
    before = item.attributes.get("previousSerial")
    of_unknown_end = times.parse_time(item.attributes.get("previousExpiry")) is None
    if previous and of_unknown_end and runtime("authority.certificates").is_serial(before) and before not in found:
        # A retirement takes it for past; a person who asks for it means it.
        found.append(str(before))
    return found


def revoke(deployment: Deployment, host_id: str, serials: list[str], reason: str) -> dict[str, str]:
    """Revoke certificates of a host. Returns what came of each, one of :data:`RESULTS`."""
    aws = deployment.aws
    revoker = runtime("revocation.revoker").Revoker(
        aws.client("acm-pca"), aws.client("dynamodb"), deployment.authority, deployment.table, _Console()
    )
    return {serial: str(revoker.revoke(host_id, serial, reason)) for serial in serials}
