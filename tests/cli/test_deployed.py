"""Every verb against the sample app, deployed into the local AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from pca_automator.cli.main import app
from tests.cli.local_fleet import ROOT, LocalFleet, day, local_fleet

pytestmark = pytest.mark.rehearsal

COMMANDS = ROOT / "docs" / "commands.md"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    """A deployed sample app."""
    directory: Path = tmp_path_factory.mktemp("operator")
    directory.chmod(0o755)  # pytest's 0700 is fine for the documents; this is what a host's root has
    with local_fleet(directory) as running:
        yield running


def test_an_operators_day(fleet: LocalFleet) -> None:
    for step in day(fleet):
        step.before()
        done = fleet.command(step.arguments, **step.environment)
        assert done.returncode == step.status, (step.arguments, done.stdout)
        assert "Traceback" not in done.stdout


def test_the_final_counts_of_a_watched_run_are_the_tables(fleet: LocalFleet) -> None:
    done = fleet.command(["run", "--force", "--yes", "--watch", "--output", "json"])
    answer = json.loads(done.stdout[done.stdout.index("{\n") :].partition("\nerror: ")[0])
    rows = [row for row in fleet.rows() if row.get("lastRunId") == answer["runId"]]
    by_status = {status: sum(row["status"] == status for row in rows) for status in ("DEPLOYED", "FAILED")}
    assert answer["hosts"] == len(fleet.rows())
    assert (answer["done"], answer["failed"]) == (by_status["DEPLOYED"], by_status["FAILED"])


def verbs() -> set[str]:
    found: set[str] = set()
    for name, command in typer.main.get_group(app).commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        found |= {f"{name} {each}" for each in below} if below else {name}
    return found


def test_the_documentation_shows_every_verb() -> None:
    shown = re.findall(r"^\$ pca-automator (.+)$", COMMANDS.read_text(encoding="utf-8"), re.MULTILINE)
    missing = {verb for verb in verbs() if not any(line == verb or line.startswith(f"{verb} ") for line in shown)}
    assert missing <= {"rehearse"}  # it has a page of its own
