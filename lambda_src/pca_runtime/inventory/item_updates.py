"""Reading one inventory item, and writing it under conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.other_certificates import OTHER_SERIALS, others_with_pending, sent_serial
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions, from_item, to_value

__all__ = ["ConditionError", "ItemUpdates", "Request"]

# Somebody else writes the item a handful of times within a renewal, never that often within a second.
_ROUNDS = 5

Request = Callable[[Expressions, Mapping[str, object]], tuple[str, list[str]]]
"""Update and conditions of a request, given its expressions and the attributes that it has to set as well."""


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
    """

    def __init__(self, dynamodb: DynamoDb, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def get(self, host_id: str) -> HostItem | None:
        """The item now, strongly consistent."""
        with translated("GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"hostID": to_value(host_id)}, ConsistentRead=True
            )
        return HostItem.of(from_item(answer["Item"])) if "Item" in answer else None

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
                raise ConditionError(HostItem.of(from_item(old)) if old else None) from error
        return HostItem.of(from_item(answer["Attributes"]))

    def update_over_pending(self, host_id: str, now: datetime, request: Request) -> HostItem:
        """Write over what is in flight, and forget no certificate that it may have brought to the host.

        Nearly always there is none, and one write does it. If there is one, the item that the failed condition returns
        names it, and the next write holds only as long as that is so.

        Raises:
            ConditionError: a condition of the request does not hold.
        """
        seen: HostItem | None = None
        for _ in range(_ROUNDS):
            e = Expressions()
            sent = sent_serial(seen)
            kept = {} if seen is None or sent is None else {OTHER_SERIALS: others_with_pending(seen, now)}
            update, conditions = request(e, kept)
            witness = e.absent("pending.serial") if sent is None else e.compare("pending.serial", "=", sent)
            try:
                return self.update(host_id, e, update, [*conditions, witness])
            except ConditionError as failed:
                if sent_serial(failed.item) == sent:
                    raise
                seen = failed.item
        raise ConditionError(seen)
