"""Synthesize once, look many times: a synthesis costs seconds of a Node.js process."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Template
from constructs import Construct

from app import SampleStack
from pca_automator import PcaCertificateAutomation, ReplacementRevocation

ROOT = Path(__file__).resolve().parent.parent
# Tests look at templates, not at assets: an empty list keeps pip from filling the Lambda layer at every synthesis.
NO_BUNDLING: dict[str, Any] = {"aws:cdk:bundling-stacks": []}


def new_app(**context: Any) -> App:
    """An app that bundles no assets and has no context but what is given."""
    return App(context=NO_BUNDLING | context)


def automation(app: App | None = None, **props: Any) -> PcaCertificateAutomation:
    """A stack with nothing but the construct."""
    return PcaCertificateAutomation(Stack(app or new_app(), "Consumer"), "Automation", **props)


def template_of(construct: Construct) -> dict[str, Any]:
    """The synthesized template of the construct's stack."""
    document: dict[str, Any] = Template.from_stack(Stack.of(construct)).to_json()
    return document


@cache
def sample_stack() -> SampleStack:
    """The sample app's stack with the context of ``cdk.json``."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return SampleStack(new_app(**context), "PcaAutomator")


@cache
def sample_template() -> dict[str, Any]:
    """The sample stack's template."""
    document: dict[str, Any] = Template.from_stack(sample_stack()).to_json()
    return document


def everything(app: App | None = None, **props: Any) -> PcaCertificateAutomation:
    """An automation with every part that there is."""
    return automation(
        app,
        digest_schedule=scheduler.ScheduleExpression.expression("cron(0 7 * * ? *)"),
        enrol_by_tag={"certificates": "managed"},
        instance_tags={"certificates": "managed"},
        notification_emails=["pki@example.org"],
        revoke_replaced=ReplacementRevocation.ON_KEY_COMPROMISE,
        **props,
    )


@cache
def plain() -> PcaCertificateAutomation:
    """An automation that is given nothing; only to be looked at."""
    return automation()


@cache
def plain_template() -> dict[str, Any]:
    """The template of an automation that is given nothing."""
    return template_of(plain())


@cache
def full_template() -> dict[str, Any]:
    """The template with every part that there is."""
    return template_of(everything())


def resources(template: dict[str, Any], resource_type: str) -> dict[str, dict[str, Any]]:
    """Logical id to resource, for one type; there must be at least one.

    A loop over nothing asserts nothing.
    """
    found = {name: each for name, each in template["Resources"].items() if each["Type"] == resource_type}
    assert found, f"the template has no {resource_type}"
    return found


def statements(template: dict[str, Any], role_part: str = "") -> list[dict[str, Any]]:
    """Every statement of the IAM policies whose logical id contains ``role_part``."""
    found = [
        statement
        for name, policy in resources(template, "AWS::IAM::Policy").items()
        if role_part in name
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    assert found, f"no policy's logical id contains {role_part!r}"
    return found


def actions(statement: dict[str, Any]) -> list[str]:
    """The actions of a statement, as a list."""
    value = statement["Action"]
    return [value] if isinstance(value, str) else value


def as_list(value: Any) -> list[Any]:
    """CloudFormation writes one or many."""
    return value if isinstance(value, list) else [value]


def state_machine_definition(template: dict[str, Any]) -> dict[str, Any]:
    """The workflow in the Amazon States Language; each reference stands as the logical id it points at."""
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else _reference(part) for part in parts)
    definition: dict[str, Any] = json.loads(text)
    return definition


def _reference(part: dict[str, Any]) -> str:
    if "Ref" in part:
        return "aws" if part["Ref"] == "AWS::Partition" else part["Ref"]
    return str(part["Fn::GetAtt"][0])
