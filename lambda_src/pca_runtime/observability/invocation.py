"""What every handler is wrapped in: logs and metrics with constant names, never an event or a secret."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.observability.json_lines import InvocationContext, JsonLog, Measurements

__all__ = ["Event", "Handler", "InvocationContext", "emit", "lambda_function", "logger", "not_told"]

Event = dict[str, Any]
Handler = Callable[[Event, InvocationContext], Event]

logger = JsonLog()
# Alarms and dashboard look where this says.
_NAMESPACE = "PcaAutomator"
_measurements = Measurements(os.environ.get("POWERTOOLS_METRICS_NAMESPACE", _NAMESPACE))


def emit(automation: str, values: Mapping[str, float]) -> None:
    """Put metrics (namespace from the environment, dimension ``Automation``) into this invocation's log.

    Args:
        automation: the value of the dimension.
        values: metric name to value.

    Raises:
        KeyError: a name is not in the list of metrics.
    """
    _measurements.add(automation, values)


def lambda_function(function: Handler) -> Handler:
    """Wrap a handler: log context, one line for an error of ours, and the metrics written at the end."""

    @wraps(function)
    def observed(event: Event, context: InvocationContext) -> Event:
        logger.begin(context)
        _throw_anew()
        try:
            return function(event, context)
        except PcaAutomatorError as error:
            logger.warning("failed", error=type(error).__name__, code=error.code, reason=error.message)
            raise
        finally:
            _measurements.write()

    return observed


@cache
def _throw_anew() -> None:
    """Once in each environment: those that SnapStart restores from one snapshot would all wait alike for their retries.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    random.seed()


def not_told(error: PcaAutomatorError) -> None:
    """Say that the ledger of starts could not be told of a throttled call; that alone fails nobody."""
    logger.warning("ledger not told of throttling", code=error.code, reason=error.message)
