"""Whether the fleet has certificates at all, and since when: what is due to whoever has some."""

from __future__ import annotations

from datetime import datetime

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import DynamoDb
from pca_runtime.shared.expressions import Expressions
from pca_runtime.shared.timestamps import format_time

__all__ = ["issued_before"]


def issued_before(dynamodb: DynamoDb, ledger_table: str, moment: datetime) -> bool:
    """Whether the ledger knows a certificate that was asked for before a moment.

    The first page of a fleet that has one holds it nearly always; a ledger without any is empty.

    Raises:
        PcaAutomatorError: DynamoDB did not answer.
    """
    e = Expressions()
    asked = e.compare("requestedAt", "<", format_time(moment))
    request = {
        "TableName": ledger_table,
        "FilterExpression": f"{e.exists('serial')} AND {asked}",
        "ProjectionExpression": e.path("serial"),
        **e.arguments(),
    }
    while True:
        with translated("Scan"):
            page = dynamodb.scan(**request)
        if page["Items"]:
            return True
        if "LastEvaluatedKey" not in page:
            return False
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}
