"""The examples are those that the README lists, and a finding of a pack stops an app.

That each example has no finding, and works, is shown by ``test_deployed.py``; of ``minimal.py`` and the README's
lines, by ``tests/packaging/test_consumer.py``.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.examples.account import ROOT, WITH_PACKS

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
    script.write_text(
        "from aws_cdk import App, Stack, aws_sqs as sqs\n"
        "app = App()\nsqs.Queue(Stack(app, 'Careless'), 'Queue')\napp.synth()\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(WITH_PACKS), str(script)]
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path / "out")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode != 0
    assert "SQS" in done.stdout + done.stderr
