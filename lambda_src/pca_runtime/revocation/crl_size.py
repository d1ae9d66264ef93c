"""How large a CRL becomes: IAM Roles Anywhere takes 300,000 bytes, and goes on with the last that fitted."""

from __future__ import annotations

from datetime import timedelta

from pca_runtime.authority.lifetime import Cycle

__all__ = ["PEM_MAX", "entries_of", "entries_that_fit", "pem_bytes"]

# "crlData: 1 to 300000 bytes", in PEM; the import quota of a trust anchor is not adjustable.
# https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ImportCrl.html
PEM_MAX = 300_000
# Measured with CRLs of AWS Private CA's form (127-bit serial numbers, reason codes, signed with RSA 2048) in PEM:
# 1,000 entries are 66,913 bytes, 4,500 entries 299,138. That is the slope and what is left at none.
BYTES_PER_ENTRY = 66.35
BYTES_WITHOUT_ENTRIES = 565
LEAVE_A_DAY = 0.01
"""Hosts that leave in a day, as a share of the fleet: a guess for a fleet of servers, on the high side."""


def pem_bytes(entries: int) -> int:
    """Of a CRL with so many entries."""
    return round(BYTES_WITHOUT_ENTRIES + BYTES_PER_ENTRY * entries)


def entries_that_fit() -> int:
    """The most entries of a CRL that IAM Roles Anywhere takes."""
    return int((PEM_MAX - BYTES_WITHOUT_ENTRIES) / BYTES_PER_ENTRY)


def entries_of(hosts: int, cycle: Cycle, *, replaced: bool, leaving: bool) -> int:
    """Revoked certificates that have not run out, on an ordinary day; after that they leave the CRL.

    Args:
        hosts: of the fleet.
        cycle: of their certificates.
        replaced: whether each certificate is revoked when it is replaced.
        leaving: whether the certificate of a host that leaves is revoked.
    """
    day = timedelta(days=1)
    entries = 0.0
    if replaced:
        entries += cycle.certificates(hosts, day) * (cycle.left / day)
    if leaving:
        # A host that leaves is, on average, half-way between two renewals.
        entries += hosts * LEAVE_A_DAY * ((cycle.validity + cycle.left) / 2 / day)
    return round(entries)
