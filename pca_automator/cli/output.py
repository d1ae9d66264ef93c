"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pca_automator.cli.runtime import runtime
from pca_automator.cli.spool import Spool
from pca_automator.cli.waiting import WAITING

Row = Mapping[str, Any]

# Where control characters are, C1 and those that turn the direction of writing included.
_UNSEEN = re.compile(r"[^\x20-\x7e\n]")

# Between two columns.
_GAP = 3
# Below that, lines are too short to be read, and the terminal itself may fold them.
_NARROWEST = 20
# Where the terminal is too narrow for all columns, these come first; those that are not named come before them.
_WORTH = {
    "left": 1,
    "lastError": 2,
    "due": 3,
    "quarantine": 4,
    "expiry": 5,
    "renewalDate": 6,
    "startedAt": 1,
    "endedAt": 5,
}
_SENTENCES = {"detail", "reason", "removal", "reasons", "quarantine", "message", "seen", "title"}

# Rich takes half a millisecond for a row; longer tables are read with a pager or grep, where folding is in the way.
_FOLDED_ROWS = 500


class Output(StrEnum):
    """How an answer is written to standard output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


def show(
    output: Output, answer: Row, table: Iterable[tuple[str, Any]], title: str = "", advice: Sequence[str] = ()
) -> None:
    """One answer: as JSON, or its pairs of name and value, one a line, and below it what is to be copied unbroken."""
    WAITING.end()
    if output is not Output.TABLE:
        _write_json(answer, indent=2 if output is Output.JSON else None)
        return
    _print_pairs(title, [(_cell(name), _cell(value)) for name, value in table])
    _advise(advice)


def show_rows(
    output: Output, rows: Iterable[Row], columns: Sequence[str], title: str = "", advice: Sequence[str] = ()
) -> int:
    """Many answers; of those in a :class:`~pca_automator.cli.spool.Spool` no more is kept than a short table needs.

    Args:
        output: JSON lines are written as the rows come, everything else when all are there.
        rows: a table takes two looks at each.
        columns: of a table.
        title: of a table.
        advice: below a table.

    Returns:
        How many there were.
    """
    if output is Output.JSONL:
        count = 0
        for row in rows:
            WAITING.end()
            _write_json(row)
            count += 1
        return count
    every: Collection[Row] = rows if isinstance(rows, Spool) else list(rows)
    WAITING.end()
    if output is Output.JSON:
        _write_json_list(every)
    elif len(every) > _FOLDED_ROWS:
        _write_lines(every, columns, title)
    elif every:
        shown = _fitting(every, columns)
        grid = _table(title, shown, _whole(every, shown))
        for row in every:
            grid.add_row(*(_text(row.get(name)) for name in shown))
        _print(grid)
        if left_out := [name for name in columns if name not in shown]:
            say(f"left out, as the terminal is narrow: {', '.join(left_out)}; --output json has everything")
    if output is Output.TABLE:
        _advise(advice)
    return len(every)


def _advise(lines: Sequence[str]) -> None:
    """Below a table, and never folded by us: what is copied from a terminal is whole."""
    if lines:
        sys.stdout.write("\n" + "".join(f"{printable(line)}\n" for line in lines))


def _fitting(rows: Collection[Row], columns: Sequence[str]) -> list[str]:
    """The columns that fit beside each other without a fold, in the order of their worth; the first always does."""
    screen = console()
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        return list(columns)

    def width(name: str) -> int:
        # Sentences are folded at their spaces; everything else is copied, and breaks over no line.
        if name in _SENTENCES:
            return len(name) + _GAP
        return max(len(name), *(max(map(len, _cell(row.get(name)).split("\n"))) for row in rows)) + _GAP

    left, kept = screen.width + _GAP - 1, set(columns[:1])
    left -= width(columns[0])
    for name in sorted(columns[1:], key=lambda each: _WORTH.get(each, 0)):
        if (needed := width(name)) <= left:
            left -= needed
            kept.add(name)
    return [name for name in columns if name in kept]


def _whole(rows: Collection[Row], shown: Sequence[str]) -> set[str]:
    """The columns that are copied from, and of which no cell is broken over two lines: they fit, so none is cut."""
    screen = console()
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        return {"hostID"}
    first = max(len(_cell(row.get(shown[0]))) for row in rows)
    too_wide = {shown[0]} - {"hostID"} if first + _GAP > screen.width else set()
    return set(shown) - _SENTENCES - too_wide


def _print_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Name and value, one a line. A value goes on below itself where it is long; what is one word is never broken."""
    screen = console()
    if title:
        screen.print(_text(title), soft_wrap=True)
    indent = max((len(name) for name, _ in pairs), default=0) + 1 + _GAP
    for name, value in pairs:
        lines = [
            part
            for line in value.split("\n")
            for part in textwrap.wrap(
                line, max(_NARROWEST, screen.width - indent), break_long_words=False, break_on_hyphens=False
            )
            or [""]
        ]
        begin = f" {name}".ljust(indent)
        for line in lines:
            # Only what stands alone is coloured: a state, not a sentence that has the word in it.
            style = _STYLES.get(value, "")
            text = f"{begin}{line}".rstrip()
            screen.print(_styled(text, len(begin), style), soft_wrap=True)
            begin = " " * indent


