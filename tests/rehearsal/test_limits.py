"""What AWS raises for nobody, in the local AWS: each limit, and that the product's workflow stays within it because of
what it does about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import pca_automator.planning
from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage.process import LocalAws
from tests.constructs.promises.view import shown
from tests.rehearsal.conftest import CreateFunction, eventually
from tests.synthesis import resources, sample_template

WORKFLOW = json.loads((Path(pca_automator.planning.__file__).parent / "workflow.json").read_text(encoding="utf-8"))
BUCKET = "limits-work"
LOG_GROUP = "AWS::Logs::LogGroup"
HOSTS = 12
NOW = "2026-01-01T00:00:00Z"
ANSWERS: dict[str, Any] = {
    "CertCheck": {
        "due": HOSTS, "rejected": 0, "runId": "r", "startedAt": NOW, "bucket": BUCKET, "key": "hosts.jsonl",
        "revokeReplaced": False, "revocationReason": "SUPERSEDED", "byHand": False,
    },
    "CertCSR": {"state": "SENT", "commandId": "c", "attempt": 0, "startAt": NOW, "requeues": 0},
    "CertCSRStatus": {"state": "READY", "commandId": "c", "attempt": 1, "csr": "-----BEGIN CERTIFICATE REQUEST-----"},
    "CertDeployStatus": {"state": "DEPLOYED", "commandId": "c" * 1_000, "attempt": 1},
    "CertDeploy": {"installCommandId": "c", "attempt": 0},
    "CertReport": {"renewed": HOSTS},
    "CertFailure": {},
}  # fmt: skip
ANSWERING = "def handler(event, context):\n    return {answer!r}\n"
ISSUING = """
import boto3, json
def handler(event, context):
    output = json.dumps({"installCommandId": "c", "attempt": 0})
    boto3.client("stepfunctions").send_task_success(taskToken=event["taskToken"], output=output)
"""
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    """The settings that tests change."""
    return {name: getattr(Settings(), name) for name in ("limits", "history_events", "payload_bytes")}


@pytest.fixture(autouse=True)
def as_usual(aws: LocalAws, usual: dict[str, Any]) -> Iterator[None]:
    yield
    aws.control("settings", usual | {"log_policies": 0, "log_policy_characters": 0})


@pytest.fixture
def run(aws: LocalAws, role_arn: str, create_function: CreateFunction) -> Run:
    """Runs the product's workflow over functions that answer as the product's do, and waits for its end."""
    s3, states, clients = aws.client("s3"), aws.client("stepfunctions"), aws.client("lambda")
    s3.create_bucket(Bucket=BUCKET)
    lines = [json.dumps({"hostID": f"h{n}", "lane": "bulk", "startAt": NOW}) for n in range(HOSTS)]
    s3.put_object(Bucket=BUCKET, Key="hosts.jsonl", Body="\n".join(lines).encode())
    there = {each["FunctionName"] for each in clients.list_functions()["Functions"]}
    sources = {name: ANSWERING.format(answer=answer) for name, answer in ANSWERS.items()} | {"CertIssue": ISSUING}
    for name, source in sources.items():
        if name not in there:
            create_function(name, source)

    def play(definition: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(definition)
        for name in sources:
            for prefix in ("AutomationHostFunctions", "AutomationWorkflow"):
                text = text.replace(f'"{prefix}{name}"', f'"{name}"')
        text = text.replace('"AutomationWorkflowWorkBucket"', f'"{BUCKET}"')
        number = len(states.list_state_machines()["stateMachines"])
        made = states.create_state_machine(name=f"limits-{number}", definition=text, roleArn=role_arn)
        execution = states.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]

        def ended() -> Any:
            described = states.describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        return dict(eventually(ended))

    return play


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The product's workflow, with another map."""
    definition: dict[str, Any] = deepcopy(WORKFLOW)
    change(definition["States"]["RenewHosts"])
    return definition


def inline(renew: dict[str, Any]) -> None:
    """As a Map of the run's own execution."""
    renew["ItemProcessor"]["ProcessorConfig"] = {"Mode": "INLINE"}
    renew["ItemsPath"] = "$.check.Payload.items"
    for name in ("ItemReader", "ResultWriter", "ToleratedFailurePercentage", "Label"):
        renew.pop(name, None)


def largest(aws: LocalAws, what: str) -> int:
    return int(aws.control("limits")["largest"][what])


