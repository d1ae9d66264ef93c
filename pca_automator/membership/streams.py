"""Functions that are told of changes of the inventory."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# A stream keeps a record for 24 hours; half of that leaves room to look into what failed.
_GIVE_UP_AFTER = Duration.hours(12)


def follow_changes(
    scope: Construct,
    id: str,
    *,
    batch_size: int,
    dead_letters: sqs.IQueue,
    filters: Sequence[dict[str, object]],
    function: lambda_.Function,
    gather_for: Duration,
    stream_arn: str,
    stream_key: kms.IKey | None,
) -> lambda_.EventSourceMapping:
    """Hand the records of a table's stream to a function, tried again for hours, in halves, and never dropped.

    Args:
        batch_size: records of one invocation at most.
        dead_letters: queue for what could not be handled.
        filters: patterns, one of which a record must fit.
            https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
        function: gets the records.
        gather_for: how long records are gathered into one invocation.
        stream_arn: the table's stream, with new and old images.
        stream_key: key of the table, which encrypts the stream too; None where the function may use it already.
    """
    _allow_reading(function, stream_arn, stream_key)
    mapping = lambda_.EventSourceMapping(
        scope,
        id,
        target=function,
        batch_size=batch_size,
        bisect_batch_on_error=True,
        event_source_arn=stream_arn,
        filters=[dict(lambda_.FilterCriteria.filter(pattern)) for pattern in filters],
        max_batching_window=gather_for,
        max_record_age=_GIVE_UP_AFTER,
        on_failure=sources.SqsDlq(dead_letters),
        retry_attempts=100,
        # LATEST can miss what is written while the mapping is being made.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
    )
    # Lambda looks whether the role may read the stream when the mapping is made.
    mapping.node.add_dependency(function.role or function)
    return mapping


def _allow_reading(function: lambda_.Function, stream_arn: str, key: kms.IKey | None) -> None:
    # Not add_to_role_policy: under a feature flag of the consumer's app that makes a policy of each statement, and
    # the mapping would not wait for them.
    role = function.grant_principal
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            resources=[stream_arn],
        )
    )
    # ListStreams knows no resource type.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    role.add_to_principal_policy(iam.PolicyStatement(actions=["dynamodb:ListStreams"], resources=["*"]))
    if key is not None:
        stack = Stack.of(function)
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt"],
                resources=[key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{stack.region}.{stack.url_suffix}"}},
            )
        )
