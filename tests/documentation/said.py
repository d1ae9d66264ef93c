"""Every command that this project tells somebody to type: pages, remedies, messages, alarms, and the health list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pca_automator.cli.runtime import runtime
from tests.synthesis import full_template, resources

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md"))]
# What a value is taken for that a message puts in.
HOST = "i-0123456789abcdef0"


def remedies() -> Iterator[str]:
    """What the error catalogue advises."""
    catalogue = runtime("errors.catalogue").CATALOGUE.values()
    hints = [hint for hints in runtime("errors.service_codes").HINTS.values() for hint in hints]
    yield from (entry.remedy for entry in [*catalogue, *hints])


def messages() -> Iterator[str]:
    """What the command and the functions say; a value that is put in is taken for a host id."""
    for path in sorted([*ROOT.glob("pca_automator/cli/**/*.py"), *ROOT.glob("lambda_src/**/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if _has_docstring(node)}
        yield from (text for text in texts(tree) if text not in documentation)


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module; the parts of an f-string as one."""
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in joined for part in node.values}
    for node in joined:
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOST for part in node.values)
    for constant in ast.walk(tree):
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and id(constant) not in parts:
            yield constant.value


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))


@cache
def alarms() -> dict[str, dict[str, Any]]:
    """Every alarm of an automation that has all its parts: construct id and properties, its text put together."""
    found = resources(full_template(), "AWS::CloudWatch::Alarm")
    return {
        logical_id[:-8]: {**each["Properties"], "AlarmDescription": _joined(each["Properties"]["AlarmDescription"])}
        for logical_id, each in found.items()
    }


def _joined(text: Any) -> str:
    """A text with references in it, as it is in us-east-1."""
    if isinstance(text, str):
        return text
    return "".join(part if isinstance(part, str) else "us-east-1" for part in text["Fn::Join"][1])


def page(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")
