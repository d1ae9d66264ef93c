"""``pca-automator leftovers``: what stacks that are gone still hold in the account, and how to be rid of it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed.leftovers import Leftover, find
from pca_automator.cli.deployed.remains import Kind
from pca_automator.cli.errors import USAGE, Trouble, trouble_of
from pca_automator.cli.output import counted, say, show_rows
from pca_automator.cli.verbs.verb import Operator, YesOption, confirm, verb

_COLUMNS = ("kind", "part", "id", "holds", "origin", "usedBy")
_DONE = ("kind", "part", "id", "result")


@verb
def leftovers(
    op: Operator,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove what first deployments that failed have left behind.")
    ] = False,
    destroyed: Annotated[
        bool,
        typer.Option(
            "--destroyed",
            help="With --remove: also what was kept when a complete stack was destroyed: CA, CRLs and inventory.",
        ),
    ] = False,
    yes: YesOption = False,
) -> None:
    """List what stacks of this name that are gone have left behind, as far back as CloudFormation knows: 90 days."""
    if op.deployment.given.startswith("tag:"):
        raise Trouble("a stack that is gone is found by its name, not by a tag: give --stack NAME", USAGE)
    if destroyed and not remove:
        raise Trouble("--destroyed says what --remove removes: give both, or none", USAGE)
    found = find(op.aws, op.deployment.given, op.deployment.automation)
    if not remove:
        show_rows(op.output, map(_row, found), _COLUMNS, f"Left behind by stacks called {op.deployment.given}")
        if not found:
            say("nothing is left behind")
        return
    # What is not known here is for a person.
    chosen = [(each.kind, each) for each in found if each.kind is not None and _may_go(each, destroyed)]
    if not chosen:
        show_rows(op.output, [], _DONE)
        say(f"nothing to remove; {counted(len(found), 'resource is', 'resources are')} left: see leftovers")
        return
    confirm(_question(chosen), yes=yes)
    rows = [_removed(op, *each) for each in chosen]
    show_rows(op.output, rows, _DONE, f"Removed in {op.aws.region_name}")
    if failed := [row for row in rows if row["failed"]]:
        raise Trouble(f"{len(failed)} of {len(rows)} could not be removed: {failed[0]['result']}")


def _row(each: Leftover) -> dict[str, Any]:
    return {
        "kind": each.kind.name if each.kind else each.type,
        "part": each.part,
        "id": each.id,
        "holds": each.holds or "nothing",
        "origin": each.origin,
        "usedBy": each.used_by,
        "stackId": each.stack,
    }


def _may_go(each: Leftover, destroyed: bool) -> bool:
    """What a function names was handed on, whoever made it."""
    return (destroyed or each.origin == "first deployment failed") and not each.used_by


def _question(chosen: list[tuple[Kind, Leftover]]) -> str:
    counts = Counter(kind.name for kind, _ in chosen)
    what = ", ".join(counted(count, name) for name, count in counts.items())
    warning = ""
    if any(each.origin == "stack destroyed" for _, each in chosen):
        warning = " Certificates of a destroyed stack's CA can still be valid, and without it none can be revoked."
    return f"remove {what}, with all that is in them?{warning} Only CA and key can be brought back, for 30 days"


def _removed(op: Operator, kind: Kind, each: Leftover) -> dict[str, Any]:
    """One resource; what goes wrong is its result, so that the others are removed, too."""
    row = _row(each)
    try:
        return row | {"failed": False, "result": kind.remove(op.aws, each.id)}
    except Exception as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        return row | {"failed": True, "result": str(trouble)}
