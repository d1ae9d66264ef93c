"""A table that is handed in: does it fit?"""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import IConstruct

from pca_automator._internal.handed_in import resource_of

PARTITION_KEY = "hostID"


def check_table(scope: IConstruct, table: dynamodb.ITable) -> None:
    """Refuse a table of this app that the functions could not use; an imported one cannot be looked at.

    Args:
        scope: whose stack resolves what the table's resource says.
        table: the inventory.

    Raises:
        ValueError: another partition key, a sort key, or a stream without both images.
    """
    resource = resource_of(table)
    if resource is None:
        return
    stack = Stack.of(scope)
    schema: list[dict[str, Any]] = stack.resolve(getattr(resource, "key_schema", None)) or []
    kinds = {each["attributeName"]: each["attributeType"] for each in stack.resolve(_definitions(resource)) or []}
    keys = {each["attributeName"]: each["keyType"] for each in schema}
    if keys and (keys != {PARTITION_KEY: "HASH"} or kinds.get(PARTITION_KEY) != "S"):
        written = ", ".join(f"{name} ({kind}, type {kinds.get(name)})" for name, kind in keys.items())
        raise ValueError(
            f"table is {table.node.path} with the key {written}: its key must be the partition key {PARTITION_KEY!r} "
            "of type string, without a sort key"
        )
    if not isinstance(resource, dynamodb.CfnTable):
        return  # a global table's stream is settled after the constructs are made, and cannot be read here
    stream = stack.resolve(resource.stream_specification) or {}
    view = stream.get("streamViewType")
    if view is not None and view != "NEW_AND_OLD_IMAGES":
        raise ValueError(
            f"table is {table.node.path} with a stream of {view}: enrolment and retirement compare an entry before and "
            "after, so it must be NEW_AND_OLD_IMAGES"
        )


def _definitions(resource: Any) -> Any:
    return getattr(resource, "attribute_definitions", None)
