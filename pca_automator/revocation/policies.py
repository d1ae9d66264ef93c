"""When certificates are revoked before they run out."""

from __future__ import annotations

from enum import Enum


class RevocationPolicy(Enum):
    """Whether the certificates of a host that leaves are revoked before they run out.

    https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html
    """

    ALWAYS = "ALWAYS"
    NEVER = "NEVER"


class ReplacementRevocation(Enum):
    """Which runs revoke the certificates that they replace. ``"revokeReplaced": true`` in a run's input always does.

    https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html
    """

    NEVER = "NEVER"
    """No run by itself: a replaced certificate runs out."""
    ON_KEY_COMPROMISE = "ON_KEY_COMPROMISE"
    """A run that re-issues everything (``{"reissue": "all"}``), unless its input has ``"revokeReplaced": false``."""
    ALWAYS = "ALWAYS"
    """Every run, whatever its input says."""
