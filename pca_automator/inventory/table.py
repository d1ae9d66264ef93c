"""The table of hosts."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge
from pca_automator._internal.arguments import checked
from pca_automator.inventory.given_table import check_table

# What CDK's own read and write grants hold, without wildcards.
_TABLE_KEY_ACTIONS = (
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
)


class HostInventory(Construct):
    """A DynamoDB table keyed by ``hostID``; a user writes only that, plus overrides.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html

    Args:
        encryption_key: key of the table.
        table: an existing table with the string partition key ``hostID``. Default: an on-demand table with
            point-in-time recovery and deletion protection is created.
        removal_policy: of a created table; anything but retain also switches deletion protection off. Default: retain.
        longest_lease_seconds: the longest that a run holds a host; a lease that ends later is none of this system's.
            Default: what any deployment can have.
        validity: the longest that a certificate is valid, likewise. Default: what any deployment can have.

    Raises:
        ValueError: an argument has another type, or the given table another key or stream.
    """

    table: dynamodb.ITable
    """One item for each host."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        table: dynamodb.ITable | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        longest_lease_seconds: int | None = None,
        validity: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._limits = {} if longest_lease_seconds is None else {"LONGEST_LEASE_SECONDS": str(longest_lease_seconds)}
        if validity is not None:
            self._limits["VALIDITY_DAYS"] = str(validity.to_days())
        if table is not None:
            check_table(self, table)
        self.table = table or self._make_table(encryption_key, removal_policy)

    @property
    def environment(self) -> dict[str, str]:
        """What tells a function the table's name, and what the functions can have written into it at the most."""
        return {"TABLE_NAME": self.table.table_name, **self._limits}

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Allow actions on the table, and the use of its key through DynamoDB alone.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html

        Args:
            grantee: who may.
            actions: such as ``dynamodb:GetItem``.
        """
        grant_table_key(grantee, Stack.of(self), self.table.encryption_key)
        return self.table.grant(grantee, *actions)

    def _make_table(self, encryption_key: kms.IKey, removal_policy: RemovalPolicy) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Hosts",
            partition_key=dynamodb.Attribute(name="hostID", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            deletion_protection=removal_policy is RemovalPolicy.RETAIN,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal_policy,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )
        backup = "Point-in-time recovery keeps 35 days; an AWS Backup plan is the account owner's choice."
        acknowledge(
            table,
            {
                "NIST.800.53.R5-DynamoDBInBackupPlan": backup,
                "HIPAA.Security-DynamoDBInBackupPlan": backup,
            },
        )
        return table


def grant_table_key(grantee: iam.IGrantable, stack: Stack, key: kms.IKey | None) -> None:
    """Allow the use of a table's key through DynamoDB alone; nothing where the table has no key of the account's."""
    if key is None:
        return
    iam.Grant.add_to_principal(
        grantee=grantee,
        actions=[f"kms:{action}" for action in _TABLE_KEY_ACTIONS],
        resource_arns=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{stack.region}.{stack.url_suffix}"}},
    )
