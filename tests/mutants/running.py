"""Running tests against a mutant: in a copy of the repository, in a child of a process that has imported libraries."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.mutants.mutant import Mutant
from tests.ordinary import ROOT

Outcome = Literal["killed", "survived", "timed out"]
# Importing these takes longer than most mutants live.
# But for plugins of pytest, such as hypothesis, which it wants to import itself.
LIBRARIES = ("boto3", "cryptography.x509", "moto", "pydantic", "pytest")
OURS = ("app", "handlers", "pca_automator", "pca_runtime", "tests")
# An endless loop is noticed, too; nothing that ends by itself takes so long.
SECONDS = 1800.0
_PASSED, _USAGE, _NO_TESTS, _NOT_STARTED = 0, 4, 5, 99
_LOG = ".mutant.log"


class BrokenTestsError(Exception):
    """The tests do not pass without a mutant, or did not run with one: nothing is shown."""


@contextmanager
def sandbox() -> Iterator[Path]:
    """A copy of what is under version control, as it is now; each mutant is written into it and taken out again."""
    with tempfile.TemporaryDirectory(prefix="pca-automator-mutants-") as folder:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target)
        yield Path(folder)


def load_libraries() -> None:
    """Once, before the first child."""
    for name in LIBRARIES:
        importlib.import_module(name)


def judge(place: Path, mutant: Mutant, tests: Sequence[str], seconds: float = SECONDS) -> Outcome:
    """Whether some test fails with this mutant.

    Raises:
        BrokenTestsError: the tests could not be run.
    """
    target = place / mutant.file
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.applied_to(original), encoding="utf-8")
    try:
        return _outcome(place, tests, seconds)
    finally:
        target.write_text(original, encoding="utf-8")


def pass_without(place: Path, tests: Sequence[str], seconds: float = SECONDS) -> None:
    """A test that fails anyway would kill every mutant.

    Raises:
        BrokenTestsError: some test fails without any mutant.
    """
    if _outcome(place, tests, seconds) != "survived":
        raise BrokenTestsError(f"{' '.join(tests)} fail without a mutant:\n{_printed(place)}")


def _outcome(place: Path, tests: Sequence[str], seconds: float) -> Outcome:
    child = os.fork()
    if child == 0:
        _run(place, tests)  # never returns
    deadline = time.monotonic() + seconds
    status = None
    try:
        while status is None:
            pid, ended = os.waitpid(child, os.WNOHANG)
            if pid:
                status = ended
            elif time.monotonic() > deadline:
                return "timed out"
            else:
                time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):  # what a mutant has started may outlive its test, and this run
            os.killpg(child, signal.SIGKILL)
        if status is None:
            os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == _PASSED:
        return "survived"
    # A module that cannot even be imported is noticed; tests that were not found are no test, and neither is a child
    # that did not get as far as the tests.
    missing = code == _USAGE and "file or directory not found" in _printed(place)
    if missing or code in (_NO_TESTS, _NOT_STARTED):
        raise BrokenTestsError(f"pytest ended with {code}:\n{_printed(place)}")
    return "killed"


def _printed(place: Path) -> str:
    """The end of what the tests of the last mutant printed."""
    return (place / _LOG).read_text(encoding="utf-8", errors="replace")[-3000:]


def _run(place: Path, tests: Sequence[str]) -> None:
    """In the child: the tests of the copy, and nothing of the repository itself."""
    code = _NOT_STARTED
    try:
        os.setsid()
        with (place / _LOG).open("wb") as log:
            for descriptor in (1, 2):
                os.dup2(log.fileno(), descriptor)
        os.chdir(place)
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        sys.path[:] = [str(place), *(path for path in sys.path if path and Path(path).resolve() != ROOT)]
        # Two mutants of one second may have the same size: what was compiled of one would be taken for the other.
        sys.dont_write_bytecode = True
        os.environ.update(PYTHONPATH=str(place), PYTHONDONTWRITEBYTECODE="1")
        import pytest

        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line", *tests]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
