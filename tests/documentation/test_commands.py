"""What the pages tell a person to type is there, and CI types the same."""

from __future__ import annotations

import re
from pathlib import Path

from tests.synthesis import sample_template

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md"))]
PROMISED = {"rehearse", "test", "synth", "deploy", "lint", "bench"}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def targets() -> dict[str, str]:
    """Every target of the Makefile with what it needs first."""
    return dict(re.findall(r"^([a-z-]+): ?(.*?)(?:  ##.*)?$", read("Makefile"), re.MULTILINE))


def test_every_promised_target_sets_up_what_it_needs() -> None:
    for target in PROMISED:
        assert targets()[target] == "setup", target
    assert targets()["setup"] == "$(VENV)/.done node_modules/.done"


def test_every_make_command_that_a_page_names_is_a_target() -> None:
    named = {target for page in PAGES for target in re.findall(r"(?:`|\$ )make ([a-z-]+)", read(page))}
    assert named >= PROMISED - {"synth", "bench"}
    assert sorted(named - set(targets())) == []


def test_ci_runs_exactly_the_readmes_test_command() -> None:
    *_, last = read(".ci/run").strip().splitlines()
    console = re.findall(r"^\$ (.*?)(?: +#.*)?$", read("README.md"), re.MULTILINE)
    assert last == "make test"
    assert console.count(last) == 1


def test_the_readme_tells_how_much_is_created() -> None:
    (said,) = re.findall(r"^About (\d+) resources", read("README.md"), re.MULTILINE)
    assert abs(int(said) - len(sample_template()["Resources"])) <= 10


def test_every_page_that_a_page_links_to_exists() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?://)([^)#]+)", read(page)):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page} links to {link}"
