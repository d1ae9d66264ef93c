"""The event history of executions: 25,000 events, as AWS counts them.

MiniStack writes fewer events than AWS, and none of the states of a child execution. They are counted here as AWS writes
them: a state is entered and exited, a task scheduled, started and ended at each try, an iteration of an inline Map
started and ended in the history of the execution that it is part of.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions

from pca_automator.rehearsal.local_aws.facts import workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.limits.refusals import Refusals
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.settings import Settings

_KINDS = {True: "events of a child execution", False: "events of an execution"}
# Beside what MiniStack adds.
_STARTED = 1
_ENTERED_AND_EXITED = 2
_ITERATION = 2
_MAP = 2


class Histories:
    """How many events each execution has.

    Args:
        settings: how many an execution may have.
        refusals: counts who had too many.
    """

    def __init__(self, settings: Settings, refusals: Refusals) -> None:
        self._settings = settings
        self._refusals = refusals
        self._lock = threading.Lock()
        self._events: Counter[str] = Counter()

    def add(self, execution: Mapping[str, Any], events: int) -> None:
        """Count events; raises what ends the execution where they are too many, which nothing catches."""
        arn = str(execution["executionArn"])
        with self._lock:
            self._events[arn] += events
            count = self._events[arn]
        most = self._settings.history_events
        if not self._refusals.passes(_KINDS["mapRunArn" in execution], count, most):
            LEDGER.lean(workflow.HISTORY)
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The execution reached the maximum number of history events ({most})."
            )


def install(settings: Settings, refusals: Refusals) -> None:
    """Patch MiniStack's interpreter of workflows, before anybody else wraps a part of an execution."""
    histories = Histories(settings, refusals)
    replace(stepfunctions, "_add_event", lambda add: _counted_event(add, histories))
    replace(stepfunctions, "_run_sub_machine", lambda run: _counted_states(run, histories))
    replace(stepfunctions, "_execute_map", lambda run: _counted_map(run, histories))


def _counted_event(add: Callable[..., Any], histories: Histories) -> Callable[..., Any]:
    def add_event(execution: Any, kind: str, details: Any = None) -> Any:
        event = add(execution, kind, details)
        # The end itself is always written.
        if not kind.startswith("Execution"):
            resource = str((details or {}).get("taskScheduledEventDetails", {}).get("resource", ""))
            started = _STARTED if kind == "TaskScheduled" else 0
            submitted = int(resource.endswith(".waitForTaskToken"))
            histories.add(execution, 1 + started + submitted)
        return event

    return add_event


class _States:
    """The states of a part of an execution; the interpreter looks each up once when it enters it."""

    def __init__(self, states: Mapping[str, Any], entered: Callable[[], None]) -> None:
        self._states = states
        self._entered = entered

    def get(self, key: str, default: Any = None) -> Any:
        """Look up a state, and count that it is entered and exited."""
        self._entered()
        return self._states.get(key, default)


def _counted_states(run: Callable[..., Any], histories: Histories) -> Callable[..., Any]:
    def run_sub_machine(states: Any, start_at: str, data: Any, execution: Any, ctx: Any) -> Any:
        if "mapRunArn" not in execution and "Map" in ctx:
            histories.add(execution, _ITERATION)
        counted = _States(states, lambda: histories.add(execution, _ENTERED_AND_EXITED))
        return run(counted, start_at, data, execution, ctx)

    return run_sub_machine


def _counted_map(run: Callable[..., Any], histories: Histories) -> Callable[..., Any]:
    def execute_map(state: Any, data: Any, execution: Any, ctx: Any) -> Any:
        histories.add(execution, _MAP)
        return run(state, data, execution, ctx)

    return execute_map
