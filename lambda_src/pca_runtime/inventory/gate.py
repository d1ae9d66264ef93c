"""The gate of the inventory: the one reader of what DynamoDB holds.

Whatever an item holds, it comes in as a host, with everything that counts as absent told of, or as a quarantined
entry with code and sentence. Nothing that stands in one item raises here, so no item keeps another one from being
read. docs/adr/0016 says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pca_runtime.errors.kinds import InvalidInventoryItem
from pca_runtime.inventory.attributes import Fault, Limits, shown
from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.expressions import from_value
from pca_runtime.shared.identifiers import is_host_id
from pca_runtime.shared.settings import TableSettings
from pca_runtime.shared.timestamps import utc_now

__all__ = ["HANDLE", "HOST_ID_INVALID", "Entry", "Gate", "Quarantined", "complaints", "handle_of"]

HOST_ID_INVALID = "HOST_ID_INVALID"
ITEM_UNREADABLE = "INVENTORY_ITEM_UNREADABLE"
# An id that is none can be anything up to a key's 2,048 bytes; a person needs to recognise it, no more.
_ID_SHOWN = 100
HANDLE = "entry-"
"""How the names of entries begin whose keys cannot be typed."""


@dataclass(frozen=True)
class Quarantined:
    """An entry that is no host, or cannot be read: nothing is done with it but to tell of it.

    ``host_id`` is the key as it is, which may hold anything; ``shown`` is what may be printed.
    """

    host_id: str
    code: str
    sentence: str

    @property
    def shown(self) -> str:
        """The key, bounded, without what a terminal or a mail would act on."""
        return shown(self.host_id, _ID_SHOWN)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """As a host has them."""
        return (Fault("hostID", self.code, self.sentence),)


Entry = HostItem | Quarantined


def handle_of(host_id: str) -> str:
    """A name for an entry whose key cannot be typed; a host's own id for a host."""
    if is_host_id(host_id):
        return host_id
    # Half of a pair of surrogates is no character, and JSON can hold it.
    return f"{HANDLE}{hashlib.sha256(host_id.encode(errors='surrogatepass')).hexdigest()[:12]}"


def complaints(entry: Entry) -> tuple[Fault, ...]:
    """Everything that is wrong with an entry: its faults, and overrides that are not allowed."""
    if isinstance(entry, Quarantined):
        return entry.faults
    try:
        entry.overrides()
    except InvalidInventoryItem as error:
        return (*entry.faults, Fault("overrides", error.code, error.message))
    return entry.faults


class Gate:
    """Reads items.

    Args:
        clock: the current time: what lies ahead of what this system can have written is not its own.
        limits: what this deployment can have written.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now, limits: Limits | None = None) -> None:
        self._clock = clock
        self._limits = limits or Limits()

    @classmethod
    def of(cls, settings: TableSettings, clock: Callable[[], datetime]) -> Gate:
        """The gate of a function, with the limits that its environment gives."""
        limits, lease, days = Limits(), settings.longest_lease_seconds, settings.validity_days
        return cls(
            clock,
            Limits(
                lease=limits.lease if lease is None else timedelta(seconds=lease),
                validity=limits.validity if days is None else timedelta(days=days),
            ),
        )

    def admit(self, item: Mapping[str, Any]) -> Entry:
        """An item as DynamoDB's API, or an image as its stream, has it. Raises nothing, whatever the item holds."""
        key = item.get("hostID")
        host_id = str(key.get("S", "")) if isinstance(key, Mapping) else ""
        if not is_host_id(host_id):
            sentence = "not an EC2 instance id (i-…) nor a hybrid node id (mi-…)"
            return Quarantined(host_id, HOST_ID_INVALID, sentence)
        try:
            return self._host(item)
        except Exception as error:  # the boundary around one item: whoever reads the next one must not notice
            sentence = f"the item cannot be read: {type(error).__name__}: {shown(str(error), 200)}"
            return Quarantined(host_id, ITEM_UNREADABLE, sentence)

    def host(self, item: Mapping[str, Any]) -> HostItem:
        """An item that was asked for by its id.

        Raises:
            InvalidInventoryItem: it cannot be read.
        """
        entry = self.admit(item)
        if isinstance(entry, Quarantined):
            raise InvalidInventoryItem(f"{entry.shown}: {entry.sentence}", code=entry.code)
        return entry

    def _host(self, item: Mapping[str, Any]) -> HostItem:
        attributes = {name: from_value(value) for name, value in item.items()}
        return HostItem.of(attributes, self._clock(), self._limits, stored=item)
