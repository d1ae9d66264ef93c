"""The operator's command: how soon it starts, what it takes on 10,000 hosts, and a watched run of many.

``python -m tests.bench.command`` measures this alone; ``BENCH_WATCHED`` is how many hosts the run has.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cli.local_fleet import LocalFleet, local_fleet
from tests.cli.measured import fill, large_fleet_verbs, measured, put_due, wait_until_at_rest, watched

_ROUNDS = 5
_SMALL, _LARGE = 1_000, 10_000
_WATCHED = 200


def _right(table: Table, *columns: str) -> Table:
    for column in columns:
        table.add_column(column, justify="right")
    return table


def start() -> Table:
    """Wall time until the help is printed."""

    def seconds() -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pca_automator.cli.main", "--help"], check=True, capture_output=True)
        return time.perf_counter() - begin

    found = [seconds() for _ in range(_ROUNDS)]
    table = _right(Table(title="Start of the command (promised: under 0.5 s)"), "min s", "median s", "max s")
    table.add_row(*(f"{f(found):.2f}" for f in (min, statistics.median, max)))
    return table


def large(fleet: LocalFleet) -> Table:
    """Every verb that reads the whole inventory, on a small and a large one."""
    title = "Verbs that read the whole inventory (promised: under 3 s with 10,000 hosts)"
    columns = ("verb", "hosts", "wall s", "its CPU s", "AWS's CPU s", "peak MB", "lines")
    table = _right(Table(title=title), *columns)
    here = len(fleet.members)
    for size in (_SMALL, _LARGE):
        fill(fleet, here + 1, size)
        here = size
        wait_until_at_rest(fleet)
        for verb in large_fleet_verbs():
            spent = measured(fleet, verb)
            cells = (spent.wall, spent.command, spent.server)
            table.add_row(
                " ".join(verb).replace("--output ", ""),
                str(size),
                *(f"{cell:.2f}" for cell in cells),
                f"{spent.peak:.0f}",
                str(spent.lines),
            )
    return table


def watch(fleet: LocalFleet) -> Table:
    """A run over the simulated hosts: how it went on, and whether the counts are the table's."""
    run = watched(fleet, [])
    table = Table("", "", title=f"run --watch of {len(fleet.members)} hosts")
    table.add_row("seconds", f"{run.seconds:.0f}")
    table.add_row("lines of progress", str(len(run.progress)))
    table.add_row("final counts", str(run.counted))
    table.add_row("the table's", str(run.table))
    table.add_row("equal", "yes" if run.counted == run.table else "NO")
    return table


def main(console: Console) -> None:
    """Measure and print."""
    console.print(start())
    hosts = int(os.environ.get("BENCH_WATCHED", _WATCHED))
    with tempfile.TemporaryDirectory() as directory, local_fleet(Path(directory), hosts) as fleet:
        Path(directory).chmod(0o755)
        put_due(fleet)
        console.print(watch(fleet))
        console.print(large(fleet))


if __name__ == "__main__":
    main(Console())
