"""The page's table of limits: each has an answer of the product's, and a test that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "rehearsal.md"


def rows() -> dict[str, tuple[str, str]]:
    """By limit: what happens without the product's answer to it, and what shows it."""
    section = PAGE.read_text(encoding="utf-8").partition("\n### Limits\n")[2].partition("\n### ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    assert cells[0] == ["limit", "the product's answer", "without it", "shown by"]
    return {limit: (without, shown) for limit, _, without, shown in cells[2:]}


def defined() -> dict[str, str]:
    """Every test, and the text of its file."""
    found: dict[str, str] = {}
    for file in TESTS.rglob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        found |= dict.fromkeys([file.name, *re.findall(r"^def (test_\w+)", text, re.MULTILINE)], text)
    return found


def test_every_limit_names_tests_that_there_are() -> None:
    there = defined()
    assert len(rows()) == 7
    for limit, (without, shown) in rows().items():
        named = re.findall(r"`(test_\w+(?:\.py)?)`", shown)
        assert named, limit
        assert set(named) <= there.keys(), limit
        assert len(without.split()) > 4, limit


@pytest.mark.parametrize("limit", rows())
def test_every_limit_is_played_without_the_products_answer_by_a_test_of_make_test(
    limit: str,
) -> None:
    """Such a test says so in its name: it holds only because of the answer, or plays what happens without it."""
    named = re.findall(r"`(test_\w+)`", rows()[limit][1])
    controls = [name for name in named if re.search(r"only_because|because_the_product|_without_", name)]
    assert controls, limit
    there = defined()
    usual = [name for name in controls if not re.search(r"^pytestmark.*\blong\b", there[name], re.MULTILINE)]
    assert usual, f"{limit}: make test does not play it"
