"""What a run could not show is said at its end, and there is no other way to leave something out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiers
from tests.ordinary import ROOT

# Every tier by what its absence leaves unseen: whoever adds a tier says so here.
UNSEEN = {
    "dash": "dash is not installed: the documents under dash",
    "bash": "bash is not installed: the documents under bash",
    "busybox": "busybox is not installed: the documents under busybox's shell and with busybox's tools",
    "busybox's programs": (
        "no busybox whose shell starts programs of PATH: that a kill under busybox leaves a matching pair"
    ),
    "strace": (
        "strace is not installed: what the documents ask of the kernel: one rename, the modes of keys, nothing written"
    ),
    "openssl-1.1.1": (
        "openssl-1.1.1 is not installed: the documents with the last OpenSSL 1.1.1 itself; a stand-in shows the rest"
    ),
    "python-newest": "no newer Python is here: that a newer Python makes the same template",
    "chattr": "chattr makes no file immutable: the documents on immutable files",
    "acl-getfacl": "acl-getfacl is not installed: access control lists that are given to the next files",
    "acl-setfacl": "acl-setfacl is not installed: access control lists that are given to the next files",
    "matplotlib": "matplotlib is not installed: the picture of a plan",
    "root": "not run as root: the documents on files and directories of others",
    "mount": "nobody may mount here: the documents on full and read-only file systems",
    "/proc": "there is no /proc: which processes are left",
}
SUITE = """
from tests import tiers
from tests.tiers import PROPERTY, need, needs

def test_one():
    need("busybox")

@needs("strace")
def test_two():
    pass

@needs("strace")
def test_three():
    pass

def test_four(record_property):
    if not tiers.is_here("root"):
        record_property(PROPERTY, tiers.TIERS["root"].reason)
"""


def run(folder: Path, present: bool, *options: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, on a machine that has every tier or none."""
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "conftest.py").write_text(f"from tests import tiers\ntiers.is_here = lambda name: {present}\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), *options, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def section(printed: str) -> list[str]:
    """What stands between the heading and the next."""
    _, found, rest = printed.partition(" not shown here ")
    lines = rest.splitlines()[1:] if found else []
    return [line for line in lines[: next((i for i, line in enumerate(lines) if line.startswith("==")), 0)] if line]


def test_every_tier_has_its_line() -> None:
    assert {name: tier.reason for name, tier in tiers.TIERS.items()} == UNSEEN


def test_a_machine_that_has_everything_has_nothing_to_say(tmp_path: Path) -> None:
    done = run(tmp_path, True, "--everything")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
    assert "not shown" not in done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_machine_that_lacks_everything_says_all_that_it_could_not_show(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, False, "-n", workers)
    assert done.returncode == 0, done.stdout
    assert section(done.stdout) == [
        f"{UNSEEN['busybox']} (1 skipped)",
        f"{UNSEEN['root']} (1 skipped)",
        f"{UNSEEN['strace']} (2 skipped)",
    ]


def test_who_asks_for_everything_is_told_that_it_is_not_everything(tmp_path: Path) -> None:
    assert run(tmp_path, False, "--everything").returncode == pytest.ExitCode.TESTS_FAILED


def test_nothing_is_left_out_but_for_a_tier() -> None:
    """No skip, no condition and no expected failure of a test's own: those would not be on the list."""
    ways = {"skip", "skipif", "importorskip", "xfail", "skipTest", "unittest"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(tiers.__file__)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in ways) or (isinstance(node, ast.Name) and node.id in ways)
    ]
    assert found == []
