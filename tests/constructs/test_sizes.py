"""What the templates may take: CloudFormation has 500 resources and 1 MB for a stack, and other things want room in it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from pca_automator import PcaCertificateAutomation
from tests.synthesis import NO_BUNDLING

RESOURCES_MAX = 135
BYTES_MAX = 270_000
STACK_BYTES_MAX = 1_000_000


def written(number: int, out: Path) -> str:
    """The template of a stack with so many automations, in the file that the CDK writes without indentation."""
    context: dict[str, Any] = NO_BUNDLING | {"@aws-cdk/core:suppressTemplateIndentation": True}
    app = App(context=context, outdir=str(out))
    stack = Stack(app, "FleetCertificates")
    for each in range(number):
        PcaCertificateAutomation(stack, f"Automation{each}", notification_emails=["pki-team@example.com"])
    app.synth()
    (template,) = out.glob("*.template.json")
    return template.read_text(encoding="utf-8")


def test_the_minimal_example_leaves_room_in_its_stack(tmp_path: Path) -> None:
    template = json.loads(written(1, tmp_path))
    assert 100 < len(template["Resources"]) <= RESOURCES_MAX
    assert len(json.dumps(template, separators=(",", ":"), ensure_ascii=False).encode()) <= BYTES_MAX


def test_what_another_automation_adds_leaves_room_for_four(tmp_path: Path) -> None:
    one, two = (written(number, tmp_path / str(number)) for number in (1, 2))
    first, second = (len(json.loads(template)["Resources"]) for template in (one, two))
    assert 400 < first + 3 * (second - first) < 500
    assert len(one.encode()) + 3 * (len(two.encode()) - len(one.encode())) < STACK_BYTES_MAX


@pytest.mark.long
def test_four_automations_fit_into_one_stack(tmp_path: Path) -> None:
    template = written(4, tmp_path)
    assert 400 < len(json.loads(template)["Resources"]) < 500
    assert len(template.encode()) < STACK_BYTES_MAX
