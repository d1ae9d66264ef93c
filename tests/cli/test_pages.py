"""The pages of the documentation are where the command is, and every message that names one names one that is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pca_automator.cli.main import app
from pca_automator.cli.pages import pages
from tests.documentation import said


def test_every_page_is_listed_with_its_title_and_shown_as_it_is() -> None:
    listed = CliRunner().invoke(app, ["docs"]).stdout.splitlines()
    assert [line.split()[0] for line in listed[2:]] == list(pages())
    assert {"operations", "troubleshooting", "hosts", "authority", "rehearsal"} <= set(pages())
    for name in ("operations", "reference/troubleshooting.md"):
        shown = CliRunner().invoke(app, ["docs", name])
        assert shown.exit_code == 0
        assert shown.stdout == pages()[name.rpartition("/")[2].removesuffix(".md")].read_text(encoding="utf-8")


def test_a_page_that_there_is_none_of_is_one_line() -> None:
    done = CliRunner().invoke(app, ["docs", "operation"])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: there is no page 'operation': one of ")


def test_no_page_has_the_name_of_another() -> None:
    files = [*(said.ROOT / "docs").glob("*.md"), *(said.ROOT / "docs" / "reference").glob("*.md")]
    assert len(pages()) == len(files)


def test_a_message_names_no_file_that_whoever_installed_the_wheel_lacks() -> None:
    texts = [*said.remedies(), *said.messages(), *(alarm["AlarmDescription"] for alarm in said.alarms().values())]
    named = [name for text in texts for name in re.findall(r"pca-automator docs ([a-z-]+)", text)]
    assert len(named) >= 5
    assert set(named) <= set(pages())
    for text in texts:
        assert not re.search(r"\bdocs/\w|github\.com/pca-automator", text), text


def said_by(file: Path) -> Iterator[str]:
    """What a module may say: its texts but for docstrings."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str) and not isinstance(node, ast.Expr):
                yield child.value


def test_no_text_of_the_product_sends_anybody_to_a_file_of_the_repository() -> None:
    """Refusals of synthesis, and what the documents say on the host, are read by who has only the wheel."""
    product, runtime = said.ROOT / "pca_automator", said.ROOT / "lambda_src"
    texts = {(file, text) for file in [*product.rglob("*.py"), *runtime.rglob("*.py")] for text in said_by(file)}
    for script in (product / "ssm_documents").rglob("*.sh"):
        lines = script.read_text(encoding="utf-8").splitlines()
        texts |= {(script, line) for line in lines if not line.lstrip().startswith("#")}
    assert len(texts) > 5_000
    assert {text for _, text in texts if re.search(r"\bdocs/\w", text)} == set()
    named = {name for _, text in texts for name in re.findall(r"pca-automator docs ([a-z-]+)", text)}
    assert named <= set(pages())


@pytest.mark.parametrize("text", ["see docs/hosts.md", "https://github.com/pca-automator/pca-automator"])
def test_one_that_does_is_found(text: str) -> None:
    assert re.search(r"\bdocs/\w|github\.com/pca-automator", text)
