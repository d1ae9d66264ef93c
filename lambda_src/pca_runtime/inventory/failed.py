"""An item whose host's renewal has failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pca_runtime.inventory.attributes import COUNT_MAX
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.item_updates import ConditionError, ItemUpdates
from pca_runtime.inventory.lease_conditions import IN_FLIGHT
from pca_runtime.shared.expressions import Expressions
from pca_runtime.shared.timestamps import format_time

__all__ = ["record_failed"]


def record_failed(
    items: ItemUpdates,
    host_id: str,
    run_id: str,
    last_error: Mapping[str, str],
    now: datetime,
    listed_at: datetime | None,
) -> tuple[bool, HostItem | None]:
    """The renewal has failed: say why, let the host go, and keep everything about its live certificate.

    Args:
        items: the table.
        host_id: the host.
        run_id: the run that failed.
        last_error: what is recorded.
        now: the injected clock's time.
        listed_at: when the run chose its hosts; what another run has recorded since then stays.

    Returns:
        Whether this was written now, and the item if it holds this run's failure. Nothing is written when the
        host is gone, retired or another run's, or when this run, or a later one, has recorded its end before.
    """
    values = {
        "status": "FAILED",
        "lastError": dict(last_error),
        "lastAttempt": format_time(now),
        "lastRunId": run_id,
    }

    def request(e: Expressions, seen: HostItem | None) -> tuple[str, list[str]]:
        if seen is not None:
            count = min(seen.failure_count + 1, COUNT_MAX)
            return e.set({**values, "failureCount": count}) + e.remove(*IN_FLIGHT), []
        conditions = _conditions(e, run_id, now, listed_at)
        failures = e.path("failureCount")
        counted = f", {failures} = if_not_exists({failures}, {e.value(0)}) + {e.value(1)}"
        return e.set(values) + counted + e.remove(*IN_FLIGHT), conditions

    def permits(item: HostItem) -> bool:
        later = listed_at is not None and item.last_attempt is not None and item.last_attempt > listed_at
        free = not item.is_busy(now) and not later
        ours = item.run_id == run_id or free
        return ours and item.status != "RETIRED" and item.last_run_id != run_id

    try:
        return True, items.update_judged(host_id, request, permits)
    except ConditionError as failed:
        _let_go_if_retired(items, host_id, run_id, failed.item)
        known = failed.item
    ours = known is not None and known.status == "FAILED" and known.last_run_id == run_id
    return False, known if ours else None


def _conditions(e: Expressions, run_id: str, now: datetime, listed_at: datetime | None) -> list[str]:
    """What an item must be like that nobody has mistyped anything in."""
    free = f"({e.absent('runId')} OR {e.absent_or('leaseUntil', '<=', format_time(now))})"
    if listed_at is not None:
        free = f"({free} AND {e.absent_or('lastAttempt', '<=', format_time(listed_at))})"
    return [
        e.exists("hostID"),
        e.absent_or("status", "<>", "RETIRED"),
        e.absent_or("lastRunId", "<>", run_id),
        f"({e.compare('runId', '=', run_id)} OR {free})",
        # Nothing can be added to anything but a number, and to a very large one not without losing digits.
        f"({e.absent('failureCount')} OR {e.number_between('failureCount', 0, COUNT_MAX - 1)})",
    ]


def _let_go_if_retired(items: ItemUpdates, host_id: str, run_id: str, item: HostItem | None) -> None:
    """A host that was retired while it was renewed keeps its status and loses only what was in flight."""
    if item is None or item.status != "RETIRED" or item.run_id != run_id:
        return
    e = Expressions()
    try:
        items.update(host_id, e, e.remove(*IN_FLIGHT).strip(), [e.compare("runId", "=", run_id)])
    except ConditionError:
        return
