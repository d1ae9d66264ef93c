"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

Row = Mapping[str, Any]


class Output(StrEnum):
    """How an answer is written to standard output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


def show(output: Output, answer: Row, table: Iterable[tuple[str, Any]], title: str = "") -> None:
    """One answer: as JSON, or its pairs of name and value, one a line."""
    if output is not Output.TABLE:
        _write_json(answer, indent=2 if output is Output.JSON else None)
        return
    grid = _table(title, ("", ""), show_header=False)
    for name, value in table:
        grid.add_row(name, _text(value))
    console().print(grid)


def show_rows(output: Output, rows: Iterable[Row], columns: Sequence[str], title: str = "") -> int:
    """Many answers; JSON lines are written one by one, so that memory does not grow with their number.

    Returns:
        How many there were.
    """
    count = 0
    if output is Output.JSONL:
        for row in rows:
            _write_json(row)
            count += 1
        return count
    if output is Output.JSON:
        every = list(rows)
        _write_json(every, indent=2)
        return len(every)
    grid = _table(title, columns)
    for row in rows:
        grid.add_row(*(_text(row.get(name)) for name in columns))
        count += 1
    if count:
        console().print(grid)
    return count


def say(text: str) -> None:
    """A line beside the answer: it goes to standard error, so that standard output stays what was asked for."""
    sys.stderr.write(f"{text}\n")


def console(*, error: bool = False) -> Any:
    """Rich's console; wide enough for a table where nobody looks."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    known = stream.isatty() or "COLUMNS" in os.environ
    return Console(file=stream, highlight=False, width=None if known else 132)


def _table(title: str, columns: Sequence[str], *, show_header: bool = True) -> Any:
    from rich import box
    from rich.table import Table

    grid = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_header=show_header, show_edge=False
    )
    for name in columns:
        # A host id is what is copied from the table: never broken over two lines.
        grid.add_column(name, overflow="fold", no_wrap=name == "hostID")
    return grid


def _text(value: Any) -> Any:
    from rich.text import Text

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, set, tuple)):
        return Text(", ".join(str(each) for each in sorted(value)))
    return Text(str(value), style=_STYLES.get(str(value), ""))


_STYLES = {"FAILED": "red", "DEPLOYED": "green", "RENEWING": "cyan", "RETIRED": "dim", "failed": "red", "ok": "green"}


def _write_json(answer: Any, indent: int | None = None) -> None:
    sys.stdout.write(json.dumps(answer, indent=indent, default=plain, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """What DynamoDB's sets and numbers are in JSON."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    number = float(value)
    return int(number) if number.is_integer() else number
