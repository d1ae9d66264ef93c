"""Several hosts that leave at once: the trouble of one does not keep the others, and is raised when all are through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.table import Inventory
from pca_runtime.membership.departures import GONE, Departures, too_many
from pca_runtime.membership.payloads import Removed
from pca_runtime.membership.retirement import Retirement, is_retired
from pca_runtime.revocation.orders import Orders
from pca_runtime.revocation.reasons import CESSATION
from pca_runtime.revocation.unanswered import Unanswered
from pca_runtime.shared.log import Log
from pca_runtime.shared.timestamps import Clock, format_time, parse_time

__all__ = ["Batch", "Batches"]

# Of the function's ten minutes; what is left is done in an hour.
_TIME = timedelta(minutes=7)
# Hosts that seem to be gone whose certificates are looked for one by one, some milliseconds each.
_LOOKED_UP = 2_000
# Items whose orders are not in the ledger yet: each takes some requests.
_ITEMS = 1_000
# Events take seconds, as a rule; EC2's own answers are as late as that, too.
_ON_TIME = timedelta(minutes=5)
# By then the reconciliation has looked, and EC2 may have forgotten the instance.
_LATE = timedelta(hours=1)


@dataclass
class Batch:
    """What came of several hosts.

    Args:
        retired: how many were retired now.
        removed: how many items were gone already.
        revoked: how many certificates were revoked.
        unknown: ids that the inventory does not have.
        refused: ids that seem to be gone, but are too many to be believed; of ``live`` hosts.
        live: how many hosts the inventory has; 0 where nobody counted.
        error: the first thing that went wrong; trying again can help.
    """

    retired: int = 0
    removed: int = 0
    revoked: int = 0
    unknown: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    live: int = 0
    error: PcaAutomatorError | None = None

    def note(self, error: PcaAutomatorError) -> None:
        """Keep the first error."""
        self.error = self.error or error


class Batches:
    """Retires, and finishes what was begun, host by host.

    Args:
        retirement: for one host.
        departures: who is gone.
        inventory: the table.
        orders: what is still to be revoked.
        unanswered: what nobody knows of yet.
        clock: the current time.
        log: where the trouble of single hosts is told of.
    """

    def __init__(
        self,
        retirement: Retirement,
        departures: Departures,
        inventory: Inventory,
        orders: Orders,
        unanswered: Unanswered,
        clock: Clock,
        log: Log,
    ) -> None:
        self._orders = orders
        self._unanswered = unanswered
        self._clock = clock
        self._retirement = retirement
        self._departures = departures
        self._inventory = inventory
        self._log = log

    def retire(self, host_ids: Iterable[str], reason: str = CESSATION) -> Batch:
        """Every one of them, whatever happens to the others."""
        batch = Batch()
        for host_id in dict.fromkeys(host_ids):
            try:
                outcome = self._retirement.retire(host_id, reason)
            except PcaAutomatorError as error:
                self._log.warning("not retired", host_id=host_id, code=error.code, reason=error.message)
                batch.note(error)
                continue
            batch.retired += outcome.state == "RETIRED"
            batch.revoked += outcome.revoked
            if outcome.state == "UNKNOWN":
                batch.unknown.append(host_id)
        return batch

    def terminated(self, host_id: str, at: datetime | None) -> Batch:
        """An event says that an instance ended. It may come hours late, and twice: what is newer than it stands.

        Args:
            host_id: the instance.
            at: when it ended, as the event has it; ``None``: it does not say.
        """
        try:
            item = self._inventory.get(host_id)
            if at is not None and item is not None and not is_retired(item) and self._is_overtaken(item, at):
                self._log.warning("a late event: not retired", host_id=host_id, terminated_at=format_time(at))
                return Batch()
        except PcaAutomatorError as error:
            return Batch(error=error)
        return self.retire([host_id])

    def _is_overtaken(self, item: HostItem, at: datetime) -> bool:
        """Whether something newer speaks against a late event: EC2 itself, or else the item.

        One that is on time is believed. So is a later one that EC2 says nothing against, until the reconciliation has
        looked, which does what the event would have done.
        """
        now = self._clock()
        # It was enrolled, brought back from a retirement, made a key, or put a certificate in service.
        signs = [parse_time(item.attributes.get("enrolledAt")), item.retired_at, self._orders.last_asked(item.host_id)]
        if item.status == "DEPLOYED":
            signs.append(item.last_attempt)
        alive_since = any(at < sign <= now for sign in signs if sign is not None)
        if now - at <= _ON_TIME and not alive_since:
            return False
        try:
            state = self._departures.state(item.host_id)
        except PcaAutomatorError as error:
            self._log.warning("state of an instance unknown", host_id=item.host_id, code=error.code)
            state = None
        return alive_since or now - at > _LATE if state is None else state not in GONE

    def remove_from_hosts(self, host_ids: Iterable[str]) -> dict[str, str | None]:
        """The commands that remove key and certificate; ``None`` where the host cannot be reached."""
        items = (self._inventory.get(host_id) for host_id in dict.fromkeys(host_ids))
        return {item.host_id: self._retirement.remove_from_host(item) for item in items if item is not None}

    def finish_removed(self, removed: Sequence[Removed]) -> Batch:
        """Somebody deleted these items: what they knew to be revoked must not be forgotten with them."""
        batch = Batch(removed=len(removed))
        had: dict[str, bool] = {}
        for item in (each.item for each in removed):  # one that was put in again and deleted again is here twice
            had[item.host_id] = had.get(item.host_id, False) or bool(item.serial)
        gone = set(self._departures.gone(had))
        for each in removed:
            item = each.item
            try:
                batch.revoked += self._retirement.finish_removed(item, each.at, gone=item.host_id in gone)
            except PcaAutomatorError as error:
                self._log.warning("not revoked", host_id=item.host_id, code=error.code, reason=error.message)
                batch.note(error)
                continue
            self._log.info(
                "item removed", host_id=item.host_id, gone=item.host_id in gone, serial=item.serial,
                expiry=None if item.expiry is None else format_time(item.expiry),
            )  # fmt: skip
        return batch

    def reconcile(self) -> Batch:
        """Retire who is gone, then finish what was begun; nobody is retired where too many seem to be.

        Long lists come last and are worked off as far as there is time: whoever writes items, or whose certificates are
        many, is nobody else's delay.
        """
        until = self._clock() + _TIME
        roll = self._departures.roll(_ITEMS)
        gone: list[str] = []
        error: PcaAutomatorError | None = None
        try:
            gone = self._departures.gone(roll.live)
        except PcaAutomatorError as trouble:
            # Without EC2 nobody is known to be gone; what was begun, and who was revoked, does not need it.
            self._log.warning("departures unknown", code=trouble.code, reason=trouble.message)
            error = trouble
        gone, refused = self._believed(gone, roll.live)
        batch = self.retire(gone)
        batch.refused = refused
        batch.live = len(roll.live)
        batch.revoked += self._finish(roll.unfinished, until)
        self._unanswered.settle(until)
        batch.revoked += self._orders.work_off(until)
        batch.error = batch.error or error
        return batch

    def _believed(self, gone: list[str], live: Mapping[str, bool]) -> tuple[list[str], list[str]]:
        """Who is to be retired, and who is not until a person has looked.

        Where too many seem to be gone, those are left out who never had a certificate: whoever may write items could
        otherwise hold up the departures of all others with hosts that there never were.
        """
        if not too_many(gone, len(live)):
            return gone, []
        real = [host for host in gone if self._orders.knows(host)] if len(gone) <= _LOOKED_UP else gone
        invented = len(gone) - len(real)
        self._log.warning("too many departures", gone=len(gone), live=len(live), never_had_a_certificate=invented)
        if too_many(real, sum(live.values()) - invented):
            return [], gone
        known = set(real)
        return real, [host for host in gone if host not in known]

    def _finish(self, unfinished: Iterable[HostItem], until: datetime) -> int:
        revoked = 0
        for item in unfinished:
            if self._clock() >= until:
                break
            try:
                # With status RETIRED and no moment, a person wrote the status into the table.
                begun = is_retired(item) or item.status != "RETIRED"
                revoked += self._retirement.finish(item) if begun else self._retirement.retire(item.host_id).revoked
            except PcaAutomatorError as error:
                # It stays in the item, and is tried again in an hour; the others must not wait for it.
                self._log.warning("not revoked", host_id=item.host_id, code=error.code, reason=error.message)
        return revoked
