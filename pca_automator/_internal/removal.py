"""What becomes of a resource when its stack goes, and when its first deployment fails."""

from __future__ import annotations

from aws_cdk import RemovalPolicy


def except_on_create(policy: RemovalPolicy) -> RemovalPolicy:
    """Retain, but not what a first deployment made and then rolled back: nobody has used it, and it may cost.

    For resources that CloudFormation can delete at that moment; a table with deletion protection and a bucket that a
    service has written to would turn the rollback into ROLLBACK_FAILED (docs/adr/0022).
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html

    Args:
        policy: what the user asked for; anything but retain stays.
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if policy is RemovalPolicy.RETAIN else policy
