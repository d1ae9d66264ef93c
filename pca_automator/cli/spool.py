"""Rows that are too many to be kept: they wait in a file of their own, and come back in another order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["Spool"]

_Order = Callable[[Mapping[str, Any]], tuple[int, float, str]]
# Rows that come back from the file at once, and pages of 4 KB that SQLite keeps of it.
_AT_ONCE = 500
_CACHED_PAGES = 100


class Spool:
    """Rows in order, as often as they are asked for, of which some hundred are in memory at a time.

    The file is SQLite's own temporary one: it has no name, and goes when this does or the process ends.

    Args:
        rows: of what JSON can say; they are read once.
        order: what they are sorted by: a whole number, a number, a text.
        plain: makes of another value what JSON can say.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], order: _Order, plain: Callable[[Any], Any] = str) -> None:
        import sqlite3

        # "": a database in a temporary file, which grows beyond the cache alone.
        self._file: Any = sqlite3.connect("", isolation_level=None)
        self._file.execute(f"PRAGMA cache_size = {_CACHED_PAGES}")
        self._file.execute("PRAGMA temp_store = FILE")
        self._file.execute("CREATE TABLE rows (first INTEGER, second REAL, third TEXT, row TEXT)")
        self._count = 0
        self._file.execute("BEGIN")
        lines = ((*order(row), json.dumps(row, default=plain)) for row in rows)
        for line in lines:
            # What a key holds may be half of a surrogate pair, which SQLite takes as bytes alone.
            keys = (line[0], line[1], line[2].encode("utf-8", "surrogatepass"), line[3])
            self._file.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", keys)
            self._count += 1
        self._file.execute("COMMIT")

    def __len__(self) -> int:
        return self._count

    def __contains__(self, row: object) -> bool:
        return any(each == row for each in self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        cursor = self._file.execute("SELECT row FROM rows ORDER BY first, second, third")
        cursor.arraysize = _AT_ONCE
        while found := cursor.fetchmany():
            for (row,) in found:
                yield json.loads(row)
