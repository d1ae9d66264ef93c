"""Compliance packs and cfn-lint on the sample stack."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import cdk_nag
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from tests.synthesis import ROOT, new_app, sample_stack, sample_template

CHECKOV = ROOT / "build" / "checkov" / "bin" / "checkov"

PACKS = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "Serverless": cdk_nag.ServerlessChecks,
    "NIST 800-53 r5": cdk_nag.NIST80053R5Checks,
    "HIPAA": cdk_nag.HIPAASecurityChecks,
    "PCI DSS": cdk_nag.PCIDSS321Checks,
}


def findings(pack: str, stack: Stack) -> list[str]:
    app = App.of(stack)
    return sorted(
        f"{violation.rule_name}: {resource.construct_path}"
        for violation in PACKS[pack](app).validate_scope(stack).violations
        for resource in violation.violating_resources
    )


@pytest.mark.parametrize("pack", PACKS)
def test_the_sample_stack_has_no_finding(pack: str) -> None:
    assert findings(pack, sample_stack()) == []


def test_the_packs_find_something_where_there_is_something() -> None:
    stack = Stack(new_app(), "Careless")
    sqs.Queue(stack, "Queue")
    assert any("SQS" in finding for finding in findings("AwsSolutions", stack))


@pytest.mark.long
def test_checkov_has_no_finding(tmp_path: Path) -> None:
    assert checkov(sample_template(), tmp_path) == []


@pytest.mark.long
def test_checkov_finds_something_where_there_is_something(tmp_path: Path) -> None:
    stack = Stack(new_app(), "Careless")
    sqs.Queue(stack, "Queue")
    assert checkov(Template.from_stack(stack).to_json(), tmp_path) == ["CKV_AWS_27"]


def checkov(template: dict[str, Any], folder: Path) -> list[str]:
    """The checks that fail; checkov has an environment of its own, which ``make test-long`` makes."""
    file = folder / "template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    command = [CHECKOV, "--framework", "cloudformation", "--skip-download", "--output", "json", "--file", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] + report["summary"]["failed"] > 0
    return sorted({finding["check_id"] for finding in report["results"]["failed_checks"]})


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps(sample_template()), encoding="utf-8")
    done = subprocess.run(
        # W3005: DependsOn that a reference implies already; the CDK writes both.
        ["cfn-lint", "--ignore-checks", "W3005", "--", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, "")
