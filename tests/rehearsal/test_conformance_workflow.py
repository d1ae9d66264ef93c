"""What this project relies on in Step Functions, Lambda and DynamoDB, as MiniStack and our corrections do it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import CreateFunction, eventually

FAILING = """
class CsrRejected(Exception):
    pass

def handler(event, context):
    raise CsrRejected("not this host")
"""
ANSWERING = """
import boto3, json
def handler(event, context):
    boto3.client("stepfunctions").send_task_success(taskToken=event["taskToken"], output=json.dumps({"answer": 1}))
"""


def _run(aws: LocalAws, role_arn: str, name: str, definition: dict[str, Any], data: Any = None) -> dict[str, Any]:
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role_arn)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(data or {}))

    def ended() -> Any:
        described = states.describe_execution(executionArn=execution["executionArn"])
        return described if described["status"] != "RUNNING" else None

    return dict(eventually(ended))


def _task(function: str, **more: Any) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    return {**task, **more}


def test_a_distributed_map_reads_json_lines_and_tolerates_failures(
    aws: LocalAws, role_arn: str, create_function: CreateFunction
) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="conformance-work")
    lines = "".join(json.dumps({"hostID": f"h{n}"}) + "\n" for n in range(5))
    s3.put_object(Bucket="conformance-work", Key="runs/r/hosts.jsonl", Body=lines.encode())
    function = create_function(
        "mapped", "def handler(event, context):\n    assert event['hostID'] != 'h3'\n    return event\n"
    )
    machine = {
        "StartAt": "Map",
        "States": {
            "Map": {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Host",
                    "States": {"Host": _task(function)},
                },
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSONL"},
                    "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
                },
                "ItemSelector": {"hostID.$": "$$.Map.Item.Value.hostID", "runId.$": "$$.Execution.Name"},
                "MaxConcurrency": 2,
                "ToleratedFailurePercentage": 100,
                "End": True,
            }
        },
    }
    data = {"bucket": "conformance-work", "key": "runs/r/hosts.jsonl"}
    ended = _run(aws, role_arn, "mapping", machine, data)
    assert ended["status"] == "SUCCEEDED"
    results = [result for result in json.loads(ended["output"]) if result]
    assert sorted(result["hostID"] for result in results) == ["h0", "h1", "h2", "h4"]
    assert {result["runId"] for result in results} == {ended["name"]}
    run = aws.client("stepfunctions").list_map_runs(executionArn=ended["executionArn"])["mapRuns"][0]
    counts = aws.client("stepfunctions").describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    assert (counts["succeeded"], counts["failed"]) == (4, 1)


def test_a_handlers_exception_is_matched_by_its_class_name(
    aws: LocalAws, role_arn: str, create_function: CreateFunction
) -> None:
    caught = [{"ErrorEquals": ["CsrRejected"], "ResultPath": "$.error", "Next": "Caught"}]
    machine = {
        "StartAt": "Fails",
        "States": {
            "Fails": _task(create_function("failing", FAILING), Catch=caught),
            "Caught": {"Type": "Pass", "End": True},
        },
    }
    ended = _run(aws, role_arn, "catching", machine)
    error = json.loads(ended["output"])["error"]
    assert error["Error"] == "CsrRejected"
    assert json.loads(error["Cause"])["errorMessage"] == "not this host"


def test_a_task_token_is_answered_from_a_function(
    aws: LocalAws, role_arn: str, create_function: CreateFunction
) -> None:
    task = _task(
        create_function("answering", ANSWERING),
        Resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
        OutputPath="$",
        TimeoutSeconds=3600,
    )
    task["Parameters"]["Payload"] = {"taskToken.$": "$$.Task.Token"}
    del task["Parameters"]["Payload.$"]
    ended = _run(aws, role_arn, "tokens", {"StartAt": "Token", "States": {"Token": task}})
    assert json.loads(ended["output"]) == {"answer": 1}


def test_a_function_that_fails_ends_its_task_token_task_at_once(
    aws: LocalAws, role_arn: str, create_function: CreateFunction
) -> None:
    task = _task(
        create_function("failing-token", FAILING),
        Resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
        TimeoutSeconds=3600,
    )
    ended = _run(aws, role_arn, "failing-tokens", {"StartAt": "Token", "States": {"Token": task}})
    assert (ended["status"], ended["error"]) == ("FAILED", "CsrRejected")


def test_a_wildcard_does_not_catch_a_runtime_error(aws: LocalAws, role_arn: str) -> None:
    wrong = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:notThere",
        "Parameters": {},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    machine = {"StartAt": "Wrong", "States": {"Wrong": wrong, "Caught": {"Type": "Succeed"}}}
    assert _run(aws, role_arn, "runtime", machine)["error"] == "States.Runtime"


def test_more_invocations_than_workers_wait_instead_of_failing(aws: LocalAws, create_function: CreateFunction) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event\n"
    create_function("slow", source)

    def invoke(n: int) -> Any:
        answer = aws.client("lambda").invoke(FunctionName="slow", Payload=json.dumps(n).encode())
        return json.loads(answer["Payload"].read())

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(invoke, range(8))) == list(range(8))


def test_a_function_of_a_stack_is_warm_before_its_first_invocation(aws: LocalAws, role_arn: str) -> None:
    code = {"ZipFile": "def handler(event, context):\n    return event\n"}
    properties = {"Runtime": "python3.13", "Handler": "index.handler", "Role": role_arn, "Code": code}
    template = {"Resources": {"Warm": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    aws.client("cloudformation").create_stack(StackName="warm", TemplateBody=json.dumps(template))
    assert eventually(lambda: "worker spawned for warm-Warm-" in aws.log_path.read_text())


@pytest.fixture(scope="module")
def table(aws: LocalAws) -> Any:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "hostID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "hostID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def test_a_failed_condition_returns_the_item_as_it_was(table: Any) -> None:
    table.put_item(TableName="items", Item={"hostID": {"S": "a"}, "status": {"S": "RETIRED"}})
    with pytest.raises(ClientError) as refused:
        table.update_item(
            TableName="items",
            Key={"hostID": {"S": "a"}},
            UpdateExpression="SET runId = :run",
            ConditionExpression="#s <> :retired",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":run": {"S": "r"}, ":retired": {"S": "RETIRED"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"]["status"] == {"S": "RETIRED"}  # type: ignore[typeddict-item]


def test_nested_attributes_are_set_and_copied_in_one_update(table: Any) -> None:
    table.put_item(TableName="items", Item={"hostID": {"S": "b"}, "pending": {"M": {"requestId": {"S": "r"}}}})
    key = {"hostID": {"S": "b"}}
    table.update_item(
        TableName="items",
        Key=key,
        UpdateExpression="SET pending.serial = :serial",
        ExpressionAttributeValues={":serial": {"S": "0a"}},
    )
    updated = table.update_item(
        TableName="items",
        Key=key,
        UpdateExpression="SET serial = pending.serial, previousSerial = if_not_exists(serial, :none) REMOVE pending",
        ExpressionAttributeValues={":none": {"S": "none"}},
        ReturnValues="ALL_NEW",
    )
    assert updated["Attributes"] == {"hostID": {"S": "b"}, "serial": {"S": "0a"}, "previousSerial": {"S": "none"}}
