"""``pca-automator explain``: from an error code to the remedy."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.host_details import explanation, remedy_for
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import Operator, verb


@verb
def explain(
    op: Operator,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|CODE",
            autocompletion=lambda incomplete: sorted(
                code for code in runtime("errors.catalogue").CATALOGUE if code.startswith(incomplete)
            ),
            help="A host, or a code of the error catalogue.",
        ),
    ],
) -> None:
    """Why a host failed and what to do; or what a code means, for which no deployment is needed."""
    catalogue = runtime("errors.catalogue")
    if what in catalogue.CATALOGUE:
        entry = catalogue.lookup(what)
        names = ("code", "origin", "phase", "meaning", "remedy")
        show(
            op.output, {name: getattr(entry, name) for name in names}, [(name, getattr(entry, name)) for name in names]
        )
        return
    if what.startswith(runtime("inventory.gate").HANDLE):
        _explain_quarantined(op, what)
        return
    if not runtime("shared.identifiers").is_host_id(what):
        raise _neither(what, list(catalogue.CATALOGUE))
    item = fleet.get(op.deployment, what)
    view = fleet.View.of(op.deployment)
    row = view.row(item)
    table: list[tuple[str, Any]] = [("status", row["status"]), ("time left", row["left"])]
    if item.status == "RENEWING":
        _explain_in_flight(op, item, row, table, lost=not item.is_busy(view.now))
        return
    table += [("counts as absent", fault.sentence) for fault in item.faults]
    if not item.last_error:
        outcome = "its last renewal went well" if item.status == "DEPLOYED" else "no failure is recorded"
        show(op.output, {"hostID": what, **row, "outcome": outcome}, [*table, ("outcome", outcome)], what)
        return
    code, message = str(item.last_error.get("code", "")), str(item.last_error.get("message", ""))
    answer = {
        **row,
        "lastError": dict(item.last_error),
        "meaning": catalogue.lookup(code).meaning,
        "remedy": remedy_for(what, code, message),
        "failures": max(item.failure_count, 1),
        "next": f"pca-automator run {what} --force --watch",
    }
    table += [*explanation(item), ("failures in a row", answer["failures"]), ("then", answer["next"])]
    show(op.output, answer, table, what)


def _explain_quarantined(op: Operator, name: str) -> None:
    """An entry that is no host, by the name that a list gives to it."""
    entry = fleet.entries(op.deployment, [name]).get(name)
    if entry is None:
        raise Trouble(f"the inventory has no entry {name}: pca-automator hosts lint names them", USAGE)
    row, known = fleet.quarantined_row(entry), runtime("errors.catalogue").lookup(entry.code)
    answer = {**row, "meaning": known.meaning, "remedy": known.remedy, "next": f"pca-automator hosts remove {name}"}
    table = [
        ("status", row["status"]), ("key", entry.shown), ("code", entry.code), ("message", entry.sentence),
        ("what happened", known.meaning), ("what to do", known.remedy), ("then", answer["next"]),
    ]  # fmt: skip
    show(op.output, answer, table, name)


def _explain_in_flight(op: Operator, item: Any, row: dict[str, Any], table: list[tuple[str, Any]], lost: bool) -> None:
    """A host that a run has taken; what an earlier one recorded is no answer then."""
    what, run = item.host_id, f"run {item.run_id}"
    if not lost:
        outcome = f"{run} is renewing it, until {fleet.moment(item.lease_until)} at most"
        show(op.output, {"hostID": what, **row, "outcome": outcome}, [*table, ("outcome", outcome)], what)
        return
    entry, outcome = runtime("errors.catalogue").lookup("HOST_LOST"), f"{run} neither renewed nor failed it"
    then = f"pca-automator run {what} --force --watch"
    answer = {**row, "outcome": outcome, "meaning": entry.meaning, "remedy": entry.remedy, "next": then}
    table += [("outcome", outcome), ("code", entry.code), ("what happened", entry.meaning)]
    show(op.output, answer, [*table, ("what to do", entry.remedy), ("then", then)], what)


def _neither(what: str, codes: list[str]) -> Trouble:
    """What is said about a word that is no host id and no code: the codes that look like it, or where all are."""
    near = difflib.get_close_matches(what.upper(), codes, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "docs/reference/troubleshooting.md has every code"
    return Trouble(f"{what!r} is neither a host id (i-... or mi-...) nor a code of the error catalogue: {hint}", USAGE)
