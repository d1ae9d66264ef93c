"""The queue for what could not be handled."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge, skip_in_checkov

SQS_MANAGED_ENCRYPTION = "SQS encrypts with its own keys (SSE-SQS), which need no key policy for each sender."


def dead_letter_queue(scope: Construct, id: str, *, fifo: bool = False) -> sqs.Queue:
    """A queue that keeps messages as long as SQS can, 14 days.

    Args:
        fifo: for the messages of a FIFO queue.
    """
    queue = sqs.Queue(
        scope,
        id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        fifo=fifo or None,
        retention_period=Duration.days(14),
    )
    last = "It is the dead-letter queue of schedule, rules and function."
    acknowledge(queue, {"AwsSolutions-SQS3": last, "Serverless-SQSRedrivePolicy": last})
    skip_in_checkov(queue, {"CKV_AWS_27": SQS_MANAGED_ENCRYPTION})
    return queue


def messages_waiting(
    queue: sqs.IQueue, *, period: Duration | None = None, label: str | None = None
) -> cloudwatch.Metric:
    """How many messages wait in a queue, at most.

    Args:
        period: of a data point. Default: five minutes.
        label: what a graph calls it. Default: the metric's name.
    """
    return queue.metric_approximate_number_of_messages_visible(
        label=label, period=period or Duration.minutes(5), statistic="Maximum"
    )
