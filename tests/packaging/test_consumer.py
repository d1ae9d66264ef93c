"""A consumer's app, written from the README alone, in an environment that has only the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.examples.account import account
from tests.packaging.conftest import NO_BUNDLING, ROOT, Consumer, wheel


@pytest.fixture(scope="module")
def consumer(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    folder = tmp_path_factory.mktemp("consumer")
    venv.create(folder, with_pip=True)
    made = Consumer(folder / "bin" / "python")
    install = ["--quiet", "--no-compile", "--disable-pip-version-check", "--constraint", ROOT / "constraints.txt"]
    made.run("-m", "pip", "install", *install, wheel(distributions), "cdk-nag", cwd=folder)
    return made


@pytest.mark.long
def test_the_wheel_is_what_is_imported(consumer: Consumer, tmp_path: Path) -> None:
    printed = consumer.run("-c", "import pca_automator; print(pca_automator.__file__)", cwd=tmp_path)
    assert Path(printed.strip()).is_relative_to(consumer.python.parent.parent)


@pytest.mark.long
def test_the_functions_code_is_that_of_the_checkout(consumer: Consumer, app: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(app, encoding="utf-8")
    of_wheel, of_checkout = tmp_path / "wheel", tmp_path / "checkout"
    consumer.run("app.py", cwd=tmp_path, CDK_OUTDIR=str(of_wheel), **NO_BUNDLING)
    environment = os.environ | NO_BUNDLING | {"CDK_OUTDIR": str(of_checkout), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, tmp_path / "app.py"], env=environment, capture_output=True, check=True)
    assert code_hash(of_wheel) == code_hash(of_checkout)


@pytest.mark.long
@pytest.mark.rehearsal
def test_it_is_deployed_without_a_finding_and_gives_hosts_their_certificates(
    consumer: Consumer, app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cdk-nag's packs are the consumer's own."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with account(tmp_path, tmp_path / "cdk.out") as local:
        local.deploy(app, python=str(consumer.python))
        local.give_hosts_certificates()


def code_hash(out: Path) -> str:
    """The asset hash that most functions have."""
    (template,) = out.glob("*.template.json")
    functions = re.findall(r'"S3Key": "([0-9a-f]{64})\.zip"', template.read_text(encoding="utf-8"))
    assert functions
    return max(set(functions), key=functions.count)


@pytest.mark.long
def test_mypy_strict_finds_full_types(consumer: Consumer, app: str, tmp_path: Path) -> None:
    """``py.typed`` is there and every name of the app is typed; one wrong argument is found.

    What ``make lint`` has found out about the CDK is taken along: mypy compares contents before it believes it.
    """
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", tmp_path / "cache")
    wrong = app.replace("notification_emails=", "expected_hosts='many', notification_emails=")
    assert wrong != app
    assert mypy(consumer, app, tmp_path / "right") == ""
    assert '"expected_hosts"' in mypy(consumer, wrong, tmp_path / "wrong")


def mypy(consumer: Consumer, source: str, folder: Path) -> str:
    """What mypy of this environment says of an app that runs in the consumer's."""
    folder.mkdir()
    (folder / "app.py").write_text(source, encoding="utf-8")
    command = [shutil.which("mypy") or "mypy", "--strict", "--python-executable", str(consumer.python), "app.py"]
    command += ["--no-error-summary", "--cache-dir", str(folder.parent / "cache")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout
