"""Revoking certificates, with the functions' own revoker: it knows what AWS Private CA answers, and whose they are."""

from __future__ import annotations

from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import say
from pca_automator.cli.runtime import runtime

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


def revoke(deployment: Deployment, host_id: str, serials: list[str], reason: str) -> dict[str, str]:
    """Revoke certificates of a host. Returns what came of each, one of :data:`RESULTS`."""
    aws = deployment.aws
    revoker = runtime("revocation.revoker").Revoker(aws.client("acm-pca"), deployment.authority, _Console())
    return {serial: str(revoker.revoke(host_id, serial, reason)) for serial in serials}
