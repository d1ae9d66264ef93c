"""Lines of JSON for CloudWatch: the log, and the metrics that CloudWatch reads out of it.

Both are written as Powertools for AWS Lambda writes them, so that queries and tools that know its lines know these; a
test holds the one against the other. Powertools itself took a fifth of the time until a function is ready.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from pca_runtime.observability.metrics import UNITS

__all__ = ["InvocationContext", "JsonLog", "Measurements"]

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
# As many values of a metric as one line of the embedded metric format may hold.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
_VALUES_MAX = 100


class InvocationContext(Protocol):
    """What is read of Lambda's context. https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    @property
    def function_name(self) -> str: ...
    @property
    def memory_limit_in_mb(self) -> int: ...
    @property
    def invoked_function_arn(self) -> str: ...
    @property
    def aws_request_id(self) -> str: ...


def _write(line: Mapping[str, Any]) -> None:
    """In one call, so that nothing stands within a line."""
    text = json.dumps(line, separators=(",", ":"), default=str, ensure_ascii=False)
    # Half of a surrogate pair, which an event's JSON can hold, is written as JSON's own escape instead of refused.
    sys.stdout.write(f"{text.encode(errors='backslashreplace').decode()}\n")


class JsonLog:
    """A log of constant messages with fields; what is ``None`` is left out.

    Args:
        environment: ``POWERTOOLS_SERVICE_NAME`` is in each line, ``POWERTOOLS_LOG_LEVEL`` the least that is written:
            DEBUG, INFO (the default), WARNING, ERROR or CRITICAL.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        level = environment.get("POWERTOOLS_LOG_LEVEL", "INFO").upper()
        self._least = _LEVELS.get(level, _LEVELS["INFO"])
        self._service = environment.get("POWERTOOLS_SERVICE_NAME", "service_undefined")
        self._cold = True
        self._keys: dict[str, Any] = {}

    def begin(self, context: InvocationContext) -> None:
        """An invocation begins: what was appended in the one before is gone."""
        self._keys = {
            "cold_start": self._cold,
            "function_name": context.function_name,
            "function_memory_size": context.memory_limit_in_mb,
            "function_arn": context.invoked_function_arn,
            "function_request_id": context.aws_request_id,
        }
        self._cold = False

    def append_keys(self, **fields: Any) -> None:
        """Fields of every further line of this invocation."""
        self._keys.update(fields)

    def info(self, msg: object, *, extra: Mapping[str, Any] | None = None, **fields: Any) -> None:
        """What went as it should."""
        self._line("INFO", msg, extra, fields)

    def warning(self, msg: object, *, extra: Mapping[str, Any] | None = None, **fields: Any) -> None:
        """What a person may want to know."""
        self._line("WARNING", msg, extra, fields)

    def _line(self, level: str, msg: object, extra: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> None:
        if _LEVELS[level] < self._least:
            return
        caller, now = sys._getframe(2), datetime.now(UTC)
        line = {
            "level": level,
            "location": f"{caller.f_code.co_name}:{caller.f_lineno}",
            "message": msg,
            "timestamp": f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d}+0000",
            "service": self._service,
            **self._keys,
            **(extra or {}),
            **fields,
            "xray_trace_id": _trace(),
        }
        _write({name: value for name, value in line.items() if value is not None})


def _trace() -> str | None:
    """The root of the trace that Lambda tells of: ``Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…``."""
    root, _, _ = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")
    return root.removeprefix("Root=") or None


class Measurements:
    """Metrics of one invocation, written as one line in the embedded metric format.

    Args:
        namespace: of CloudWatch.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._automation = ""
        self._values: dict[str, list[float]] = {}

    def add(self, automation: str, values: Mapping[str, float]) -> None:
        """Keep values until the invocation ends; one dimension, ``Automation``.

        Raises:
            KeyError: a name is not in the list of metrics.
        """
        for name in values:
            UNITS[name]  # refuses a name of nobody's before anything is kept
        if automation != self._automation:
            self.write()
            self._automation = automation
        for name, value in values.items():
            kept = self._values.setdefault(name, [])
            kept.append(float(value))
            if len(kept) == _VALUES_MAX:
                self.write()

    def write(self) -> None:
        """Write what was kept, if anything was."""
        if not self._values:
            return
        values, self._values = self._values, {}
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [["Automation"]],
            "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
        }
        head = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [directive]}
        _write({"_aws": head, "Automation": self._automation, **values})
