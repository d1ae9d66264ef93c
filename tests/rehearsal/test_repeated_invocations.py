"""A function that fails is invoked again, as often as AWS does it, and what fails at last is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import CreateFunction, eventually
from tests.synthesis import resources, sample_template

# Counts its invocations in a table, and fails the first so many.
FAILING = """
import boto3
def handler(event, context):
    table = boto3.client("dynamodb")
    counted = table.update_item(
        TableName="{table}", Key={{"id": {{"S": "count"}}}}, UpdateExpression="ADD invocations :one",
        ExpressionAttributeValues={{":one": {{"N": "1"}}}}, ReturnValues="UPDATED_NEW")
    if int(counted["Attributes"]["invocations"]["N"]) <= {failures}:
        raise RuntimeError("too early")
    table.put_item(TableName="{table}", Item={{"id": {{"S": "done"}}}})
"""
# Notes every record but a poisoned one, of which it fails.
POISONED = """
import boto3
def handler(event, context):
    table = boto3.client("dynamodb")
    hosts = [record["dynamodb"]["Keys"]["hostID"]["S"] for record in event["Records"]]
    if "poison" in hosts:
        raise RuntimeError("no such host")
    for host in hosts:
        table.put_item(TableName="{table}", Item={{"id": {{"S": host}}}})
"""


def _table(aws: LocalAws, name: str, key: str = "id", **more: Any) -> dict[str, Any]:
    created = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return dict(created["TableDescription"])


def _noted(aws: LocalAws, table: str) -> dict[str, Any]:
    items = aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return {item["id"]["S"]: item for item in items}


def _queue(aws: LocalAws, name: str) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _publish(aws: LocalAws, source: str, arn: str) -> None:
    events = aws.client("events")
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule=source, Targets=[{"Id": "target", "Arn": arn}])
    events.put_events(Entries=[{"Source": source, "DetailType": "Test", "Detail": "{}"}])


def test_an_event_that_comes_too_early_comes_again(aws: LocalAws, create_function: CreateFunction) -> None:
    _table(aws, "early")
    _publish(aws, "test.early", create_function("early", FAILING.format(table="early", failures=1)))
    assert eventually(lambda: "done" in _noted(aws, "early"))
    assert _noted(aws, "early")["count"]["invocations"] == {"N": "2"}


@pytest.fixture(scope="module")
def for_events() -> dict[str, dict[str, Any]]:
    """How the product's template has its functions invoked that a rule wakes, by the function."""
    template = sample_template()
    configs = {
        each["Properties"]["FunctionName"]["Ref"]: each["Properties"]
        for each in resources(template, "AWS::Lambda::EventInvokeConfig").values()
    }
    woken = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in resources(template, "AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
    }
    functions = woken & resources(template, "AWS::Lambda::Function").keys()
    assert functions
    return {name: configs.get(name, {}) for name in functions}


def test_only_because_of_the_products_destination_an_event_of_which_a_function_always_fails_is_kept(
    aws: LocalAws, create_function: CreateFunction, for_events: dict[str, dict[str, Any]]
) -> None:
    """After three times; without the destination nobody has it."""
    clients, sqs = aws.client("lambda"), aws.client("sqs")
    assert all("OnFailure" in config.get("DestinationConfig", {}) for config in for_events.values()), for_events
    url, queue = _queue(aws, "never")
    for name, destination in (("lost", {}), ("kept", {"OnFailure": {"Destination": queue}})):
        _table(aws, name)
        arn = create_function(name, FAILING.format(table=name, failures=99))
        retries = {config["MaximumRetryAttempts"] for config in for_events.values()}
        clients.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig=destination, MaximumRetryAttempts=min(retries)
        )
        _publish(aws, f"test.{name}", arn)
        assert eventually(lambda name=name: _noted(aws, name).get("count", {}).get("invocations") == {"N": "3"})  # type: ignore[misc]
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert json.loads(message["Body"])["requestPayload"]["source"] == "test.kept"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert not sqs.receive_message(QueueUrl=url).get("Messages")


@pytest.fixture(scope="module")
def as_deployed() -> dict[str, Any]:
    """How the product's template has its enrolment follow the table."""
    (mapping,) = [
        each["Properties"]
        for name, each in resources(sample_template(), "AWS::Lambda::EventSourceMapping").items()
        if "Enrol" in name
    ]
    kept = ("BatchSize", "BisectBatchOnFunctionError", "MaximumBatchingWindowInSeconds", "StartingPosition")
    return {name: mapping[name] for name in kept if name in mapping}


@pytest.mark.parametrize("cut", [True, False])
def test_one_bad_record_costs_itself_because_the_products_mappings_cut_batches(
    aws: LocalAws, create_function: CreateFunction, as_deployed: dict[str, Any], cut: bool
) -> None:
    name = f"poisoned-{cut}"
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    stream = _table(aws, f"{name}-hosts", "hostID", StreamSpecification=view)["LatestStreamArn"]
    _table(aws, name)
    url, queue = _queue(aws, name)
    settings = as_deployed if cut else {**as_deployed, "BisectBatchOnFunctionError": False}
    assert as_deployed["BisectBatchOnFunctionError"] is True
    hosts = [f"h{n}" for n in range(10)]
    for host in [*hosts[:6], "poison", *hosts[6:]]:
        aws.client("dynamodb").put_item(TableName=f"{name}-hosts", Item={"hostID": {"S": host}})
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=create_function(name, POISONED.format(table=name)),
        DestinationConfig={"OnFailure": {"Destination": queue}},
        MaximumRetryAttempts=2,
        **settings,
    )
    (message,) = eventually(lambda: aws.client("sqs").receive_message(QueueUrl=url).get("Messages"))
    given_up = json.loads(message["Body"])
    assert given_up["requestContext"]["condition"] == "RetryAttemptsExhausted"
    if not cut:
        assert given_up["DDBStreamBatchInfo"]["batchSize"] == len(hosts) + 1
        assert _noted(aws, name) == {}
        return
    assert given_up["DDBStreamBatchInfo"]["batchSize"] == 1
    assert eventually(lambda: _noted(aws, name).keys() == set(hosts))
