"""The distributions, built once for each test process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("pca_automator", "lambda_src", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
# The same moment in every archive: without it each build differs. https://reproducible-builds.org/specs/source-date-epoch/
SOURCE_DATE_EPOCH = "1767225600"


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist."""
    folder = tmp_path_factory.mktemp("build")
    build(folder)
    return folder


def build(folder: Path) -> None:
    """Build wheel and sdist into a folder, from a copy: a build leaves folders beside the sources."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy(source, folder / "source" / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(folder / "source")]
    environment = os.environ | {"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found
