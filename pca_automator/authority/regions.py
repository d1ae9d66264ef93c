"""What a partition or Region lacks, where the Region is known at synthesis."""

from __future__ import annotations

from aws_cdk import Stack, Token
from aws_cdk.region_info import RegionInfo

MISSING = {
    "aws-iso": ("IAM Roles Anywhere",),
    "aws-iso-b": ("IAM Roles Anywhere", "AWS Private CA"),
}
"""Services that a partition does not offer, by the endpoints that botocore 1.43 ships.
https://docs.aws.amazon.com/general/latest/gr/rolesanywhere.html, https://docs.aws.amazon.com/general/latest/gr/pca.html"""

BUNDLE_ONLY = frozenset({"aws-cn"})
"""Partitions whose trust anchors take an uploaded certificate alone: AWS_ACM_PCA is not supported there.
https://docs.amazonaws.cn/en_us/rolesanywhere/latest/APIReference/API_Source.html"""

NO_SNAP_START = frozenset({"ap-east-2", "ap-southeast-6"})
"""Commercial Regions without Lambda SnapStart; other partitions have none.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-supported-regions"""


def check_services(stack: Stack) -> None:
    """Refuse a Region that lacks a service without which nothing of this works.

    Raises:
        ValueError: names the Region, its partition and what is missing.
    """
    partition = partition_of(stack)
    if missing := MISSING.get(partition or ""):
        raise ValueError(
            f"Region {stack.region} of partition {partition} has no {' and no '.join(missing)}: this automation needs "
            "both AWS Private CA and IAM Roles Anywhere; deploy it to another Region"
        )


def partition_of(stack: Stack) -> str | None:
    """The partition of a stack's Region; None where the Region is not known at synthesis."""
    if Token.is_unresolved(stack.region):
        return None
    return RegionInfo.get(stack.region).partition


def takes_bundles_only(stack: Stack) -> bool:
    """Whether trust anchors are made of uploaded certificates there; not known means no."""
    return partition_of(stack) in BUNDLE_ONLY


def check_snap_start(stack: Stack) -> None:
    """Refuse a Region that has no Lambda SnapStart.

    Raises:
        ValueError: names the Region.
    """
    if partition_of(stack) not in (None, "aws") or stack.region in NO_SNAP_START:
        raise ValueError(
            f"FunctionSettings(snap_start=True): Region {stack.region} has no Lambda SnapStart; leave snap_start out"
        )
