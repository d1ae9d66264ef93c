"""A table that is handed in: does it fit?"""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import IConstruct

from pca_automator._internal.handed_in import check_encrypts, properties_of, resource_of, same_account, same_region

PARTITION_KEY = "hostID"


def check_table(scope: IConstruct, table: dynamodb.ITable) -> None:
    """Refuse a table of this app that the functions could not use; an imported one cannot be looked at.

    Args:
        scope: whose stack the table is to serve.
        table: the inventory.

    Raises:
        ValueError: another Region or account, another partition key, a sort key, a stream without both images, or a
            key that cannot encrypt it.
    """
    why = "the functions look for it by its name in their own Region and account; give a table of these"
    same_region(scope, "table", table.table_arn, why)
    same_account(scope, "table", table.table_arn, why)
    check_encrypts("the key of table", table.encryption_key)
    resource = resource_of(table)
    if resource is None:
        return
    described = properties_of(resource)
    kinds = {each["attributeName"]: each["attributeType"] for each in described.get("attributeDefinitions", [])}
    keys = {each["attributeName"]: each["keyType"] for each in described.get("keySchema", [])}
    if keys and (keys != {PARTITION_KEY: "HASH"} or kinds.get(PARTITION_KEY) != "S"):
        written = ", ".join(f"{name} ({kind}, type {kinds.get(name)})" for name, kind in keys.items())
        raise ValueError(
            f"table is {table.node.path} with the key {written}: its key must be the partition key {PARTITION_KEY!r} "
            "of type string, without a sort key"
        )
    view = described.get("streamSpecification", {}).get("streamViewType")
    if view is not None and view != "NEW_AND_OLD_IMAGES":
        raise ValueError(
            f"table is {table.node.path} with a stream of {view}: enrolment and retirement compare an entry before and "
            "after, so it must be NEW_AND_OLD_IMAGES"
        )
