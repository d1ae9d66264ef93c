"""The distributions, built once for each test process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("pca_automator", "lambda_src", "docs", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
# The same moment in every archive: without it each build differs. https://reproducible-builds.org/specs/source-date-epoch/
SOURCE_DATE_EPOCH = "1767225600"
NO_BUNDLING = {"CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []})}


@dataclass(frozen=True)
class Consumer:
    """A virtual environment in which the library is installed, and nothing of the checkout."""

    python: Path

    def run(self, *arguments: str | Path, cwd: Path, **environment: str) -> str:
        """What its Python prints."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [str(self.python), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="session")
def app() -> str:
    """The README's lines."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist."""
    folder = tmp_path_factory.mktemp("build")
    build(folder)
    return folder


def build(folder: Path) -> None:
    """Build wheel and sdist into a folder, from a copy: a build leaves folders beside the sources."""
    copy_sources(folder / "source")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(folder / "source")]
    environment = os.environ | {"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def copy_sources(folder: Path) -> None:
    """What a fresh clone has of what the distributions are made from."""
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found
