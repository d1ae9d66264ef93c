"""Does a run revoke the certificates that it replaces, and why?"""

from __future__ import annotations

from pca_runtime.renewal.payloads import RunInput
from pca_runtime.renewal.settings import ReplacementRevocation
from pca_runtime.revocation.reasons import KEY_COMPROMISE, SUPERSEDED

__all__ = ["revocation_reason"]


def revocation_reason(wanted: RunInput, policy: ReplacementRevocation) -> str | None:
    """The reason with which a run revokes what it replaces; ``None``: it does not.

    Args:
        wanted: the run's input. What it says wins, except that it cannot switch off ``ALWAYS``.
        policy: of the deployment.
    """
    if wanted.revoke_replaced:
        return KEY_COMPROMISE
    if policy == "ALWAYS":
        return SUPERSEDED
    if policy == "ON_KEY_COMPROMISE" and wanted.reissue and wanted.revoke_replaced is None:
        return KEY_COMPROMISE
    return None
