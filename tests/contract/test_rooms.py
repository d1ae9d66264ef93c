"""The rooms of the house (CONTRIBUTING.md): one word for a thing in every world, imports downwards, files of a size."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY, RUNTIME = ROOT / "pca_automator", ROOT / "lambda_src" / "pca_runtime"

CAPABILITIES = (
    "authority", "inventory", "hosts", "reporting", "revocation", "renewal", "membership", "monitoring", "planning",
    "pictures",
)  # fmt: skip
"""The words. A folder bears one of them, or is no capability and stands in one of the lists below."""
# A folder imports from itself and from what stands before it. What a deployment looks like is not what it does at
# run time, so that the two orders differ: constructs send documents to an inventory that they are given.
CONSTRUCTS = (
    "ssm_documents", "_internal", "authority", "inventory", "hosts", "functions", "reporting", "revocation", "renewal",
    "membership", "monitoring",
)  # fmt: skip
FUNCTIONS = (
    "errors", "shared", "observability", "authority", "hosts", "inventory", "reporting", "revocation", "renewal",
    "membership", "monitoring",
)  # fmt: skip
COMMAND = ("runtime", "waiting", "spool", "output", "errors", "pages", "deployed", "proof", "verbs", "main")
"""Modules and folders of the operator's command, in the same sense."""
# Worlds of their own, which tests/contract/test_contract.py keeps apart.
WORLDS = {"cli", "rehearsal"}
ENTRANCES = {"__init__.py", "automation_base.py", "certificate_automation.py", "py.typed"}
"""What stands directly in the library: the L3, its base, and what makes it a package."""

# With the reason why splitting would make them harder to read.
LONG_FILES = {
    "pca_automator/certificate_automation.py": "the L3: the arguments and their documentation are two thirds of it",
    "pca_automator/renewal/workflow.py": "the definition in its order: state after state",
}
LONG_FUNCTIONS = {
    "pca_automator/certificate_automation.py: __init__": "a table of contents: each part with what it is handed",
    "pca_automator/renewal/host_functions.py: __init__": "one function after the other, each with its environment",
}
LINES, FUNCTION_LINES, TEST_LINES = 350, 60, 500


def folders(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir() and any(path.rglob("*.py"))}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upwards(root: Path, package: str, order: tuple[str, ...]) -> list[str]:
    """What is imported from a room that stands later in the order, or in none."""
    found = []
    for place, room in enumerate(order):
        files = sorted((root / room).rglob("*.py")) or [root / f"{room}.py"]
        for file in (file for file in files if file.exists()):
            for name in imported(file):
                if not name.startswith(f"{package}."):
                    continue
                other = name.removeprefix(f"{package}.").split(".")[0]
                if other not in order[: place + 1]:
                    found.append(f"{file.relative_to(ROOT)} imports {name}")
    return found


@pytest.mark.parametrize(
    ("root", "package", "order"),
    [
        (LIBRARY, "pca_automator", CONSTRUCTS),
        (RUNTIME, "pca_runtime", FUNCTIONS),
        (LIBRARY / "cli", "pca_automator.cli", COMMAND),
    ],
    ids=["constructs", "functions", "command"],
)
def test_imports_go_downwards_only(root: Path, package: str, order: tuple[str, ...]) -> None:
    assert upwards(root, package, order) == []


def test_a_thing_has_one_word_in_every_world() -> None:
    constructs, functions = folders(LIBRARY) - WORLDS, folders(RUNTIME)
    assert constructs - {"_internal", "functions", "ssm_documents"} <= set(CAPABILITIES)
    assert functions - {"errors", "shared", "observability"} <= set(CAPABILITIES)
    assert constructs - {"planning", "pictures"} <= set(CONSTRUCTS), "a new folder has its place in the order"
    assert functions <= set(FUNCTIONS), "a new folder has its place in the order"
    # "promises" is about the template of all parts together.
    assert folders(ROOT / "tests" / "constructs") <= constructs | {"promises"}
    assert folders(ROOT / "tests" / "runtime") <= functions
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages <= {*CAPABILITIES, "events", "handed-in", "known-defects", "operations", "performance", "rehearsal"}


def test_nothing_stands_in_the_corridor() -> None:
    assert {path.name for path in LIBRARY.iterdir() if path.is_file()} == ENTRANCES
    assert {path.name for path in RUNTIME.iterdir() if path.is_file()} == {"__init__.py"}


def test_no_file_repeats_its_folders_name() -> None:
    for root, order in ((LIBRARY, CONSTRUCTS), (RUNTIME, FUNCTIONS)):
        for room in order:
            for file in (root / room).rglob("*.py"):
                words = {room, room.rstrip("s")}
                assert file.stem not in words, f"{file.relative_to(ROOT)} is no noun inside {room}"


def sources() -> list[Path]:
    return sorted([ROOT / "app.py", *LIBRARY.rglob("*.py"), *(ROOT / "lambda_src").rglob("*.py")])


def test_files_and_functions_can_be_read_at_once() -> None:
    for file in sources():
        text = file.read_text(encoding="utf-8")
        name = str(file.relative_to(ROOT))
        assert len(text.splitlines()) <= LINES or name in LONG_FILES, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # Signature and docstring of a construct are its documentation; what is read at once is the body.
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                function = f"{name}: {node.name}"
                assert lines <= FUNCTION_LINES or function in LONG_FUNCTIONS, f"{function} has {lines} lines"


def test_no_test_file_is_longer_than_a_reader_bears() -> None:
    for file in sorted((ROOT / "tests").rglob("*.py")):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= TEST_LINES, file.relative_to(ROOT)


def test_what_the_command_loads_of_the_functions_needs_neither_powertools_nor_the_cdk() -> None:
    """In a process of its own, where neither can be imported: everything that the command may ask for."""
    asked = {
        name
        for file in (LIBRARY / "cli").rglob("*.py")
        for name in re.findall(r"""\bruntime\(["']([a-z_.]+)["']\)""", file.read_text(encoding="utf-8"))
    }
    assert {"hosts.commands", "revocation.revoker", "errors.catalogue"} <= asked
    assert not {name for name in asked if name.startswith("observability")}
    every = {
        ".".join(path.relative_to(RUNTIME).with_suffix("").parts)
        for path in RUNTIME.rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "observability"
    }
    assert asked <= every
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (LIBRARY / "cli").rglob("*.py")
        if path.name != "__init__.py"
    )
    script = f"""
import importlib, sys
for name in ("aws_cdk", "aws_lambda_powertools", "handlers"):
    sys.modules[name] = None
from pca_automator.cli.runtime import runtime
for name in {sorted(every)!r}:
    runtime(name)
for name in {modules!r}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
