"""Logs and metrics: constant messages with fields, one dimension, never an event or a secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.observability.metrics import UNITS

__all__ = ["Event", "Handler", "emit", "lambda_function", "logger", "not_told"]

Event = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Event]

logger = Logger()
# The namespace is given by the deployment; the default is for what imports this outside of Lambda.
# service="": Powertools would add a second dimension, `service`, and alarms would have to name the function.
_metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "PcaAutomator"), service="")


def emit(automation: str, values: Mapping[str, float]) -> None:
    """Put metrics (namespace from the environment, dimension ``Automation``) into this invocation's log.

    Args:
        automation: the value of the dimension.
        values: metric name to value.

    Raises:
        KeyError: a name is not in the list of metrics.
    """
    _metrics.set_default_dimensions(Automation=automation)
    for name, value in values.items():
        _metrics.add_metric(name=name, unit=UNITS[name], value=value)


def lambda_function(function: Handler) -> Handler:
    """Wrap a handler: log context, one line for an error of ours, and the metrics written at the end."""

    @wraps(function)
    def observed(event: Event, context: LambdaContext) -> Event:
        try:
            return function(event, context)
        except PcaAutomatorError as error:
            logger.warning("failed", error=type(error).__name__, code=error.code, reason=error.message)
            raise
        finally:
            if _metrics.metric_set:
                _metrics.flush_metrics()

    return logger.inject_lambda_context(observed, clear_state=True)


def not_told(error: PcaAutomatorError) -> None:
    """Say that the ledger of starts could not be told of a throttled call; that alone fails nobody."""
    logger.warning("ledger not told of throttling", code=error.code, reason=error.message)
