"""Input and output of states, tasks and executions: 262,144 bytes, as UTF-8.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from pca_automator.rehearsal.local_aws.emulator import json_error
from pca_automator.rehearsal.local_aws.facts import workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.limits.refusals import Refusals
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.settings import Settings

_STATES = ("_execute_pass", "_execute_task", "_execute_choice", "_execute_wait", "_execute_parallel", "_execute_map")
_TASKS = ("_invoke_resource", "_invoke_with_callback")


def install(payloads: Payloads) -> None:
    """Patch MiniStack's interpreter of workflows, and what comes into it."""
    for name in _STATES:
        replace(stepfunctions, name, lambda run: _state(run, payloads))
    for name in _TASKS:
        replace(stepfunctions, name, lambda run: _task(run, payloads))
    replace(stepfunctions, "_start_execution", lambda start: _request(start, "input", payloads))
    replace(stepfunctions, "_send_task_success", lambda send: _request(send, "output", payloads))


class Payloads:
    """Looks at the size of what goes through a workflow.

    Args:
        settings: how many bytes are let through.
        refusals: counts what was too large.
    """

    def __init__(self, settings: Settings, refusals: Refusals) -> None:
        self._settings = settings
        self._refusals = refusals

    def fits(self, what: str, text: str) -> bool:
        """Whether a text is let through."""
        fits = self._refusals.passes(f"bytes of {what}", len(text.encode()), self._settings.payload_bytes)
        if not fits:
            LEDGER.lean(workflow.PAYLOAD)
        return fits

    def check(self, what: str, data: Any) -> None:
        """Raise what Step Functions does where data are too large; no wildcard catches it."""
        if not self.fits(what, json.dumps(data, separators=(",", ":"), ensure_ascii=False)):
            raise stepfunctions._ExecutionError(
                "States.DataLimitExceeded",
                f"The {what} has a size exceeding the maximum number of bytes service limit.",
            )


def _state(run: Callable[..., Any], payloads: Payloads) -> Callable[..., Any]:
    def execute(state: Any, data: Any, *others: Any) -> Any:
        output, following = run(state, data, *others)
        payloads.check("output of a state", output)
        return output, following

    return execute


def _task(run: Callable[..., Any], payloads: Payloads) -> Callable[..., Any]:
    def invoke(resource: str, data: Any, *others: Any) -> Any:
        payloads.check("input of a task", data)
        result = run(resource, data, *others)
        payloads.check("result of a task", result)
        return result

    return invoke


def _request(serve: Callable[..., Any], field: str, payloads: Payloads) -> Callable[..., Any]:
    def handle(data: dict[str, Any]) -> Any:
        if not payloads.fits(f"{field} of a request", str(data.get(field, ""))):
            return json_error("ValidationException", f"{field} is longer than it may be")
        return serve(data)

    return handle
