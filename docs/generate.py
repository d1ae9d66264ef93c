"""Writes the pages of docs/reference that are made from the code: ``python docs/generate.py``; a test compares."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS / "reference"
sys.path.insert(0, str(DOCS.parent))

from aws_cdk import CfnResource, Stack, Validations  # noqa: E402

from docs import api_reference  # noqa: E402
from docs.refusals import refusals as refused  # noqa: E402
from docs.troubleshooting import page as codes  # noqa: E402
from pca_automator.pictures.data import schema  # noqa: E402
from pca_automator.planning.workflow import plain_definition  # noqa: E402
from tests.synthesis import sample_stack, sample_template, state_machine_definition  # noqa: E402

NOTE = "<!-- Made by docs/generate.py; do not edit. -->\n"


def api() -> str:
    """Every public name of the library."""
    return f"{NOTE}\n{api_reference.api()}"


def refusals() -> str:
    """What synthesis says to wrong values."""
    return f"{NOTE}\n{refused()}"


def troubleshooting() -> str:
    """Every code of the error catalogue."""
    return f"{NOTE}\n{codes()}"


def compliance() -> str:
    """Every exception from a compliance rule, with its resource and reason."""
    lines = [
        NOTE,
        "# Exceptions from compliance rules",
        "",
        "The sample stack has no finding in cdk-nag's AwsSolutions, Serverless, NIST 800-53 r5, HIPAA and PCI packs.",
        "These are the rules that the library itself acknowledges, each at the smallest construct that it is about.",
        "",
        "| Construct | Rule | Reason |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{path}` | `{rule}` | {reason} |" for path, rule, reason in sorted(set(acknowledgements()))]
    return "\n".join(lines) + "\n"


def acknowledgements() -> Iterator[tuple[str, str, str]]:
    """Construct path, rule and reason of each acknowledgement in the sample stack."""
    stack = sample_stack()
    for construct in stack.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY:
                for rule, reason in entry.data.items():
                    name = rule.split("::", 1)[1] if rule.lower().startswith("annotation::") else rule
                    yield construct.node.path.removeprefix("PcaAutomator/"), _short(name), reason


def _short(rule: str) -> str:
    return rule.replace("|", "\\|")


def workflow() -> str:
    """The two levels of the workflow as Mermaid state diagrams."""
    parent = state_machine_definition(sample_template())
    child = parent["States"]["RenewHosts"]["ItemProcessor"]
    return (
        f"{NOTE}\n# The workflow\n\nDrawn from the synthesized definition. An edge named after an error is a "
        "`Catch`.\n\n"
        f"## A run\n\n{_diagram(parent)}\n## One host: each item of `RenewHosts`\n\n{_diagram(child)}"
    )


def _diagram(definition: dict[str, Any]) -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {definition['StartAt']}"]
    for name, state in definition["States"].items():
        if "Next" in state:
            lines.append(f"    {name} --> {state['Next']}")
        for choice in state.get("Choices", []):
            lines.append(f"    {name} --> {choice['Next']}: {_condition(choice)}")
        if "Default" in state:
            lines.append(f"    {name} --> {state['Default']}: otherwise")
        for catch in state.get("Catch", []):
            lines.append(f"    {name} --> {catch['Next']}: {', '.join(catch['ErrorEquals'])}")
        if state["Type"] in ("Succeed", "Fail"):
            lines.append(f"    {name} --> [*]")
    return "\n".join([*lines, "```", ""])


def _condition(choice: dict[str, Any]) -> str:
    (operator,) = (key for key in choice if key not in ("Variable", "Next"))
    return f"{choice['Variable'].split('.')[-1]} {operator} {choice[operator]}"


def resources() -> str:
    """What each resource of the sample stack is for, by construct."""
    template = sample_template()
    paths = {
        Stack.of(construct).get_logical_id(construct): construct.node.path.removeprefix("PcaAutomator/")
        for construct in sample_stack().node.find_all()
        if isinstance(construct, CfnResource)
    }
    kinds: dict[str, list[str]] = {}
    for logical_id, resource in template["Resources"].items():
        kinds.setdefault(resource["Type"], []).append(paths.get(logical_id, logical_id))
    # Rounded: the exact size changes with every word of an SSM document.
    kilobytes = round(len(json.dumps(template)) / 50_000) * 50
    lines = [
        NOTE,
        "# What the sample stack creates",
        "",
        f"{len(template['Resources'])} resources, about {kilobytes} kB of template.",
        "",
        "| Type | Constructs |",
        "| --- | --- |",
    ]
    for kind in sorted(kinds):
        lines.append(f"| `{kind}` | {', '.join(f'`{path}`' for path in sorted(kinds[kind]))} |")
    return "\n".join(lines) + "\n"


def definition() -> str:
    """The workflow that ``pca-automator plan`` plays where it is given no other."""
    return json.dumps(plain_definition(state_machine_definition(sample_template())), indent=1) + "\n"


def report_schema() -> str:
    """What ``pca-automator report --json`` writes."""
    return json.dumps(schema(), indent=1) + "\n"


PAGES = {
    "../../pca_automator/planning/workflow.json": definition,
    "report.schema.json": report_schema,
    "api.md": api,
    "refusals.md": refusals,
    "troubleshooting.md": troubleshooting,
    "compliance.md": compliance,
    "workflow.md": workflow,
    "resources.md": resources,
}


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
