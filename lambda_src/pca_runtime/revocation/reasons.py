"""Why a certificate is revoked."""

from __future__ import annotations

from pca_runtime.inventory.item import HostItem

__all__ = [
    "CESSATION", "KEY_COMPROMISE", "REASONS", "SUPERSEDED", "UNSPECIFIED", "colon_form", "reason_of",
]  # fmt: skip

CESSATION = "CESSATION_OF_OPERATION"
KEY_COMPROMISE = "KEY_COMPROMISE"
SUPERSEDED = "SUPERSEDED"
UNSPECIFIED = "UNSPECIFIED"
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html
REASONS = (
    UNSPECIFIED, KEY_COMPROMISE, "CERTIFICATE_AUTHORITY_COMPROMISE", "AFFILIATION_CHANGED", SUPERSEDED, CESSATION,
    "PRIVILEGE_WITHDRAWN", "A_A_COMPROMISE",
)  # fmt: skip


def colon_form(serial: str) -> str:
    """``0a1b`` as ``0a:1b``, the form in which RevokeCertificate takes a serial number."""
    digits = f"{int(serial.replace(':', ''), 16):x}"
    digits = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def reason_of(item: HostItem) -> str:
    """Why the certificates of an item are revoked; people can write the table, so it may hold anything."""
    for given in (item.revocation_order, item.revocation_reason):
        if given in REASONS:
            return str(given)
    return CESSATION if item.status == "RETIRED" else SUPERSEDED