def test_only_because_each_host_has_an_execution_of_its_own_the_history_holds_a_fleet(aws: LocalAws, run: Run) -> None:
    ended = run(WORKFLOW)
    assert ended["status"] == "SUCCEEDED", ended
    of_a_host, of_the_run = largest(aws, "events of a child execution"), largest(aws, "events of an execution")
    assert of_a_host > 0
    # Of the run: not more for more hosts. All hosts in the history of the run, on the other hand, are too many.
    aws.control("settings", {"history_events": of_the_run + (HOSTS - 1) * of_a_host})
    assert run(WORKFLOW)["status"] == "SUCCEEDED"
    items = [{"hostID": f"h{n}", "lane": "bulk", "startAt": NOW} for n in range(HOSTS)]
    definition = changed(inline)
    definition["States"]["CertCheck"]["ResultSelector"] = {"Payload": {**ANSWERS["CertCheck"], "items": items}}
    failed = run(definition)
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Runtime")
    assert "maximum number of history events" in failed["cause"]
    assert aws.control("limits")["refused"]["events of an execution"] >= 1


def test_only_because_results_go_to_files_the_result_of_a_fleet_fits(aws: LocalAws, run: Run) -> None:
    assert run(WORKFLOW)["status"] == "SUCCEEDED"
    of_the_results = HOSTS * 1_000  # each child has a long answer in its output
    aws.control("settings", {"payload_bytes": of_the_results})
    assert run(WORKFLOW)["status"] == "SUCCEEDED"
    failed = run(changed(lambda renew: renew.pop("ResultWriter")))
    # States.ALL does not match it, so that not even the report is made.
    assert (failed["status"], failed["error"]) == ("FAILED", "States.DataLimitExceeded")
    aws.control("settings", {"limits": False})
    assert run(changed(lambda renew: renew.pop("ResultWriter")))["status"] == "SUCCEEDED"


