"""Queues and schedules, where MiniStack differs.

* A queue's delivery delay, and the wait before a failed message is delivered again, are kept at that scale, too.
* Nothing fires by the clock: a rehearsal that happens to run at the time of a schedule must not differ from others.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge, lambda_svc, scheduler, sqs, stepfunctions

from pca_automator.rehearsal.local_aws.patching import replace


def install() -> None:
    """Patch MiniStack's queues and stop its clocks."""
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
