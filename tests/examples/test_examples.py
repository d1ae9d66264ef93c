"""The examples are those that the README lists, and a finding of a pack stops an app.

That each example has no finding, and works, is shown by ``test_deployed.py``; of ``minimal.py`` and the README's
lines, by ``tests/packaging/test_consumer.py``.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.account import ROOT, WITH_PACKS

NAG2 = ROOT / "build" / "nag2" / "bin" / "python"
WITH_PACKS_2 = Path(__file__).with_name("with_packs_2.py")
EVERY_GRANT = Path(__file__).with_name("every_grant.py")

CARELESS = """\
from aws_cdk import App, Stack, aws_sqs as sqs
app = App()
sqs.Queue(Stack(app, 'Careless'), 'Queue')
app.synth()
"""
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


def test_the_examples_are_the_ones_the_readme_lists() -> None:
    listed = re.findall(r"`(\w+\.py)`", (ROOT / "examples" / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == EXAMPLES
    assert len(EXAMPLES) == 4


def test_the_minimal_example_is_the_readmes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    _docstring, *example = ast.parse((ROOT / "examples" / "minimal.py").read_text(encoding="utf-8")).body
    assert [ast.dump(each) for each in example] == [ast.dump(each) for each in ast.parse(lines).body]


def test_the_packs_stop_a_careless_app(tmp_path: Path) -> None:
    script = tmp_path / "careless.py"
    script.write_text(CARELESS, encoding="utf-8")
    command = [sys.executable, str(WITH_PACKS), str(script)]
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path / "out")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode != 0
    assert "SQS" in done.stdout + done.stderr


def run_with_packs(interpreter: Path | str, runner: Path, app: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """An app under a runner that adds the packs; no layer is built for it."""
    context = json.dumps({"aws:cdk:bundling-stacks": []})
    environment = os.environ | {
        "CDK_OUTDIR": str(folder / "out"), "CDK_CONTEXT_JSON": context, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [str(interpreter), str(runner), str(app)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)


@pytest.mark.long
@pytest.mark.parametrize("app", [*EXAMPLES, EVERY_GRANT.name])
def test_cdk_nag_2_has_no_finding(tmp_path: Path, app: str) -> None:
    """In an environment of its own, which ``make test-long`` makes; minimal.py is the README's ten lines."""
    script = EVERY_GRANT if app == EVERY_GRANT.name else ROOT / "examples" / app
    done = run_with_packs(NAG2, WITH_PACKS_2, script, tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2000:]


@pytest.mark.long
def test_cdk_nag_2_finds_something_where_there_is_something(tmp_path: Path) -> None:
    script = tmp_path / "careless.py"
    script.write_text(CARELESS, encoding="utf-8")
    done = run_with_packs(NAG2, WITH_PACKS_2, script, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "AwsSolutions-SQS3" in done.stdout


@pytest.mark.long
def test_cdk_nag_3_has_no_finding_where_everything_is_granted(tmp_path: Path) -> None:
    done = run_with_packs(sys.executable, WITH_PACKS, EVERY_GRANT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
