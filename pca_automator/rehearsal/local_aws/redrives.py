"""Executions that are stopped and redriven, which MiniStack does not do.

* StopExecution ends the children of a map run, too: each at the next state that it enters, those that wait for a time
  at once.
* RedriveExecution goes on where an execution stopped, with the same input: of a Distributed Map with every child that
  has not succeeded.
  https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import stepfunctions

from pca_automator.rehearsal.local_aws import emulator
from pca_automator.rehearsal.local_aws.emulator import Handler, Response

_ENDED = {"FAILED", "ABORTED", "TIMED_OUT"}
_LOOK_SECONDS = 0.1
_done: dict[str, set[str]] = {}
"""By the execution that is redriven: inputs of children that have succeeded before."""


_at_work: set[str] = set()
"""Executions whose thread has not come to its end; a stopped one looks at its status only between two states."""


def watched(run: Callable[[str], None]) -> Callable[[str], None]:
    """Know of each execution when its thread has ended."""

    def run_execution(arn: str) -> None:
        _at_work.add(arn)
        try:
            run(arn)
        finally:
            _at_work.discard(arn)

    return run_execution


def is_stopped(map_run: str) -> bool:
    """Whether the execution that a child belongs to has been stopped."""
    run = stepfunctions._map_runs.get(map_run)
    execution = stepfunctions._executions.get(run["executionArn"]) if run else None
    return execution is not None and execution["status"] == "ABORTED"


def stopped() -> Exception:
    """What ends a child whose execution has been stopped."""
    error: Exception = stepfunctions._ExecutionError("ExecutionAborted", "the execution of the map run was stopped")
    return error


def sleep_until(text: str, map_run: str) -> None:
    """Wait for a time as long as is left until it, scaled, or until the execution is stopped."""
    left = (datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.now(UTC)).total_seconds()
    latest = time.monotonic() + max(0.0, left) * stepfunctions._SFN_WAIT_SCALE
    while (rest := latest - time.monotonic()) > 0 and not is_stopped(map_run):
        time.sleep(min(rest, _LOOK_SECONDS))


def unfinished(run: Callable[..., Any]) -> Callable[..., Any]:
    """Read of a map's items those that have not succeeded before, where its execution is redriven."""

    def run_distributed_map(
        state: Mapping[str, Any], raw_input: Any, effective: Any, iterator: Any, execution: Mapping[str, Any], ctx: Any
    ) -> Any:
        done = _done.get(str(execution["executionArn"]))
        if done is None:
            return run(state, raw_input, effective, iterator, execution, ctx)
        items = stepfunctions._read_map_items(state["ItemReader"], effective, ctx)
        left = [item for item in items if item["hostID"] not in done]
        given = {**{key: value for key, value in state.items() if key != "ItemReader"}, "ItemsPath": "$.redriven"}
        data = {**effective, "redriven": left}
        return run(given, raw_input, data, iterator, execution, ctx)

    return run_distributed_map


def handler(others: Handler) -> Handler:
    """Step Functions with RedriveExecution."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        if headers.get("x-amz-target", "").rpartition(".")[2] != "RedriveExecution":
            return await others(method, path, headers, body, query)
        return _redrive(json.loads(body or b"{}")["executionArn"])

    return handle


def _redrive(arn: str) -> Response:
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return emulator.json_error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    if execution["status"] not in _ENDED:
        return emulator.json_error("ExecutionNotRedrivable", f"Execution is {execution['status']}")
    entered = [
        event["stateEnteredEventDetails"] for event in execution["events"] if "stateEnteredEventDetails" in event
    ]
    _done[arn] = {
        json.loads(child["input"])["hostID"]
        for child in list(stepfunctions._executions.values())
        if child["status"] == "SUCCEEDED" and _parent(child) == arn
    }
    execution.update(status="RUNNING", stopDate=None, error=None, cause=None)
    threading.Thread(
        target=contextvars.copy_context().run,
        args=(_resume, execution, entered[-1]["name"], json.loads(entered[-1]["input"])),
        daemon=True,
        name="redrive",
    ).start()
    return emulator.json_response({"redriveDate": time.time()})


def _parent(child: Mapping[str, Any]) -> str:
    run = stepfunctions._map_runs.get(child.get("mapRunArn"))
    return str(run["executionArn"]) if run else ""


def _resume(execution: dict[str, Any], name: str, data: Any) -> None:
    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    states = json.loads(machine["definition"])["States"]
    ctx = {
        "QueryLanguage": "JSONPath",
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }
    try:
        output = stepfunctions._run_sub_machine(states, name, data, execution, ctx)
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
    else:
        execution.update(status="SUCCEEDED", output=json.dumps(output), stopDate=stepfunctions.now_iso())
        stepfunctions._emit_execution_status_event(execution)
    finally:
        _done.pop(str(execution["executionArn"]), None)
