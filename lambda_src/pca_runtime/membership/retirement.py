"""CertRetire: a host that leaves is renewed no more, and what it holds is revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pca_runtime.errors.kinds import HostUnreachable, InvalidInventoryItem
from pca_runtime.hosts.commands import HostCommands, Order
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.ledger import Entry
from pca_runtime.inventory.table import Inventory
from pca_runtime.membership.settings import CertRetireSettings
from pca_runtime.revocation.orders import About, Orders, asked_before
from pca_runtime.revocation.reasons import CESSATION, reason_of
from pca_runtime.shared.log import Log
from pca_runtime.shared.timestamps import Clock

__all__ = ["Outcome", "Retirement", "is_retired"]


@dataclass(frozen=True)
class Outcome:
    """What came of one host: ``RETIRED``, ``ALREADY`` (finished now what was left) or ``UNKNOWN``."""

    host_id: str
    state: Literal["RETIRED", "ALREADY", "UNKNOWN"]
    revoked: int = 0


def is_retired(item: HostItem) -> bool:
    """Whether the retirement is recorded. A status that a person wrote by hand lacks the moment, and is no record."""
    return item.status == "RETIRED" and item.retired_at is not None


class Retirement:
    """Retires hosts.

    Args:
        settings: the function's environment.
        inventory: the table.
        orders: writes orders of revocation and carries them out.
        commands: Run Command.
        clock: the current time.
        log: where it is said who was retired.
    """

    def __init__(
        self,
        settings: CertRetireSettings,
        inventory: Inventory,
        orders: Orders,
        commands: HostCommands,
        clock: Clock,
        log: Log,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._orders = orders
        self._commands = commands
        self._clock = clock
        self._log = log

    def retire(self, host_id: str, reason: str = CESSATION) -> Outcome:
        """Record the retirement, order that everything the host may hold is revoked, and begin with it.

        A renewal in flight loses the host with the first write: nothing it does later is recorded. Its request stands
        in the ledger from before it was made, so that what it has issued, or is about to, is revoked too.

        Raises:
            RetryableError: trying again can help; what was recorded is not lost.
        """
        item = self._inventory.get(host_id)
        if item is None:
            return Outcome(host_id, "UNKNOWN")
        if is_retired(item):
            return Outcome(host_id, "ALREADY", self.finish(item))
        revoke = self._settings.revoke_on_retire == "ALWAYS"
        retired = self._inventory.record_retired(host_id, reason, self._clock(), revoke=revoke)
        if retired is None:
            return Outcome(host_id, "UNKNOWN")
        self._log.info("retired", host_id=host_id, revocation_reason=reason)
        return Outcome(host_id, "RETIRED", self.finish(retired))

    def finish(self, item: HostItem) -> int:
        """Order what the item says is to be revoked, from this attempt or an earlier one. Returns how many are now."""
        if item.revocation_order is None:
            return 0
        ordered = self._ordered(item)
        self._inventory.order_is_written(item)
        return self._orders.carry_out(ordered)

    def _ordered(self, item: HostItem, about: About | None = None) -> list[Entry]:
        if item.status == "RETIRED":
            return self._orders.everything(item, reason_of(item), about)
        return self._orders.replaced(item, reason_of(item), about=about)

    def finish_removed(self, item: HostItem, at: datetime | None, *, gone: bool) -> int:
        """Order what a removed item was waiting for and, if the machine is gone, everything that it held.

        A machine that is still there keeps its certificate until that runs out: an item can be removed by mistake,
        and a revocation cannot be taken back.

        Args:
            item: as it was.
            at: since when it is no more, rounded down; the host may have been put in again since, and the record come
                hours late. ``None``: nobody says.
            gone: whether the machine is terminated or deregistered.

        Returns:
            How many were revoked.

        Raises:
            RetryableError: trying again can help.
        """
        if item.revocation_order is not None:
            present = None if gone else self._inventory.get(item.host_id)
            about = None if present is None else asked_before(present, at)
            return self._orders.carry_out(self._ordered(item, about))
        if gone and item.status != "RETIRED" and self._settings.revoke_on_retire == "ALWAYS":
            return self._orders.carry_out(self._orders.everything(item, CESSATION))
        return 0

    def remove_from_host(self, item: HostItem) -> str | None:
        """Have the host delete key and certificate. Returns the command id; ``None``: it cannot be reached."""
        try:
            return self._commands.send(self._order(item))
        except (HostUnreachable, InvalidInventoryItem) as error:
            self._log.info("not removed from the host", host_id=item.host_id, code=error.code, reason=error.message)
            return None

    def _order(self, item: HostItem) -> Order:
        overrides, settings = item.overrides(), self._settings
        return Order(
            document=settings.remove_document,
            host_id=item.host_id,
            purpose="retire",
            delivery_seconds=settings.command_timeout_seconds,
            parameters={
                "hostID": item.host_id,
                **overrides.directories(settings),
            },
        )
