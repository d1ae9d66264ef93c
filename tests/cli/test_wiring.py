"""What brings work to the functions is looked at as it is deployed, and what mends it leaves nothing else behind."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import pytest

from pca_automator.cli.deployed.wiring import Wiring, enabling
from tests.cli.conftest import ACCOUNT, REGION, Deployed, deployment, resources

STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/inventory/stream/2026-11-23T00:00:00.000"
# All that GetSchedule answers, and UpdateSchedule takes.
SCHEDULE = {
    "Name": "daily", "GroupName": "fleet", "ScheduleExpression": "cron(15 3 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Paris", "Description": "the fleet's",
    "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
    "Target": {"Arn": "arn:aws:states:::machine", "RoleArn": "arn:aws:iam::1:role/x", "Input": "{\"who\":\"it's us\"}"},
    "KmsKeyArn": "arn:aws:kms:::key/1", "ActionAfterCompletion": "NONE",
}  # fmt: skip


def parts_of(deployed: Deployed) -> dict[str, Any]:
    """Each part by its name, with the look at it."""
    return dict(Wiring(deployment(), deployed.now).parts())


def found(deployed: Deployed, part: str) -> tuple[str, str, tuple[str, ...], str]:
    look = parts_of(deployed)[part]()
    assert look.part == part
    return look.state, look.text, look.commands, look.who


def called_in(deployed: Deployed, kind: str, physical_id: str, logical_id: str = "AutomationOwn0A1B2C3D") -> None:
    """The stack has another resource of a kind."""
    listed: Any = deployed.answers["ListStackResources"]
    one = {"LogicalResourceId": logical_id, "ResourceType": kind, "PhysicalResourceId": physical_id}
    listed["StackResourceSummaries"] = [*resources(), one]


def test_every_part_is_looked_at_once_and_named_as_a_person_would(deployed: Deployed) -> None:
    """A queue that is somebody's own is none of ours: what waits there is no trouble."""
    called_in(deployed, "AWS::SQS::Queue", "https://sqs/own")
    assert [part for part, _ in Wiring(deployment(), deployed.now).parts()] == [
        "schedule", "schedule RevocationReconciliation", "rule RevocationCrlWritten",
        "event source EnrolmentInventoryChanges", "queue DeadLetters",
    ]  # fmt: skip
    source = "AutomationEnrolmentSqsEventSourceStackAutomationQueue4F0A0A1B2C3D"
    called_in(deployed, "AWS::Lambda::EventSourceMapping", "uuid", source)
    assert "event source EnrolmentQueue" in parts_of(deployed)


def test_when_all_is_well_each_part_says_what_it_does(deployed: Deployed) -> None:
    texts = {part: (look().state, look().text) for part, look in parts_of(deployed).items()}
    state, text = texts.pop("schedule")
    assert (state, text[:9]) == ("ok", "next run ")
    assert texts == {
        "schedule RevocationReconciliation": ("ok", "cron(15 3,15 * * ? *)"),
        "rule RevocationCrlWritten": ("ok", "enabled"),
        "event source EnrolmentInventoryChanges": ("ok", "Enabled"), "queue DeadLetters": ("ok", "empty"),
    }  # fmt: skip
    # What an answer leaves out is as it is made: on.
    deployed.answers |= {
        "GetSchedule": {"ScheduleExpression": "rate(1 hour)"}, "DescribeRule": {}, "GetEventSourceMapping": {},
    }  # fmt: skip
    assert {look().state for look in parts_of(deployed).values()} == {"ok"}
    assert found(deployed, "event source EnrolmentInventoryChanges")[1] == "Enabled"


@pytest.mark.parametrize("part", ["schedule", "schedule RevocationReconciliation"])
def test_enabling_a_schedule_resets_nothing_of_it(deployed: Deployed, part: str) -> None:
    """UpdateSchedule takes a schedule as a whole: its time, its zone, its input, its key."""
    stamps = {"Arn": "arn", "CreationDate": deployed.now, "LastModificationDate": deployed.now}
    deployed.answers["GetSchedule"] = {**SCHEDULE, **stamps, "State": "DISABLED"}
    state, _, (command,), who = found(deployed, part)
    assert (state, who) == ("trouble", "")
    *verb, text = shlex.split(command)
    assert verb == ["aws", "scheduler", "update-schedule", "--cli-input-json"]
    assert json.loads(text) == {**SCHEDULE, "State": "ENABLED"}
    assert (
        enabling({"Name": "daily"})
        == """aws scheduler update-schedule --cli-input-json '{"Name":"daily","State":"ENABLED"}'"""
    )


def test_the_schedule_of_the_workflow_is_the_one_that_is_enabled(deployed: Deployed) -> None:
    """There are several, and another may come first."""
    listed: Any = deployed.answers["ListStackResources"]
    listed["StackResourceSummaries"].reverse()
    deployed.answers["GetSchedule"] = lambda asked: {
        "Name": asked["Name"], "State": "DISABLED", "ScheduleExpression": "rate(1 day)",
    }  # fmt: skip
    _, text, (command,), _ = found(deployed, "schedule")
    assert text == "the schedule is disabled: nothing is renewed"
    assert '"Name":"daily"' in command


