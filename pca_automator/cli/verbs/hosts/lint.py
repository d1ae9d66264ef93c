"""``pca-automator hosts lint``: every entry of the inventory that nobody can have written so on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import overrides
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, Trouble
from pca_automator.cli.output import Output, counted, say, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import Operator, verb

_COLUMNS = ("hostID", "attribute", "code", "reason")
# More are mended with a loop over --output jsonl.
_MENDED = 20


@verb
def lint(op: Operator) -> None:
    """Every entry that is no host, or holds what cannot be right, with the reason; the exit status says if any is.

    What counts as absent is written anew by the host's next renewal: pca-automator run ID --force. What is no host is
    taken away with pca-automator hosts remove; a wrong override is put right with pca-automator hosts set.
    """
    entries: set[str] = set()
    advice: dict[str, None] = {}

    def noted() -> Iterator[dict[str, Any]]:
        for row in _rows(op.deployment):
            entries.add(row["hostID"])
            if len(advice) < _MENDED:
                advice[f"  {op.command(mending(row))}"] = None
            yield row

    rows = noted() if op.output is Output.JSONL else list(noted())
    if show_rows(op.output, rows, _COLUMNS, advice=["what to type:", *advice] if advice else ()) == 0:
        fleet.refuse_empty(op.deployment)
        say("every entry is as it should be")
        return
    raise Trouble(counted(len(entries), "entry is not as it", "entries are not as they") + " should be", FAILED)


def mending(row: dict[str, Any]) -> str:
    """The command that mends what a row tells of."""
    name = row["hostID"]
    if "key" in row:
        return f"pca-automator hosts remove {name}"
    if row["code"] == runtime("inventory.attributes").ATTRIBUTE_IMPOSSIBLE:
        return f"pca-automator run {name} --force --watch"
    for override in overrides.names():
        if re.search(rf"\b{override}\b", row["reason"]):
            return f"pca-automator hosts set {name} --clear {override}"
    return f"pca-automator explain {row['code']}"


def _rows(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """One for each thing that is wrong."""
    gate = runtime("inventory.gate")
    for entry in fleet.scan(deployment, None):
        for fault in gate.complaints(entry):
            name = gate.handle_of(entry.host_id)
            row = {"hostID": name, "attribute": fault.attribute, "code": fault.code, "reason": fault.sentence}
            yield row if fleet.is_host(entry) else {**row, "key": entry.host_id, "reason": _with_key(entry)}


def _with_key(entry: Any) -> str:
    return f"{entry.shown!r}: {entry.sentence}"
