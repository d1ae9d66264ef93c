"""Requests for certificates of which nobody knows what came: their answer was lost, and the event as well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

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
# What one audit report is asked about: of a bad day of 10,000 hosts, half.
_OF_A_REPORT = 5_000
# A report is written within minutes; one that cannot be had, or read, for so long gives way to a new one.
_GIVEN_UP = timedelta(hours=6)
_Seen = Literal["OURS", "OTHER", "NONE", "UNREAD"]


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
        known = 0
        without: list[Entry] = []
        # All of them, page by page: requests without an ARN, of which there may be no report, are nobody else's delay.
        for entry in self._ledger.waiting("ARN"):
            if self._clock() >= until:
                break
            if entry.requested_at > old:
                continue
            if entry.certificate_arn is not None:
                known += self._fetched(entry, entry.certificate_arn)
            elif len(without) < _OF_A_REPORT:
                without.append(entry)
        try:
            return known + self._in_the_report(without, until)
        except PcaAutomatorError as error:
            # Asked for again in an hour; a CA that is disabled, or another's, may give none at all.
            self._log.warning("no audit report", waiting=len(without), code=error.code, reason=error.message)
            return known

    def _fetched(self, entry: Entry, certificate_arn: str) -> bool:
        seen = self._look_at(entry.host_id, certificate_arn)
        if seen == "NONE":
            self._ledger.not_issued(entry)
        return seen in ("OURS", "NONE")

    def _look_at(self, host_id: str, certificate_arn: str) -> _Seen:
        from pca_runtime.authority.certificates import load_leaf  # reading certificates is rare here, and slow to load

        try:
            pem = self._revoker.certificate(certificate_arn)
            if pem is None:
                return "NONE"
            return "OURS" if self._ledger.notice(load_leaf(pem), certificate_arn) is not None else "OTHER"
        except CertificateMismatch:
            self._log.warning("not readable", host_id=host_id, certificate_arn=certificate_arn)
        except CertificateNotReady:
            pass  # the CA is still at it
        except PcaAutomatorError as error:
            self._log.warning("not fetched", host_id=host_id, code=error.code, reason=error.message)
        return "UNREAD"

    def _in_the_report(self, entries: list[Entry], until: datetime) -> int:
        if self._reports is None or not entries:
            return 0
        asked = self._ledger.report()
        if asked is None:
            self._ledger.remember_report(self._reports.ask())
            return 0
        report_id, asked_at = asked
        if self._clock() - asked_at >= _GIVEN_UP:
            # Before it is looked at once more: what ends this function must not end it every time.
            self._ledger.remember_report(None)
        state, key = self._reports.state(report_id)
        if state == "CREATING":
            return 0
        known, is_read = self._read(key, asked_at, entries, until) if state == "SUCCESS" else (0, True)
        if is_read:
            # Not sooner: whoever is interrupted reads it again.
            self._ledger.remember_report(None)
        return known

    def _read(self, key: str, asked_at: datetime, entries: list[Entry], until: datetime) -> tuple[int, bool]:
        """How many are known now, and whether everything in the report that may be one of these was read."""
        assert self._reports is not None  # noqa: S101 - the caller has looked
        of_host: dict[str, list[Entry]] = {}
        for entry in entries:
            of_host.setdefault(entry.host_id, []).append(entry)
        known, unread = 0, set[str]()
        for line in self._reports.certificates(key):
            if self._clock() >= until:
                self._log.warning("the audit report is not read to its end", report=key)
                return known, False
            candidates = [entry for host_id in line.host_ids for entry in of_host.get(host_id, [])]
            if any(line.issued_at is None or line.issued_at >= each.requested_at - _MARGIN for each in candidates):
                seen = self._look_at(candidates[0].host_id, line.certificate_arn)
                known += seen == "OURS"
                if seen in ("NONE", "UNREAD"):
                    unread |= line.host_ids
        # What the report could have seen and has not, was never issued; a certificate that could not be read may be it.
        for entry in entries:
            if self._clock() >= until:
                return known, False
            if entry.requested_at + _MARGIN < asked_at and entry.host_id not in unread:
                self._ledger.not_issued(entry)
        return known, not unread
