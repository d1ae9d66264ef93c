"""The workflow that a plan plays: the deployed one, that of a synthesized app, or the one that the library makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pca_automator.planning.errors import Unplayable
from pca_automator.planning.states import Machine

_MACHINE = "AWS::StepFunctions::StateMachine"
_WITHIN = Path(__file__).parent / "workflow.json"


@dataclass(frozen=True)
class Enrolment:
    """How the inventory's stream is gathered.

    Args:
        batch: records of one invocation at most.
        window: seconds that it waits for them at most.
    """

    batch: int = 1_000
    window: float = 10.0


@dataclass(frozen=True)
class Workflow:
    """A definition in the Amazon States Language, and where it is from.

    Args:
        definition: with ``StartAt`` and ``States``.
        origin: in words, for the plan.
        enrolment: how hosts that are put in become runs.
        environment: of the functions, by their names, as far as it is known.
    """

    definition: Mapping[str, Any]
    origin: str
    enrolment: Enrolment = field(default_factory=Enrolment)
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def machine(self) -> Machine:
        """Ready to be played."""
        return Machine(self.definition)

    @property
    def paced(self) -> bool:
        """Whether its hosts wait for reserved starts."""
        waits = (state for each in self.machine.maps for state in each.states.values() if state.kind == "Wait")
        return any("TimestampPath" in state.given for state in waits)


def of_the_library() -> Workflow:
    """What the library makes with its defaults; tests/planning holds the file to the synthesized definition."""
    return Workflow(json.loads(_WITHIN.read_text(encoding="utf-8")), "the library's own, with its defaults")


def of_definition(text: str, origin: str, environment: Mapping[str, Mapping[str, str]] | None = None) -> Workflow:
    """A deployed one, as DescribeStateMachine returns it.

    Args:
        text: the definition.
        origin: where it is from, in words.
        environment: of its functions, by their names, as far as it is known.

    Raises:
        Unplayable: it cannot be read.
    """
    try:
        return Workflow(json.loads(text), origin, environment=environment or {})
    except ValueError as error:
        raise Unplayable(f"the definition of {origin}: {error}") from error


def of_app(folder: Path, automation: str | None = None) -> Workflow:
    """The renewal workflow of an app that was synthesized into a folder, such as ``cdk.out``.

    Args:
        folder: with ``*.template.json``.
        automation: how its logical id starts, if there are several.

    Raises:
        Unplayable: there is none, or more than one.
    """
    found = [
        (logical_id, each, template)
        for template in _templates(folder)
        for logical_id, each in template.get("Resources", {}).items()
        if each["Type"] == _MACHINE and "Workflow" in logical_id and logical_id.startswith(automation or "")
    ]
    if len(found) != 1:
        names = ", ".join(sorted(logical_id for logical_id, _, _ in found)) or "none"
        raise Unplayable(f"{folder} has {len(found)} renewal workflows ({names}); one is needed: see --automation")
    logical_id, machine, template = found[0]
    return Workflow(
        json.loads(_joined(machine["Properties"]["DefinitionString"])),
        f"{logical_id} of {folder}",
        environment=_environments(template),
    )


def _templates(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.rglob("*.template.json"))
    if not files:
        raise Unplayable(f"{folder} has no *.template.json: synthesize first, and give the folder that CDK wrote")
    for file in files:
        yield json.loads(file.read_text(encoding="utf-8"))


def _joined(value: Any) -> str:
    """A definition in a template is a Fn::Join of texts and references; a reference stands as its logical id."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(_joined(part) for part in value["Fn::Join"][1])
    if value.get("Ref") == "AWS::Partition":
        return "aws"
    return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])


def _environments(template: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What functions are told, by the name of the service that they say they are."""
    found = {}
    for each in template["Resources"].values():
        variables = each.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if each["Type"] == "AWS::Lambda::Function" and "POWERTOOLS_SERVICE_NAME" in variables:
            known = {name: value for name, value in variables.items() if isinstance(value, str)}
            found[known["POWERTOOLS_SERVICE_NAME"]] = known
    return found


def plain_definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition without what differs from deployment to deployment: the ends of logical ids are hashes."""
    text = re.sub(r"(?<=[A-Za-z])[0-9A-F]{8}(?=\")", "", json.dumps(definition))
    plain: dict[str, Any] = json.loads(text)
    return plain