def test_only_because_the_list_of_hosts_is_a_file_a_run_of_any_fleet_fits(aws: LocalAws, run: Run) -> None:
    assert run(WORKFLOW)["status"] == "SUCCEEDED"
    of_a_state = largest(aws, "bytes of output of a state")
    items = [{"hostID": f"h{n}", "lane": "bulk", "startAt": NOW} for n in range(1 + of_a_state // 10)]
    whole = deepcopy(WORKFLOW)
    whole["States"]["CertCheck"]["ResultSelector"] = {"Payload": {**ANSWERS["CertCheck"], "items": items}}
    aws.control("settings", {"payload_bytes": len(json.dumps(items, separators=(",", ":")))})
    assert run(WORKFLOW)["status"] == "SUCCEEDED"
    failed = run(whole)
    assert (failed["status"], failed["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert aws.control("limits")["refused"]["bytes of output of a state"] >= 1


def test_result_files_have_each_child_with_its_input_and_output(aws: LocalAws, run: Run) -> None:
    s3, states = aws.client("s3"), aws.client("stepfunctions")
    ended = run(WORKFLOW)
    arn = states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"][0]["mapRunArn"]
    folder = f"results/{arn.rpartition(':')[2]}"

    def read(key: str) -> Any:
        return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    manifest = read(f"{folder}/manifest.json")
    assert (manifest["MapRunArn"], manifest["DestinationBucket"]) == (arn, BUCKET)
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    assert (manifest["ResultFiles"]["FAILED"], manifest["ResultFiles"]["PENDING"]) == ([], [])
    entries = read(file["Key"])
    assert sorted(json.loads(entry["Input"])["hostID"] for entry in entries) == sorted(f"h{n}" for n in range(HOSTS))
    assert {entry["Status"] for entry in entries} == {"SUCCEEDED"}
    assert all(json.loads(entry["Output"]) == ANSWERS["CertDeployStatus"] for entry in entries)


def never_installed(renew: dict[str, Any]) -> None:
    answer = {"state": "PENDING", "commandId": "c", "attempt": 100}
    renew["ItemProcessor"]["States"]["CertDeployStatus"]["ResultSelector"] = {"Payload": answer}


def refused(renew: dict[str, Any]) -> None:
    renew["ItemProcessor"]["States"]["CertIssue"]["Resource"] = "arn:aws:states:::lambda:invoke"
    renew["ItemProcessor"]["States"]["CertIssue"]["Parameters"] = {"FunctionName": "Nobody"}


def skipped(renew: dict[str, Any]) -> None:
    renew["ItemProcessor"]["States"]["CertCSR"]["ResultSelector"] = {"Payload": {"state": "SKIPPED", "reason": "BUSY"}}


@pytest.mark.parametrize(
    ("change", "status"), [(len, "SUCCEEDED"), (skipped, "SUCCEEDED"), (never_installed, "FAILED"), (refused, "FAILED")]
)
def test_no_result_file_has_a_request_or_a_token(
    aws: LocalAws, run: Run, change: Callable[[dict[str, Any]], Any], status: str
) -> None:
    """They lie in a bucket for 90 days, and nobody needs more of a host there than what became of it."""
    assert words_in_results(aws, run, changed(change), status) == []


def test_only_because_a_child_says_what_became_of_it_alone_no_result_file_has_its_request(
    aws: LocalAws, run: Run
) -> None:
    whole = changed(lambda renew: renew["ItemProcessor"]["States"]["Renewed"].pop("OutputPath"))
    assert words_in_results(aws, run, whole, "SUCCEEDED") == ["CERTIFICATE REQUEST"]


def words_in_results(aws: LocalAws, run: Run, definition: dict[str, Any], status: str) -> list[str]:
    """What no result file may have, and one has."""
    s3, states = aws.client("s3"), aws.client("stepfunctions")
    ended = run(definition)
    assert ended["status"] == "SUCCEEDED", ended
    arn = states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"][0]["mapRunArn"]
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"results/{arn.rpartition(':')[2]}/")["Contents"]
    files = {each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read().decode() for each in listed}
    (entries,) = (json.loads(text) for key, text in files.items() if key.endswith(f"/{status}_0.json"))
    assert len(entries) == HOSTS
    return [word for word in ("CERTIFICATE REQUEST", "oken") if any(word in text for text in files.values())]


def test_nothing_larger_than_256_kib_is_sent_to_a_workflow(aws: LocalAws, role_arn: str) -> None:
    states = aws.client("stepfunctions")
    definition = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    made = states.create_state_machine(name="large", definition=json.dumps(definition), roleArn=role_arn)
    fits = json.dumps("x" * (262_144 - 2))
    states.start_execution(stateMachineArn=made["stateMachineArn"], input=fits)
    with pytest.raises(ClientError, match="ValidationException"):
        states.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps("x" * 262_143))


@pytest.mark.parametrize(
    ("group", "others", "characters", "refusal"),
    [
        ("/aws/vendedlogs/states/mine", 9, 5_120, ""),
        ("mine", 9, 5_120, "Resource Policy size was exceeded"),
        ("mine", 0, 4_000, ""),
        ("/aws/vendedlogs/states/mine", 10, 0, "at most 10 resource policies"),
    ],
)
def test_a_full_log_delivery_policy_takes_no_group_but_those_of_its_prefix(
    aws: LocalAws, role_arn: str, group: str, others: int, characters: int, refusal: str
) -> None:
    states, logs = aws.client("stepfunctions"), aws.client("logs")
    for policy in logs.describe_resource_policies()["resourcePolicies"]:
        logs.delete_resource_policy(policyName=policy["policyName"])
    aws.control("settings", {"log_policies": others, "log_policy_characters": characters})
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    logging = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}
    definition = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
    name = f"logging-{others}-{characters}-{len(group)}"
    if not refusal:
        states.create_state_machine(name=name, definition=definition, roleArn=role_arn, loggingConfiguration=logging)
        return
    with pytest.raises(ClientError, match=refusal):
        states.create_state_machine(name=name, definition=definition, roleArn=role_arn, loggingConfiguration=logging)


@pytest.fixture(scope="module")
def log_group() -> str:
    """The name of the log group that the product's workflow writes to."""
    groups = [each["Properties"].get("LogGroupName") for each in resources(sample_template(), LOG_GROUP).values()]
    (given,) = (shown(group) for group in groups if "states" in str(group))
    return re.sub(r"[^\w/.-]", "-", str(given))


def test_only_because_of_the_name_of_its_log_group_the_workflow_is_deployed_where_others_log(
    aws: LocalAws, role_arn: str, log_group: str
) -> None:
    aws.control("settings", {"log_policy_characters": 5_120})
    cloudformation = aws.client("cloudformation")
    logging = {"Level": "ALL", "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": "Log.Arn"}}}]}
    machine = {
        "DefinitionString": json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}),
        "LoggingConfiguration": logging,
        "RoleArn": role_arn,
    }
    for name, group in (("Full", f"/aws/{log_group.rpartition('/')[2]}"), ("Exempt", log_group)):
        resources = {
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
        }
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))

    def status(name: str) -> Any:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return None if found.endswith("IN_PROGRESS") else found

    assert eventually(lambda: status("Full")) == "ROLLBACK_COMPLETE"
    assert eventually(lambda: status("Exempt")) == "CREATE_COMPLETE"