def _styled(text: str, begin: int, style: str) -> Any:
    from rich.text import Text

    shown = Text(text)
    if style:
        shown.stylize(style, begin)
    return shown


def _print(grid: Any) -> None:
    """A table; where no terminal is, its lines end with their last word."""
    screen = console()
    if screen.is_terminal:
        screen.print(grid)
        return
    with screen.capture() as captured:
        screen.print(grid)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def say(text: str) -> None:
    """A line beside the answer: it goes to standard error, so that standard output stays what was asked for."""
    WAITING.end()
    sys.stderr.write(f"{printable(text)}\n")


def printable(text: str) -> str:
    """Hosts, and whoever may write to the inventory, choose some of the words; none moves the cursor or a line."""
    return _UNSEEN.sub(lambda found: found[0] if _visible(found[0]) else " " if found[0].isspace() else "?", text)


def _visible(character: str) -> bool:
    return bool(runtime("shared.characters").is_visible(character))


def counted(count: int, one: str, many: str | None = None) -> str:
    """The number and the word for it: "1 host", "2 hosts"."""
    return str(runtime("shared.counting").counted(count, one, many))


def console(*, error: bool = False) -> Any:
    """Rich's console; wide enough for a table where nobody looks."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    known = stream.isatty() or "COLUMNS" in os.environ
    return Console(file=stream, highlight=False, width=None if known else 132)


def _table(title: str, columns: Sequence[str], whole: Collection[str]) -> Any:
    from rich import box
    from rich.table import Table

    grid = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for name in columns:
        grid.add_column(name, overflow="fold", no_wrap=name in whole)
    return grid


def _write_lines(rows: Collection[Row], columns: Sequence[str], title: str) -> None:
    """A table without a fold and without colours, one row a line; the rows are gone through twice."""

    def cells() -> Iterator[list[str]]:
        yield list(columns)
        for row in rows:
            yield [_cell(row.get(name)).replace("\n", " ") for name in columns]

    def line(row: list[str]) -> str:
        return " " + "   ".join(map(str.ljust, row, widths)).rstrip()

    widths = [0] * len(columns)
    for row in cells():
        widths = list(map(max, widths, map(len, row)))
    # The last cell that is not empty ends a line, so the longest is found with all widths known.
    longest = max(len(line(row)) for row in cells())
    if title:
        sys.stdout.write(f"{title}\n")
    for number, row in enumerate(cells()):
        sys.stdout.write(f"{line(row)}\n" + (f"{'─' * longest}\n" if number == 0 else ""))


def _text(value: Any) -> Any:
    from rich.text import Text

    cell = _cell(value)
    return Text(cell, style=_STYLES.get(cell, ""))


def _cell(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, set, tuple)):
        return printable(", ".join(sorted(str(each) for each in value)))
    return printable(str(value))


_STYLES = {"FAILED": "red", "DEPLOYED": "green", "RENEWING": "cyan", "RETIRED": "dim", "failed": "red", "ok": "green"}


def _write_json(answer: Any, indent: int | None = None) -> None:
    sys.stdout.write(_json(answer, indent) + "\n")


def _json(answer: Any, indent: int | None) -> str:
    text = json.dumps(answer, indent=indent, default=plain, ensure_ascii=False)
    # JSON itself escapes the first 32 characters alone.
    return _UNSEEN.sub(lambda found: found[0] if _visible(found[0]) else json.dumps(found[0])[1:-1], text)


def _write_json_list(rows: Collection[Row]) -> None:
    """The same text as of the whole list, one row after the other."""
    for number, row in enumerate(rows):
        sys.stdout.write(("," if number else "[") + "\n" + textwrap.indent(_json(row, 2), "  "))
    sys.stdout.write("\n]\n" if rows else "[]\n")


def plain(value: Any) -> Any:
    """What DynamoDB's sets, numbers and bytes are in JSON."""
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if not isinstance(value, Decimal):
        return str(value)
    number = float(value)
    return int(number) if number.is_integer() else number
