"""``pca-automator hosts remove-copies``: keys of other hosts go from a machine that is a copy of them."""

from __future__ import annotations

from typing import Annotated

import typer

from pca_automator.cli.deployed import copies
from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.output import say, show_rows
from pca_automator.cli.verbs.completion import host_ids
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb

_COLUMNS = ("hostID", "keysOf", "result")


@verb
def remove_copies(
    op: Operator,
    host_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=host_ids, help="The machine with the keys.")],
    other: Annotated[
        list[str] | None,
        typer.Option(
            "--other",
            metavar="ID",
            autocompletion=host_ids,
            help="Whose keys. Default: those it told of.",
        ),
    ] = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Remove the keys of other hosts from a machine that was copied from them; its own files stay."""
    item = fleet.get(op.deployment, host_id)
    others = copies.others_on(item, other or [])
    if dry_run:
        rows = [{"hostID": host_id, "keysOf": each, "result": "would be removed"} for each in others]
        show_rows(op.output, rows, _COLUMNS)
        return
    confirm(f"remove the keys and certificates of {', '.join(others)} from {host_id}?", yes=yes)
    rows = [{"hostID": host_id, "keysOf": each, "result": copies.remove(op.deployment, item, each)} for each in others]
    show_rows(op.output, rows, _COLUMNS)
    say("Whoever had this machine had those keys. Where such a host is still in the fleet, give it a new one:")
    for each in others:
        say(f"  {op.command(f'pca-automator revoke {each} --reason KEY_COMPROMISE')}")
        say(f"  {op.command(f'pca-automator run {each} --force --watch')}")
