"""Who may write an item that a run holds, and what is said to the others."""

from __future__ import annotations

from pca_runtime.errors.kinds import HostNotInInventory, LeaseLost
from pca_runtime.inventory.lease import Lease
from pca_runtime.shared.expressions import Expressions

__all__ = ["IN_FLIGHT", "held", "lease_lost", "not_in_inventory"]

IN_FLIGHT = ("pending", "runId", "leaseUntil")
"""What an item has only while it is being renewed."""


def held(e: Expressions, lease: Lease) -> list[str]:
    """Nobody writes for a run that has lost the host, nor for a host that was retired meanwhile."""
    return [
        e.compare("runId", "=", lease.run_id),
        e.compare("pending.requestId", "=", lease.request_id),
        e.compare("status", "<>", "RETIRED"),
    ]


def not_in_inventory(host_id: str) -> HostNotInInventory:
    """There is no such item."""
    return HostNotInInventory(f"the inventory has no item {host_id}", code="HOST_NOT_IN_INVENTORY")


def lease_lost(host_id: str, run_id: str) -> LeaseLost:
    """Another run, or nobody, holds the item."""
    return LeaseLost(f"run {run_id} no longer holds the renewal of {host_id}", code="LEASE_LOST")
