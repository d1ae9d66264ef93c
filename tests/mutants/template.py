"""Mutants of the synthesized template: what an edit of a construct could lose without an error.

A condition dropped, a resource or a principal widened, a Retry or Catch gone, a threshold, a pattern or a time changed,
a dead-letter queue left out. All of them are tried, in memory: the promises of ``tests/constructs/promises`` are what
should notice.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.constructs.promises import broken
from tests.constructs.promises.view import name_of

LEAST = 0.90
# By type, below which properties; () is all of them.
MUTATED: dict[str, tuple[str, ...]] = {
    "AWS::CloudWatch::Alarm": (),
    "AWS::Events::Rule": (),
    "AWS::IAM::Policy": ("PolicyDocument",),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument",),
    "AWS::KMS::Key": ("KeyPolicy",),
    "AWS::Lambda::EventInvokeConfig": (),
    "AWS::Lambda::EventSourceMapping": (),
    "AWS::Lambda::Permission": (),
    "AWS::S3::BucketPolicy": ("PolicyDocument",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
    "AWS::SQS::Queue": (),
    "AWS::SQS::QueuePolicy": ("PolicyDocument",),
    "AWS::Scheduler::Schedule": (),
    "AWS::StepFunctions::StateMachine": ("DefinitionString", "LoggingConfiguration", "TracingConfiguration"),
}
# Said to people, or said by the CDK for itself: nothing depends on it. And what a role of ours may no longer do is not
# lost in silence: the call fails at its first use, and the rehearsal, in which IAM is enforced, makes each call.
WORDS = {
    "AlarmDescription", "Cause", "Comment", "Description", "Id", "Label", "Qualifier", "Sid", "Tags", "Version",
    "Action", "ResultSelector", "Payload.$", "Payload", "ItemSelector", "OutputPath", "Resource.$",
}  # fmt: skip
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
OPEN = {"Resource": "*", "Principal": {"AWS": "*"}}

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class TemplateMutant:
    """A change at a place of the template."""

    resource: str
    path: Path
    kind: str
    change: Callable[[Any], Any]

    @property
    def name(self) -> str:
        """The same whatever the hash of the logical id."""
        return f"template {name_of(self.resource)} {'.'.join(map(str, self.path))}: {self.kind}"


def mutants_of(template: dict[str, Any]) -> list[TemplateMutant]:
    """Every mutant of a template."""
    found = []
    for logical, resource in template["Resources"].items():
        if resource["Type"] in MUTATED:
            properties = _readable(resource["Properties"])
            if resource["Type"] == "AWS::IAM::Role":
                found.append(
                    TemplateMutant(logical, ("ManagedPolicyArns",), "an administrator", lambda _: [_ADMINISTRATOR])
                )
            for top in MUTATED[resource["Type"]] or properties:
                if top in properties and top not in WORDS:
                    place = ("Permissions" if resource["Type"] == "AWS::IAM::Policy" else top,)
                    for path, kind, change in _below(place, properties[top]):
                        found.append(TemplateMutant(logical, (top, *path[1:]), kind, change))
    return found


def applied(template: dict[str, Any], mutant: TemplateMutant) -> dict[str, Any]:
    """A template with the change in it; the rest is shared with the original."""
    resource = copy.deepcopy(template["Resources"][mutant.resource])
    properties = resource["Properties"] = _readable(resource["Properties"])
    *above, last = mutant.path
    place: Any = properties
    for step in above:
        place = place[step]
    changed = mutant.change(place.get(last) if isinstance(place, dict) else place[last])
    if changed is _GONE:
        del place[last]
    else:
        place[last] = changed
    if "DefinitionString" in properties:
        properties["DefinitionString"] = json.dumps(properties["DefinitionString"])
    return {**template, "Resources": {**template["Resources"], mutant.resource: resource}}


def survivors(template: dict[str, Any], holds: Callable[[dict[str, Any]], list[str]] = broken) -> list[TemplateMutant]:
    """The mutants that no promise notices."""
    return [mutant for mutant in mutants_of(template) if not _noticed(applied(template, mutant), holds)]


def _noticed(template: dict[str, Any], holds: Callable[[dict[str, Any]], list[str]]) -> bool:
    try:
        return bool(holds(template))
    except (KeyError, AttributeError, TypeError, ValueError, IndexError):
        return True  # a promise that finds nothing where something must be


def try_all(reasons: dict[str, str]) -> bool:
    """For ``make mutants``: whether enough are noticed; prints each that is not."""
    from tests.synthesis import full_template

    template = full_template()
    left = [mutant for mutant in survivors(template) if mutant.name not in reasons]
    count = len(mutants_of(template))
    for mutant in left:
        print(f"survived: {mutant.name}")
    share = 1 - len(left) / count
    print(f"template: {count - len(left)} of {count} noticed or judged, {share:.1%}, at least {LEAST:.0%} is asked for")
    return share >= LEAST


class _Gone:
    """What a left-out value is changed to."""


_GONE = _Gone()


def _readable(properties: dict[str, Any]) -> dict[str, Any]:
    """With the workflow's definition as the document that it is."""
    if "DefinitionString" not in properties or isinstance(properties["DefinitionString"], str):
        return properties
    from tests.constructs.promises.view import shown

    return {**properties, "DefinitionString": json.loads(shown(properties["DefinitionString"]))}


def _below(path: Path, value: Any) -> Iterator[tuple[Path, str, Callable[[Any], Any]]]:
    if path[-1] in WORDS:
        return
    if not _is_permission(path):
        yield path, "left out", lambda _: _GONE
    if path[-1] in OPEN and value not in ("*", OPEN[str(path[-1])]):
        yield path, "open to all", lambda _: OPEN[str(path[-1])]
    if isinstance(value, bool):
        yield path, "the other", lambda old: not old
    elif isinstance(value, (int, float)):
        yield path, "more", lambda old: old * 10 + 1
        yield path, "less", lambda old: old / 10 - 1
    elif isinstance(value, str) and path[-1] not in ("Key.$", "Key"):
        yield path, "another", lambda old: f"{old}X"
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _below((*path, number), each)
    elif isinstance(value, dict) and not _is_intrinsic(value):
        for key, each in value.items():
            yield from _below((*path, key), each)
    elif isinstance(value, dict):
        yield path, "any", lambda _: "*"


def _is_permission(path: Path) -> bool:
    """A statement of a role's policy, or one of the things that it reaches."""
    return path[0] == "Permissions" and (path[-2:-1] == ("Statement",) or path[-2:-1] == ("Resource",))


def _is_intrinsic(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in (
        "Ref",
        "Fn::GetAtt",
        "Fn::Join",
        "Fn::Select",
        "Fn::Split",
        "Fn::Sub",
    )
