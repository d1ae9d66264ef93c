"""What brings work to the functions: schedules, rules, event sources, and the queues of what nobody could handle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment, Resource
from pca_automator.cli.deployed.part import WHO_DEPLOYS, Part
from pca_automator.cli.deployed.schedule import get_schedule, next_run
from pca_automator.cli.output import counted
from pca_automator.cli.runtime import runtime

# What UpdateSchedule takes of GetSchedule's answer; what is left out would be reset.
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
_KEPT = (
    "Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "Description", "FlexibleTimeWindow",
    "Target", "KmsKeyArn", "ActionAfterCompletion",
)  # fmt: skip
_WORKFLOW = "WorkflowSchedule"


class Wiring:
    """Looks at each part.

    Args:
        deployment: the automation.
        now: the current time.
    """

    def __init__(self, deployment: Deployment, now: Any) -> None:
        self._deployment = deployment
        self._now = now
        self._finding = runtime("monitoring.finding")
        self.next_run = "could not be looked at"
        """When the schedule starts the next run, as far as the look at it got."""

    def parts(self) -> Iterator[Part]:
        """Every part's name, and the look at it."""
        yield "schedule", self._schedule
        yield from self._each("schedule", "AWS::Scheduler::Schedule", self._other_schedule, _is_not_the_workflows)
        yield from self._each("rule", "AWS::Events::Rule", self._rule)
        yield from self._each("event source", "AWS::Lambda::EventSourceMapping", self._source)
        yield from self._each("queue", "AWS::SQS::Queue", self._queue, _is_of_dead_letters)

    def _each(
        self, word: str, kind: str, look: Callable[..., Any], wanted: Callable[[str], bool] = bool
    ) -> Iterator[Part]:
        for each in self._deployment.of_type(kind):
            if wanted(each.logical_id):
                # The CDK names the source of a queue after the queue's whole path.
                part = f"{word} {re.sub('SqsEventSource.*', 'Queue', self._deployment.short(each))}"
                yield part, partial(look, part, each)

    def _schedule(self) -> Any:
        self.next_run = moment = next_run(self._deployment, self._now)
        if moment == "no schedule":
            return self._finding.trouble(
                "schedule", "there is no schedule: nothing is renewed", "pca-automator run --watch", who=WHO_DEPLOYS
            )
        if moment == "disabled":
            resource = next(
                each for each in self._deployment.of_type("AWS::Scheduler::Schedule") if _WORKFLOW in each.logical_id
            )
            enable = enabling(get_schedule(self._deployment, resource.physical_id))
            return self._finding.trouble("schedule", "the schedule is disabled: nothing is renewed", enable)
        return self._finding.ok("schedule", f"next run {moment}")

    def _other_schedule(self, part: str, resource: Resource) -> Any:
        schedule = get_schedule(self._deployment, resource.physical_id)
        if schedule.get("State", "ENABLED") != "ENABLED":
            text = "it is disabled: what it starts is not done any more"
            return self._finding.trouble(part, text, enabling(schedule))
        return self._finding.ok(part, str(schedule["ScheduleExpression"]))

    def _rule(self, part: str, resource: Resource) -> Any:
        # CloudFormation's Ref is the name, or bus and name.
        bus, _, name = resource.physical_id.rpartition("|")
        where = {"EventBusName": bus} if bus else {}
        if self._deployment.aws.client("events").describe_rule(Name=name, **where).get("State") == "DISABLED":
            option = f" --event-bus-name {bus}" if bus else ""
            text = "it is DISABLED: its events do not arrive any more"
            return self._finding.trouble(part, text, f"aws events enable-rule --name {name}{option}")
        if not self._deployment.aws.client("events").list_targets_by_rule(Rule=name, **where)["Targets"]:
            text = "it has no target any more: its events go nowhere"
            return self._finding.trouble(part, text, who=WHO_DEPLOYS)
        return self._finding.ok(part, "enabled")

    def _source(self, part: str, resource: Resource) -> Any:
        uuid = resource.physical_id
        found = self._deployment.aws.client("lambda").get_event_source_mapping(UUID=uuid)
        state = str(found.get("State", "Enabled"))
        if state.startswith("Disabl"):
            enable = f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
            return self._finding.trouble(part, f"it is {state}: its function hears of nothing any more", enable)
        if lost := self._lost_stream(str(found.get("EventSourceArn", ""))):
            text = f"{lost}: its function hears of nothing any more"
            return self._finding.trouble(part, text, who=WHO_DEPLOYS)
        return self._finding.ok(part, state)

    def _lost_stream(self, source: str) -> str | None:
        """What is wrong with the stream of the inventory that it reads: a table that was made anew has another."""
        name = self._deployment.table
        if f":table/{name}/stream/" not in source:
            return None
        table = self._deployment.aws.client("dynamodb").describe_table(TableName=name)["Table"]
        if table.get("LatestStreamArn") != source:
            return "it reads a stream that the inventory has no more"
        if not table.get("StreamSpecification", {}).get("StreamEnabled"):
            return "the inventory's stream is switched off"
        return None

    def _queue(self, part: str, resource: Resource) -> Any:
        name, url = "ApproximateNumberOfMessages", resource.physical_id
        answer = self._deployment.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        if waiting := int(answer["Attributes"][name]):
            return self._finding.trouble(
                part,
                f"{counted(waiting, 'message waits', 'messages wait')} that nothing could handle",
                f"aws sqs receive-message --queue-url {url} --attribute-names All --message-attribute-names All",
                f"aws sqs purge-queue --queue-url {url}",
            )
        return self._finding.ok(part, "empty")


def _is_not_the_workflows(logical_id: str) -> bool:
    return _WORKFLOW not in logical_id


def _is_of_dead_letters(logical_id: str) -> bool:
    return "DeadLetters" in logical_id


def enabling(schedule: Mapping[str, Any]) -> str:
    """The command that enables a schedule; UpdateSchedule takes it as a whole, so all of it is said again."""
    whole = {name: schedule[name] for name in _KEPT if name in schedule}
    text = json.dumps({**whole, "State": "ENABLED"}, separators=(",", ":"))
    quoted = text.replace("'", "'\\''")
    return f"aws scheduler update-schedule --cli-input-json '{quoted}'"
