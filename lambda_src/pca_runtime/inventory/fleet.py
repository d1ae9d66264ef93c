"""Reading many items: the whole table in parallel segments, or some hosts by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pca_runtime.errors.kinds import Throttled
from pca_runtime.errors.of_aws import translated
from pca_runtime.inventory.gate import Entry, Gate, Quarantined
from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions, to_value

__all__ = ["Fleet", "scanned"]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_BATCH = 100
# 16 MB of answer hold 100 items of 160 KB; ours have under 4 KB, so unprocessed keys mean throttling.
_ROUNDS = 8


def scanned(dynamodb: DynamoDb, request: dict[str, Any], gate: Gate) -> Iterator[Entry]:
    """The entries that a Scan finds, page by page."""
    while True:
        with translated("Scan"):
            page = dynamodb.scan(**request)
        for item in page["Items"]:
            yield gate.admit(item)
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


class Fleet:
    """Read access to many items of the inventory table, with a projection.

    Args:
        dynamodb: a DynamoDB client; it is used from several threads, which boto3's clients allow.
        table_name: the inventory table.
        attributes: what is read beside ``hostID``.
        gate: reads what the table holds. Default: one with the real clock and the limits of any deployment.
    """

    def __init__(
        self, dynamodb: DynamoDb, table_name: str, attributes: Sequence[str], gate: Gate | None = None
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._attributes = ["hostID", *attributes]
        self._gate = gate or Gate()

    def segment(self, number: int, of: int) -> Iterator[Entry]:
        """Every entry of one segment that is not retired, page by page.

        The filter is no more than that: whether a host is due is decided in one place
        (:mod:`pca_runtime.inventory.due`), also for timestamps that a person mistyped, and the fleet's least
        time left needs the others too. A filter would not make the Scan cheaper: what it reads is billed.
        """
        e = Expressions()
        request: dict[str, Any] = {
            "TableName": self._table,
            "ProjectionExpression": self._projection(e),
            "FilterExpression": e.absent_or("status", "<>", "RETIRED"),
            # So that a host which another run has just finished does not look due; the claim compares times.
            "ConsistentRead": True,
            "Segment": number,
            "TotalSegments": of,
            **e.arguments(),
        }
        return scanned(self._dynamodb, request, self._gate)

    def these(self, host_ids: Iterable[str]) -> Iterator[HostItem]:
        """The items of some hosts, strongly consistent, in no particular order.

        Absent ones are left out, and so are those that cannot be read; :meth:`entries` has these, too.
        """
        return (entry for entry in self.entries(host_ids) if not isinstance(entry, Quarantined))

    def entries(self, host_ids: Iterable[str]) -> Iterator[Entry]:
        """The entries under some keys, strongly consistent, in no particular order; absent ones are left out."""
        for batch in _batched(host_ids, _BATCH):
            yield from self._batch(batch)

    def _batch(self, host_ids: Sequence[str]) -> Iterator[Entry]:
        e = Expressions()
        keys: dict[str, Any] = {
            "Keys": [{"hostID": to_value(host_id)} for host_id in host_ids],
            "ProjectionExpression": self._projection(e),
            "ConsistentRead": True,
            **e.arguments(),
        }
        request = {self._table: keys}
        for _ in range(_ROUNDS):
            with translated("BatchGetItem"):
                answer = self._dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table, []):
                yield self._gate.admit(item)
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise Throttled(f"BatchGetItem left keys unprocessed {_ROUNDS} times", code="SERVICE_THROTTLED")

    def _projection(self, e: Expressions) -> str:
        return ", ".join(e.path(name) for name in self._attributes)


def _batched(values: Iterable[str], size: int) -> Iterator[Sequence[str]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
