"""Pages show every verb with every option: as recorded, in the runbooks; rehearsal, plan and report have their own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from pca_automator.cli.main import app
from tests.documentation.test_commands import ROOT, typed_on

# Found by everybody who asks for help.
_HELP = {"--help"}
# The same for every verb that looks at a deployment, so that each is shown once.
_COMMON = {"--stack", "--automation", "--region", "--profile", "--output", "--long"}
_ELSEWHERE = {"rehearse": "rehearsal.md", "plan": "performance.md", "report": "pictures.md"}


def verbs(command: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb by its words."""
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for each, child in below.items():
        yield from verbs(child, f"{name} {each}".strip())


def options(command: Any) -> list[set[str]]:
    """The names of each option."""
    found = [{*param.opts, *param.secondary_opts} for param in command.params if param.param_type_name == "option"]
    return [names for names in found if not names & _HELP]


def shown() -> dict[str, set[str]]:
    """The verbs on the page, each with all options that are given to it."""
    found: dict[str, set[str]] = {name: set() for name, _ in verbs()}
    for line in [*typed_on("docs/reference/commands.md"), *typed_on("docs/operations.md")]:
        words = shlex.split(line, comments=True)[1:]
        name = " ".join(words[:2]) if words[0] in ("hosts", "runs") else words[0]
        found[name] |= {"", *(word for word in words if word.startswith("-"))}
    return found


@pytest.mark.parametrize("name", [name for name, _ in verbs() if name not in _ELSEWHERE])
def test_the_page_shows_the_verb_with_each_of_its_options(name: str) -> None:
    given = shown()
    assert given[name], "the verb is not shown"
    everywhere = {option for each in given.values() for option in each} & _COMMON
    missing = [names for names in options(dict(verbs())[name]) if not names & (given[name] | everywhere)]
    assert missing == []


def test_the_page_shows_each_form_of_output() -> None:
    forms = {words for line in typed_on("docs/reference/commands.md") for words in re.findall(r"--output (\w+)", line)}
    assert forms == {"json", "jsonl"}  # and tables, everywhere else


@pytest.mark.parametrize("name", _ELSEWHERE)
def test_a_page_of_its_own_tells_the_options_of_a_verb(name: str) -> None:
    page = (ROOT / "docs" / _ELSEWHERE[name]).read_text(encoding="utf-8")
    given = options(dict(verbs())[name])
    missing = [names for names in given if not names & _COMMON and not any(each in page for each in names)]
    assert len(given) > 1
    assert missing == []
