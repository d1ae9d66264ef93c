"""Step Functions, Lambda, streams, queues and events."""

from __future__ import annotations

from pca_automator.rehearsal.local_aws.facts.ledger import assumed, documented

_SFN = "https://docs.aws.amazon.com/step-functions/latest/dg/"

WILDCARDS = documented(
    "workflow.wildcards",
    "States.ALL matches neither States.Runtime nor States.DataLimitExceeded",
    _SFN + "concepts-error-handling.html",
)
CALLBACK_ERROR = documented(
    "workflow.callback-error",
    "a function that fails in a task with a token fails the task at once",
    _SFN + "connect-to-resource.html",
)
YEAR = documented("workflow.year", "an execution ends after a year", _SFN + "service-quotas.html", value=365 * 86_400)
STREAM_WINDOW = documented(
    "workflow.stream-window",
    "a stream's batching window gathers records (here: scaled as waits are)",
    "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html",
)
QUEUE_DELAY = documented(
    "workflow.queue-delay",
    "a queue's delay and visibility are kept (here: scaled as waits are)",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html",
)
MAP_ORDER = assumed(
    "workflow.map-order",
    "a Distributed Map starts its children in the order of the file",
    "no page promises an order",
    otherwise="they start in any order",
    safe_by="a child that starts late takes a new place; the order decides who comes first, never whether",
)
