"""Showing a rehearsal to a person: progress while it runs, a table at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pca_automator.rehearsal.report import Report

Advance = Callable[[int], None]


class Display:
    """One line for each part of the rehearsal, which fills while it runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """One line of its own."""
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def part(self, title: str, total: int = 1) -> Iterator[Advance]:
        """Show one part; what it yields is told how far the part has come."""
        if not self._console.is_terminal:
            self.say(title)
        task = self._progress.add_task(title, total=total)
        yield lambda completed: self._progress.update(task, completed=min(completed, total))
        self._progress.update(task, completed=total)

    def result(self, report: Report) -> None:
        """The final table, and what did not hold."""
        table = Table(title="Rehearsal", title_justify="left")
        table.add_column("Part")
        table.add_column("Expected")
        table.add_column("Seen", justify="right")
        table.add_column("")
        for expectation in report.expectations:
            table.add_row(
                expectation.phase,
                expectation.what,
                _shown(expectation.seen, expectation.expected),
                "[green]✓[/]" if expectation.held else "[bold red]✗[/]",
            )
        self._console.print(table)
        self._console.print(_per_renewal(report))
        self._console.print(f"Seconds: {', '.join(f'{name} {value}' for name, value in report.seconds.items())}")
        if facts := report.numbers.get("facts"):
            self._console.print(
                f"Facts of AWS leaned on: {facts['leaned_on']}, of which {len(facts['assumed'])} are assumed "
                f"({', '.join(facts['assumed']) or 'none'}); why each is safe either way: "
                "pca-automator docs rehearsal",
                highlight=False,
                soft_wrap=True,
            )
        if limits := report.numbers.get("limits"):
            sizes = ", ".join(f"{size:,} {what}" for what, size in limits["largest"].items())
            self._console.print(f"Largest of what AWS limits: {sizes}", highlight=False, soft_wrap=True)
        for trouble in report.troubles:
            self._console.print(f"[yellow]{trouble}", highlight=False, soft_wrap=True)


def _shown(seen: object, expected: object) -> str:
    return str(seen) if seen == expected else f"{seen} (not {expected})"


def _per_renewal(report: Report) -> str:
    if not report.per_renewal:
        return ""
    numbers = report.per_renewal
    return (
        f"Per renewal: {numbers['state_transitions']} state transitions "
        f"(at best {numbers['at_best']['state_transitions']}), "
        f"{numbers['lambda_invocations']} Lambda invocations (at best {numbers['at_best']['lambda_invocations']}), "
        f"{round(sum(numbers['api_calls'].values()), 1)} API calls"
    )
