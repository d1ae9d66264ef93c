"""Starting a function's first worker as soon as CloudFormation has made it.

A cold start takes a second of a core, and the functions of a workflow would take theirs one after the other. While the
CDK CLI waits for a stack, the cores are free.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import concurrent.futures
import contextvars
import logging
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

log = logging.getLogger("rehearsal.lambda")

_FUNCTION = "AWS::Lambda::Function"


def install() -> None:
    """Wrap the creation of functions by CloudFormation."""
    handlers = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    handlers["create"] = _warmed(handlers["create"], concurrent.futures.ThreadPoolExecutor(2, "warming"))


def _warmed(create: Callable[..., Any], pool: concurrent.futures.Executor) -> Callable[..., Any]:
    def create_function(*arguments: Any) -> Any:
        created = create(*arguments)
        # The stores of MiniStack look the account up in the context.
        pool.submit(contextvars.copy_context().run, _warm, str(created[0]))
        return created

    return create_function


def _warm(name: str) -> None:
    function, config, _ = lambda_svc._get_func_record_for_ref(name)
    if not function or not str(config.get("Runtime", "")).startswith("python"):
        return
    worker, _ = lambda_runtime.acquire_worker(name, config, function.get("code_zip"))
    try:
        lambda_runtime.ensure_spawned(worker)
    except Exception as error:  # the first invocation tries again, and its error is the one that counts
        log.info("%s could not be started ahead: %s", name, error)
    finally:
        lambda_runtime.release_worker(worker)
