"""The customer-managed key of an automation, and what AWS services may do with it."""

from __future__ import annotations

import json

from aws_cdk import Annotations, ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from pca_automator._internal.removal import except_on_create


def automation_key(scope: Construct, id: str, removal_policy: RemovalPolicy) -> kms.Key:
    """One rotated key for table, topic, logs and work bucket."""
    key = kms.Key(
        scope,
        id,
        description="Inventory, notifications, logs and work files of pca-automator",
        enable_key_rotation=True,
        removal_policy=except_on_create(removal_policy),
    )
    allow_services(key, scope)
    return key


def allow_services(key: kms.IKey, scope: Construct) -> None:
    """Let the services that encrypt on the account's behalf use the key, each bound to this account.

    The policy of an imported key cannot be changed from here: a warning has the statements that it needs.

    Args:
        key: made by this library or given by its user.
        scope: in the stack whose account and Region it is about; gets the warning.
    """
    stack = Stack.of(scope)
    statements = _statements(stack)
    added = [key.add_to_resource_policy(statement).statement_added for statement in statements]
    if all(added):
        return
    written = json.dumps(stack.resolve([statement.to_statement_json() for statement in statements]))
    Annotations.of(scope).add_warning_v2(
        "pca-automator:key-policy",
        "encryption_key is imported, so its policy cannot be changed from here; without these statements its log "
        f"groups cannot be made, and no alarm reaches a topic that it encrypts: {written}",
    )


def _statements(stack: Stack) -> list[iam.PolicyStatement]:
    logs = stack.format_arn(service="logs", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)
    return [
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}")],
            actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"],
            resources=["*"],  # in a key policy, "*" is this key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        ),
        alarms_statement(stack),
    ]


def alarms_statement(stack: Stack) -> iam.PolicyStatement:
    """What lets alarms of this account use a topic's key: without it they are dropped without a word.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
    )
