"""What the automation publishes on the default event bus, heard by a rule as a user would make one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from pca_automator.rehearsal.stage.process import LocalAws


class EventQueue:
    """A rule on the events of one automation, and the queue that is its target."""

    def __init__(self, aws: LocalAws, automation: str) -> None:
        self._sqs = aws.client("sqs")
        self._url = self._sqs.create_queue(QueueName="rehearsal-events")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        pattern = {"source": ["pca-automator"], "detail": {"automation": [automation]}}
        events = aws.client("events")
        rule = events.put_rule(Name="rehearsal-events", EventPattern=json.dumps(pattern))["RuleArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": attributes["QueueArn"],
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        events.put_targets(Rule="rehearsal-events", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
        self.heard: list[dict[str, Any]] = []

    def collect(self) -> list[dict[str, Any]]:
        """Everything that was heard so far."""
        while received := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self.heard.append(json.loads(message["Body"]))
        return self.heard

    def of_run(self, run_id: str, detail_type: str) -> list[dict[str, Any]]:
        """The details of one type that a run published."""
        details = [event["detail"] for event in self.collect() if event["detail-type"] == detail_type]
        return [detail for detail in details if detail["runId"] == run_id]

    def counts(self) -> dict[str, int]:
        """How many events of each type."""
        return dict(sorted(Counter(str(event["detail-type"]) for event in self.collect()).items()))
