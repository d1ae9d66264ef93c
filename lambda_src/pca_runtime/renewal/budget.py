"""How many certificates a host gets within a day: enough for every healthy use, whoever writes its item.

A certificate costs money, and a revoked one a place in the CRL. A host that fails again and again gets fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pca_runtime.errors.kinds import IssuanceBudgetExceeded
from pca_runtime.inventory.ledger import Entry

__all__ = ["LEAST", "allowed", "check_budget"]

_DAY = timedelta(days=1)
LEAST = 2
"""What a host gets within a day however often it has failed: nobody goes dark for a budget."""


def allowed(per_day: int, failures: int) -> int:
    """Certificates of a host within a day: half as many after each failure in a row, but for the first.

    Args:
        per_day: of a host that does not fail.
        failures: how often its renewal has failed since it last went well.
    """
    return max(min(LEAST, per_day), per_day >> max(0, failures - 1))


def check_budget(host_id: str, entries: Sequence[Entry], per_day: int, failures: int, now: datetime) -> None:
    """Refuse to have one more certificate issued.

    Args:
        host_id: the host.
        entries: what the ledger has of it.
        per_day: certificates of a host within a day.
        failures: how often its renewal has failed since it last went well.
        now: the injected clock's time.

    Raises:
        IssuanceBudgetExceeded: saying how many there were, and when there will be room.
    """
    recent = sorted(
        entry.requested_at for entry in entries
        if entry.requested_at > now - _DAY and entry.fate != "NOT_ISSUED" and entry.is_own
    )  # fmt: skip
    most = allowed(per_day, failures)
    if len(recent) < most:
        return
    free = recent[len(recent) - most] + _DAY
    raise IssuanceBudgetExceeded(
        f"{host_id} had {len(recent)} certificates within a day, {most} are allowed"
        f"{f' after {failures} failures in a row' if failures else ''}; the next at {free:%Y-%m-%dT%H:%M:%SZ}, "
        "or with a run that a person forces",
        code="ISSUANCE_BUDGET_EXCEEDED",
    )
