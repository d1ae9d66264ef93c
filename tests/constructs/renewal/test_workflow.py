"""The synthesized workflow: what a healthy host costs, and that no path can lose a host."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from pca_automator import PcaCertificateAutomation
from tests.constructs.renewal.looks import looks
from tests.members import members
from tests.synthesis import new_app, sample_template, state_machine_definition, template_of

THROTTLED_INVOCATION = "Lambda.TooManyRequestsException"


# What the map hands to a child.
GIVEN = {
    "$.byHand", "$.csr.Payload.requeues", "$.csr.Payload.startAt", "$.hostID", "$.lane", "$.revocationReason",
    "$.revokeReplaced", "$.runHosts", "$.runId", "$.startedAt",
}  # fmt: skip


@pytest.fixture(scope="module")
def parent() -> dict[str, Any]:
    return state_machine_definition(sample_template())


@pytest.fixture(scope="module")
def child(parent: dict[str, Any]) -> dict[str, Any]:
    processor: dict[str, Any] = parent["States"]["RenewHosts"]["ItemProcessor"]
    return processor


def tasks(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}
    assert found
    return found


def test_a_healthy_host_passes_eleven_states_and_four_tasks(child: dict[str, Any]) -> None:
    """With CertDeploy, which the issuance event invokes, that is five Lambda invocations."""
    answers = {"HostClaimed": "SENT", "CertCSRStatusAnswer": "READY", "CertDeployStatusAnswer": "DEPLOYED"}
    path = list(healthy_path(child, answers))
    assert path == [
        "WaitForStart",
        "CertCSR",
        "HostClaimed",
        "WaitForCertCSRStatus",
        "CertCSRStatus",
        "CertCSRStatusAnswer",
        "CertIssue",
        "WaitForCertDeployStatus",
        "CertDeployStatus",
        "CertDeployStatusAnswer",
        "Renewed",
    ]
    assert [name for name in path if child["States"][name]["Type"] == "Task"] == [
        "CertCSR",
        "CertCSRStatus",
        "CertIssue",
        "CertDeployStatus",
    ]


def healthy_path(definition: dict[str, Any], answers: dict[str, str]) -> Iterator[str]:
    name = definition["StartAt"]
    for _ in range(50):
        yield name
        state = definition["States"][name]
        if state["Type"] in ("Succeed", "Fail"):
            return
        if state["Type"] == "Choice":
            (name,) = (c["Next"] for c in state["Choices"] if c.get("StringEquals") == answers[name])
        else:
            name = state["Next"]
    raise AssertionError("the path does not end")


def test_every_task_retries_a_throttled_invocation_with_full_jitter_and_a_cap(
    parent: dict[str, Any], child: dict[str, Any]
) -> None:
    for name, state in (tasks(parent) | tasks(child)).items():
        (retry,) = state["Retry"]
        assert THROTTLED_INVOCATION in retry["ErrorEquals"], name
        assert retry["JitterStrategy"] == "FULL", name
        assert retry["MaxDelaySeconds"] == 30, name
        assert not any(error.startswith("States.") for error in retry["ErrorEquals"]), name


@pytest.mark.parametrize(
    "error",
    [
        # As the runtime reports a function that was killed, and Lambda one that was idle in a VPC for weeks.
        "Runtime.ExitError",
        "Runtime.OutOfMemory",
        "Lambda.ResourceNotReadyException",
        "Sandbox.Timedout",
    ],
)
def test_every_task_is_tried_again_when_its_function_was_killed_or_asleep(
    parent: dict[str, Any], child: dict[str, Any], error: str
) -> None:
    for name, state in (tasks(parent) | tasks(child)).items():
        (retry,) = state["Retry"]
        assert error in retry["ErrorEquals"], name


def test_every_task_ends_by_itself(parent: dict[str, Any], child: dict[str, Any]) -> None:
    assert all(state["TimeoutSeconds"] <= 900 for state in (tasks(parent) | tasks(child)).values())
    assert parent["TimeoutSeconds"] == 24 * 3600


def test_every_failure_of_a_host_is_recorded_with_its_phase(child: dict[str, Any]) -> None:
    for name, state in tasks(child).items():
        if name == "CertFailure":
            continue
        caught = {error: catch["Next"] for catch in state["Catch"] for error in catch["ErrorEquals"]}
        note = child["States"][caught["States.ALL"]]
        assert note["Result"] == {"phase": name}
        assert note["Next"] == "CertFailure"
    # When the run chose its hosts: what another run has recorded since is not overwritten.
    assert tasks(child)["CertFailure"]["Parameters"]["Payload"]["startedAt.$"] == "$.startedAt"
    assert child["States"]["CertFailure"]["Next"] == "HostRenewalFailed"
    assert child["States"]["HostRenewalFailed"]["Type"] == "Fail"


def test_an_event_that_never_comes_makes_the_workflow_deploy_itself(child: dict[str, Any]) -> None:
    issue = child["States"]["CertIssue"]
    assert issue["Catch"][0] == {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.timeout", "Next": "CertDeploy"}
    assert issue["Resource"].endswith("lambda:invoke.waitForTaskToken")
    assert child["States"]["CertDeploy"]["Next"] == issue["Next"] == "WaitForCertDeployStatus"


@pytest.mark.parametrize("poll", ["CertCSRStatus", "CertDeployStatus"])
def test_it_looks_soon_once_and_every_fifteen_seconds_and_gives_up_after_twelve(
    child: dict[str, Any], poll: str
) -> None:
    assert looks(child, poll) == [5, *range(15, 181, 15)]


def test_no_state_reads_what_its_paths_have_not_written(parent: dict[str, Any], child: dict[str, Any]) -> None:
    """States.ALL does not catch States.Runtime: a missing input would end the execution without a record."""
    assert missing_inputs(parent, {"$"}) == []
    assert missing_inputs(child, GIVEN) == []


def test_the_check_above_sees_a_missing_input(child: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(child))
    broken["States"]["CertFailure"]["Parameters"]["Payload"]["why.$"] = "$.nowhere.at.all"
    assert missing_inputs(broken, GIVEN) == [("CertFailure", "$.nowhere.at.all")]


def missing_inputs(definition: dict[str, Any], given: set[str]) -> list[tuple[str, str]]:
    """Walk every path, carrying what is surely written, and list what is read without being written."""
    problems: set[tuple[str, str]] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    open_ends = [(definition["StartAt"], frozenset(given))]
    while open_ends:
        name, written = open_ends.pop()
        if (name, written) in seen:
            continue
        seen.add((name, written))
        state = definition["States"][name]
        problems |= {(name, path) for path in reads(state) if not covered(path, written)}
        for catch in state.get("Catch", []):
            open_ends.append((catch["Next"], written | {catch["ResultPath"]}))
        after = written | ({state["ResultPath"]} if state.get("ResultPath") else set())
        following = [state.get("Next"), state.get("Default"), *(c["Next"] for c in state.get("Choices", []))]
        open_ends += [(each, frozenset(after)) for each in following if each]
    return sorted(problems)


def reads(state: dict[str, Any]) -> Iterator[str]:
    """Every path into the state's input; what stands in an ItemProcessor or ResultSelector reads something else."""
    for key, value in state.items():
        if key in ("ItemProcessor", "ResultSelector", "ResultPath", "Retry", "Catch"):
            continue
        yield from paths_in(value, key)


