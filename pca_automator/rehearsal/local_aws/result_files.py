"""The result writer of a Distributed Map: files in S3, and a result of two lines; MiniStack returns everything inline.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions

from pca_automator.rehearsal.local_aws import emulator
from pca_automator.rehearsal.local_aws.facts import workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER

_SHAPING = ("ResultSelector", "ResultPath", "OutputPath", "ResultWriter")
_OUTCOMES = {"SUCCEEDED": ("SUCCEEDED",), "FAILED": ("FAILED", "TIMED_OUT", "ABORTED"), "PENDING": ()}

CheckSize = Callable[[str, Any], None]


def written(run: Callable[..., Any], check: CheckSize) -> Callable[..., Any]:
    """A Distributed Map that writes its results where it is told to, and whose result else has to fit.

    Args:
        run: the map as MiniStack runs it, with everything inline.
        check: raises where a result is too large.
    """

    def run_distributed_map(
        state: Mapping[str, Any], raw: Any, effective: Any, iterator: Any, execution: Mapping[str, Any], ctx: Any
    ) -> Any:
        bare = {key: value for key, value in state.items() if key not in _SHAPING}
        writer: Mapping[str, Any] = state.get("ResultWriter") or {}
        if "Resource" not in writer:
            results, following = run(bare, raw, effective, iterator, execution, ctx)
            check("result of a Distributed Map", results)
            return _shaped(state, raw, results, ctx), following
        before = set(stepfunctions._map_runs)
        try:
            _, following = run(bare, raw, effective, iterator, execution, ctx)
        finally:
            # Of a map run that failed, too.
            arn = _own_run(execution, before)
            target = stepfunctions._resolve_params_obj(writer.get("Parameters") or {}, effective, ctx)
            details = _write(arn, str(target["Bucket"]), str(target.get("Prefix", ""))) if arn else {}
        return _shaped(state, raw, {"MapRunArn": arn, "ResultWriterDetails": details}, ctx), following

    return run_distributed_map


def _shaped(state: Mapping[str, Any], raw: Any, result: Any, ctx: Any) -> Any:
    selected = stepfunctions._apply_result_selector(state, result)
    return stepfunctions._apply_output_path(state, stepfunctions._apply_result_path(state, raw, selected), ctx)


def _own_run(execution: Mapping[str, Any], before: set[str]) -> str:
    """The map run that this state has just made; "" where its items could not be read."""
    runs = dict(stepfunctions._map_runs.items())
    own = [arn for arn, run in runs.items() if run["executionArn"] == execution["executionArn"] and arn not in before]
    return str(own[-1]) if own else ""


def _write(map_run: str, bucket: str, prefix: str) -> dict[str, str]:
    """A file for each outcome that there was, and the manifest."""
    LEDGER.lean(workflow.RESULT_FILES)
    s3 = emulator.sdk_client("s3")
    folder = f"{prefix}/{map_run.rpartition(':')[2]}" if prefix else map_run.rpartition(":")[2]
    children = [each for each in list(stepfunctions._executions.values()) if each.get("mapRunArn") == map_run]
    files: dict[str, list[dict[str, Any]]] = {}
    for name, statuses in _OUTCOMES.items():
        entries = [_entry(child) for child in children if child["status"] in statuses]
        files[name] = []
        if entries:
            body, key = json.dumps(entries).encode(), f"{folder}/{name}_0.json"
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            files[name].append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())
    return {"Bucket": bucket, "Key": key}


def _entry(child: Mapping[str, Any]) -> dict[str, Any]:
    """A child execution as the file has it: with all that went into it and came out of it, as text."""
    entry = {
        "ExecutionArn": child["executionArn"],
        "Input": child["input"],
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "RedriveCount": 0,
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }
    if child["status"] == "SUCCEEDED":
        return {**entry, "Output": child["output"], "OutputDetails": {"Included": True}}
    return {**entry, "Error": child.get("error"), "Cause": child.get("cause")}
