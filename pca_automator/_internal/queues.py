"""The queue for what could not be handled."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge


def dead_letter_queue(scope: Construct, id: str) -> sqs.Queue:
    """A standard queue that keeps messages as long as SQS can: 14 days."""
    queue = sqs.Queue(
        scope,
        id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    last = "It is the dead-letter queue of schedule, rules and function."
    acknowledge(queue, {"AwsSolutions-SQS3": last, "Serverless-SQSRedrivePolicy": last})
    return queue
