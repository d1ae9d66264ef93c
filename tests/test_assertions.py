"""Every test can fail for what it promises: it asserts, expects an error, or hands that to a function that does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.ordinary import ROOT

# What fails by itself when something is wrong: pytest's own, a process that must succeed, the CDK's assertions.
FAILING = {"raises", "warns", "fail", "check_call", "check_output", "has_warning", "has_no_warning", "has_no_error"}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of the tests, with the place where it stands."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def asserts(function: ast.FunctionDef) -> bool:
    """Whether a function itself can fail, other than by accident."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not (isinstance(node.test, ast.Constant) and node.test.value):
            return True
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call):
            name = called(node)
            if name in FAILING or any(word.arg == "check" and is_true(word.value) for word in node.keywords):
                return True
    return False


def is_true(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def used(function: ast.FunctionDef) -> set[str]:
    """The functions that a function calls, and the fixtures that it takes and calls."""
    return {called(node) for node in ast.walk(function) if isinstance(node, ast.Call)}


def test_every_test_can_fail_for_what_it_promises() -> None:
    every = list(functions())
    able = {function.name for _, function in every if asserts(function)}
    while True:
        more = {function.name for _, function in every if used(function) & able} - able
        if not more:
            break
        able |= more
    tests = [(place, function) for place, function in every if function.name.startswith("test_")]
    assert len(tests) > 1_000
    fixtures = {name for name in able if not name.startswith("test_")}
    unable = [
        f"{place} {function.name}"
        for place, function in tests
        if function.name not in able and not {argument.arg for argument in function.args.args} & fixtures
    ]
    assert unable == []


def test_a_test_that_asserts_nothing_is_found() -> None:
    (function,) = ast.parse("def test_it_synthesizes():\n    automation()\n    assert True\n").body
    assert isinstance(function, ast.FunctionDef)
    assert not asserts(function)
