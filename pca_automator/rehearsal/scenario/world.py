"""What the phases of a rehearsal work on: the deployed system and its fleet."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pca_automator.rehearsal.display import Advance, Display
from pca_automator.rehearsal.report import Report
from pca_automator.rehearsal.stage.deployed import Automation
from pca_automator.rehearsal.stage.event_bus import EventQueue
from pca_automator.rehearsal.stage.hosts import Member
from pca_automator.rehearsal.stage.process import LocalAws

_POLL_SECONDS = 0.5
_IDLE_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class Run:
    """One finished execution of the renewal workflow."""

    id: str
    status: str
    cause: str


class Inventory:
    """The table, as an operator reads and writes it."""

    def __init__(self, aws: LocalAws, table: str) -> None:
        self._client = aws.client("dynamodb")
        self._table = table

    def put(self, item: Mapping[str, Any]) -> None:
        """Write one item as ``aws dynamodb put-item`` does."""
        self._client.put_item(TableName=self._table, Item=item)

    def remove(self, host_id: str) -> None:
        """Delete one item."""
        self._client.delete_item(TableName=self._table, Key={"hostID": {"S": host_id}})

    def items(self) -> dict[str, dict[str, Any]]:
        """Every item by its host id, as plain Python values."""
        from boto3.dynamodb.types import TypeDeserializer

        plain = TypeDeserializer()
        found = {}
        for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            for item in page["Items"]:
                values = {name: plain.deserialize(value) for name, value in item.items()}
                found[values["hostID"]] = values
        return found


class Mailbox:
    """A queue subscribed to the notification topic, in the place of somebody's e-mail."""

    def __init__(self, aws: LocalAws, topic: str) -> None:
        self._sqs = aws.client("sqs")
        self._url = self._sqs.create_queue(QueueName="rehearsal-notifications")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": attributes["QueueArn"],
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def collect(self) -> list[str]:
        """The messages that have come since the last time: subject and text."""
        messages: list[str] = []
        while received := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                body = json.loads(message["Body"])
                messages.append(f"{body.get('Subject', '')}\n{body['Message']}")
        return messages


@dataclasses.dataclass
class World:
    """Everything a phase needs."""

    aws: LocalAws
    automation: Automation
    members: list[Member]
    inventory: Inventory
    mailbox: Mailbox
    events: EventQueue
    report: Report
    display: Display

    def run_workflow(self, data: Mapping[str, Any], advance: Advance | None = None, hosts: int = 0) -> Run:
        """Start the renewal workflow and wait for its end; ``advance`` is told how many hosts are through."""
        states = self.aws.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=self.automation.state_machine, input=json.dumps(data))[
            "executionArn"
        ]
        run_id = arn.rpartition(":")[2]
        deadline = time.monotonic() + 600 + 20 * (hosts or len(self.members))
        while time.monotonic() < deadline:
            described = states.describe_execution(executionArn=arn)
            if described["status"] != "RUNNING":
                return Run(run_id, described["status"], described.get("cause") or described.get("error") or "")
            if advance is not None:
                advance(sum(item.get("lastRunId") == run_id for item in self.inventory.items().values()))
            time.sleep(_POLL_SECONDS)
        return Run(run_id, "RUNNING", "did not end in time")

    def wait_for_enrolment(self, advance: Advance) -> Run:
        """Wait until the runs that the inventory's changes started are over; the last of them stands for all."""
        states = self.aws.client("stepfunctions")
        deadline = time.monotonic() + 600 + 20 * len(self.members)
        while time.monotonic() < deadline:
            settled = [
                item for item in self.inventory.items().values() if item.get("lastRunId") and "runId" not in item
            ]
            advance(len(settled))
            runs = states.list_executions(stateMachineArn=self.automation.state_machine)["executions"]
            if len(settled) == len(self.members) and all(run["status"] != "RUNNING" for run in runs):
                worst = min((str(run["status"]) for run in runs), default="NONE")  # FAILED sorts before SUCCEEDED
                return Run(str(runs[0]["name"]), worst, "")
            time.sleep(_POLL_SECONDS)
        return Run("", "RUNNING", "the enrolment did not end in time")

    def wait_until_idle(self) -> None:
        """Wait for the end of every run, so that none is taken for one of a later phase.

        A host shows its new pair before the run has written it down. What is asked of the host in between is a change
        during a renewal, and the messages of that run are still to come.
        """
        states, machine = self.aws.client("stepfunctions"), self.automation.state_machine

        def over() -> bool:
            return not states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]

        if not self.eventually(over, _IDLE_SECONDS):
            self.report.expect("every run has an end", True, False)
        self.mailbox.collect()

    def runs(self) -> int:
        """How many executions of the workflow there have been."""
        states = self.aws.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=self.automation.state_machine)
        return sum(len(page["executions"]) for page in pages)

    def clear_starts(self) -> None:
        """Forget which starts are taken, as if nobody had ever been throttled; nothing may be running."""
        client = self.aws.client("dynamodb")
        for item in client.scan(TableName=self.automation.starts, ConsistentRead=True)["Items"]:
            key = {"id": item["id"], "at": item["at"]}
            client.delete_item(TableName=self.automation.starts, Key=key)

    def due_hosts(self, run: Run) -> int:
        """How many hosts a run found due, from the file that it wrote for its map."""
        for bucket in self.aws.client("s3").list_buckets()["Buckets"]:
            listed = self.aws.client("s3").list_objects_v2(Bucket=bucket["Name"], Prefix=f"runs/{run.id}/hosts.jsonl")
            for entry in listed.get("Contents", []):
                body = self.aws.client("s3").get_object(Bucket=bucket["Name"], Key=entry["Key"])["Body"].read()
                return len(body.splitlines())
        return -1

    def eventually(self, check: Callable[[], bool], seconds: float) -> bool:
        """Whether a check comes true within a time."""
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True


def deployed_at_last(items: Mapping[str, Mapping[str, Any]], members: Sequence[Member]) -> list[Member]:
    """The members that are DEPLOYED, whichever run brought them there."""
    return [member for member in members if items.get(member.id, {}).get("status") == "DEPLOYED"]


def deployed_by(items: Mapping[str, Mapping[str, Any]], members: Sequence[Member], run: Run) -> list[Member]:
    """The members that a run brought to DEPLOYED."""
    return [
        member
        for member in members
        if items.get(member.id, {}).get("status") == "DEPLOYED" and items[member.id].get("lastRunId") == run.id
    ]
