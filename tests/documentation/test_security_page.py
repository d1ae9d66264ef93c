"""SECURITY.md says of each actor what he may do and what he gets, and each line names tests that show it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ACTORS = {
    "root on one host", "a user of a host who is not root", "whoever may write to the inventory",
    "whoever else may issue from the CA", "whoever may publish events or call CertDeploy",
    "another account that may put events on the bus", "whoever may write the CRL bucket",
    "whoever may send these SSM documents", "whoever chooses what the operator's command shows",
    "whoever runs the package index, or a mirror of it", "whoever makes the layer that is handed in",
    "whoever has a grant of the construct", "a function's role",
}  # fmt: skip


def lines() -> list[list[str]]:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:2] == "| "]
    header, _, *found = rows
    assert header == ["Actor", "What he may do", "What he gets", "Shown by"]
    return found


@cache
def known() -> frozenset[str]:
    """The name of every function of a test module that pytest would run."""
    return frozenset(
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def test_every_actor_is_there() -> None:
    assert {row[0] for row in lines()} == ACTORS


@pytest.mark.parametrize("row", lines(), ids=lambda row: f"{row[0]}: {row[1]}"[:80])
def test_a_line_says_everything_and_names_tests_that_there_are(row: list[str]) -> None:
    assert len(row) == 4
    assert all(row)
    named = re.findall(r"`(\w+)`", row[3])
    assert named
    assert re.sub(r"`\w+`(?:, )?", "", row[3]) == ""
    assert [name for name in named if name not in known()] == []
