"""The operator's command: how soon it starts, what it takes on 10,000 hosts, and a watched run of many."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.cli.local_fleet import LocalFleet, local_fleet
from tests.cli.measured import fill, large_fleet_verbs, measured, put_due, wait_until_at_rest, watched

_ROUNDS = 5
_SMALL, _LARGE = 1_000, 10_000
_WATCHED = 200
# A simulated host can be asked; the others are entries alone.
_FEW = 6
_LOOKS = 3
BEFORE_SECONDS = 1.1
"""``status`` with 10,028 hosts, when it looked at inventory, CA and schedule alone."""


def start() -> list[float]:
    """Wall times until the help is printed."""

    def seconds() -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pca_automator.cli.main", "--help"], check=True, capture_output=True)
        return time.perf_counter() - begin

    return [seconds() for _ in range(_ROUNDS)]


def status_of_large() -> Iterator[tuple[object, ...]]:
    """``status`` on 10,000 hosts, several times: what it takes a person who looks."""
    with tempfile.TemporaryDirectory() as directory, local_fleet(Path(directory), _FEW) as fleet:
        Path(directory).chmod(0o755)
        fill(fleet, _FEW + 1, _LARGE)
        wait_until_at_rest(fleet)
        for number in range(_LOOKS):
            spent = measured(fleet, ["status"])
            cells = (f"{cell:.2f}" for cell in (spent.wall, spent.command, spent.server))
            yield number + 1, f"{_LARGE:,}", *cells, f"{spent.peak:.0f}"


def large_and_watched() -> Iterator[tuple[object, ...]]:
    """A run of many that is watched, then every verb that reads the whole inventory, on a small and a large one."""
    hosts = int(os.environ.get("BENCH_WATCHED", _WATCHED))
    with tempfile.TemporaryDirectory() as directory, local_fleet(Path(directory), hosts) as fleet:
        Path(directory).chmod(0o755)
        put_due(fleet)
        run = watched(fleet, [])
        equal = "counts are the table's" if run.counted == run.table else "COUNTS ARE NOT THE TABLE'S"
        yield f"run --watch ({equal})", hosts, f"{run.seconds:.0f}", "", "", "", len(run.progress)
        yield from _large(fleet)


def _large(fleet: LocalFleet) -> Iterator[tuple[object, ...]]:
    here = len(fleet.members)
    for size in (_SMALL, _LARGE):
        fill(fleet, here + 1, size)
        here = size
        wait_until_at_rest(fleet)
        for verb in large_fleet_verbs():
            spent = measured(fleet, verb)
            cells = (f"{cell:.2f}" for cell in (spent.wall, spent.command, spent.server))
            yield " ".join(verb).replace("--output ", ""), size, *cells, f"{spent.peak:.0f}", spent.lines
