"""Every command of ``pca-automator`` that a page, a message or a remedy tells a person to type is one that exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
import typer.main

from pca_automator.cli.main import app
from pca_automator.cli.runtime import runtime
from tests.documentation import said
from tests.documentation.said import HOST, PAGES, ROOT

__all__ = ["HOST", "IN_TEXT", "NAME", "PAGES", "ROOT", "parse", "typed_on"]

NAME = "pca-automator"
# What stands for something of the reader's own.
STANDS_FOR = {"ID": HOST, "<id>": HOST, "CODE": "HOOK_FAILED", "path/to/your/app": "."}
ENTRY = re.compile(r"entry-[0-9a-f]{12}")
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# In running text a command ends where a sentence or a part of it does.
IN_TEXT = re.compile(rf"{NAME} ((?:[^\s.,;:?)`'\"]|\.(?=[\w/]))+(?: (?:[^\s.,;:?)`'\"]|\.(?=[\w/]))+)*)")


def typed_on(page: str) -> Iterator[str]:
    """The lines of a page's code blocks, and its code spans, that call the command."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if line.removeprefix("$ ").startswith(f"{NAME} "):
                yield line.removeprefix("$ ").partition(" | ")[0]
    for span in re.findall(r"`([^`]+)`", BLOCK.sub("", text)):
        if span.startswith(f"{NAME} "):
            yield " ".join(span.split())


def typed_in_remedies() -> Iterator[str]:
    for text in said.remedies():
        yield from (f"{NAME} {arguments}" for arguments in IN_TEXT.findall(text))


def typed_in_messages() -> Iterator[str]:
    for text in said.messages():
        # Systems Manager's comment begins with the name, too, and goes on with what the command is for.
        if not text.startswith(f"{NAME} {HOST}"):
            yield from (f"{NAME} {arguments}" for arguments in IN_TEXT.findall(text))


def parse(line: str) -> None:
    """Read a command line as the command does, without running it."""
    words = [STANDS_FOR.get(word, word) for word in shlex.split(line, comments=True)[1:]]
    command = typer.main.get_command(app)
    context = command.make_context(NAME, list(words))
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        name, command, arguments = command.resolve_command(context, rest)
        context = command.make_context(name, arguments, parent=context)
    # Prose behind a command would be taken for ids, or for the names of entries that are no hosts.
    ids = [*(context.params.get("ids") or []), context.params.get("host_id")]
    is_host_id = runtime("shared.identifiers").is_host_id
    assert all(each is None or is_host_id(each) or ENTRY.fullmatch(each) for each in ids), line


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_a_page_can_be_typed(page: str) -> None:
    for line in typed_on(page):
        parse(line)


def test_every_command_in_a_remedy_can_be_typed() -> None:
    lines = list(typed_in_remedies())
    assert len(lines) > 3
    for line in lines:
        parse(line)


def test_every_command_in_a_message_can_be_typed() -> None:
    lines = set(typed_in_messages())
    assert len(lines) > 8
    for line in lines:
        parse(line)


def test_every_alarm_says_a_command_that_reaches_its_deployment_from_anywhere() -> None:
    for name, alarm in said.alarms().items():
        words, colon, line = alarm["AlarmDescription"].partition(f": {NAME} ")
        assert words, name
        assert colon, name
        assert line.endswith(" --stack Consumer --region us-east-1"), name
        parse(f"{NAME} {line}")


def test_every_alarm_says_when_it_is_over() -> None:
    assert len(said.alarms()) >= 10
    for name, alarm in said.alarms().items():
        assert alarm["OKActions"] == alarm["AlarmActions"] != [], name
        assert alarm.get("ActionsEnabled", True), name


@pytest.mark.parametrize("line", ["pca-automator hosts lst", "pca-automator run --fast", "pca-automator explain"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"No such|Missing"):
        parse(line)
