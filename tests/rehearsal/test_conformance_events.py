"""What this project relies on in MiniStack: events, queues and their way to a function.

A release of MiniStack that breaks one of these breaks the rehearsal; these tests say which.
"""

from __future__ import annotations

import json
from typing import Any

from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import CreateFunction, eventually

NOTE_ALL = """
import boto3, json
def handler(event, context):
    table = boto3.client("dynamodb")
    for record in event.get("Records", [event]):
        body = record.get("body") or json.dumps(record)
        table.put_item(TableName="{table}", Item={{
            "id": {{"S": context.aws_request_id + body[:200]}}, "body": {{"S": body}}}})
"""


def _table(aws: LocalAws, name: str) -> Any:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def _bodies(aws: LocalAws, table: str) -> list[dict[str, Any]]:
    items = aws.client("dynamodb").scan(TableName=table)["Items"]
    return [json.loads(item["body"]["S"]) for item in items]


def _rule(aws: LocalAws, name: str, pattern: dict[str, Any], target: dict[str, Any]) -> None:
    events = aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "target", **target}])


def test_an_event_reaches_a_function_through_a_rule(aws: LocalAws, create_function: CreateFunction) -> None:
    _table(aws, "direct")
    arn = create_function("direct", NOTE_ALL.format(table="direct"))
    _rule(aws, "direct", {"source": ["test.direct"]}, {"Arn": arn})
    entry = {"Source": "test.direct", "DetailType": "Test", "Detail": json.dumps({"n": 1})}
    aws.client("events").put_events(Entries=[entry])
    found = eventually(lambda: _bodies(aws, "direct"))
    assert [event["detail"] for event in found] == [{"n": 1}]


def test_an_event_reaches_a_function_through_a_fifo_queue(aws: LocalAws, create_function: CreateFunction) -> None:
    _table(aws, "fifo")
    arn = create_function("fifo", NOTE_ALL.format(table="fifo"))
    sqs = aws.client("sqs")
    url = sqs.create_queue(
        QueueName="crls.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("lambda").create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=arn, BatchSize=1)
    _rule(aws, "fifo", {"source": ["test.fifo"]}, {"Arn": queue_arn, "SqsParameters": {"MessageGroupId": "one"}})
    for n in (1, 2):
        entry = {"Source": "test.fifo", "DetailType": "Test", "Detail": json.dumps({"n": n})}
        aws.client("events").put_events(Entries=[entry])
    found = eventually(lambda: len(_bodies(aws, "fifo")) >= 2 and _bodies(aws, "fifo"))
    assert sorted(event["detail"]["n"] for event in found or []) == [1, 2]


def test_an_object_put_into_a_bucket_becomes_an_event(aws: LocalAws, create_function: CreateFunction) -> None:
    _table(aws, "objects")
    arn = create_function("objects", NOTE_ALL.format(table="objects"))
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="conformance-objects")
    s3.put_bucket_notification_configuration(
        Bucket="conformance-objects", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["conformance-objects"]}, "object": {"key": [{"wildcard": "crl/*.crl"}]}},
    }
    _rule(aws, "objects", pattern, {"Arn": arn})
    for key in ("crl/one.crl", "other/one.crl", "crl/one.txt"):
        s3.put_object(Bucket="conformance-objects", Key=key, Body=b"x")
    found = eventually(lambda: _bodies(aws, "objects"))
    assert [event["detail"]["object"]["key"] for event in found] == ["crl/one.crl"]


def test_an_aws_source_is_refused_from_outside(aws: LocalAws) -> None:
    entry = {"Source": "aws.acm-pca", "DetailType": "Test", "Detail": "{}"}
    answer = aws.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 1


def test_a_burst_of_changes_is_gathered_into_one_batch(
    aws: LocalAws, role_arn: str, create_function: CreateFunction
) -> None:
    assert role_arn
    _table(aws, "batches")
    source = """
import boto3, json
def handler(event, context):
    body = json.dumps({"records": len(event["Records"])})
    boto3.client("dynamodb").put_item(
        TableName="batches", Item={"id": {"S": context.aws_request_id}, "body": {"S": body}})
"""
    arn = create_function("batches", source)
    dynamodb = aws.client("dynamodb")
    created = dynamodb.create_table(
        TableName="burst",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=created["TableDescription"]["LatestStreamArn"],
        FunctionName=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=100,
        MaximumBatchingWindowInSeconds=300,
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]},
    )
    for n in range(20):
        dynamodb.put_item(TableName="burst", Item={"id": {"S": str(n)}})
    found = eventually(lambda: _bodies(aws, "batches"))
    assert found == [{"records": 20}]


def test_a_published_message_reaches_a_queue_of_the_topic(aws: LocalAws) -> None:
    topic = aws.client("sns").create_topic(Name="conformance")["TopicArn"]
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="conformance")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    aws.client("sns").publish(TopicArn=topic, Subject="Subject", Message="text")
    received = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert [json.loads(message["Body"])["Message"] for message in received] == ["text"]


def test_a_function_writes_its_log(aws: LocalAws, create_function: CreateFunction) -> None:
    create_function("talker", "def handler(event, context):\n    print('spoken')\n")
    aws.client("lambda").invoke(FunctionName="talker", Payload=b"{}")
    logs = aws.client("logs")

    def spoken() -> list[str]:
        events = logs.filter_log_events(logGroupName="/aws/lambda/talker")["events"]
        return [event["message"] for event in events if "spoken" in event["message"]]

    assert eventually(spoken)
