"""Lambda as this project relies on it, where MiniStack's workers differ.

* An exception of a handler reaches the caller with its class name as ``errorType``, as Retry and Catch match it;
  MiniStack says ``Runtime.HandlerError`` for every one, and restarts the worker.
* No more than so many workers for each function: a further invocation waits, where AWS would start another
  environment. The machine of a rehearsal has two cores, not a thousand.
* A layer whose native modules do not load here is left out: workers run on the interpreter that runs MiniStack,
  which has the same packages.
* Each worker names its function in the User-Agent, so that API calls can be counted for each function: by its
  Powertools service name, which is what people call it, or by its physical name.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import functools
import importlib.machinery
import io
import logging
import sys
import threading
import zipfile
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from pca_automator.rehearsal.local_aws.counters import Counters
from pca_automator.rehearsal.local_aws.patching import replace, replace_text
from pca_automator.rehearsal.local_aws.settings import Settings

log = logging.getLogger("rehearsal.lambda")

_QUEUE_SECONDS = 300.0
"""After so long in the queue an invocation is throttled, as on AWS without a free environment."""

_OWN_SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]

_ERROR_REPLY = (
    '_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")'
)
_TYPED_ERROR_REPLY = (
    "print(traceback.format_exc(), file=sys.stderr)\n"
    '            _real_stdout.write(json.dumps({"status": "ok", "result": {"rehearsalError": {'
    '"errorMessage": str(e), "errorType": type(e).__name__, '
    '"stackTrace": traceback.format_tb(e.__traceback__)}}}) + "\\n")'
)
_IMPORT = "mod = importlib.import_module(module_name)"
_NAMED_IMPORT = (
    'os.environ["AWS_SDK_UA_APP_ID"] = '
    'os.environ.get("POWERTOOLS_SERVICE_NAME", init.get("function_name", ""))[:50]\n        ' + _IMPORT
)


def install(settings: Settings, counters: Counters) -> None:
    """Patch MiniStack's Lambda service."""
    replace(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _typed_errors)
    replace(lambda_svc, "_execute_function_warm", lambda run: _queued(run, settings, counters))
    replace(lambda_svc, "_resolve_layer_zip", lambda resolve: lambda layer: _loadable(resolve(layer)))


def _typed_errors(script: str) -> str:
    return replace_text(replace_text(script, _ERROR_REPLY, _TYPED_ERROR_REPLY), _IMPORT, _NAMED_IMPORT)


def _queued(
    run: Callable[..., dict[str, Any]], settings: Settings, counters: Counters
) -> Callable[..., dict[str, Any]]:
    slots: dict[str, threading.Semaphore] = {}
    guard = threading.Lock()

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = func.get("config") or func
        name = str(config.get("FunctionName", ""))
        variables = (config.get("Environment") or {}).get("Variables") or {}
        shown = variables.get("POWERTOOLS_SERVICE_NAME", name)
        counters.invocation(shown)
        with guard:
            slot = slots.setdefault(name, threading.Semaphore(settings.lambda_processes))
        if not slot.acquire(timeout=_QUEUE_SECONDS):
            throttled: dict[str, Any] = lambda_svc._throttle_response(
                reason_code="ConcurrentInvocationLimitExceeded", msg=f"Rate Exceeded: no free worker for {name}"
            )
            return throttled
        try:
            result = _with_error_type(run(func, event, request_id), name)
            if result.get("error"):
                body = result.get("body")
                counters.raised(shown, str(body.get("errorType")) if isinstance(body, dict) else "")
            return result
        finally:
            slot.release()

    return execute


def _with_error_type(result: dict[str, Any], function: str) -> dict[str, Any]:
    body = result.get("body")
    if isinstance(body, dict) and set(body) == {"rehearsalError"}:
        log.info("%s raised %s", function, body["rehearsalError"]["errorType"])
        return {"body": body["rehearsalError"], "error": True, "log": result.get("log", "")}
    return result


def _loadable(layer: bytes | None) -> bytes | None:
    if layer is None or not foreign_modules(layer):
        return layer
    return None


def foreign_modules(layer: bytes) -> bool:
    """Whether a layer has extension modules that this interpreter on this machine cannot load."""
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        for name in archive.namelist():
            if name.endswith(".so"):
                if ".cpython-" in name and not name.endswith(_OWN_SUFFIX):
                    return True
                with archive.open(name) as module:
                    if module.read(20)[18:20] != _own_machine():
                        return True
    return False


@functools.cache
def _own_machine() -> bytes:
    """The machine field of this interpreter's ELF header (bytes 18 and 19; e.g. 0x3e x86_64, 0xb7 aarch64)."""
    with open(sys.executable, "rb") as interpreter:
        return interpreter.read(20)[18:20]
