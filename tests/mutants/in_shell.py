"""Mutants of the documents' shell: each meets the tests that run its line, the nearest and the quickest first.

The tests are collected once, in a copy of the repository; a child is forked for each mutant, which is written into the
copy. Which test runs which line is learnt with probes (``probes.py``), and kept for as long as the shell and the test
stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest

from tests.mutants import probes
from tests.mutants.mutant import Mutant
from tests.mutants.running import (
    LOOPING,
    MEMORY,
    PATIENCE,
    TRIES,
    BrokenTestsError,
    Outcome,
    exit_code,
    move_into,
)

FOLDER = "pca_automator/ssm_documents/shell"
TESTS = "tests/documents"
# What a mutant may cost, in seconds that its tests took when they were looked at.
SECONDS = 90.0
# A document ends in a second or two; a test fails whose document does not.
ENDLESS = 45.0
# These read the text, and have something to say of every line.
READING = "test_definitions"
# The same test again, for another shell or another way of handing values over.
AGAIN = re.compile(r"\b(?:bash|busybox|text)\b")
# What a second of a test counts that is near, and of one that is like another.
NEAR, LIKE_ANOTHER = 0.3, 4.0
_PASSED, _FAILED, _NOT_STARTED = 0, 1, 99


class Covering:
    """Which test runs which lines, one line of JSON for each test, in a file.

    Args:
        file: where it is kept.
        digests: of each file of tests, with all that its tests depend on: what was learnt with another is forgotten.
    """

    def __init__(self, file: Path, digests: Mapping[str, str]) -> None:
        self._file = file
        self._digests = digests
        self.known: dict[str, dict[str, Any]] = {}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        self.read()

    def read(self) -> None:
        """What is known by now; a child may have written it."""
        for line in self._file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry["digest"] == self._digests.get(_file_of(entry["test"])):
                self.known[entry["test"]] = entry

    def note(self, test: str, seconds: float, lines: set[str], *, passed: bool) -> None:
        """Write down how long a test took, whether it passed in spite of probes, and which of them it reached."""
        entry = {"test": test, "seconds": round(seconds, 3), "passed": passed, "lines": sorted(lines)}
        entry["digest"] = self._digests[_file_of(test)]
        self.known[test] = entry
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def of_line(self, name: str, line: int | None, near: Sequence[str]) -> list[str]:
        """Tests that run a line, the quickest first: those that are near count less, those that come again more.

        Those of which nothing is known come last, unless they are near.

        Args:
            name: of a file of shell.
            line: one with a probe; ``None`` for one that every document runs.
            near: names of the closest files of tests.
        """
        place, seen = f"{name}:{line}", set()
        weights: dict[str, float] = {}
        for test, entry in sorted(self.known.items(), key=lambda item: item[1]["seconds"]):
            is_near = Path(_file_of(test)).stem.removeprefix("test_") in near
            runs_it = place in entry["lines"] or READING in test or (line is None and entry["lines"])
            if not runs_it and entry["passed"]:
                continue
            function = test.partition("[")[0]
            again = bool(AGAIN.search(test)) or (function in seen and not is_near)
            seen.add(function)
            weights[test] = entry["seconds"] * (NEAR if is_near else 1) * (LIKE_ANOTHER if again else 1)
            weights[test] += 0 if is_near or entry["passed"] else 1000
        return sorted(weights, key=lambda test: weights[test])


class Judge:
    """Says of mutants whether some test fails with them that does not fail without.

    Args:
        place: a copy of the repository.
        items: its tests by name.
        covering: which lines they run.
        near: of each file of shell that is changed, the names of the files of tests that are closest.
    """

    def __init__(
        self, place: Path, items: Mapping[str, pytest.Item], covering: Covering, near: Mapping[str, Sequence[str]]
    ) -> None:
        self._place, self._items, self.covering, self._near = place, items, covering, near
        self._sources = {path.name: path.read_text(encoding="utf-8") for path in (place / FOLDER).glob("*.sh")}

    def learn(self) -> None:
        """Run every test of which nothing is known, in a child, with probes."""
        missing = [name for name in self._items if name not in self.covering.known]
        if not missing:
            return
        said = self._place / ".said"
        said.touch()
        said.chmod(0o666)
        with self._instead(probes.probed(self._sources, said)):
            code = self._in_a_child(missing, _Learner(self.covering, said), 3600)
        if code not in (_PASSED, _FAILED):
            raise BrokenTestsError(f"learning which lines the tests run ended with {code}:\n{self._printed()}")
        self.covering.read()

    def outcome(self, mutant: Mutant) -> Outcome:
        """What became of a mutant.

        Raises:
            BrokenTestsError: a test that notices it fails without it as well.
        """
        name = Path(mutant.file).name
        source = self._sources[name]
        tests = self._affordable(
            self.covering.of_line(name, probes.place_of(source, mutant.line), self._near[mutant.file])
        )
        for _ in range(TRIES):
            failed = _Failed(self._place / ".failed")
            with self._instead({name: mutant.applied_to(source)}):
                code = self._in_a_child(tests, failed, 20 * SECONDS)
            if code == _PASSED:
                return "survived"
            if code in (None, -signal.SIGPROF):
                return "timed out"
            if code != _FAILED:
                raise BrokenTestsError(f"the tests ended with {code}:\n{self._printed()}")
            seconds, test = failed.read()
            known = self.covering.known[test]["passed"] and seconds <= PATIENCE
            if known or self._in_a_child([test], _Failed(self._place / ".again"), 20 * SECONDS) == _PASSED:
                return "killed"
        raise BrokenTestsError(f"{test} fails without a mutant as well:\n{self._printed()}")

    def _affordable(self, tests: Sequence[str]) -> list[str]:
        chosen, left = [], SECONDS
        for test in tests:
            left -= self.covering.known[test]["seconds"]
            if test in self._items and left > 0:
                chosen.append(test)
        return chosen

    @contextmanager
    def _instead(self, texts: Mapping[str, str]) -> Iterator[None]:
        """Other texts of files of shell, in the copy."""
        try:
            for name, text in texts.items():
                (self._place / FOLDER / name).write_text(text, encoding="utf-8")
            yield
        finally:
            for name in texts:
                (self._place / FOLDER / name).write_text(self._sources[name], encoding="utf-8")

    def _in_a_child(self, tests: Sequence[str], watch: _Watch, seconds: float) -> int | None:
        """How it ended; ``None`` if it had to be ended."""
        child = os.fork()
        if child == 0:
            self._run([self._items[test] for test in tests], watch)  # never returns
        return exit_code(child, seconds)

    def _run(self, items: Sequence[pytest.Item], watch: _Watch) -> None:
        code = _NOT_STARTED
        try:
            os.setsid()
            log = os.open(self._place / ".mutant.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for descriptor in (1, 2):
                os.dup2(log, descriptor)
            _forget_what_was_read()
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            code = _PASSED
            if items:
                items[0].config.pluginmanager.register(watch)
            for item, following in zip(items, [*items[1:], None], strict=True):
                signal.setitimer(signal.ITIMER_PROF, LOOPING)  # its signal ends the process
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                code = _FAILED if watch.failed else code
                if watch.failed and watch.stops:
                    break
        except BaseException:
            code = _NOT_STARTED
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _printed(self) -> str:
        return (self._place / ".mutant.log").read_text(encoding="utf-8", errors="replace")[-3000:]


class _Watch:
    """Sees, in the child, how tests end."""

    stops = True
    failed = False


class _Failed(_Watch):
    """Writes down which test has failed, after how many seconds."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> tuple[float, str]:
        seconds, _, test = self._file.read_text(encoding="utf-8").partition(" ")
        return float(seconds), test

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = True
            self._file.write_text(f"{report.duration} {report.nodeid}", encoding="utf-8")


