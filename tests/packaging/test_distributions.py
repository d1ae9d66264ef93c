"""What pip installs is whole: the wheel alone, outside the checkout, synthesizes the README's ten lines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("pca_automator", "lambda_src", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist, built from a copy: a build leaves folders beside the sources."""
    folder = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy(source, folder / "source" / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(folder / "source")]
    # The same moment in every archive: without it each build differs. https://reproducible-builds.org/specs/source-date-epoch/
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1767225600"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_has_lambda_code_documents_and_type_marker(distributions: Path) -> None:
    with zipfile.ZipFile(wheel(distributions)) as archive:
        names = set(archive.namelist())
    for folder, prefix in (("pca_automator", "pca_automator/"), ("lambda_src", "pca_automator/lambda_src/")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in (".py", ".yaml", ".sh", ".txt", ".typed"):
                assert prefix + str(path.relative_to(ROOT / folder)) in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_sdist_builds_the_same_wheel(distributions: Path, tmp_path: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), str(unpacked)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run(command, capture_output=True, check=True, timeout=300, env=environment)
    assert contents(wheel(tmp_path)) == contents(wheel(distributions))


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_installed_wheel_synthesizes_outside_the_checkout(distributions: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel(distributions)) as archive:
        archive.extractall(installed)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    script = tmp_path / "consumer.py"
    script.write_text(f"{code}\nimport pca_automator\nprint(pca_automator.__file__)\n", encoding="utf-8")
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "PYTHONPATH": str(installed),
    }
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert str(installed) in done.stdout, "the checkout was imported instead of the wheel"
    assert function_code_hash(tmp_path / "out") == function_code_hash_of_checkout(tmp_path)


def function_code_hash(out: Path) -> str:
    (template,) = out.glob("*.template.json")
    functions = re.findall(r'"S3Key": "([0-9a-f]{64})\.zip"', template.read_text(encoding="utf-8"))
    assert functions
    return max(set(functions), key=functions.count)


def function_code_hash_of_checkout(folder: Path) -> str:
    script = folder / "checkout.py"
    script.write_text((ROOT / "examples" / "minimal.py").read_text(encoding="utf-8"), encoding="utf-8")
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
        "CDK_OUTDIR": str(folder / "checkout-out"),
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([sys.executable, str(script)], cwd=folder, env=environment, capture_output=True, check=True)
    return function_code_hash(folder / "checkout-out")
