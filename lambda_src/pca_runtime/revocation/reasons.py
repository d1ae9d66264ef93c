"""Why a certificate is revoked, and which serials of an item are still to be."""

from __future__ import annotations

from pca_runtime.authority.certificates import is_serial
from pca_runtime.inventory.item import HostItem

__all__ = [
    "CESSATION", "KEY_COMPROMISE", "REASONS", "SUPERSEDED", "TO_REVOKE", "colon_form", "reason_of", "to_revoke",
]  # fmt: skip

TO_REVOKE = "toRevoke"
CESSATION = "CESSATION_OF_OPERATION"
KEY_COMPROMISE = "KEY_COMPROMISE"
SUPERSEDED = "SUPERSEDED"
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html
REASONS = (
    "UNSPECIFIED", KEY_COMPROMISE, "CERTIFICATE_AUTHORITY_COMPROMISE", "AFFILIATION_CHANGED", SUPERSEDED, CESSATION,
    "PRIVILEGE_WITHDRAWN", "A_A_COMPROMISE",
)  # fmt: skip


def colon_form(serial: str) -> str:
    """``0a1b`` as ``0a:1b``, the form in which RevokeCertificate takes a serial number."""
    digits = f"{int(serial.replace(':', ''), 16):x}"
    digits = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def to_revoke(item: HostItem) -> list[str]:
    """The serials of an item that AWS Private CA has not been told of yet; what is no serial cannot be revoked."""
    waiting = item.attributes.get(TO_REVOKE)
    return sorted(filter(is_serial, waiting)) if isinstance(waiting, set) else []


def reason_of(item: HostItem) -> str:
    """Why the serials of :func:`to_revoke` are revoked; people can write the table, so it may hold anything."""
    given = item.attributes.get("revocationReason")
    if given in REASONS:
        return str(given)
    return CESSATION if item.status == "RETIRED" else SUPERSEDED
