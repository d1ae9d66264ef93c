"""Orders of revocation: written into the ledger first, then carried out, each within bounds.

The cause of a revocation (a retirement, a replacement) stands in the host's item until every certificate that it is
about has the order in the ledger. From then on the ledger alone decides: an order waits there until AWS Private CA has
been told, whatever becomes of the item.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice

from pca_runtime.authority.leaf import same_serial
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.ledger import CertificateLedger, Entry
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.shared.identifiers import request_id
from pca_runtime.shared.log import Log
from pca_runtime.shared.timestamps import Clock

__all__ = ["About", "Orders", "asked_before"]

# What one host's departure or renewal carries out by itself; the reconciliation does the rest. RevokeCertificate takes
# 20 requests a second, not adjustable. https://docs.aws.amazon.com/general/latest/gr/pca.html
_AT_ONCE = 20
# Of one host in one reconciliation, so that a long list is nobody else's delay.
_OF_A_HOST = 100
# Of a certificate that the ledger does not know, the end may be anything; until then the entry tells of it.
_UNKNOWN_END = timedelta(days=400)
# "The approximate date and time": by how much it may be before the true one.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
_ROUNDED = timedelta(minutes=1)

About = Callable[[Entry], bool]
"""Whether an order is about a certificate."""


def asked_before(present: HostItem, at: datetime | None) -> About:
    """What was asked for before an item was removed, of a host that was put in again since.

    Args:
        present: the host's item now. What it holds or asks for is spared, unless it is surely older.
        at: when the former item was removed, rounded down by up to a minute; ``None``: nobody says.
    """
    in_flight = _in_flight(present)

    def about(entry: Entry) -> bool:
        if at is not None and (entry.requested_at <= at or entry.requested_at > at + _ROUNDED):
            return entry.requested_at <= at
        return not _is(entry, present.serial) and entry.certificate_request != in_flight

    return about


class Orders:
    """Orders and carries out.

    Args:
        ledger: of certificates.
        revoker: tells AWS Private CA.
        clock: the current time.
        log: where it is said what was not revoked.
    """

    def __init__(self, ledger: CertificateLedger, revoker: Revoker, clock: Clock, log: Log) -> None:
        self._ledger = ledger
        self._revoker = revoker
        self._clock = clock
        self._log = log

    def everything(self, item: HostItem, reason: str, about: About | None = None) -> list[Entry]:
        """A host leaves: order everything that was issued for it and may be valid.

        Args:
            item: the host.
            reason: why.
            about: which certificates. Default: all.

        Returns:
            What was ordered.
        """
        now = self._clock()
        entries = self._ledger.of_host(item.host_id)
        ordered = [
            entry if entry.reason == reason else self._ledger.order(entry, reason)
            for entry in entries
            if entry.may_be_valid(now) and (about is None or about(entry))
        ]
        if (adopted := self._adopted(item, entries, reason, now)) is not None:
            ordered.append(adopted)
        return ordered

    def replaced(
        self, item: HostItem, reason: str, before: HostItem | None = None, about: About | None = None
    ) -> list[Entry]:
        """Order everything that was issued for a host before its live certificate.

        Args:
            item: the host.
            reason: why.
            before: as it was while the replaced certificate was the live one, where that is known. What the host itself
                says that it replaced is only its word.
            about: which certificates. Default: all of these.

        Returns:
            What was ordered.
        """
        now = self._clock()
        entries = self._ledger.of_host(item.host_id)
        live = next((each for each in entries if _is(each, item.serial)), None)
        in_flight = _in_flight(item)
        ordered = [
            entry if entry.reason else self._ledger.order(entry, reason)
            for entry in entries
            if entry.may_be_valid(now) and entry is not live and entry.certificate_request != in_flight
            if (live is None or entry.requested_at <= live.requested_at) and (about is None or about(entry))
        ]
        if before is not None and before.serial != item.serial:
            adopted = self._adopted(before, entries, reason, now)
            ordered += [adopted] if adopted is not None else []
        return ordered

    def knows(self, host_id: str) -> bool:
        """Whether a certificate was asked for, for this host; what its item says of that, anybody may have written."""
        return bool(self._ledger.of_host(host_id))

    def last_asked(self, host_id: str) -> datetime | None:
        """When a certificate was last asked for, with a key that the host had just made."""
        return max((entry.requested_at for entry in self._ledger.of_host(host_id) if entry.is_own), default=None)

    def carry_out(self, entries: Iterable[Entry]) -> int:
        """Tell AWS Private CA of the first of these; the reconciliation does the rest. Returns how many.

        Raises:
            PcaAutomatorError: it did not take one; all the others were tried. The order stays in the ledger.
        """
        count = 0
        first: PcaAutomatorError | None = None
        for ordered in islice((entry for entry in entries if entry.fate != "REVOKED"), _AT_ONCE):
            entry = self._fetched(ordered) if ordered.serial is None else ordered
            if entry.serial is None:
                continue
            try:
                count += self._revoker.revoke(entry.host_id, entry.serial, str(entry.reason)) != "ANOTHERS"
                self._ledger.revoked(entry)
            except PcaAutomatorError as error:
                self._log.warning("not revoked yet", host_id=entry.host_id, code=error.code, reason=error.message)
                first = first or error
        if first is not None:
            raise first
        return count

    def work_off(self, until: datetime) -> int:
        """What is still to be revoked, what has waited longest first, as far as there is time. Returns how many."""
        count = 0
        of_host: Counter[str] = Counter()
        for entry in self._ledger.waiting("REVOKE"):
            if self._clock() >= until:
                break
            of_host[entry.host_id] += 1
            if of_host[entry.host_id] > _OF_A_HOST:
                continue
            try:
                count += self.carry_out([entry])
            except PcaAutomatorError:
                continue  # logged; it stays in the ledger, and is tried again in an hour
        return count

    def _fetched(self, entry: Entry) -> Entry:
        """With its serial number, if the CA gives the certificate now; else the reconciliation asks again."""
        if entry.certificate_arn is None:
            return entry
        from pca_runtime.authority.certificates import load_leaf  # reading certificates is rare here, and slow to load

        try:
            pem = self._revoker.certificate(entry.certificate_arn)
            noticed = self._ledger.notice(load_leaf(pem), entry.certificate_arn) if pem is not None else None
        except PcaAutomatorError as error:
            self._log.info("not known yet", host_id=entry.host_id, code=error.code, reason=error.message)
            return entry
        return noticed or entry

    def _adopted(self, item: HostItem, entries: list[Entry], reason: str, now: datetime) -> Entry | None:
        """The live certificate, where the ledger does not know it: as after a table was restored."""
        serial = item.serial
        if serial is None or (item.expiry is not None and item.expiry <= now) or self._ledger.knows(entries, serial):
            return None
        if self._revoker.is_anothers(item.host_id, serial):
            self._log.warning("not revoked: the certificate is another's", host_id=item.host_id, serial=serial)
            return None
        return self._ledger.adopt(item.host_id, serial, item.expiry or now + _UNKNOWN_END, reason)


def _in_flight(item: HostItem) -> str | None:
    return request_id(item.run_id, item.host_id) if item.run_id is not None else None


def _is(entry: Entry, serial: str | None) -> bool:
    return entry.serial is not None and serial is not None and same_serial(entry.serial, serial)
