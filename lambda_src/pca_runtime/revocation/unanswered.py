"""Requests for certificates of which nobody knows what came: their answer was lost, and the event as well."""

from __future__ import annotations

from datetime import datetime, timedelta

from pca_runtime.authority.audit_report import AuditReports
from pca_runtime.errors.kinds import CertificateMismatch, CertificateNotReady, PcaAutomatorError
from pca_runtime.inventory.ledger import CertificateLedger, Entry
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.shared.log import Log
from pca_runtime.shared.timestamps import Clock

__all__ = ["Unanswered"]

# A renewal takes minutes, and AWS's own retries of an event as long.
_SURELY_OVER = timedelta(minutes=20)
# The clocks of the CA and of the functions, and what the report had not seen yet when it was asked for.
_MARGIN = timedelta(minutes=5)
_AT_ONCE = 500


class Unanswered:
    """Asks the CA, and notes in the ledger what came of each request.

    Args:
        ledger: of certificates.
        revoker: fetches certificates.
        reports: the CA's audit reports; ``None`` where it can write none.
        clock: the current time.
        log: where it is said what was found.
    """

    def __init__(
        self, ledger: CertificateLedger, revoker: Revoker, reports: AuditReports | None, clock: Clock, log: Log
    ) -> None:
        self._ledger = ledger
        self._revoker = revoker
        self._reports = reports
        self._clock = clock
        self._log = log

    def settle(self, until: datetime) -> int:
        """Look at what has waited long enough. Returns how many are known now.

        A certificate whose ARN is known is fetched. For the others a report is asked for, which the next call reads.
        """
        old = self._clock() - _SURELY_OVER
        waiting = [entry for entry in self._ledger.waiting("ARN", _AT_ONCE) if entry.requested_at <= old]
        known = 0
        for entry in waiting:
            if entry.certificate_arn is not None and self._clock() < until:
                known += self._fetched(entry, entry.certificate_arn)
        without = [entry for entry in waiting if entry.certificate_arn is None]
        try:
            return known + self._in_the_report(without)
        except PcaAutomatorError as error:
            # Asked for again in an hour; a CA that is disabled, or another's, may give none at all.
            self._log.warning("no audit report", waiting=len(without), code=error.code, reason=error.message)
            return known

    def _fetched(self, entry: Entry, certificate_arn: str) -> bool:
        from pca_runtime.authority.certificates import load_leaf  # reading certificates is rare here, and slow to load

        try:
            pem = self._revoker.certificate(certificate_arn)
            if pem is None:
                self._ledger.not_issued(entry)
                return True
            return self._ledger.notice(load_leaf(pem), certificate_arn) is not None
        except CertificateMismatch:
            self._log.warning("not readable", host_id=entry.host_id, certificate_arn=certificate_arn)
        except CertificateNotReady:
            pass  # the CA is still at it
        except PcaAutomatorError as error:
            self._log.warning("not fetched", host_id=entry.host_id, code=error.code, reason=error.message)
        return False

    def _in_the_report(self, entries: list[Entry]) -> int:
        if self._reports is None or not entries:
            return 0
        asked = self._ledger.report()
        if asked is None:
            self._ledger.remember_report(self._reports.ask())
            return 0
        report_id, asked_at = asked
        state, key = self._reports.state(report_id)
        if state == "CREATING" and self._clock() - asked_at < timedelta(hours=6):
            return 0
        self._ledger.remember_report(None)
        return self._read(key, asked_at, entries) if state == "SUCCESS" else 0

    def _read(self, key: str, asked_at: datetime, entries: list[Entry]) -> int:
        assert self._reports is not None  # noqa: S101 - the caller has looked
        of_host: dict[str, list[Entry]] = {}
        for entry in entries:
            of_host.setdefault(entry.host_id, []).append(entry)
        known = 0
        for line in self._reports.certificates(key):
            candidates = of_host.get(line.common_name or "", [])
            if any(line.issued_at is None or line.issued_at >= each.requested_at - _MARGIN for each in candidates):
                known += self._fetched(candidates[0], line.certificate_arn)
        # What the report could have seen and has not, was never issued.
        for entry in entries:
            if entry.requested_at + _MARGIN < asked_at:
                self._ledger.not_issued(entry)
        return known
