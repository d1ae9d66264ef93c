"""The pages that are made from the code say what the code says."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from pca_automator.cli.runtime import runtime

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGES: dict[str, Callable[[], str]] = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_current(page: str) -> None:
    written = (DOCS / "reference" / page).read_text(encoding="utf-8")
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


def test_the_page_of_the_codes_has_every_code_once() -> None:
    codes = re.findall(r"^### (.*)$", PAGES["troubleshooting.md"](), re.MULTILINE)
    assert sorted(codes) == sorted(runtime("errors.catalogue").CATALOGUE)


def test_every_link_of_a_page_leads_somewhere() -> None:
    """Files of the repository and headings of its pages; what is on the web is not asked."""
    pages = [DOCS.parent / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    pages += sorted(path for path in DOCS.rglob("*.md"))
    dead = []
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            if "://" in target:
                continue
            file = (page.parent / name) if name else page
            known = headings(file) if file.suffix == ".md" and file.is_file() and anchor else {anchor}
            if not file.exists() or anchor not in known:
                dead.append(f"{page.relative_to(DOCS.parent)}: {target}")
    assert dead == []


def headings(page: Path) -> set[str]:
    """As GitHub makes anchors of them."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower().replace("`", "")).strip().replace(" ", "-") for line in lines}
