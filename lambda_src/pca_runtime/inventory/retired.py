"""An item whose host leaves, or whose certificates are to be revoked."""

from __future__ import annotations

from datetime import datetime

from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.item_updates import ConditionError, ItemUpdates
from pca_runtime.inventory.lease_conditions import IN_FLIGHT
from pca_runtime.shared.expressions import Expressions
from pca_runtime.shared.timestamps import format_time

__all__ = ["REVOCATION_ORDER", "order_is_written", "record_retired"]

REVOCATION_ORDER = "revocationOrder"
"""There, with the reason, from the cause of a revocation until every certificate of it has it in the ledger."""
# What belongs to a renewal, and what would make the host due again. Serial and expiry stay: they tell what it held.
_GONE = (*IN_FLIGHT, "renewalDate", "lastError", "failureCount", "notices")


def record_retired(items: ItemUpdates, host_id: str, reason: str, now: datetime, *, revoke: bool) -> HostItem | None:
    """The host leaves: nothing that a renewal does later is recorded.

    Args:
        items: the table.
        host_id: the host.
        reason: why its certificates are revoked, or would be.
        now: the injected clock's time.
        revoke: whether they are.

    Returns:
        The item after the write; ``None`` if there is none.
    """
    e = Expressions()
    values = {"status": "RETIRED", "retiredAt": format_time(now), "revocationReason": reason}
    if revoke:
        values[REVOCATION_ORDER] = reason
    try:
        return items.update(host_id, e, e.set(values) + e.remove(*_GONE), [e.exists("hostID")])
    except ConditionError:
        return None


def order_is_written(items: ItemUpdates, item: HostItem) -> None:
    """Every certificate that the item's order of revocation is about has it in the ledger: the item need not say it.

    Args:
        items: the table.
        item: as it was when the certificates were looked for; another order stays.
    """
    e = Expressions()
    conditions = e.unchanged(item.witness(REVOCATION_ORDER))
    try:
        items.update(item.host_id, e, e.remove(REVOCATION_ORDER).strip(), conditions)
    except ConditionError:
        return
