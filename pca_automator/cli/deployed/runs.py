"""The runs of a deployment: what Step Functions knows of them, and what their reports say."""

from __future__ import annotations

import json
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import counted
from pca_automator.cli.runtime import runtime

Run = dict[str, Any]

# One page. Where more machines than that have joined since the schedule's last run, that run is not looked for.
_RUNS = 100
OF_TESTS = "verify-"
"""How the names of runs begin that renew nobody: all their hosts are test entries, which fail as they must."""
# What CertEnroll calls its runs, and verify: they say nothing about whether the schedule's work.
_SAY_NOTHING = ("enrol-", "changed-", OF_TESTS)
_COUNTS = ("renewed", "failed", "skipped", "lost", "notAttempted", "rejected")


def listed(deployment: Deployment, most: int = _RUNS) -> list[Run]:
    """The last runs, the newest first."""
    answer = deployment.aws.client("stepfunctions").list_executions(
        stateMachineArn=deployment.state_machine, maxResults=most
    )
    format_time = runtime("shared.timestamps").format_time
    return [
        {
            "runId": execution["name"],
            "status": execution["status"],
            "startedAt": format_time(execution["startDate"]),
            "endedAt": format_time(execution["stopDate"]) if execution.get("stopDate") else None,
        }
        for execution in answer["executions"]
    ]


def broken(runs: list[Run]) -> Run | None:
    """The newest run that broke since one went well that was about more than hosts that had joined, changed, or were
    a test's."""
    for run in runs:
        if run["status"] not in ("RUNNING", "SUCCEEDED"):
            return run
        if run["status"] == "SUCCEEDED" and not run["runId"].startswith(_SAY_NOTHING):
            return None
    return None


def newest(runs: list[Run]) -> Run | None:
    """The newest run of the fleet's own; ``None``: there was none yet."""
    return next((run for run in runs if not is_test(run["runId"])), None)


def is_test(run_id: str) -> bool:
    """Whether the run is one of ``verify``."""
    return run_id.startswith(OF_TESTS)


def arn_of(deployment: Deployment, run_id: str) -> str:
    """The execution of a run, by its id or its ARN."""
    if run_id.startswith("arn:"):
        return run_id
    machine = deployment.state_machine
    return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{run_id}"


def described(deployment: Deployment, run_id: str) -> Run:
    """One run: how it ended, and the counts of its report.

    Raises:
        Trouble: there is no such run.
    """
    from botocore.exceptions import ClientError

    arn = arn_of(deployment, run_id)
    try:
        found = deployment.aws.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ExecutionDoesNotExist", "InvalidArn"):
            raise Trouble(f"there is no run {run_id}: pca-automator runs list") from error
        raise
    format_time = runtime("shared.timestamps").format_time
    run: Run = {
        "runId": arn.rpartition(":")[2],
        "executionArn": arn,
        "status": found["status"],
        "startedAt": format_time(found["startDate"]),
        "endedAt": format_time(found["stopDate"]) if found.get("stopDate") else None,
        "error": found.get("error"),
        "cause": _cause(found.get("cause")),
    }
    return {**run, **counts(found.get("output"))}


def report(deployment: Deployment, run_id: str) -> dict[str, Any]:
    """What CertReport wrote of a run; nothing where it has not, as of one that was stopped."""
    from botocore.exceptions import ClientError

    key = runtime("renewal.work_files").report_key(run_id)
    try:
        answer = deployment.aws.client("s3").get_object(Bucket=deployment.work_bucket, Key=key)
    except ClientError as error:
        # Without ListBucket S3 says "denied" of what is not there.
        if error.response["Error"]["Code"] in ("NoSuchKey", "404", "AccessDenied", "403"):
            return {}
        raise
    return dict(json.loads(answer["Body"].read()))


def counts(output: object) -> dict[str, int]:
    """What CertReport counted; nothing where the run has no such answer."""
    try:
        report = json.loads(str(output))["report"]
        payload = report.get("Payload", report)
        return {name: int(payload[name]) for name in _COUNTS if name in payload}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def line(run: Run) -> str:
    """One run in a line, with its id."""
    return ended(run, f" {run['runId']}")


def ended(run: Run, name: str = "") -> str:
    """How a run ended, with its failures as such; an id would be folded in a narrow table."""
    words = f"{run['status']} {run['startedAt']}{name}"
    failed = run.get("failed", 0) + run.get("lost", 0)
    return f"{words}, {counted(failed, 'host')} failed" if failed else words


def _cause(text: object) -> str | None:
    """A sentence instead of the JSON and stack trace that Lambda hands on."""
    if not text:
        return None
    try:
        found = json.loads(str(text))
        return str(found.get("errorMessage") or found.get("Cause") or text)[:500]
    except (ValueError, AttributeError):
        return str(text)[:500]
