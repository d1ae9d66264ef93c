"""Step Functions as this project relies on it, where MiniStack differs from the States Language.

* A Lambda that fails in a ``.waitForTaskToken`` task fails the task at once; MiniStack forgets the error and waits
  for the callback until the timeout.
* ``States.ALL`` and ``States.TaskFailed`` do not match ``States.Runtime`` and ``States.DataLimitExceeded``, so that
  an input which lacks what a state reads is as fatal here as it is on AWS.
  https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
* No more children of all Distributed Maps are at work at once than the settings say: 200 hosts at a time would spend
  their polls waiting for two cores. One that waits for its start is not at work, and in nobody's way. The definition
  keeps its own, higher number.
* A Wait for a time lasts as long as one for so many seconds would: what is left until then, scaled.
* A Wait of a child is stretched while the host that its input names is still at work, up to its full time: a few
  cores play the part of a whole fleet, and simulated time must not run out while a host waits for one of them.
* Transitions and retries of each child execution are counted.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import collections
import contextvars
import dataclasses
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions

from pca_automator.rehearsal.local_aws import redrives, result_files
from pca_automator.rehearsal.local_aws.counters import Counters
from pca_automator.rehearsal.local_aws.facts import workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.settings import Settings

_STRETCH_SECONDS = 0.02
# Of children that wait for their start; what a small machine bears.
_MOST_THREADS = 1_000
_YEAR: int = workflow.YEAR.value  # with its execution a task without a timeout ends, too
_NEVER_CAUGHT_BY_WILDCARDS = {"States.Runtime", "States.DataLimitExceeded"}


def install(
    settings: Settings,
    counters: Counters,
    busy_hosts: Callable[[], set[str]],
    check_size: Callable[[str, Any], None],
) -> None:
    """Patch MiniStack's Step Functions interpreter."""
    gate = _Gate(settings)
    replace(stepfunctions, "_run_execution", redrives.watched)
    replace(stepfunctions, "_execute_wait", lambda wait: _patient(wait, busy_hosts, settings))
    replace(
        stepfunctions,
        "_run_distributed_map",
        lambda run: redrives.unfinished(result_files.written(_bounded(run), check_size)),
    )
    replace(stepfunctions, "_read_map_items", _in_some_order)
    replace(stepfunctions, "_error_matches", _strict_wildcards)
    replace(stepfunctions, "_invoke_with_callback", lambda invoke: _failing_callbacks(invoke, settings))
    replace(stepfunctions, "_run_sub_machine", lambda run: _counted(run, counters, gate))
    replace(stepfunctions, "_find_matching_retrier", lambda find: _counted_retries(find, counters))


def _strict_wildcards(matches: Callable[[list[str], str], bool]) -> Callable[[list[str], str], bool]:
    def error_matches(error_equals: list[str], error: str) -> bool:
        if error in _NEVER_CAUGHT_BY_WILDCARDS:
            LEDGER.lean(workflow.WILDCARDS)
            return error in error_equals
        return matches(error_equals, error)

    return error_matches