def test_a_schedule_that_is_not_there_is_for_who_deploys(deployed: Deployed) -> None:
    listed: Any = deployed.answers["ListStackResources"]
    listed["StackResourceSummaries"] = [
        each for each in resources() if each["ResourceType"] != "AWS::Scheduler::Schedule"
    ]
    assert found(deployed, "schedule") == (
        "trouble", "there is no schedule: nothing is renewed", ("pca-automator run --watch",),
        "who deploys it: cdk deploy --revert-drift",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("physical_id", "asked", "option"),
    [
        ("own", {"Name": "own"}, ""),
        ("fleet|own", {"Name": "own", "EventBusName": "fleet"}, " --event-bus-name fleet"),
    ],
)
def test_a_rule_is_looked_at_and_enabled_on_its_bus(
    deployed: Deployed, physical_id: str, asked: Mapping[str, str], option: str
) -> None:
    called_in(deployed, "AWS::Events::Rule", physical_id)
    assert found(deployed, "rule Own") == ("ok", "enabled", (), "")
    assert deployed.called("DescribeRule") == [asked]
    targets = {**asked, "Rule": asked["Name"]}
    del targets["Name"]
    assert deployed.called("ListTargetsByRule") == [targets]
    deployed.answers["DescribeRule"] = {"State": "DISABLED"}
    text = "it is DISABLED: its events do not arrive any more"
    assert found(deployed, "rule Own") == ("trouble", text, (f"aws events enable-rule --name own{option}",), "")
    deployed.answers |= {"DescribeRule": {"State": "ENABLED"}, "ListTargetsByRule": {"Targets": []}}
    text = "it has no target any more: its events go nowhere"
    assert found(deployed, "rule Own") == ("trouble", text, (), "who deploys it: cdk deploy --revert-drift")
    deployed.answers["ListTargetsByRule"] = {"Targets": [{"Id": "1", "Arn": "arn"}]}
    managed = {"State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}
    deployed.answers["DescribeRule"] = managed
    assert found(deployed, "rule Own")[0] == "ok"


@pytest.mark.parametrize(
    ("stream", "state", "said"),
    [
        ({"LatestStreamArn": STREAM, "StreamSpecification": {"StreamEnabled": True}}, "ok", "Enabled"),
        ({"LatestStreamArn": STREAM, "StreamSpecification": {"StreamEnabled": False}}, "trouble", "is switched off"),
        ({"LatestStreamArn": STREAM}, "trouble", "the inventory's stream is switched off"),
        ({"LatestStreamArn": f"{STREAM}1"}, "trouble", "it reads a stream that the inventory has no more"),
        ({}, "trouble", "it reads a stream that the inventory has no more"),
    ],
)
def test_an_event_source_whose_stream_is_lost_hears_of_nothing(
    deployed: Deployed, stream: Mapping[str, Any], state: str, said: str
) -> None:
    part = "event source EnrolmentInventoryChanges"
    deployed.answers["GetEventSourceMapping"] = {"State": "Enabled", "EventSourceArn": STREAM}
    deployed.answers["DescribeTable"] = {"Table": stream}
    looked, text, commands, who = found(deployed, part)
    assert (looked, said in text, commands) == (state, True, ())
    assert who == ("" if state == "ok" else "who deploys it: cdk deploy --revert-drift")
    assert text == "Enabled" or text.endswith(": its function hears of nothing any more")
    assert deployed.called("DescribeTable") == [{"TableName": "inventory"}]


def test_an_event_source_of_a_queue_or_of_another_table_asks_nothing_of_the_inventory(deployed: Deployed) -> None:
    for source in ("", f"arn:aws:sqs:{REGION}:{ACCOUNT}:inventory", STREAM.replace("inventory", "inventory-of-others")):
        deployed.answers["GetEventSourceMapping"] = {"State": "Enabled", "EventSourceArn": source}
        assert found(deployed, "event source EnrolmentInventoryChanges")[0] == "ok"
    assert deployed.called("DescribeTable") == []
    uuid = "11111111-2222-3333-4444-888888888888"
    assert {tuple(asked.items()) for asked in deployed.called("GetEventSourceMapping")} == {(("UUID", uuid),)}


@pytest.mark.parametrize("state", ["Disabled", "Disabling"])
def test_an_event_source_that_is_off_is_enabled_by_its_id(deployed: Deployed, state: str) -> None:
    deployed.answers["GetEventSourceMapping"] = {"State": state, "EventSourceArn": STREAM}
    uuid = "11111111-2222-3333-4444-888888888888"
    assert found(deployed, "event source EnrolmentInventoryChanges") == (
        "trouble", f"it is {state}: its function hears of nothing any more",
        (f"aws lambda update-event-source-mapping --uuid {uuid} --enabled",), "",
    )  # fmt: skip


def test_what_waits_in_a_queue_is_counted_and_nothing_else_is_asked_of_it(deployed: Deployed) -> None:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/dead"
    deployed.answers["GetQueueAttributes"] = {"Attributes": {"ApproximateNumberOfMessages": "1"}}
    assert found(deployed, "queue DeadLetters")[:2] == ("trouble", "1 message waits that nothing could handle")
    assert deployed.called("GetQueueAttributes") == [
        {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]}
    ]