class _Learner(_Watch):
    """Writes down which lines each test has run, what its fixtures ran before, too."""

    stops = False

    def __init__(self, covering: Covering, said: Path) -> None:
        self._covering, self._said = covering, said
        self._of_fixtures: dict[str, set[str]] = {}
        self._seconds, self._passed = 0.0, True

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        before = self._lines()
        self._said.write_text("", encoding="utf-8")
        result = yield
        self._of_fixtures.setdefault(fixturedef.argname, set()).update(self._lines())
        self._said.write_text("".join(f"{line}\n" for line in before), encoding="utf-8")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[object]:
        self._said.write_text("", encoding="utf-8")
        self._seconds, self._passed = 0.0, True
        result = yield
        names = getattr(item, "fixturenames", ())
        lines = self._lines().union(*(self._of_fixtures.get(name, ()) for name in names))
        self._covering.note(item.nodeid, self._seconds, lines, passed=self._passed)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds += report.duration
        self._passed = self._passed and not report.failed

    def _lines(self) -> set[str]:
        return set(self._said.read_text(encoding="utf-8").split())


class _Loop:
    """In place of pytest's loop over the tests."""

    error: BaseException | None = BrokenTestsError("the tests of the documents could not be collected")

    def __init__(self, work: Callable[[Mapping[str, pytest.Item]], None]) -> None:
        self._work = work

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        try:
            self.error = self._work({item.nodeid: item for item in session.items})
        except BaseException as error:  # which is no failure of pytest
            self.error = error
        return True


