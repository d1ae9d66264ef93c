"""A template as one reads it: resources by type and name, references as the names of what they lead to."""

from __future__ import annotations

import json
import re
from typing import Any

_HASH = re.compile(r"[0-9A-F]{8}$")
_PSEUDO = {
    "AWS::AccountId": "ACCOUNT",
    "AWS::Partition": "aws",
    "AWS::Region": "REGION",
    "AWS::URLSuffix": "amazonaws.com",
}


def name_of(logical_id: str) -> str:
    """``AutomationDeadLetters3DB059C4`` is ``DeadLetters``."""
    return _HASH.sub("", logical_id).removeprefix("Automation")


def shown(value: Any) -> Any:
    """A value with every intrinsic function as text."""
    if isinstance(value, dict) and len(value) == 1:
        ((key, given),) = value.items()
        if key == "Ref":
            return _PSEUDO.get(given) or name_of(given)
        if key == "Fn::GetAtt":
            return name_of(given[0]) + ("" if given[1] in ("Arn", "TrustAnchorArn") else f".{given[1]}")
        if key == "Fn::Join":
            return given[0].join(str(shown(part)) for part in given[1])
        if key == "Fn::Select":
            return f"[{given[0]} of {shown(given[1])}]"
        if key == "Fn::Split":
            return shown(given[1])
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shown(each) for each in value]
    return value


def as_list(value: Any) -> list[Any]:
    """CloudFormation writes one or many."""
    return value if isinstance(value, list) else [] if value is None else [value]


class View:
    """A template.

    Args:
        template: as it was synthesized.
        account: of its stack, if the stack has one.
        region: the same.
    """

    def __init__(self, template: dict[str, Any], account: str = "ACCOUNT", region: str = "REGION") -> None:
        self._environment = {account: "ACCOUNT", region: "REGION"}
        self.resources: dict[str, dict[str, Any]] = template["Resources"]

    def _shown(self, value: Any) -> Any:
        found = shown(value)
        if self._environment.keys() == {"ACCOUNT", "REGION"}:
            return found
        text = json.dumps(found)
        for given, name in self._environment.items():
            text = text.replace(given, name)
        return json.loads(text)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Name to properties, references shown; ``kind`` such as ``IAM::Role``."""
        return {
            name_of(logical): self._shown(each.get("Properties", {}))
            for logical, each in self.resources.items()
            if each["Type"] == f"AWS::{kind}"
        }

    def names(self, kind: str) -> set[str]:
        """Names of the resources of a type."""
        return {name_of(logical) for logical, each in self.resources.items() if each["Type"] == f"AWS::{kind}"}

    def statements(self) -> list[tuple[str, dict[str, Any]]]:
        """Role and statement of every policy of a role; a policy of no role is nobody's."""
        return [
            (role, statement)
            for policy in self.of_type("IAM::Policy").values()
            for role in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def definitions(self) -> dict[str, dict[str, Any]]:
        """The workflow, and the one for each host that its map starts, by name."""
        found = {}
        for name, machine in self.of_type("StepFunctions::StateMachine").items():
            parent = json.loads(machine["DefinitionString"])
            found[name] = parent
            for state, each in parent["States"].items():
                if each["Type"] == "Map":
                    found[state] = each["ItemProcessor"]
        return found
