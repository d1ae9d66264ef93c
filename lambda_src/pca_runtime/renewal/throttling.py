"""What is throttled where no start is judged: the ledger of starts is told, so that others hold back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pca_runtime.errors.kinds import PcaAutomatorError, Throttled
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.timestamps import Clock

__all__ = ["noting_throttling"]


@contextmanager
def noting_throttling(
    dynamodb: DynamoDb, starts_table: str, clock: Clock, not_told: Callable[[PcaAutomatorError], None]
) -> Iterator[None]:
    """Let the ledger know of a call that is throttled within; the error goes on.

    Args:
        dynamodb: a DynamoDB client.
        starts_table: the ledger's table.
        clock: the current time.
        not_told: called when the ledger could not be told that AWS throttles.
    """
    try:
        yield
    except Throttled:
        from pca_runtime.renewal.start_gate import StartGate  # to be throttled is rare, and gate and ledger are large
        from pca_runtime.renewal.start_ledger import StartLedger

        StartGate(StartLedger(dynamodb, starts_table), clock, not_told).note()
        raise
