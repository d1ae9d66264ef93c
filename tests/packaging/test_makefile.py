"""The targets work in a checkout whose path has a space."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT


@pytest.mark.parametrize(
    "target", ["test", "test-long", "mutants", "pages", "lint", "synth", "rehearse", "docs", "clean"]
)
def test_no_recipe_takes_a_path_with_a_space_for_two(tmp_path: Path, target: str) -> None:
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    shutil.copy(ROOT / "Makefile", checkout)
    for name in ("setup.py", "constraints.txt", "package.json", "tests/packaging/floors.py", "tests/fetch_tools.sh"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    done = subprocess.run(["make", "--dry-run", target], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outside = re.sub(r'"[^"]*"|\'[^\']*\'', "", done.stdout)
    assert "a checkout" not in outside
