"""The workflow: what is tried again, what is caught, and where a host goes from each state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pca_runtime.errors import kinds

from tests.constructs.promises.view import View

# Lambda's own passing troubles: https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
LAMBDA = {
    "Lambda.AWSLambdaException", "Lambda.ClientExecutionTimeoutException", "Lambda.EC2ThrottledException",
    "Lambda.ENINotReadyException", "Lambda.ResourceConflictException", "Lambda.ResourceNotReadyException",
    "Lambda.SdkClientException", "Lambda.ServiceException", "Lambda.TooManyRequestsException", "Lambda.Unknown",
    "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout",
}  # fmt: skip
_S3 = "arn:aws:states:::s3"
RETRY = {"IntervalSeconds": 2, "MaxAttempts": 5, "BackoffRate": 2, "MaxDelaySeconds": 30, "JitterStrategy": "FULL"}
# Where each state leads: the next, what else is caught and by whom. The answers of choices are the functions' own.
_PARENT: dict[str, list[str]] = {
    "AnythingDue": [
        "$.check.Payload.due NumericGreaterThan 0: RenewHosts",
        "$.check.Payload.rejected NumericGreaterThan 0: CertReport",
        "NothingDue",
    ],
    "CertCheck": ["AnythingDue"],
    "CertReport": ["RunDone"],
    "CertReportAfterStop": ["RunStopped"],
    "NothingDue": [],
    "RenewHosts": ["CertReport", "States.ALL at $.mapError: CertReportAfterStop"],
    "RunDone": [],
    "RunStopped": [],
}
_FAILURES = {
    phase: [f"{phase}Failed"] for phase in ("CertCSR", "CertCSRStatus", "CertDeploy", "CertDeployStatus", "CertIssue")
}
_POLLS = ("CertCSRStatus", "CertDeployStatus")
# Until the first look, until the interval is over, and an interval: seconds, by the end of the state's name.
_WAITS = {"": 5, "Longer": 10, "Again": 15}
_CHILD: dict[str, list[str]] = {
    "CertCSR": ["HostClaimed", "States.ALL at $.error: CertCSRFailed"],
    "CertCSRStatus": ["CertCSRStatusAnswer", "States.ALL at $.error: CertCSRStatusFailed"],
    "CertCSRStatusAnswer": [
        "$.csr.Payload.state StringEquals READY: CertIssue",
        "$.csr.Payload.attempt NumericGreaterThan 12: CsrTimedOut",
        "$.csr.Payload.attempt NumericEquals 1: WaitForCertCSRStatusLonger",
        "WaitForCertCSRStatusAgain",
    ],
    "CertDeploy": ["WaitForCertDeployStatus", "States.ALL at $.error: CertDeployFailed"],
    "CertDeployStatus": ["CertDeployStatusAnswer", "States.ALL at $.error: CertDeployStatusFailed"],
    "CertDeployStatusAnswer": [
        "$.install.Payload.state StringEquals DEPLOYED: Renewed",
        "$.install.Payload.state StringEquals AGAIN: WaitToInstallAgain",
        "$.install.Payload.state StringEquals AFRESH: CertCSR",
        "$.install.Payload.attempt NumericGreaterThan 12: InstallTimedOut",
        "$.install.Payload.attempt NumericEquals 1: WaitForCertDeployStatusLonger",
        "WaitForCertDeployStatusAgain",
    ],
    "CertFailure": ["HostRenewalFailed", "States.ALL at $.recordError: HostRenewalFailed"],
    "CertIssue": [
        "WaitForCertDeployStatus",
        "States.Timeout at $.timeout: CertDeploy",
        "States.ALL at $.error: CertIssueFailed",
    ],
    "CsrTimedOut": ["CertCSRStatusFailed"],
    "HostClaimed": [
        "$.csr.Payload.state StringEquals SENT: WaitForCertCSRStatus",
        "$.csr.Payload.state StringEquals WAIT: WaitForStart",
        "$.csr.Payload.state StringEquals ISSUED: CertDeploy",
        "Skipped",
    ],
    "HostRenewalFailed": [],
    "InstallTimedOut": ["CertDeployStatusFailed"],
    "Renewed": [],
    "Skipped": [],
    **{f"WaitFor{poll}{wait}": [poll] for poll in _POLLS for wait in _WAITS},
    "WaitForStart": ["CertCSR"],
    "WaitToInstallAgain": ["CertDeploy"],
    **{f"{phase}Failed": ["CertFailure"] for phase in _FAILURES},
}
WAYS = _PARENT | _CHILD
# Where its answer goes: what later states read.
RESULTS = {
    "CertCSR": "$.csr", "CertCSRStatus": "$.csr", "CertCheck": "$.check", "CertDeploy": "$.install",
    "CertDeployStatus": "$.install", "CertFailure": "$.record", "CertIssue": "$.install", "CertReport": "$.report",
    "CertReportAfterStop": "$.report",
}  # fmt: skip
# How long a host waits for the next look, or until which moment that a function said.
WAITS = {
    **{f"WaitFor{poll}{end}": {"Seconds": seconds} for poll in _POLLS for end, seconds in _WAITS.items()},
    "WaitForStart": {"TimestampPath": "$.csr.Payload.startAt"},
    "WaitToInstallAgain": {"TimestampPath": "$.install.Payload.startAt"},
}
ENDS = {"HostRenewalFailed": "Fail", "RunStopped": "Fail", "NothingDue": "Succeed", "RunDone": "Succeed",
        "Renewed": "Succeed", "Skipped": "Succeed"}  # fmt: skip
# Which function a state invokes, where that is not its own name's.
FUNCTION = {"CertReportAfterStop": "CertReport"}


def retryable() -> set[str]:
    """Every error of the functions that a passing trouble can be: what is new is retried, or this is broken."""
    found, rest = set(), [kinds.RetryableError]
    while rest:
        one = rest.pop()
        found |= {each.__name__ for each in one.__subclasses__()}
        rest += one.__subclasses__()
    return found


def _every_task_is_tried_again_after_any_passing_trouble(view: View) -> Iterator[str]:
    for name, state in _states(view, "Task"):
        retries = state.get("Retry", [])
        if len(retries) != 1:
            yield f"{name} has {len(retries)} retries"
            continue
        errors = set(retries[0]["ErrorEquals"])
        if errors != LAMBDA | retryable():
            yield f"{name}: {sorted(errors ^ (LAMBDA | retryable()))}"
        how = {key: value for key, value in retries[0].items() if key != "ErrorEquals"}
        if how != RETRY:
            yield f"{name}: {how}"


def _every_state_leads_where_it_should(view: View) -> Iterator[str]:
    for name, state in _states(view):
        if state.get("Type") != _kind(name, state):
            yield f"{name} is a {state.get('Type')}"
        if _ways(state) != WAYS.get(name, [f"no promise knows {name}"]):
            yield f"{name}: {_ways(state)}"


def _every_task_ends_and_invokes_its_own_function(view: View) -> Iterator[str]:
    for name, state in _states(view, "Task"):
        seconds = 120 if ".waitForTaskToken" in str(state.get("Resource")) else 900
        if state.get("TimeoutSeconds") != seconds:
            yield f"{name} takes {state.get('TimeoutSeconds')} s"
        if state.get("ResultPath") != RESULTS.get(name):
            yield f"{name} answers at {state.get('ResultPath')}"
        waits = ".waitForTaskToken" if name == "CertIssue" else ""
        if state.get("Resource") != f"arn:aws:states:::lambda:invoke{waits}":
            yield f"{name}: {state.get('Resource')}"
        function = str(state.get("Parameters", {}).get("FunctionName"))
        if not function.endswith(FUNCTION.get(name, name)):
            yield f"{name} invokes {function}"


def _a_host_waits_between_two_looks_and_no_failure_is_silent(view: View) -> Iterator[str]:
    for name, state in _states(view, "Wait"):
        if {key: state.get(key) for key in ("Seconds", "TimestampPath") if key in state} != WAITS.get(name):
            yield f"{name} waits {state.get('Seconds', state.get('TimestampPath'))}"
    for name, state in _states(view, "Pass"):
        phase = name.removesuffix("Failed")
        wanted = {"phase": phase} if phase in _FAILURES else {"Error": name}
        result = state.get("Result", {})
        path = "$.failure" if phase in _FAILURES else "$.error"
        if {key: result.get(key) for key in wanted} != wanted or state.get("ResultPath") != path:
            yield f"{name}: {result} at {state.get('ResultPath')}"
    for name, state in _states(view, "Fail"):
        if state.get("Error") != name:
            yield f"{name} fails as {state.get('Error')}"


def _one_hosts_trouble_is_nobody_elses(view: View) -> Iterator[str]:
    for name, state in _states(view, "Map"):
        facts = (
            state.get("ToleratedFailurePercentage"),
            state.get("MaxConcurrency"),
            state.get("ResultPath", "absent"),
        )
        if facts != (100, 10_000, None):
            yield f"{name}: {facts}"
        reader, writer = state.get("ItemReader", {}), state.get("ResultWriter", {})
        wanted = {"Bucket": "WorkflowWorkBucket", "Key.$": "$.check.Payload.key"}
        if (reader.get("Resource"), writer.get("Resource")) != (f"{_S3}:getObject", f"{_S3}:putObject"):
            yield f"{name}: {reader.get('Resource')} {writer.get('Resource')}"
        if reader.get("Parameters") != wanted or reader.get("ReaderConfig") != {"InputType": "JSONL"}:
            yield f"{name} reads {reader}"
        if writer.get("Parameters") != {"Bucket": "WorkflowWorkBucket", "Prefix": "results"}:
            yield f"{name} writes {writer}"
        config = state.get("ItemProcessor", {}).get("ProcessorConfig")
        if config != {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}:
            yield f"{name}: {config}"


def _the_workflow_ends_by_itself_and_logs_no_data(view: View) -> Iterator[str]:
    for name, machine in view.of_type("StepFunctions::StateMachine").items():
        logging = machine.get("LoggingConfiguration", {})
        if (logging.get("IncludeExecutionData"), logging.get("Level")) != (False, "ALL") or logging.get(
            "Destinations"
        ) != [{"CloudWatchLogsLogGroup": {"LogGroupArn": "WorkflowLog"}}]:
            yield f"{name}: {logging}"
        if view.definitions()[name].get("TimeoutSeconds") != 86_400:
            yield f"{name} takes {view.definitions()[name].get('TimeoutSeconds')} s"
        if machine.get("TracingConfiguration") != {"Enabled": True}:
            yield f"{name}: {machine.get('TracingConfiguration')}"
    if view.of_type("StepFunctions::StateMachine"):
        names = {name for name, _ in _states(view)}
        if names != set(WAYS):
            yield f"states: {sorted(names ^ set(WAYS))}"
    for name, definition in view.definitions().items():
        if definition.get("StartAt") not in ("CertCheck", "WaitForStart"):
            yield f"{name} starts at {definition.get('StartAt')}"


def _states(view: View, kind: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    for definition in view.definitions().values():
        for name, state in definition["States"].items():
            if kind in (None, state.get("Type")):
                yield name, state


def _kind(name: str, state: dict[str, Any]) -> str | None:
    """What a state is, by what it is for."""
    if name in RESULTS or not WAYS.get(name):
        return "Task" if name in RESULTS else ENDS.get(name)
    telling = {
        "Choices": "Choice",
        "Seconds": "Wait",
        "TimestampPath": "Wait",
        "Result": "Pass",
        "ItemProcessor": "Map",
    }
    return next((kind for key, kind in telling.items() if key in state), None)


def _ways(state: dict[str, Any]) -> list[str]:
    ways = []
    for choice in state.get("Choices", []):
        tests = [f"{key} {value}" for key, value in choice.items() if key not in ("Variable", "Next")]
        ways.append(f"{choice.get('Variable')} {' '.join(tests)}: {choice.get('Next')}")
    ways += [state[key] for key in ("Next", "Default") if key in state]
    for catch in state.get("Catch", []):
        ways.append(f"{' '.join(catch.get('ErrorEquals', []))} at {catch.get('ResultPath')}: {catch.get('Next')}")
    return ways


PROMISES = (
    _every_task_is_tried_again_after_any_passing_trouble,
    _every_state_leads_where_it_should,
    _every_task_ends_and_invokes_its_own_function,
    _a_host_waits_between_two_looks_and_no_failure_is_silent,
    _one_hosts_trouble_is_nobody_elses,
    _the_workflow_ends_by_itself_and_logs_no_data,
)
