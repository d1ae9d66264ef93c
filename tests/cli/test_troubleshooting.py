"""docs/troubleshooting.md is the error catalogue."""

from __future__ import annotations

from pca_automator._internal.assets import lambda_source
from pca_automator.cli.runtime import runtime
from pca_automator.cli.troubleshooting import page

REMAKE = "run: python -m pca_automator.cli.troubleshooting > docs/troubleshooting.md"
PAGE = lambda_source().parent / "docs" / "troubleshooting.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "python -m pca_automator.cli.troubleshooting > docs/troubleshooting.md"
    )


def test_the_page_has_every_code_once() -> None:
    codes = [line.removeprefix("### ") for line in page().splitlines() if line.startswith("### ")]
    assert sorted(codes) == sorted(runtime("errors.catalogue").CATALOGUE)
