"""CertCSR: a certificate that an earlier run had issued and could not put in service is not paid for twice.

Its key waits on the host. docs/adr/0037 says when it is taken, and when a new one is asked for after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pca_runtime.authority.profiles import CertificateRequest
from pca_runtime.inventory.ledger import CertificateLedger, Entry
from pca_runtime.shared.timestamps import Clock

__all__ = ["CERTIFICATES_OWN", "HOSTS_OWN", "LastIssued", "usable"]

HOSTS_OWN = frozenset({
    "AGENT_TOO_OLD", "BAD_PARAMETER", "COMMAND_TIMED_OUT", "DIRECTORY_NOT_WRITABLE", "HELPER_BROKEN", "HELPER_MISSING",
    "HOOK_FAILED", "HOOK_TIMED_OUT", "HOST_UNDELIVERABLE", "LOCKED", "MISSING_TOOL", "MOUNTED_ELSEWHERE", "NO_SPACE",
    "OWNER_UNKNOWN", "READERS_NOT_KEPT", "ROLES_ANYWHERE_THROTTLED", "ROLES_ANYWHERE_UNREACHABLE", "SWITCH_FAILED",
    "UNSAFE_DIRECTORY",
})  # fmt: skip
"""Why an installation failed where no other certificate would have fared better."""
CERTIFICATES_OWN = frozenset({
    "CERTIFICATE_KEY_MISMATCH", "CERTIFICATE_SUBJECT_MISMATCH", "CHAIN_INVALID", "CHAIN_NOT_PINNED",
    "PENDING_REQUEST_MISSING",
})  # fmt: skip
"""Why this certificate will never be in service: only a new one, for a new key, can be."""
# After any other failure the certificate may be at fault, or not: one more try, then a new one.
_MORE_TRIES = 1


class LastIssued:
    """Looks into the ledger.

    Args:
        ledger: of certificates.
        ca_arn: of the CA that issues now; what another one has issued is of no use.
        clock: the current time.
    """

    def __init__(self, ledger: CertificateLedger, ca_arn: str, clock: Clock) -> None:
        self._ledger = ledger
        self._prefix = f"{ca_arn}/certificate/"
        self._clock = clock

    def find(self, wanted: CertificateRequest) -> Entry | None:
        """What was issued for the host last, if it is what is wanted now and can still be put in service."""
        entry = usable(self._ledger.of_host(wanted.host_id), wanted.as_text(), self._clock())
        return entry if entry is not None and str(entry.certificate_arn).startswith(self._prefix) else None


def usable(entries: Sequence[Entry], asked: str, now: datetime) -> Entry | None:
    """The certificate to be installed once more, if there is one.

    Args:
        entries: of the host, the newest first.
        asked: what is wanted now, as the ledger has it.
        now: the current time.
    """
    entry = next((each for each in entries if each.is_own and each.fate != "NOT_ISSUED"), None)
    if entry is None or entry.fate != "ISSUED" or entry.certificate_arn is None or entry.reason is not None:
        return None
    if entry.asked != asked or entry.not_after is None or not _is_fresh(entry.requested_at, entry.not_after, now):
        return None
    if entry.install_failed in CERTIFICATES_OWN:
        return None
    return entry if entry.install_failed in HOSTS_OWN or entry.sent_again < _MORE_TRIES else None


def _is_fresh(requested_at: datetime, not_after: datetime, now: datetime) -> bool:
    """Whether most of its life is left."""
    return not_after - now > now - requested_at
