"""Immediate enrolment: a change of the inventory starts the renewal workflow for the hosts it is about."""

from __future__ import annotations

from aws_cdk import Annotations, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct, IConstruct

from pca_automator._internal.arguments import checked
from pca_automator.functions.factory import FunctionFactory
from pca_automator.membership.streams import follow_changes

GATHER_FOR = Duration.seconds(10)
"""How long changes are gathered into one run. A new host is live two looks later, of which the second at each command
comes after 15 s, and a few seconds of issuing and installing, which keeps it below a minute."""

# Of an item of a few hundred bytes, before and after: 1,000 records stay far below the 6 MB of an invocation.
_BATCH = 1_000


class HostEnrolment(Construct):
    """CertEnroll reads the inventory's stream and starts the workflow, one run for a burst of changes.

    What starts a run: an item that is put in, an override that is changed, a retired host whose ``status`` is removed.
    An override that is changed during a renewal starts one when that renewal ends. The system's own writes do not; a
    removed item needs no run.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html

    Args:
        dead_letters: queue for changes that could not be handled; the scheduled run finds those hosts, too.
        factory: makes the function.
        state_machine: the renewal workflow.
        table: the inventory; it must have a stream with new and old images.

    Raises:
        ValueError: the table has no stream, or an argument has another type.
    """

    cert_enroll: lambda_.Function
    """Starts the workflow."""
    mapping: lambda_.EventSourceMapping
    """Hands CertEnroll the changes, gathered for ten seconds."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        dead_letters: sqs.IQueue,
        factory: FunctionFactory,
        state_machine: sfn.IStateMachine,
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, id)
        stream = table.table_stream_arn
        if stream is None:
            raise ValueError(
                "table has no stream: import it with from_table_attributes(table_stream_arn=...) and a stream of new "
                "and old images, or set immediate_enrolment to False"
            )
        self.cert_enroll = factory.make(
            self,
            "CertEnroll",
            handler="cert_enroll",
            description="Starts the workflow for hosts that are new or changed",
            environment={"STATE_MACHINE_ARN": state_machine.state_machine_arn},
        )
        self.cert_enroll.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["states:StartExecution"], resources=[state_machine.state_machine_arn])
        )
        # A record that is old starts no renewal that is not due.
        self.mapping = follow_changes(
            self,
            "InventoryChanges",
            batch_size=_BATCH,
            dead_letters=dead_letters,
            filters=_filters(),
            function=self.cert_enroll,
            gather_for=GATHER_FOR,
            stream_arn=stream,
            stream_key=table.encryption_key,
        )


def has_stream(table: dynamodb.ITable, *, warn: IConstruct) -> bool:
    """Whether changes of the inventory can be seen; says so at synthesis where they cannot.

    Args:
        table: the inventory.
        warn: construct that gets the warning.
    """
    if table.table_stream_arn is not None:
        return True
    Annotations.of(warn).add_warning_v2(
        "pca-automator:no-stream",
        "the given table has no stream that this stack knows of, so hosts are enrolled at the next scheduled run; "
        "import it with table_stream_arn, or set immediate_enrolment to False",
    )
    return False


def _filters() -> list[dict[str, object]]:
    """What a person may have done; the function looks closer.

    Filters cannot compare the images before and after. Of the system's writes for a renewal, this lets two through: the
    claim, which finds the item settled, and the end, where it shows what was changed meanwhile.
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
    """
    rule = lambda_.FilterRule
    settled = rule.or_("DEPLOYED", "FAILED", "RETIRED")
    return [
        {"eventName": rule.or_("INSERT", "REMOVE")},
        {"eventName": rule.is_equal("MODIFY"), "dynamodb": {"OldImage": {"status": {"S": settled}}}},
        {
            "eventName": rule.is_equal("MODIFY"),
            "dynamodb": {
                "OldImage": {"status": {"S": rule.is_equal("RENEWING")}},
                "NewImage": {"status": {"S": rule.or_("DEPLOYED", "FAILED")}},
            },
        },
        {"eventName": rule.is_equal("MODIFY"), "dynamodb": {"NewImage": {"status": {"S": rule.not_exists()}}}},
    ]
