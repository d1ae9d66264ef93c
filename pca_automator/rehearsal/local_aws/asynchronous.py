"""Asynchronous invocations of functions, as EventBridge, S3 and a caller that waits for no answer make them.

MiniStack hands an event of EventBridge to a function once, and what the function then makes of it is lost. On AWS a
function that fails is invoked again, twice, with the function's own configuration; what fails at last goes to its
destination. The times are of the account: they pass as much quicker as the waits of the workflow.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import eventbridge, lambda_svc, stepfunctions

from pca_automator.rehearsal.local_aws.emulator import log
from pca_automator.rehearsal.local_aws.facts import workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.patching import replace

_AFTER_ERRORS: tuple[float, ...] = workflow.ASYNC_ERRORS.value
_AFTER_THROTTLES: tuple[float, float] = workflow.ASYNC_THROTTLES.value
_DEFAULT_AGE = 6 * 3_600.0


def install() -> None:
    """Patch MiniStack's asynchronous invocations, and EventBridge's way to a function."""
    replace(lambda_svc, "invoke_async_with_retry", lambda _: _invoke)
    replace(eventbridge, "_dispatch_to_lambda", _dispatching)


def _dispatching(_: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def dispatch_to_lambda(arn: str, payload: str) -> None:
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            log.warning("EventBridge: no function %s", name)
            return
        _invoke(lambda_svc._execution_record_for_config(function, config), json.loads(payload))

    return dispatch_to_lambda


def _invoke(function: dict[str, Any], event: Any) -> None:
    invocation = contextvars.copy_context()
    work = _Asynchronous(function, event).run
    threading.Thread(target=invocation.run, args=(work,), daemon=True, name="asynchronous").start()


class _Asynchronous:
    """One event on its way to a function."""

    def __init__(self, function: dict[str, Any], event: Any) -> None:
        self._function = function
        self._event = event
        config = function.get("config") or function
        own: Mapping[str, Any] = (
            function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
        )
        destination = ((own.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        self._name = str(config.get("FunctionName", ""))
        self._destination = destination or (config.get("DeadLetterConfig") or {}).get("TargetArn") or ""
        retries = own.get("MaximumRetryAttempts")
        self._retries = len(_AFTER_ERRORS) if retries is None else int(retries)
        self._scale = float(stepfunctions._SFN_WAIT_SCALE)
        age = float(own.get("MaximumEventAgeInSeconds") or _DEFAULT_AGE)
        self._latest = time.monotonic() + age * self._scale

    def run(self) -> None:
        """Invoke until it has succeeded, was tried often enough, or is too old."""
        failures = throttles = 0
        while True:
            result = lambda_svc._execute_function_with_config_scope(self._function, self._event)
            if not result.get("error"):
                return
            if result.get("throttle"):
                throttles += 1
                first, most = _AFTER_THROTTLES
                seconds = min(first * 2 ** (throttles - 1), most)
                LEDGER.lean(workflow.ASYNC_THROTTLES)
            else:
                failures += 1
                if failures > self._retries:
                    break
                seconds = _AFTER_ERRORS[min(failures, len(_AFTER_ERRORS)) - 1]
                LEDGER.lean(workflow.ASYNC_ERRORS)
            if time.monotonic() + seconds * self._scale > self._latest:
                break
            time.sleep(seconds * self._scale)
        log.warning("%s failed asynchronously for good", self._name)
        if self._destination:
            lambda_svc._route_async_failure(self._destination, self._name, self._event, result)
