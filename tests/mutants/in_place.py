"""Mutants of functions, many a minute: the tests are collected once, and each mutant is put into a child's memory.

Most of the time that a mutant takes otherwise is spent on importing what it is tested with. Here a process imports
everything, collects all tests, and forks: the child gives the function another code object, so that everybody who has
imported it calls the mutant, and runs the tests that run its lines, the nearest first, until one fails.

Some mutants cannot be tried so: those of constants, classes and defaults, which were used when the module was imported,
and those of functions that were called while tests were collected. They are left to :mod:`tests.mutants.running`.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutants.covering import Cover, Executed
from tests.mutants.mutant import Mutant
from tests.mutants.running import LOOPING, MEMORY, PATIENCE, TRIES, BrokenTestsError, Outcome

TESTS = ("tests/runtime", "tests/contract", "tests/cli")
OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=sys", "-m", "not long and not rehearsal"]
# A test that takes this many times as long as without the mutant, and some seconds, does not end.
SLOWER, MORE = 10, 20.0
_PASSED, _FAILED, _BROKEN = 0, 1, 2


def function_of(source: str, mutant: Mutant) -> str | None:
    """The outermost function that a mutant lies in the body of, such as ``Revoker.revoke``; none outside of all."""
    position = len(source[: mutant.start].encode())
    ends = [0]
    for line in source.encode().splitlines(keepends=True):
        ends.append(ends[-1] + len(line))

    def below(node: ast.AST, names: list[str]) -> str | None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                first, last = child.body[0], child.body[-1]
                begin = ends[first.lineno - 1] + first.col_offset
                end = ends[(last.end_lineno or 0) - 1] + (last.end_col_offset or 0)
                if begin <= position < end:
                    inner = [*names, child.name]
                    return ".".join(inner) if isinstance(child, ast.FunctionDef) else below(child, inner)
        return None

    return below(ast.parse(source), [])


Functions = Mapping[tuple[str, str], Sequence[FunctionType]]


def functions_in_memory() -> Functions:
    """By file and qualified name; whoever has imported one has the same object."""
    found: dict[tuple[str, str], list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            found.setdefault((each.__code__.co_filename, each.__code__.co_qualname), []).append(each)
    return found


def change(functions: Functions, path: Path, source: str, function: str) -> bool:
    """Give a function of an imported module the code that it has in another source; whether that was possible.

    Args:
        functions: those in memory.
        path: the module's file.
        source: the whole of it, with the mutant.
        function: its qualified name; everything that stands in it is changed with it.
    """
    codes = [code for code in _codes(compile(source, str(path), "exec")) if code.co_qualname == function]
    owners = functions.get((str(path), function), ())
    if len(codes) != 1 or not owners:
        return False
    if any(len(each.__code__.co_freevars) != len(codes[0].co_freevars) for each in owners):
        return False
    for each in owners:
        each.__code__ = codes[0]
    return True


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


@dataclass
class _Child:
    """A mutant that is being tried; ``number`` is its place in the work."""

    number: int
    folder: Path
    tries: int = 1


class Loop:
    """In place of pytest's loop over the tests: over mutants.

    Args:
        place: the copy of the repository that pytest runs in.
        work: the mutants.
        told: hears of each mutant's place in the work what became of it, or which files of tests it has to meet
            elsewhere.
        covers: where is kept which tests run which lines.
        jobs: children at once.
    """

    def __init__(
        self,
        place: Path,
        work: Sequence[Mutant],
        told: Callable[[int, Outcome | Sequence[str]], None],
        covers: Path,
        jobs: int,
    ) -> None:
        self._place, self._work, self._told, self._jobs = place, work, told, jobs
        self._cover = Cover(place, covers)
        self._sources = {each.file: (place / each.file).read_text(encoding="utf-8") for each in work}
        self._imported = Executed(place)
        self._sound: dict[str, bool] = {}
        self._running: dict[int, _Child] = {}
        self._items: dict[str, pytest.Item] = {}
        self._lines: dict[str, set[int]] = {}
        self._functions: Functions = {}

    def begin(self) -> None:
        """Before anything is imported."""
        self._imported.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Of pytest: all mutants."""
        self._lines = self._imported.stop()
        self._items = {item.nodeid: item for item in session.items}
        self._cover.learn(session.items, self._jobs)
        gc.collect()
        self._functions = functions_in_memory()
        gc.freeze()  # what is never looked at again is not copied for each child
        try:
            for number in range(len(self._work)):
                while len(self._running) >= self._jobs:
                    self._wait()
                self._start(number)
            while self._running:
                self._wait()
        finally:
            for pid in list(self._running):
                self._end(pid)
        return True

    def _start(self, number: int, tries: int = 1) -> None:
        mutant = self._work[number]
        function = function_of(self._sources[mutant.file], mutant)
        if function is None or self._is_called_early(mutant, function):
            self._leave(number)
            return
        tests = self._cover.tests_of(mutant, self._sources[mutant.file], function)
        if not tests:
            self._told(number, "survived")
            return
        folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=self._place))
        pid = os.fork()
        if pid == 0:
            self._in_child(folder, tests, lambda: self._change(mutant, function))
        self._running[pid] = _Child(number, folder, tries)

    def _leave(self, number: int) -> None:
        """To an interpreter of its own, which imports the mutant."""
        mutant = self._work[number]
        self._told(number, _files(self._cover.tests_of(mutant, self._sources[mutant.file], None)))

    def _is_called_early(self, mutant: Mutant, function: str) -> bool:
        """Whether what it said while tests were collected would be held against what it says as a mutant."""
        return bool(self._lines.get(mutant.file, set()) & self._cover.lines_of(self._sources[mutant.file], function))

    def _change(self, mutant: Mutant, function: str) -> bool:
        return change(
            self._functions, self._place / mutant.file, mutant.applied_to(self._sources[mutant.file]), function
        )

    def _wait(self) -> None:
        """For one of the children."""
        while True:
            for pid in list(self._running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    self._ended(pid, os.waitstatus_to_exitcode(status))
                    return
            time.sleep(0.005)

    def _ended(self, pid: int, code: int) -> None:
        child = self._running[pid]
        failed = child.folder / "failed"
        seconds, _, name = failed.read_text(encoding="utf-8").partition(" ") if failed.exists() else ("0", "", "")
        self._end(pid)
        if code == _BROKEN:
            self._leave(child.number)
        elif code == -signal.SIGPROF:
            self._told(child.number, "timed out")
        elif code == _PASSED:
            self._told(child.number, "survived")
        elif not name or self._passes_without(name, float(seconds)):
            self._told(child.number, "killed")
        elif child.tries < TRIES:
            self._start(child.number, child.tries + 1)
        else:
            raise BrokenTestsError(f"{name} fails without a mutant as well")

    def _end(self, pid: int) -> None:
        """What a mutant has started, and its files."""
        child = self._running.pop(pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        shutil.rmtree(child.folder, ignore_errors=True)

    def _passes_without(self, name: str, seconds: float) -> bool:
        """A failure that comes without the mutant as well is no kill."""
        if self._sound.get(name) and seconds <= PATIENCE:
            return True
        folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=self._place))
        pid = os.fork()
        if pid == 0:
            self._in_child(folder, [name], lambda: True)
        self._running[pid] = _Child(-1, folder)
        _, status = os.waitpid(pid, 0)
        self._end(pid)
        self._sound[name] = os.waitstatus_to_exitcode(status) == _PASSED
        return self._sound[name]

    def _in_child(self, folder: Path, tests: Sequence[str], change: Callable[[], bool]) -> None:
        """Runs tests until one fails; never returns."""
        code = _FAILED  # whatever a mutant makes pytest itself stumble over is noticed
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(folder)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            code = self._run(folder, [self._items[name] for name in tests]) if change() else _BROKEN
        except BaseException:
            with (folder / "log").open("w", encoding="utf-8") as log:
                traceback.print_exc(file=log)
        finally:
            os._exit(code)

    def _run(self, folder: Path, items: Sequence[pytest.Item]) -> int:
        watch = _Watch(folder / "failed", self._cover)
        items[0].config.pluginmanager.register(watch)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if watch.has_failed:
                return _FAILED
        return _PASSED


