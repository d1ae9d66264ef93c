"""Every verb writes what it is asked for: one document, one a line, or a table whose lines end with their last word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pca_automator.cli.deployed.deployment import Aws
from pca_automator.cli.main import app
from pca_automator.cli.output import Output
from pca_automator.cli.waiting import WAITING
from tests.cli.conftest import REGION, Deployed, a_crl, error, host
from tests.documentation.test_verbs import verbs

# Each verb as somebody types it, with what a program would: no question is asked.
TYPED: dict[str, tuple[str, ...]] = {
    "status": (), "doctor": (), "hosts add": (host(9), "--dry-run"), "hosts list": (), "hosts lint": (),
    "hosts remove": ("web-1", "--dry-run"), "hosts remove-copies": (host(1), "--other", host(2), "--dry-run"),
    "hosts show": (host(1),), "hosts set": (host(1), "--clear", "keyMode"),
    "hosts retire": (host(1), "--dry-run"), "hosts restore": (host(3), "--dry-run"), "run": (host(1),),
    "runs list": (), "runs show": ("run-1",), "runs watch": ("run-1",), "explain": (host(2),), "docs": (),
    "revoke": (host(1), "--dry-run"), "plan": ("--hosts", "5"), "report": (), "verify": ("--components-only",),
    "leftovers": (), "layer": ("OUT",), "rehearse": (),
}  # fmt: skip
# It has a display of its own; its report is one document all the same (tests/rehearsal/test_rehearsal.py).
DEPLOYS = {"rehearse"}
# They ask nobody, so that there is nothing to wait for.
AT_ONCE = {"docs", "rehearse"}


@pytest.fixture(autouse=True)
def _clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for every command of a test: making them takes longer than everything else."""
    shared = Aws(REGION)
    monkeypatch.setattr("pca_automator.cli.verbs.verb.Aws", lambda *_: shared)


@pytest.fixture
def fleet(deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """One of each: a healthy host, one that failed, one that is retired, and what is no host."""
    deployed.live(1)
    deployed.live(2, status="FAILED", lastError={"code": "NO_SPACE", "phase": "CertDeploy", "message": "x", "at": "y"})
    deployed.live(3, status="RETIRED")
    deployed.put("web-1")
    a_crl(deployed, 100)
    deployed.answers["ListStacks"] = {"StackSummaries": []}
    deployed.answers["GetObject"] = error("NoSuchKey")
    monkeypatch.setattr("pca_automator.functions.packages.layer.pack", lambda _, __, out: out.write_bytes(b"x") and [])
    monkeypatch.chdir(tmp_path)
    return deployed


def typed(verb: str) -> list[str]:
    return [*verb.split(), *("out.zip" if word == "OUT" else word for word in TYPED[verb])]


def test_each_verb_is_in_the_table() -> None:
    assert set(TYPED) == {name for name, _ in verbs()}


@pytest.mark.parametrize("verb", TYPED)
def test_every_verb_takes_each_form_of_output_and_tells_it_to_who_asks_shortly(verb: str) -> None:
    shown = CliRunner().invoke(app, [*verb.split(), "-h"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    assert re.search(rf"--output .{'[|]'.join(each.value for each in Output)}\b", shown.stdout)


def test_a_program_gets_documents_and_a_pipe_gets_no_padding(fleet: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(WAITING, "begin", lambda: begun.append(""))
    for verb in sorted(set(TYPED) - DEPLOYS):
        begun.clear()
        whole = fleet.invoke(*typed(verb), "--output", "json")
        assert whole.exit_code in (0, 1), (verb, whole.stderr)
        assert bool(begun) is (verb not in AT_ONCE), verb
        document = json.loads(whole.stdout)
        lines = fleet.invoke(*typed(verb), "--output", "jsonl").stdout.splitlines()
        parsed = [json.loads(line) for line in lines]
        assert shape(parsed) == shape(document if isinstance(document, list) else [document]), verb
        table = fleet.invoke(*typed(verb)).stdout.splitlines()
        assert [line for line in table if line != line.rstrip()] == [], verb
        assert table or not document, verb


def shape(answers: list[Any]) -> list[list[str]]:
    """What is said, whatever the time is; runs and hosts may come in any order."""
    return sorted(sorted(answer) for answer in answers)


def test_names_have_no_hash_unless_they_are_asked_for(fleet: Deployed) -> None:
    fleet.answers["ListCommandInvocations"] = {
        "CommandInvocations": [
            {"DocumentName": "fleet-InstallCertificate", "Status": "Success", "CommandId": "c"},
        ]
    }
    assert "Install" in fleet.invoke("hosts", "show", host(1)).stdout
    for verb, short, long in (
        (["hosts", "show", host(1)], "DocumentsInstallCertificate  Success", "fleet-InstallCertificate  Success"),
        (["status"], "Automation (stack PcaAutomator", "fleet (stack PcaAutomator"),
        (["runs", "show", "run-1"], "run-1", "arn:aws:states:"),
        (["run", host(1)], "It takes some minutes", "arn:aws:states:"),
    ):
        plain, whole = fleet.invoke(*verb).output, fleet.invoke(*verb, "--long").output
        assert short in plain
        assert long not in plain
        assert long in whole
    assert not re.search(r"[0-9A-F]{8}-[0-9A-Za-z]{12}", fleet.invoke("doctor").stdout)
