"""The pages that are made from the code say what the code says."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGES: dict[str, Callable[[], str]] = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_current(page: str) -> None:
    written = (DOCS / page).read_text(encoding="utf-8")
    assert written == PAGES[page](), "run: python docs/generate.py"


def test_every_exception_has_a_reason_of_a_sentence() -> None:
    rows = [line for line in PAGES["compliance.md"]().splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    for row in rows:
        reason = row.rsplit("|", 2)[1].strip()
        assert reason.endswith("."), row
        assert len(reason) > 20, row


def test_every_test_that_the_defects_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "known-defects.md").read_text(encoding="utf-8")))
    sources = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "tests").rglob("test_*.py"))
    assert len(named) > 50
    assert sorted(name for name in named if f"def {name}(" not in sources) == []
