"""The customer-managed key of an automation, and what AWS services may do with it."""

from __future__ import annotations

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


def automation_key(scope: Construct, id: str, removal_policy: RemovalPolicy) -> kms.Key:
    """One rotated key for table, topic, logs and work bucket."""
    key = kms.Key(
        scope,
        id,
        description="Inventory, notifications, logs and work files of pca-automator",
        enable_key_rotation=True,
        removal_policy=removal_policy,
    )
    allow_services(key, Stack.of(scope))
    return key


def allow_services(key: kms.IKey, stack: Stack) -> None:
    """Let the services that encrypt on the account's behalf use the key, each bound to this account.

    An imported key whose policy cannot be changed from here must allow the same.
    """
    logs = stack.format_arn(service="logs", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)
    services = {
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        f"logs.{stack.region}.{stack.url_suffix}": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
    }
    for service, conditions in services.items():
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"],
                resources=["*"],  # in a key policy, "*" is this key
                conditions=conditions,
            )
        )
    key.add_to_resource_policy(
        # An alarm on an encrypted topic is dropped without a word if CloudWatch cannot use the topic's key.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
    )
