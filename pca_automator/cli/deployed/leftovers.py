"""What stacks that are gone have left behind: CloudFormation remembers for 90 days what it has kept, and why.

A stack whose first deployment failed was rolled back, one that was complete was destroyed; both keep what is retained.
Events and templates of deleted stacks are found by the stack's id.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pca_automator.cli.deployed.deployment import ANCHOR, Aws, automation_of
from pca_automator.cli.deployed.remains import KINDS, Kind

# Its construct id is in every template of the library, and it alone is called so.
_ANCHORED = rf"(\w*){ANCHOR}[0-9A-F]{{8}}"
_ANCHORED_IN_TEXT = re.compile(rf"^[ \t]*[\"']?{_ANCHORED}[\"']?:", re.MULTILINE)
_GONE = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
# What goes with another resource, or is no thing of its own.
_BY_THE_WAY = (
    "AWS::S3::BucketPolicy", "AWS::ACMPCA::CertificateAuthorityActivation", "AWS::ACMPCA::Certificate",
)  # fmt: skip

Origin = Literal["first deployment failed", "stack destroyed"]


@dataclass(frozen=True)
class Leftover:
    """One resource that no stack has any more.

    Args:
        type: as CloudFormation names it.
        part: its logical id, without the hash.
        id: the physical id.
        stack: id of the stack that left it.
        origin: how that came about.
        used_by: the stack that has it, or a function that names it; "": none.
        holds: what is in it, in a few words; "": nothing to speak of.
    """

    type: str
    part: str
    id: str
    stack: str
    origin: Origin
    used_by: str
    holds: str

    @property
    def kind(self) -> Kind | None:
        """How it is looked at and removed; ``None``: not known here."""
        return KINDS.get(self.type)


@dataclass(frozen=True)
class _Kept:
    type: str
    logical_id: str
    physical_id: str


def find(aws: Aws, stack: str, automation: str | None = None) -> list[Leftover]:
    """Everything that stacks of a name have left behind and that still exists, in the order in which it can be removed.

    Args:
        aws: clients.
        stack: the stacks' name; there can have been several, one after the other.
        automation: construct id of one automation. Default: every automation of the stacks.
    """
    users = _users(aws)
    found = []
    for stack_id in _stacks_gone(aws, stack):
        events = list(_events(aws, stack_id))
        origin = _origin(events, stack_id)
        for kept in _kept(aws, stack_id, events, automation):
            kind = KINDS.get(kept.type)
            holds = kind.look(aws, kept.physical_id) if kind else ""
            if holds is None:
                continue
            part = kept.logical_id[:-8]
            used_by = _owner(aws, kept.physical_id) or users.get(kept.physical_id, "")
            found.append(Leftover(kept.type, part, kept.physical_id, stack_id, origin, used_by, holds))
    order = {name: number for number, name in enumerate(KINDS)}
    # Keys come last: what they encrypt could not be looked at any more.
    return sorted(found, key=lambda each: (order.get(each.type, len(order)), each.stack, each.part))


def _stacks_gone(aws: Aws, name: str) -> Iterator[str]:
    pages = aws.client("cloudformation").get_paginator("list_stacks").paginate(StackStatusFilter=list(_GONE))
    for page in pages:
        yield from (str(each["StackId"]) for each in page["StackSummaries"] if each["StackName"] == name)


def _events(aws: Aws, stack_id: str) -> Iterator[dict[str, Any]]:
    """The newest first."""
    for page in aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield from page["StackEvents"]


def _origin(events: list[dict[str, Any]], stack_id: str) -> Origin:
    complete = any(
        each.get("PhysicalResourceId") == stack_id and each["ResourceStatus"] == "CREATE_COMPLETE" for each in events
    )
    return "stack destroyed" if complete else "first deployment failed"


def _kept(aws: Aws, stack_id: str, events: list[dict[str, Any]], automation: str | None) -> Iterator[_Kept]:
    kept = {
        each["LogicalResourceId"]: _Kept(each["ResourceType"], each["LogicalResourceId"], each["PhysicalResourceId"])
        for each in events
        if each["ResourceStatus"] == "DELETE_SKIPPED" and each.get("PhysicalResourceId")
    }
    if not kept:
        return
    automations = _automations(aws, stack_id)
    for name in sorted(kept):
        owner = automation_of(name, automations)
        if owner is not None and automation in (None, owner) and kept[name].type not in _BY_THE_WAY:
            yield kept[name]


def _automations(aws: Aws, stack_id: str) -> list[str]:
    body = aws.client("cloudformation").get_template(StackName=stack_id, TemplateStage="Original")["TemplateBody"]
    # boto3 parses JSON; YAML, in which somebody else wrote a stack of the same name, stays text.
    if isinstance(body, str):
        return _ANCHORED_IN_TEXT.findall(body)
    found = (re.fullmatch(_ANCHORED, name) for name in body["Resources"])
    return [match[1] for match in found if match]


def _owner(aws: Aws, physical_id: str) -> str | None:
    """The stack that has a resource now, as where it was imported; ``None``: none.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
    """
    from botocore.exceptions import ClientError

    try:
        answer = aws.client("cloudformation").describe_stack_resources(PhysicalResourceId=physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return next((f"stack {each['StackName']}" for each in answer["StackResources"]), None)


def _users(aws: Aws) -> dict[str, str]:
    """By each value of an environment, a function that has it: handed on to another stack, a leftover is in use."""
    users: dict[str, str] = {}
    for page in aws.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            for value in function.get("Environment", {}).get("Variables", {}).values():
                users.setdefault(value, f"function {function['FunctionName']}")
    return users
