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
STREAM_RETRIES = documented(
    "workflow.stream-retries",
    "a batch that fails is tried again as often, and until it is as old, as the mapping says; then it goes to the "
    "mapping's destination",
    "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html",
)
STREAM_BISECTING = documented(
    "workflow.stream-bisecting",
    "a mapping that says so cuts a batch that fails in two, which is no retry",
    "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
)
ASYNC_ERRORS = documented(
    "workflow.async-errors",
    "a function that fails asynchronously is tried again after one minute and after two (here: scaled as waits are)",
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
    value=(60.0, 120.0),
)
ASYNC_THROTTLES = documented(
    "workflow.async-throttles",
    "an event that is throttled comes again after one second, then ever later, at most after five minutes, until it is "
    "too old",
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
    value=(1.0, 300.0),
)
HISTORY = documented(
    "workflow.history",
    "an execution fails when its history has 25,000 events; each child of a Distributed Map has a history of its own",
    _SFN + "bp-history-limit.html",
    value=25_000,
)
PAYLOAD = documented(
    "workflow.payload",
    "input and output of states, tasks and executions have 262,144 bytes at most, else it is States.DataLimitExceeded",
    _SFN + "service-quotas.html",
    value=262_144,
)
RESULT_FILES = documented(
    "workflow.result-files",
    "a result writer puts a manifest and what succeeded and failed into files, each child with its input and output; "
    "the state's own result names the manifest",
    _SFN + "input-output-resultwriter.html",
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
