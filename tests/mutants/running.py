"""Running tests against a mutant: in a copy of the repository, in a child of a process that has imported libraries."""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
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
from typing import Any, Literal

import pytest

from tests.mutants.mutant import Mutant
from tests.ordinary import ROOT

Outcome = Literal["killed", "survived", "timed out"]
# Importing these takes longer than most mutants live.
# But for plugins of pytest, such as hypothesis, which it wants to import itself.
LIBRARIES = ("boto3", "cryptography.x509", "moto", "pydantic", "pytest")
OURS = ("app", "handlers", "pca_automator", "pca_runtime", "tests")
# An endless wait is noticed, too; nothing that ends by itself takes so long.
SECONDS = 1800.0
# Of one test, and of the processor's time: an endless loop is noticed at once, however busy the machine is.
LOOPING = 120.0
MEMORY = 8 << 30
# No test has a limit below it: one that failed sooner, and has passed before, has not failed because of a busy machine.
PATIENCE = 2.0
# A failure that comes without the mutant as well says nothing of it; so often the mutant is asked again.
TRIES = 3
_PASSED, _USAGE, _NO_TESTS, _NOT_STARTED = 0, 4, 5, 99
_LOG, _FAILED = ".mutant.log", ".mutant.failed"


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


class Judge:
    """Says of mutants whether some test fails with them that does not fail without.

    Args:
        place: a copy of the repository.
        seconds: how long one stage of tests may take.
    """

    def __init__(self, place: Path, seconds: float = SECONDS) -> None:
        self._place = place
        self._seconds = seconds
        self._sound: set[str] = set()

    def outcome(self, mutant: Mutant, stages: Sequence[Sequence[str]]) -> Outcome:
        """What became of a mutant.

        Args:
            mutant: what is changed in the copy.
            stages: tests, the nearest first; each stage is only run when those before have noticed nothing.

        Raises:
            BrokenTestsError: the tests could not be run, or fail without the mutant as well.
        """
        for _ in range(TRIES):
            outcome, tests = self._noticed(mutant, stages)
            if outcome != "killed" or self._passes_without(tests):
                return outcome
        raise BrokenTestsError(f"{' '.join(tests)} fails without a mutant as well:\n{_printed(self._place)}")

    def _noticed(self, mutant: Mutant, stages: Sequence[Sequence[str]]) -> tuple[Outcome, Sequence[str]]:
        target = self._place / mutant.file
        original = target.read_text(encoding="utf-8")
        target.write_text(mutant.applied_to(original), encoding="utf-8")
        try:
            for tests in stages:
                outcome = _outcome(self._place, tests, self._seconds)
                if outcome != "survived":
                    return outcome, tests
            return "survived", []
        finally:
            target.write_text(original, encoding="utf-8")

    def _passes_without(self, tests: Sequence[str]) -> bool:
        """Of the test that failed, or where none was begun, whether they can all be collected."""
        seconds, _, name = (self._place / _FAILED).read_text(encoding="utf-8").partition(" ")
        again = [name] if name else ["--collect-only", *tests]
        known = " ".join(again) in self._sound
        if known and (not name or float(seconds) <= PATIENCE):
            return True
        passes = _outcome(self._place, again, self._seconds) == "survived"
        if passes:
            self._sound.add(" ".join(again))
        return passes


def exit_code(child: int, seconds: float) -> int | None:
    """How a child ended that leads a group of its own; ``None`` if it had to be ended. Nothing of its group is left."""
    deadline = time.monotonic() + seconds
    status = None
    try:
        while status is None and time.monotonic() < deadline:
            pid, ended = os.waitpid(child, os.WNOHANG)
            status = ended if pid else None
            time.sleep(0 if pid else 0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):  # what a mutant has started may outlive its test, and this run
            os.killpg(child, signal.SIGKILL)
        if status is None:
            os.waitpid(child, 0)
    return None if status is None else os.waitstatus_to_exitcode(status)


def move_into(place: Path) -> None:
    """From now on this process imports what is the copy's, and nothing of the repository itself."""
    os.chdir(place)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    ours = (ROOT, ROOT / "lambda_src")
    sys.path[:] = [str(place), *(path for path in sys.path if path and Path(path).resolve() not in ours)]
    # Two mutants of one second may have the same size: what was compiled of one would be taken for the other.
    sys.dont_write_bytecode = True
    os.environ.update(PYTHONPATH=str(place), PYTHONDONTWRITEBYTECODE="1")


def _outcome(place: Path, tests: Sequence[str], seconds: float) -> Outcome:
    (place / _FAILED).write_text("", encoding="utf-8")
    child = os.fork()
    if child == 0:
        _run(place, tests)  # never returns
    code = exit_code(child, seconds)
    if code is None:
        return "timed out"
    if code == _PASSED:
        return "survived"
    if code == -signal.SIGPROF:
        return "timed out"
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
        move_into(place)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line"]
        code = int(pytest.main([*options, *tests], plugins=[_Watch(place / _FAILED)]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class _Watch:
    """Ends a test that does not end, and writes down which one has failed after how many seconds."""

    def __init__(self, failed: Path) -> None:
        self._failed = failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, LOOPING)  # its signal ends the process

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._failed.write_text(f"{report.duration} {report.nodeid}", encoding="utf-8")
