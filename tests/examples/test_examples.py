"""Every example, and the README's ten lines, synthesize in a process of their own and pass the packs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
# Adds the packs to an app as a consumer would; the synthesis fails if one of them finds something.
WITH_PACKS = """
import runpy, sys
import aws_cdk, cdk_nag
PACKS = (
    cdk_nag.AwsSolutionsChecks, cdk_nag.ServerlessChecks, cdk_nag.NIST80053R5Checks, cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
)
make = aws_cdk.App.synth
def synth(app, **options):
    aws_cdk.Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))
    return make(app, **options)
aws_cdk.App.synth = synth
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def synthesize(script: Path, folder: Path) -> dict[str, object]:
    environment = os.environ | {
        "CDK_OUTDIR": str(folder / "out"),
        "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", WITH_PACKS, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (template,) = (folder / "out").glob("*.template.json")
    document: dict[str, object] = json.loads(template.read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_synthesizes_and_has_no_finding(name: str, tmp_path: Path) -> None:
    template = synthesize(ROOT / "examples" / name, tmp_path)
    assert "AWS::StepFunctions::StateMachine" in json.dumps(template)


def test_the_lines_in_the_readme_synthesize_and_have_no_finding(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    script = tmp_path / "readme.py"
    script.write_text(code, encoding="utf-8")
    assert "AWS::StepFunctions::StateMachine" in json.dumps(synthesize(script, tmp_path))


def test_the_examples_are_the_ones_the_readme_lists() -> None:
    listed = re.findall(r"`(\w+\.py)`", (ROOT / "examples" / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == EXAMPLES
    assert len(EXAMPLES) == 4


def test_the_packs_would_stop_a_careless_app(tmp_path: Path) -> None:
    script = tmp_path / "careless.py"
    script.write_text(
        "from aws_cdk import App, Stack, aws_sqs as sqs\n"
        "app = App()\nsqs.Queue(Stack(app, 'Careless'), 'Queue')\napp.synth()\n",
        encoding="utf-8",
    )
    with pytest.raises(AssertionError, match="SQS"):
        synthesize(script, tmp_path)
