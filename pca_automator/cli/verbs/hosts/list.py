"""``pca-automator hosts list``: the fleet, or a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.output import Output, plain, say, show_rows
from pca_automator.cli.spool import Spool
from pca_automator.cli.verbs.verb import Operator, verb

_COLUMNS = ("hostID", "status", "left", "due", "expiry", "renewalDate", "lastError")


@verb
def list_(
    op: Operator,
    due: Annotated[bool, typer.Option("--due", help="That a run would renew now.")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="Whose last renewal failed, and what is in quarantine.")
    ] = False,
    expiring_within: Annotated[
        str | None, typer.Option(metavar="TIME", help="Whose certificate runs out by then: 90m, 24h, 7d.")
    ] = None,
    retired: Annotated[bool, typer.Option("--retired", help="The retired ones too.")] = False,
) -> None:
    """The fleet, or a part of it; several conditions must all hold."""
    span = None if expiring_within is None else fleet.parse_span(expiring_within)
    rows: Iterable[Mapping[str, Any]] = _rows(op.deployment, due=due, failed=failed, within=span, retired=retired)
    columns: tuple[str, ...] = _COLUMNS
    if op.output is not Output.JSONL:
        # JSON lines pass through; a table is read from the top, so the most urgent come first.
        names: set[str] = set()
        rows = Spool(_noting(rows, names), _urgency, plain)
        columns = (*columns, "quarantine") if "quarantine" in names else columns
    if show_rows(op.output, rows, columns) == 0:
        fleet.refuse_empty(op.deployment)
        say("no host fits")


def _rows(
    deployment: Deployment, *, due: bool, failed: bool, within: timedelta | None, retired: bool
) -> Iterator[dict[str, Any]]:
    view = fleet.View.of(deployment)
    latest = None if within is None else within.total_seconds()
    for item in fleet.scan(deployment):
        if not fleet.is_host(item):
            # It is no host that a time could be said of; but it is in the table, and no run renews it.
            if not due and within is None:
                yield fleet.quarantined_row(item)
            continue
        if failed and item.status != "FAILED" and not item.faults:
            continue
        if item.status == "RETIRED" and not retired:
            continue
        row = view.row(item)
        if due and not row["due"]:
            continue
        if latest is not None and (row["secondsLeft"] is None or row["secondsLeft"] > latest):
            continue
        yield row


def _noting(rows: Iterable[Mapping[str, Any]], names: set[str]) -> Iterator[Mapping[str, Any]]:
    """The rows, and which names are in them: a row in quarantine has one more, and so a column."""
    for row in rows:
        names.update(row)
        yield row


def _urgency(row: Mapping[str, Any]) -> tuple[int, float, str]:
    seconds = row["secondsLeft"]
    return int(row["status"] == "RETIRED"), 0 if seconds is None else seconds, str(row["hostID"])
