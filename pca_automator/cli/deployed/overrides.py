"""What an operator may say about a host: ``NAME=VALUE`` on the command line, a column in a CSV file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import counted, say
from pca_automator.cli.runtime import runtime

_LISTS = ("dnsNames", "emailAddresses", "ipAddresses", "uris")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
# A file of another kind would bring thousands; the first few say what it is.
_MISTAKES_SHOWN = 20


@dataclass(frozen=True)
class NewHost:
    """A host to put into the inventory."""

    host_id: str
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def item(self) -> dict[str, Any]:
        """As it stands in the table."""
        return {"hostID": self.host_id, **self.overrides}


def names() -> list[str]:
    """The overrides that the runtime knows, as they are called in the inventory."""
    fields = runtime("inventory.item").Overrides.model_fields.values()
    return sorted(str(field.alias) for field in fields)


def parse(assignments: Iterable[str]) -> dict[str, Any]:
    """``NAME=VALUE`` texts as attributes.

    Raises:
        Trouble: one of them is not allowed; names it and what is.
    """
    given = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if not value:
            raise Trouble(f"{assignment!r}: an override is NAME=VALUE, and NAME one of {', '.join(names())}", USAGE)
        given[name] = value
    try:
        return validated("the host", given)
    except ValueError as error:
        raise Trouble(str(error), USAGE) from error


def check_names(given: Iterable[str]) -> None:
    """Refuse an attribute that is the system's, or nobody's.

    Raises:
        ValueError: naming it and what is allowed.
    """
    allowed = names()
    for name in given:
        if name not in allowed:
            raise ValueError(f"{name!r} is not an override: allowed are {', '.join(allowed)}")


def validated(host_id: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Texts as the types of the inventory, judged by the same model that the functions use.

    Raises:
        ValueError: naming attribute, value and what is allowed.
    """
    check_names(given)
    attributes = {name: _typed(name, value.strip()) for name, value in given.items()}
    try:
        runtime("inventory.item").Overrides.of(host_id, attributes)
    except runtime("errors.kinds").InvalidInventoryItem as error:
        raise ValueError(error.message) from error
    return attributes


def _typed(name: str, value: str) -> Any:
    if name in _LISTS:
        return [part for part in re.split(r"[;,\s]+", value) if part]
    if name == "bundle":
        if value.lower() not in _TRUTH:
            raise ValueError(f"bundle is {value!r}: allowed are true and false")
        return _TRUTH[value.lower()]
    return value


def read_csv(path: Path) -> list[NewHost]:
    """Hosts of a CSV file, whose first line names the columns: ``hostID`` and any override. Empty cells say nothing.

    Raises:
        Trouble: with every line that is wrong; nothing has been written by then.
    """
    hosts: list[NewHost] = []
    mistakes: list[str] = []
    seen: dict[str, int] = {}
    for line, row in _rows(path):
        try:
            host = _host(row)
            if host.host_id in seen:
                raise ValueError(f"{host.host_id} stands in line {seen[host.host_id]} already")
            seen[host.host_id] = line
            hosts.append(host)
        except ValueError as error:
            mistakes.append(f"{path}:{line}: {error}")
    if mistakes:
        for mistake in mistakes[:_MISTAKES_SHOWN]:
            say(mistake)
        if len(mistakes) > _MISTAKES_SHOWN:
            say(f"... and {len(mistakes) - _MISTAKES_SHOWN} more")
        wrong = counted(len(mistakes), "line is", "lines are")
        raise Trouble(f"{wrong} wrong in {path}: nothing was written", USAGE)
    if not hosts:
        raise Trouble(f"{path} has no hosts", USAGE)
    return hosts


def _rows(path: Path) -> Iterator[tuple[int, dict[str | None, Any]]]:
    """The line on which each record begins, and its cells by column; what is beyond the columns by ``None``.

    Not csv.DictReader: it skips empty lines, so that one cannot tell where the next record begins.
    """
    first = 1
    try:
        # utf-8-sig: spreadsheets put a byte order mark in front, which would become part of the first column's name.
        with path.open(encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(reader, [])]
            _check_columns(path, columns)
            first = reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield first, dict(zip_longest(columns, cells))
                # A cell in quotes may hold line breaks: the next record starts where this one has ended.
                first = reader.line_num + 1
    except csv.Error as error:
        raise Trouble(f"{path}:{first}: {error}", USAGE) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path} cannot be read: {error}", USAGE) from error


def _check_columns(path: Path, columns: list[str]) -> None:
    if "hostID" not in columns:
        raise Trouble(f"{path}:1: the first line must name the columns, one of them hostID", USAGE)
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise Trouble(f"{path}:1: {', '.join(twice)} is there twice", USAGE)
    try:
        check_names(name for name in columns if name != "hostID")
    except ValueError as error:
        raise Trouble(f"{path}:1: {error}", USAGE) from error


def _host(row: Mapping[str | None, Any]) -> NewHost:
    if None in row:
        raise ValueError("more cells than columns")
    texts = {str(name): str(value or "").strip() for name, value in row.items()}
    host_id = texts.pop("hostID")
    if not runtime("shared.identifiers").is_host_id(host_id):
        raise ValueError(f"{host_id!r} is not an EC2 instance id (i-...) nor a hybrid node id (mi-...)")
    return NewHost(host_id, validated(host_id, {name: value for name, value in texts.items() if value}))