class _Watch:
    """Writes down which test has failed after how many seconds, and ends one that does not end."""

    def __init__(self, failed: Path, cover: Cover) -> None:
        self._failed = failed
        self._cover = cover
        self.has_failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        usual = self._cover.seconds_of(item.nodeid)
        signal.setitimer(signal.ITIMER_PROF, min(LOOPING, SLOWER * usual + MORE))  # its signal ends the process

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.has_failed:
            self.has_failed = True
            self._failed.write_text(f"{report.duration} {report.nodeid}", encoding="utf-8")


def _files(tests: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.partition("::")[0] for name in tests))


def outcomes(
    place: Path, mutants: Sequence[Mutant], covers: Path, jobs: int
) -> Iterator[tuple[int, Outcome | list[str]]]:
    """Each mutant's place and what became of it, as it is known, or the files of tests to be tried with it elsewhere.

    Args:
        place: a copy of the repository.
        mutants: of the functions or the command.
        covers: a folder, where is kept which tests run which lines.
        jobs: mutants at once.

    Raises:
        BrokenTestsError: the tests cannot be collected, or fail without a mutant as well.
    """
    work = place / ".work.json"
    work.write_text(json.dumps([asdict(each) for each in mutants]), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.mutants.in_place", str(work), str(covers), str(jobs)],
        cwd=place, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        with process.stdout as told:
            for line in told:
                if line.startswith("mutant "):
                    _, number, outcome = line.split(maxsplit=2)
                    yield int(number), json.loads(outcome)
        if process.wait() != 0:
            printed = (place / ".mutant.log").read_text(encoding="utf-8", errors="replace")[-3000:]
            raise BrokenTestsError(f"the tests could not be tried:\n{printed}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def main(work: str, covers: str, jobs: str) -> int:
    """In a process of its own, in the copy: tells on its output what became of each."""
    place = Path.cwd()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no child is left
    mutants = [Mutant(**each) for each in json.loads(Path(work).read_text(encoding="utf-8"))]
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output, (place / ".mutant.log").open("wb") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)

        def told(number: int, outcome: Outcome | Sequence[str]) -> None:
            print("mutant", number, json.dumps(outcome), file=output, flush=True)

        loop = Loop(place, mutants, told, Path(covers), int(jobs))
        loop.begin()
        return int(pytest.main([*OPTIONS, *(each for each in TESTS if (place / each).is_dir())], plugins=[loop]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
