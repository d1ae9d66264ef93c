"""Every command of ``pca-automator`` that a page, a message or a remedy tells a person to type is one that exists."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from pca_automator.cli.main import app
from pca_automator.cli.runtime import runtime

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md"))]
NAME = "pca-automator"
HOST = "i-0123456789abcdef0"
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
    catalogue = runtime("errors.catalogue").CATALOGUE.values()
    hints = [hint for hints in runtime("errors.service_codes").HINTS.values() for hint in hints]
    for text in [*(entry.remedy for entry in catalogue), *(hint.remedy for hint in hints)]:
        yield from (f"{NAME} {arguments}" for arguments in IN_TEXT.findall(text))


def typed_in_messages() -> Iterator[str]:
    """What the command and the functions say; a value that is put in is taken for a host id."""
    for path in sorted([*ROOT.glob("pca_automator/cli/**/*.py"), *ROOT.glob("lambda_src/**/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if has_docstring(node)}
        for text in texts(tree):
            # Systems Manager's comment begins with the name, too, and goes on with what the command is for.
            if text not in documentation and not text.startswith(f"{NAME} {HOST}"):
                yield from (f"{NAME} {arguments}" for arguments in IN_TEXT.findall(text))


def has_docstring(node: ast.AST) -> bool:
    return isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module; the parts of an f-string as one."""
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in joined for part in node.values}
    for node in joined:
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOST for part in node.values)
    for constant in ast.walk(tree):
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and id(constant) not in parts:
            yield constant.value


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


@pytest.mark.parametrize("line", ["pca-automator hosts lst", "pca-automator run --fast", "pca-automator explain"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"No such|Missing"):
        parse(line)
