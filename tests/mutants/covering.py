"""Which tests run which lines, learnt by running them once under Coverage.py, and kept.

A file of tests is learnt again when it has changed. Of a file of the product that has changed since, every test counts
that ran any of its lines; only when a new one has come are all tests learnt again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import coverage
import coverage.exceptions
import pytest

from tests.mutants.mutant import Mutant

MEASURED = ("lambda_src/pca_runtime", "lambda_src/handlers", "pca_automator")


def _measure(place: Path) -> coverage.Coverage:
    return coverage.Coverage(
        data_file=None, config_file=False, messages=False, include=[f"{place}/{folder}/*" for folder in MEASURED]
    )


class Executed:
    """Lines that run while modules are imported and tests collected."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._coverage = _measure(place)

    def start(self) -> None:
        self._coverage.start()

    def stop(self) -> dict[str, set[int]]:
        """Paths in the repository to numbers of lines."""
        self._coverage.stop()
        data = self._coverage.get_data()
        return {str(Path(file).relative_to(self._place)): set(data.lines(file) or ()) for file in data.measured_files()}


class Cover:
    """Knows of each test how long it takes and which lines of the product it runs.

    Args:
        place: the copy of the repository.
        folder: where it is kept: a file for each file of tests.
    """

    def __init__(self, place: Path, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self._seconds: dict[str, float] = {}
        self._tests: dict[str, dict[int, set[str]]] = {}
        self._changed: dict[str, set[str]] = {}
        sources = (path for part in MEASURED for path in (place / part).rglob("*.py"))
        self._product = {str(path.relative_to(place)): _digest_of(path.read_bytes()) for path in sources}

    def learn(self, items: Sequence[pytest.Item], jobs: int) -> None:
        """Of all tests; those of files that are as they were are known."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files: dict[Path, list[pytest.Item]] = {}
        for item in items:
            files.setdefault(item.path, []).append(item)
        kept = {path: self._kept(path) for path in files}
        missing = [path for path in files if not self._is_known(kept[path])]
        children = [
            self._child([(files[path], kept[path]) for path in missing[number::jobs]]) for number in range(jobs)
        ]
        for child in children:
            os.waitpid(child, 0)
        for path in files:
            if not kept[path].exists():
                raise RuntimeError(f"{path} could not be run")
            self._add(json.loads(kept[path].read_text(encoding="utf-8")))

    def _kept(self, path: Path) -> Path:
        name = str(path.relative_to(self._place))
        return self._folder / f"{path.stem}-{_digest_of(name.encode() + path.read_bytes())}.json"

    def _is_known(self, kept: Path) -> bool:
        return kept.exists() and self._product.keys() <= json.loads(kept.read_text(encoding="utf-8"))["product"].keys()

    def seconds_of(self, test: str) -> float:
        return self._seconds.get(test, 0.0)

    def lines_of(self, source: str, function: str) -> set[int]:
        """Lines of a function's body."""
        return _lines_of_functions(source).get(function, set())

    def tests_of(self, mutant: Mutant, source: str, function: str | None) -> list[str]:
        """Names of the tests that run a mutant's lines, or outside of functions its module; the nearest first."""
        by_line = self._tests.get(mutant.file, {})
        if function is None:
            names = set().union(*by_line.values())
        else:
            first = source.count("\n", 0, mutant.start) + 1
            last = first + source.count("\n", mutant.start, mutant.end)
            body = self.lines_of(source, function)
            names = set().union(*(by_line.get(number, ()) for number in range(first, last + 1)))
            while not names and first > min(body):  # a statement of several lines is noted where it begins
                first -= 1
                names = set(by_line.get(first, ()))
        return self._in_order(names | self._changed.get(mutant.file, set()), mutant.file)

    def _in_order(self, names: set[str], file: str) -> list[str]:
        """File by file, so that what a file prepares is prepared once."""
        files: dict[str, list[str]] = {}
        for name in names:
            files.setdefault(name.partition("::")[0], []).append(name)
        word, near = Path(file).stem.rstrip("s"), Path(file).parent.name

        def rank(path: str) -> tuple[bool, bool, float]:
            mean = sum(map(self.seconds_of, files[path])) / len(files[path])
            return word not in Path(path).name, near not in Path(path).parts, mean

        return [name for path in sorted(files, key=rank) for name in sorted(files[path], key=self.seconds_of)]

    def _child(self, work: Sequence[tuple[list[pytest.Item], Path]]) -> int:
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.mkdtemp(dir=self._place)
            for items, path in work:
                learnt = self._learnt(items)
                path.write_text(json.dumps(learnt), encoding="utf-8")
            code = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _learnt(self, items: Sequence[pytest.Item]) -> dict[str, Any]:
        measured = _measure(self._place)
        seconds, failed = {}, _Failed()
        items[0].config.pluginmanager.register(failed)
        measured.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            measured.switch_context(item.nodeid)
            begun = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds[item.nodeid] = time.process_time() - begun
        measured.stop()
        items[0].config.pluginmanager.unregister(failed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", coverage.exceptions.CoverageWarning)  # some run nothing in this process
            data = measured.get_data()
        lines = {
            str(Path(file).relative_to(self._place)): data.contexts_by_lineno(file) for file in data.measured_files()
        }
        return {"seconds": seconds, "lines": lines, "failed": sorted(failed.names), "product": self._product}

    def _add(self, learnt: dict[str, Any]) -> None:
        failed = set(learnt["failed"])
        self._seconds |= learnt["seconds"]
        for file, by_line in learnt["lines"].items():
            is_same = learnt["product"].get(file) == self._product.get(file)
            for number, names in by_line.items():
                found = set(names) - failed - {""}
                if is_same:
                    self._tests.setdefault(file, {}).setdefault(int(number), set()).update(found)
                else:
                    self._changed.setdefault(file, set()).update(found)
        for name in failed:
            print(f"{name} fails without a mutant and is left out")


def _digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


class _Failed:
    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.names.add(report.nodeid)


@cache
def _lines_of_functions(source: str) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}

    def below(node: ast.AST, names: tuple[str, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                found[".".join((*names, child.name))] = set(range(child.body[0].lineno, (child.end_lineno or 0) + 1))
            elif isinstance(child, ast.ClassDef):
                below(child, (*names, child.name))

    below(ast.parse(source), ())
    return found
