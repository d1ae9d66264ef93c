"""``pca-automator hosts remove``: an entry of the inventory is deleted, whatever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.output import counted, say, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb


@verb
def remove(
    op: Operator,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID|ENTRY", help="Host ids, names such as entry-0a1b2c3d4e5f of hosts lint, or keys."),
    ],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Delete entries of the inventory: a wrong id, or what lint found. A host that leaves is retired instead.

    A deleted host is not renewed any more and keeps its certificate until that runs out: only what is gone from EC2 and
    Systems Manager has its certificates revoked.
    """
    keys = _keys(op.deployment, list(dict.fromkeys(ids)))
    shown = runtime("inventory.attributes").shown
    live = [key for key, entry in keys.items() if fleet.is_host(entry) and entry.serial and entry.status != "RETIRED"]
    what = f"delete {', '.join(shown(key, 100) for key in list(keys)[:5])}{_more(len(keys) - 5)} from the inventory"
    if live:
        one = "which holds a certificate" if len(live) == 1 else "which hold certificates"
        what += f" ({', '.join(live[:5])}{_more(len(live) - 5)}, {one}: to take a host out, use hosts retire)"
    if dry_run:
        show_rows(op.output, _rows(keys, "would be removed"), ("hostID", "result"))
        say(f"would {what}")
        return
    confirm(f"{what}?", yes=yes)
    for key in keys:
        op.aws.client("dynamodb").delete_item(TableName=op.deployment.table, Key={"hostID": {"S": key}})
    show_rows(op.output, _rows(keys, "removed"), ("hostID", "result"))
    say(f"{counted(len(keys), 'entry', 'entries')} removed")


def _rows(keys: Iterable[str], result: str) -> Iterator[dict[str, str]]:
    name = runtime("inventory.gate").handle_of
    return ({"hostID": name(key), "key": key, "result": result} for key in keys)


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _keys(deployment: Deployment, given: list[str]) -> dict[str, Any]:
    """Each entry that is meant, by its key.

    Raises:
        Trouble: one of them is not there; nothing has been deleted by then.
    """
    entries = fleet.entries(deployment, given)
    for text in given:
        if text not in entries:
            raise Trouble(
                f"the inventory has no entry {text[:100]!r}: all are listed by pca-automator hosts list, those that "
                "are not as they should be by pca-automator hosts lint",
                FAILED,
            )
    return {entry.host_id: entry for entry in entries.values()}
