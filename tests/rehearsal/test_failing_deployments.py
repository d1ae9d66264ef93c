"""A first deployment that fails, one that does not, the end, and one more: what is left each time, and that it goes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage.cdk import Cdk, CdkError
from pca_automator.rehearsal.stage.process import LocalAws

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"
STACK = "Trial"
APP = """
from aws_cdk import App, Stack
from pca_automator import PcaCertificateAutomation
app = App()
PcaCertificateAutomation(Stack(app, "Trial"), "Fleet")
app.synth()
"""
# Step Functions finds no room for one more resource policy: late, when nearly everything else is made.
NO_ROOM = {"log_policies": 10}
pytestmark = [pytest.mark.long, pytest.mark.rehearsal]


@dataclass(frozen=True)
class Account:
    """A local AWS and the app."""

    aws: LocalAws
    cdk: Cdk

    def status(self) -> str:
        stacks = self.aws.client("cloudformation").list_stacks()["StackSummaries"]
        return next((str(each["StackStatus"]) for each in stacks if each["StackName"] == STACK), "")

    def command(self, *arguments: str) -> list[dict[str, Any]]:
        """The rows of ``pca-automator leftovers``, which ends with status 0."""
        command = [sys.executable, "-m", "pca_automator.cli.main", "leftovers", "--stack", STACK, "--output", "json"]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **self.aws.client_environment()}
        done = subprocess.run(
            [*command, *arguments], cwd=self.aws.directory, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        rows: list[dict[str, Any]] = json.loads(done.stdout or "[]")
        return rows

    def left(self, origin: str) -> list[str]:
        """Kind and part of what is left from stacks that ended like this."""
        return sorted(
            f"{row['kind']} {row['part'].removeprefix('Fleet')}" for row in self.command() if row["origin"] == origin
        )


def documented(column: str) -> list[str]:
    """What the page says is left; the log groups of functions stand in one line."""
    rows = re.findall(r"^\| (\w[\w ]*) \| `([^|]+)` \| (yes|no) \| (yes|no) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) >= 9
    index = {"first deployment failed": 2, "stack destroyed": 3}[column]
    return sorted(f"{row[0]} {part}" for row in rows if row[index] == "yes" for part in re.split(r"`, `", row[1]))


@contextmanager
def account_with(tmp_path: Path, source: str) -> Iterator[Account]:
    """A local AWS that is bootstrapped, and an app to deploy there."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text(source, encoding="utf-8")
    (app / "cdk.json").write_text(json.dumps({"app": shlex.join([sys.executable, "app.py"])}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with LocalAws(tmp_path, Settings(fleet=tmp_path / "fleet", crl_seconds=0.5), wait_scale=0.05) as aws:
            cdk = Cdk(app, aws, tmp_path / "assembly")
            cdk.bootstrap()
            yield Account(aws, cdk)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with account_with(tmp_path, APP) as made:
        yield made


def test_what_is_left_is_what_the_page_says_and_never_in_the_way(account: Account) -> None:
    account.aws.control("settings", NO_ROOM)
    with pytest.raises(CdkError):
        account.cdk.deploy()
    assert account.status() == "ROLLBACK_COMPLETE"
    assert account.left("first deployment failed") == documented("first deployment failed")
    assert account.left("stack destroyed") == []

    account.aws.control("settings", {"log_policies": 0})
    account.cdk.deploy()
    assert account.status() == "CREATE_COMPLETE"
    removed = account.command("--remove", "--yes")
    assert len(removed) == len(documented("first deployment failed"))
    assert account.command() == []

    account.cdk.destroy()
    assert account.left("stack destroyed") == documented("stack destroyed")
    # What a complete stack has left is not removed by the way.
    assert account.command("--remove", "--yes") == []

    account.cdk.deploy()
    assert account.status() == "CREATE_COMPLETE"
    assert account.left("stack destroyed") == documented("stack destroyed")
    account.command("--remove", "--destroyed", "--yes")
    assert account.command() == []
    # The one that stands has lost nothing.
    tables = account.aws.client("dynamodb").list_tables()["TableNames"]
    assert len([each for each in tables if each.startswith(STACK)]) == 3
