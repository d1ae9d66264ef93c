"""Reading one inventory item, and writing it under conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions, to_value

__all__ = ["ConditionError", "ItemUpdates", "Permits", "Request"]

# Somebody else writes the item a handful of times within a renewal, never that often within a second.
_ROUNDS = 5

Request = Callable[[Expressions, HostItem | None], tuple[str, list[str]]]
"""Update and conditions of a request, given its expressions and the item, where one write was not enough."""
Permits = Callable[[HostItem], bool]
"""Whether an item allows a request, judged by what in it can be this system's own."""
# Everything that a judgement of an item looks at.
_JUDGED = ("status", "runId", "leaseUntil", "lastRunId", "lastAttempt", "failureCount", "pending")


class ConditionError(Exception):
    """The item is not as the conditions ask.

    Args:
        item: as it is; ``None`` if there is none.
    """

    def __init__(self, item: HostItem | None) -> None:
        super().__init__()
        self.item = item


class ItemUpdates:
    """The table, one item at a time.

    Args:
        dynamodb: a DynamoDB client.
        table_name: the inventory table.
        gate: reads what it holds.
    """

    def __init__(self, dynamodb: DynamoDb, table_name: str, gate: Gate) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._gate = gate

    def get(self, host_id: str) -> HostItem | None:
        """The item now, strongly consistent."""
        with translated("GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"hostID": to_value(host_id)}, ConsistentRead=True
            )
        return self._gate.host(answer["Item"]) if "Item" in answer else None

    def update(self, host_id: str, e: Expressions, update: str, conditions: list[str]) -> HostItem:
        """One conditional write. Returns the item after it.

        Raises:
            ConditionError: a condition does not hold.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"hostID": to_value(host_id)},
            "UpdateExpression": update,
            "ConditionExpression": " AND ".join(conditions),
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **e.arguments(),
        }
        with translated("UpdateItem"):
            try:
                answer = self._dynamodb.update_item(**request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                old: Any = error.response.get("Item")
                raise ConditionError(self._gate.host(old) if old else None) from error
        return self._gate.host(answer["Attributes"])

    def update_judged(self, host_id: str, request: Request, permits: Permits) -> HostItem:
        """A write that depends on what this system has written before.

        Nearly always one write does it, under conditions that every item of this system's own fits. If they do not
        hold, the item that comes back is judged: what cannot be this system's own counts as absent, and the next write
        holds only as long as nothing of what was judged has changed.

        Raises:
            ConditionError: the item does not permit it.
        """
        seen: HostItem | None = None
        for _ in range(_ROUNDS):
            e = Expressions()
            update, conditions = request(e, seen)
            if seen is not None:
                conditions = [e.exists("hostID"), *e.unchanged(seen.witness(*_JUDGED))]
            try:
                return self.update(host_id, e, update, conditions)
            except ConditionError as failed:
                if failed.item is None or not permits(failed.item):
                    raise
                seen = failed.item
        raise ConditionError(seen)
