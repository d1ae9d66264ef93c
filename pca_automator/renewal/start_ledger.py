"""The table in which runs reserve when their hosts start."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge
from pca_automator._internal.arguments import checked
from pca_automator.inventory.table import grant_table_key

_VARIABLE = "STARTS_TABLE_NAME"


class StartLedger(Construct):
    """A small DynamoDB table: which starts are taken, over all runs, and how AWS throttles.

    Nothing in it outlives a run: without it no run starts, and an empty one is as good. docs/adr/0015 tells why it is.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html

    Args:
        encryption_key: key of the table.
        removal_policy: of the table; anything but retain also switches deletion protection off. Default: retain.

    Raises:
        ValueError: an argument has another type.
    """

    table: dynamodb.ITable
    """A few items: two lanes, their blocks of starts, the traffic, the account."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self._key = encryption_key
        table = dynamodb.Table(
            self,
            "Starts",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="at", type=dynamodb.AttributeType.NUMBER),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            deletion_protection=removal_policy is RemovalPolicy.RETAIN,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal_policy,
            time_to_live_attribute="expires",
        )
        passing = "Reservations of runs under way: an empty table is as good, so there is nothing to bring back."
        acknowledge(
            table,
            {"NIST.800.53.R5-DynamoDBInBackupPlan": passing, "HIPAA.Security-DynamoDBInBackupPlan": passing},
        )
        self.table = table

    def grant_reserve(self, function: lambda_.Function) -> None:
        """Let a function reserve starts for runs, and keep what was seen of the account.

        Args:
            function: gets the table's name, too.
        """
        self._grant(function, "BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem")

    def grant_judge(self, function: lambda_.Function) -> None:
        """Let a function judge hosts whose start has come, give them another, and tell that AWS throttles.

        Args:
            function: gets the table's name, too.
        """
        self._grant(function, "BatchGetItem", "GetItem", "UpdateItem")

    def grant_note(self, function: lambda_.Function) -> None:
        """Let a function tell that AWS throttles.

        Args:
            function: gets the table's name, too.
        """
        self._grant(function, "GetItem", "UpdateItem")

    def _grant(self, function: lambda_.Function, *actions: str) -> iam.Grant:
        function.add_environment(_VARIABLE, self.table.table_name)
        grant_table_key(function, Stack.of(self), self._key)
        return self.table.grant(function, *(f"dynamodb:{action}" for action in actions))