def paths_in(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from paths_in(inner, inner_key)
    elif isinstance(value, list):
        for inner in value:
            yield from paths_in(inner, key)
    elif (
        isinstance(value, str)
        and (key.endswith(".$") or key in ("Variable", "TimestampPath"))
        and not value.startswith("$$")
    ):
        yield value


def covered(path: str, written: frozenset[str]) -> bool:
    """A path is there when it, or something it is inside of, was written."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in written - {"$"} or path == "$" for length in range(1, len(parts) + 1))


def test_hosts_come_from_a_file_and_results_go_to_one(parent: dict[str, Any]) -> None:
    """No payload limit and no history limit is met, however large the fleet is."""
    renew = parent["States"]["RenewHosts"]
    assert renew["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert renew["ResultWriter"]["Resource"].endswith(":s3:putObject")
    assert renew["ResultPath"] is None
    assert renew["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert renew["MaxConcurrency"] == 10_000
    assert renew["ToleratedFailurePercentage"] == 100


def test_a_host_ends_with_its_last_answer_and_without_its_request(child: dict[str, Any]) -> None:
    """What it ends with lies in the results of the map for 90 days; a failure has an error and a cause there."""
    ends = {name: state for name, state in child["States"].items() if state["Type"] in ("Succeed", "Fail")}
    assert {name: state.get("OutputPath") for name, state in ends.items()} == {
        "Renewed": "$.install.Payload", "Skipped": "$.csr.Payload", "HostRenewalFailed": None,
    }  # fmt: skip
    assert ends["HostRenewalFailed"].keys() <= {"Type", "Error", "Cause"}, "both are ours, and not of the state"
    holding = [name for name, state in child["States"].items() if "$.csr.Payload.csr" in paths_in(state, "")]
    assert holding == ["CertIssue"]
    assert not [name for name, state in child["States"].items() if state.get("End")]


def test_the_report_is_made_even_when_the_map_run_stops(parent: dict[str, Any]) -> None:
    stopped = parent["States"]["RenewHosts"]["Catch"][0]["Next"]
    assert parent["States"][stopped]["Parameters"]["Payload"]["mapError.$"] == "$.mapError"
    assert parent["States"][parent["States"][stopped]["Next"]]["Type"] == "Fail"


@pytest.mark.parametrize("state", ["CertReport", "CertReportAfterStop"])
def test_the_report_knows_the_execution_that_it_links_to(parent: dict[str, Any], state: str) -> None:
    assert parent["States"][state]["Parameters"]["Payload"]["executionArn.$"] == "$$.Execution.Id"


@pytest.mark.parametrize("flag", members([True, False], [True]))
def test_results_are_written_whatever_flag_the_consumer_sets(flag: bool) -> None:
    app = new_app(**{"@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2": flag})
    construct = PcaCertificateAutomation(Stack(app, "Consumer"), "Automation")
    assert "ResultWriter" in state_machine_definition(template_of(construct))["States"]["RenewHosts"]


def test_asl_validator_accepts_the_definition_and_rejects_a_broken_one(parent: dict[str, Any], tmp_path: Path) -> None:
    assert asl_validator(parent, tmp_path).returncode == 0
    broken = json.loads(json.dumps(parent))
    broken["States"]["RenewHosts"]["ItemProcessor"]["States"]["CertIssue"]["Next"] = "Nowhere"
    assert asl_validator(broken, tmp_path).returncode != 0


def asl_validator(definition: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "definition.json"
    file.write_text(json.dumps(definition), encoding="utf-8")
    return subprocess.run(
        ["asl-validator", "--json-path", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
