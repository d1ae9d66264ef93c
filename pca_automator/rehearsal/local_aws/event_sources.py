"""Streams, queues and schedules, where MiniStack differs.

* The batching window of a DynamoDB stream's event source mapping is kept, at the scale of the workflow's waits;
  MiniStack ignores it and would make many batches of one burst.
* A queue's delivery delay, and the wait before a failed message is delivered again, are kept at that scale, too.
* Nothing fires by the clock: a rehearsal that happens to run at the time of a schedule must not differ from others.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, eventbridge, lambda_svc, scheduler, sqs, stepfunctions

from pca_automator.rehearsal.local_aws.patching import replace


def install() -> None:
    """Patch MiniStack's stream poller and stop its clocks."""
    replace(lambda_svc, "_poll_dynamodb_streams", _gathering)
    replace(sqs, "queue_delay", lambda delay: lambda queue: delay(queue) * stepfunctions._SFN_WAIT_SCALE)
    replace(lambda_svc, "_run_sqs_batch", _delivering_again_soon)
    for clock in (eventbridge, scheduler):
        replace(clock, "start_scheduler", lambda _: lambda: None)


def _delivering_again_soon(run: Callable[..., None]) -> Callable[..., None]:
    """What is left of the visibility timeout of messages that were not taken is scaled; a running batch keeps it."""

    def run_sqs_batch(esm: Any, func_rec: Any, event: Any, batch: list[dict[str, Any]], *queue: str) -> None:
        run(esm, func_rec, event, batch, *queue)
        now = time.time()
        for message in batch:
            message["visible_at"] = now + max(0.0, message["visible_at"] - now) * stepfunctions._SFN_WAIT_SCALE

    return run_sqs_batch


def _gathering(poll: Callable[[], bool]) -> Callable[[], bool]:
    gathered_from: dict[str, int] = {}

    def poll_dynamodb_streams() -> bool:
        for account, region, mapping in lambda_svc._iter_all_esms():
            window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
            if window and ":dynamodb:" in mapping.get("EventSourceArn", ""):
                with responses.request_scope(account, region):
                    _hold(mapping, window * stepfunctions._SFN_WAIT_SCALE, gathered_from)
        return poll()

    return poll_dynamodb_streams


def _hold(mapping: dict[str, Any], seconds: float, gathered_from: dict[str, int]) -> None:
    """With the first record that passes the filter, let the poller pass this mapping by until the window is over."""
    identifier = mapping["UUID"]
    table = mapping["EventSourceArn"].split("/stream/")[0].rpartition("/")[2]
    position = lambda_svc._dynamodb_stream_positions.get(identifier, dynamodb.stream_start_position(table))
    if gathered_from.get(identifier) == position:
        return
    waiting = dynamodb.stream_records_since(table, position, mapping.get("BatchSize", 100))
    if lambda_svc._apply_filter_criteria(waiting, mapping):
        gathered_from[identifier] = position
        lambda_svc._esm_backoff_until[identifier] = time.time() + seconds
