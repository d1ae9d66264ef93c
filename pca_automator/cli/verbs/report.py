"""``pca-automator report``: the fleet, a run or a rehearsal on one page, and the data that it is made of."""

from __future__ import annotations

import json as documents
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import Output, counted, say, show
from pca_automator.cli.verbs.verb import Operator, verb
from pca_automator.cli.waiting import WAITING

if TYPE_CHECKING:
    from pca_automator.pictures.data import Report


@verb
def report(
    op: Operator,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the page, one file without any other.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the data of the page.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take the data from a file, - for standard input; ask nobody."),
    ] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="One run. Default: the fleet.")] = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="ID", help="Draw the certificates of this host; may be repeated."),
    ] = None,
) -> None:
    """The fleet, or a run, on one page: how long it has, why hosts fail and what to do, runs, certificates, the CRL."""
    from pca_automator.pictures import page

    if source is not None and run is not None:
        raise Trouble("--from and --run name two sources: give one", USAGE)
    for option, file in (("--html", html), ("--json", json)):
        if file is not None and not file.parent.is_dir():
            raise Trouble(f"{option} {file}: there is no folder {file.parent}", USAGE)
    if html is not None:
        try:
            page.check_installed()
        except page.MissingError as error:
            raise Trouble(f"--html: {error}", USAGE) from error
    found = _asked(op, run) if source is None else _read(source)
    known = {each.host_id for each in found.hosts} | {each.host_id for each in found.certificates}
    if unknown := sorted(set(host or []) - known):
        raise Trouble(f"--host {', '.join(unknown)}: not in the data", USAGE)
    if json is not None:
        json.write_text(found.as_json(), encoding="utf-8")
        say(f"{json} written")
    if html is not None:
        page.write(found, html, host or ())
        say(f"{html} written")
    if op.output is not Output.TABLE:
        WAITING.end()
        text = found.as_json()
        sys.stdout.write(text if op.output is Output.JSON else f"{documents.dumps(documents.loads(text))}\n")
    elif html is None and json is None:
        show(op.output, {}, _table(found), found.title, ["--html FILE makes a page of it, --json FILE writes the data"])


def _asked(op: Operator, run: str | None) -> Report:
    from pca_automator.cli.deployed import page_data

    if run is None:
        return page_data.of_fleet(op.deployment, op.title)
    return page_data.of_run(op.deployment, op.title, run)


def _read(source: Path) -> Report:
    from pca_automator.pictures.data import UnreadableError, read

    text = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    try:
        return read(text)
    except UnreadableError as error:
        raise Trouble(f"--from {source} is no data of a page: {error}", USAGE) from error


def _table(found: Report) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = list(found.facts)
    rows += [(f"{cause.code} in {cause.phase}", counted(cause.hosts, "host")) for cause in found.causes]
    rows += [("not looked at", note) for note in found.notes]
    return rows