def outcomes(
    place: Path, mutants: Sequence[Mutant], kept: Path, near: Mapping[str, Sequence[str]]
) -> Iterator[tuple[int, Outcome]]:
    """What became of each mutant, by its number, as soon as it is known.

    Args:
        place: a copy of the repository.
        mutants: of files of shell.
        kept: a directory for what is learnt of the tests.
        near: of each file, the names of the files of tests that are closest.

    Raises:
        BrokenTestsError: the tests could not be collected, or one that notices a mutant fails without it as well.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as answers:
            _answer(answers, place, mutants, kept, near)  # never returns
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="utf-8") as answers:
            for line in answers:
                number, outcome = json.loads(line)
                if number is None:
                    raise BrokenTestsError(outcome)
                yield number, outcome
    finally:
        os.kill(child, signal.SIGTERM)  # not waited for yet, so it is still this one
        os.waitpid(child, 0)


def _answer(
    answers: TextIO, place: Path, mutants: Sequence[Mutant], kept: Path, near: Mapping[str, Sequence[str]]
) -> None:
    """In a child, which imports all that is the copy's, and nothing of the repository itself."""

    def say(number: int | None, outcome: str) -> None:
        answers.write(json.dumps([number, outcome]) + "\n")

    def judge(items: Mapping[str, pytest.Item]) -> None:
        made = Judge(place, items, covering, near)
        made.learn()
        for number, mutant in enumerate(mutants):
            say(number, made.outcome(mutant))

    try:
        covering = Covering(kept / "of_shell.jsonl", _digests(place))
        move_into(place)
        # What pytest prints would stand among the results.
        os.dup2(os.open(place / ".collected.log", os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
        options = ["-qq", "--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line", "--capture=no"]
        loop = _Loop(judge)
        pytest.main([*options, TESTS], plugins=[loop])
        if loop.error:
            say(None, "".join(traceback.format_exception(loop.error)))
    finally:
        answers.flush()
        os._exit(0)


def _digests(place: Path) -> dict[str, str]:
    """Of each file of tests, with the shell and the helpers that it imports."""
    texts = {path.stem: path.read_bytes() for path in (place / TESTS).glob("*.py")}
    shell = b"".join(path.read_bytes() for path in sorted((place / FOLDER).glob("*.sh")))
    found = {}
    for name in [name for name in texts if name.startswith("test_")]:
        needed, new = {name}, {name, "conftest"} & set(texts)
        while new:
            needed |= new
            new = {helper for each in new for helper in _helpers(texts[each]) if helper in texts} - needed
        digest = hashlib.sha256(shell + b"".join(texts[each] for each in sorted(needed)))
        found[f"{TESTS}/{name}.py"] = digest.hexdigest()[:16]
    return found


def _helpers(text: bytes) -> list[str]:
    """What a module imports of the others of its folder."""
    package = TESTS.replace("/", ".")
    direct = re.findall(rf"^from {package}\.(\w+) import", text.decode(), re.MULTILINE)
    named = re.findall(rf"^from {package} import (.+)$", text.decode(), re.MULTILINE)
    return [*direct, *(name.strip() for names in named for name in names.split(","))]


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def _forget_what_was_read() -> None:
    """Documents are read once; in this child they are others."""
    for name, module in list(sys.modules.items()):
        if name.startswith((TESTS.replace("/", "."), "pca_automator.ssm_documents")):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    agent = sys.modules.get("tests.documents.agent")
    if agent:
        agent.run_document.__kwdefaults__["timeout"] = ENDLESS