def _failing_callbacks(invoke: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    """Keep the error of the Lambda function that MiniStack's own code swallows, and raise it instead of waiting."""

    def invoke_with_callback(resource: str, input_data: Any, token: str, state: dict[str, Any]) -> Any:
        if "states:::lambda:invoke" not in resource:
            return invoke(resource, input_data, token, state)
        stepfunctions._task_tokens[token] = {
            "event": threading.Event(), "result": None, "error": None, "heartbeat": None,
        }  # fmt: skip
        try:
            stepfunctions._invoke_resource(resource.replace(".waitForTaskToken", ""), input_data)
        except stepfunctions._ExecutionError:
            LEDGER.lean(workflow.CALLBACK_ERROR)
            stepfunctions._task_tokens.pop(token, None)
            raise
        return _outcome(token, float(state.get("TimeoutSeconds", _YEAR)) * settings.callback_scale)

    return invoke_with_callback


def _outcome(token: str, seconds: float) -> Any:
    record = stepfunctions._task_tokens[token]
    # Not scaled by SFN_WAIT_SCALE: what it bounds (Lambda, the CA's event) takes its real time here.
    answered = record["event"].wait(timeout=seconds)
    stepfunctions._task_tokens.pop(token, None)
    if not answered:
        raise stepfunctions._ExecutionError("States.Timeout", "Task timed out waiting for callback")
    if record.get("error"):
        error = record["error"]
        raise stepfunctions._ExecutionError(error.get("Error", "TaskFailed"), error.get("Cause", ""))
    return json.loads(record.get("result") or "{}")


def _complete_map(run: Callable[..., Any], check_size: Callable[[str, Any], None]) -> Callable[..., Any]:
    return redrives.unfinished(result_files.written(_bounded(run), check_size))


def _bounded(run: Callable[..., Any]) -> Callable[..., Any]:
    """A thread for each child; how many are at work, the gate says."""

    def run_distributed_map(state: dict[str, Any], *others: Any) -> Any:
        wanted = int(state.get("MaxConcurrency") or _MOST_THREADS)
        return run({**state, "MaxConcurrency": min(wanted, _MOST_THREADS)}, *others)

    return run_distributed_map


def _in_some_order(read: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def read_map_items(*arguments: Any) -> list[Any]:
        items = read(*arguments)
        if not LEDGER.holds(workflow.MAP_ORDER):
            random.shuffle(items)
        return items

    return read_map_items


class _Gate:
    """Lets so many children work at once, in the order in which they come."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._changed = threading.Condition()
        self._waiting: collections.deque[object] = collections.deque()
        self._inside = 0

    def enter(self) -> None:
        """Wait for a place."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            while self._waiting[0] is not ticket or self._inside >= self._settings.children:
                self._changed.wait()
            self._waiting.popleft()
            self._inside += 1
            self._changed.notify_all()

    def leave(self) -> None:
        """Give the place to the next."""
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()


@dataclasses.dataclass
class _Child:
    """The child execution that a thread is running."""

    arn: str
    input: str
    gate: _Gate
    map_run: str = ""
    at_work: bool = False

    def work(self) -> None:
        """Be at work from now on."""
        if not self.at_work:
            self.gate.enter()
            self.at_work = True

    def rest(self) -> None:
        """Be in nobody's way from now on."""
        if self.at_work:
            self.gate.leave()
            self.at_work = False


_current: contextvars.ContextVar[_Child | None] = contextvars.ContextVar("rehearsal_child", default=None)


class _CountedStates(dict[str, Any]):
    """The states of a child workflow; the interpreter looks each one up once when it enters it."""

    def __init__(self, states: Mapping[str, Any], child: _Child, counters: Counters) -> None:
        super().__init__(states)
        self._child = child
        self._counters = counters

    def get(self, key: str, default: Any = None) -> Any:
        """Look up a state, and count that it is entered; to wait for a time is no work."""
        if redrives.is_stopped(self._child.map_run):
            raise redrives.stopped()
        state = super().get(key, default)
        if _waits_for_a_time(state):
            self._child.rest()
        else:
            self._child.work()
        self._counters.transition(self._child.arn, key)
        return state


def _waits_for_a_time(state: Any) -> bool:
    return isinstance(state, Mapping) and ("TimestampPath" in state or "Timestamp" in state)


def _time_of(state: Mapping[str, Any], data: Any) -> str:
    path = state.get("TimestampPath")
    return str(stepfunctions._resolve_path(path, data) if path else state["Timestamp"])


def _counted(run: Callable[..., Any], counters: Counters, gate: _Gate) -> Callable[..., Any]:
    def run_sub_machine(states: dict[str, Any], start_at: str, data: Any, execution: Any, ctx: Any) -> Any:
        if "mapRunArn" not in execution:
            return run(states, start_at, data, execution, ctx)
        arn, given = str(execution["executionArn"]), str(execution.get("input", ""))
        child = _Child(arn, given, gate, str(execution["mapRunArn"]))
        token = _current.set(child)
        try:
            return run(_CountedStates(states, child, counters), start_at, data, execution, ctx)
        finally:
            child.rest()
            _current.reset(token)

    return run_sub_machine


def _counted_retries(find: Callable[..., Any], counters: Counters) -> Callable[..., Any]:
    def find_matching_retrier(retriers: Any, error: str, counts: Any) -> Any:
        retrier, index = find(retriers, error, counts)
        child = _current.get()
        if retrier is not None and child is not None:
            counters.transition(child.arn, None)
        return retrier, index

    return find_matching_retrier


def _patient(wait: Callable[..., Any], busy_hosts: Callable[[], set[str]], settings: Settings) -> Callable[..., Any]:
    def execute_wait(state: dict[str, Any], *others: Any) -> Any:
        child = _current.get()
        if child is not None and _waits_for_a_time(state):
            if not settings.ignore_starts:
                redrives.sleep_until(_time_of(state, others[0]), child.map_run)
            state = {**{name: value for name, value in state.items() if not name.startswith("Timestamp")}, "Seconds": 0}
        latest = time.monotonic() + float(state.get("Seconds") or 0)
        result = wait(state, *others)
        while child is not None and time.monotonic() < latest and any(host in child.input for host in busy_hosts()):
            time.sleep(_STRETCH_SECONDS)
        return result

    return execute_wait
