"""The page's table of limits: each has an answer of the product's, and a test that there is."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "rehearsal.md"


def rows() -> dict[str, str]:
    """By limit: what shows the answer to it."""
    section = PAGE.read_text(encoding="utf-8").partition("\n### Limits\n")[2].partition("\n### ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {limit: shown for limit, _, shown in cells[1:] if not limit.startswith("---")}


def test_every_limit_names_a_test_that_there_is() -> None:
    defined = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    files = {file.name for file in TESTS.rglob("test_*.py")}
    assert len(rows()) == 7
    for limit, shown in rows().items():
        named = re.findall(r"`(test_\w+(?:\.py)?)`", shown)
        assert named, limit
        assert set(named) <= defined | files, limit
