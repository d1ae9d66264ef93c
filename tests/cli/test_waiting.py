"""Who waits is told for what, after a while, and only where somebody looks; and what is typed is completed."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pca_automator.cli.main import app
from pca_automator.cli.waiting import Waiting
from tests.cli.conftest import Deployed, error, host

_PATIENCE = 30.0


class Screen(io.StringIO):
    """A terminal that tells when something is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "waiting for" in self.getvalue():
            self.drawn.set()
        return written


def waiting(after: float) -> tuple[Waiting, Screen]:
    screen = Screen()
    return Waiting(Console(file=screen, force_terminal=True, width=80), after), screen


def test_what_is_waited_for_is_said_and_taken_away() -> None:
    shown, screen = waiting(0)
    shown.about("Scan of DynamoDB")
    shown.begin()
    assert screen.drawn.wait(_PATIENCE)
    shown.end()
    assert "waiting for Scan of DynamoDB" in screen.getvalue()
    before = screen.getvalue()
    shown.about("GetItem of DynamoDB")
    assert screen.getvalue() == before


def test_what_ends_sooner_draws_nothing() -> None:
    shown, screen = waiting(3600)
    shown.begin()
    shown.end()
    shown._draw()  # as a timer that could not be stopped any more
    assert screen.getvalue() == ""


def test_nothing_is_drawn_where_nobody_looks(deployed: Deployed) -> None:
    Waiting(after=0).begin()
    deployed.live(1)
    assert "waiting" not in deployed.invoke("hosts", "list").output


def completed(words: list[str], incomplete: str) -> list[str]:
    """What bash is told to offer."""
    line = ["pca-automator", *words, incomplete]
    asked = {
        "_PCA_AUTOMATOR_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(line),
        "COMP_CWORD": str(len(words) + 1),
    }
    return CliRunner().invoke(app, [], prog_name="pca-automator", env=asked).stdout.split()


@pytest.mark.parametrize(
    "words",
    [["hosts", "show"], ["hosts", "retire", host(1)], ["run"], ["revoke"], ["hosts", "set"], ["hosts", "restore"]],
)
def test_ids_of_the_deployment_are_offered(deployed: Deployed, words: list[str]) -> None:
    for number in (1, 2, 255):
        deployed.live(number)
    deployed.put("web-1")
    assert completed(words, "i-") == [host(1), host(2), host(255)]
    assert completed(words, host(255)[:-1]) == [host(255)]
    deployed.answers["Scan"] = error("AccessDeniedException")
    assert completed(words, "i-") == []


def test_codes_reasons_and_runs_are_offered(deployed: Deployed) -> None:
    deployed.live(1)
    assert completed(["explain"], "HOOK_F") == ["HOOK_FAILED"]
    assert completed(["explain"], "i-") == [host(1)]
    assert completed(["revoke", host(1), "--reason"], "KEY") == ["KEY_COMPROMISE"]
    assert completed(["runs", "show"], "run") == ["run-1"]
    assert completed(["docs"], "operat") == ["operations"]
    for verb in (["hosts", "add", host(1)], ["hosts", "set", host(1)]):
        assert completed([*verb, "--override"], "key") == ["keyAlgorithm=", "keyMode=", "keyPath="]
    assert completed(["hosts", "set", host(1), "--clear"], "key") == ["keyAlgorithm", "keyMode", "keyPath"]
