"""``pca-automator explain``: from an error code to the remedy."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.host_details import as_text, explanation, in_words, remedy_for, values_for
from pca_automator.cli.errors import USAGE, Trouble, trouble_of
from pca_automator.cli.output import show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.completion import hosts_and_codes
from pca_automator.cli.verbs.verb import Operator, verb


@verb
def explain(
    op: Operator,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|CODE",
            autocompletion=hosts_and_codes,
            help="A host, or a code of the error catalogue.",
        ),
    ],
) -> None:
    """Why a host failed and what to do; or what a code means, for which no deployment is needed."""
    catalogue = runtime("errors.catalogue")
    if what in catalogue.CATALOGUE:
        _explain_code(op, catalogue.lookup(what))
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
        _explain_without_error(op, view, item, row, table)
        return
    code, message = str(item.last_error.get("code", "")), str(item.last_error.get("message", ""))
    lines = remedy_for(op.deployment, what, code, message)
    answer = {
        **row,
        "lastError": dict(item.last_error),
        "meaning": catalogue.lookup(code).meaning,
        "remedy": as_text(lines),
        "failures": max(item.failure_count, 1),
        "next": op.command(f"pca-automator run {what} --force --watch"),
    }
    table += [*explanation(op.deployment, item), ("failures in a row", answer["failures"])]
    show(op.output, answer, table, what, _numbered([*lines, (True, str(answer["next"]))]))


def _numbered(lines: list[tuple[bool, str]], head: str = "what to type:") -> list[str]:
    """The commands of a remedy below the table, each once; a second one of the same kind comes last."""
    commands = [line for is_command, line in lines if is_command]
    last = {command: number for number, command in enumerate(commands)}
    shown = [f"  {command}" for number, command in enumerate(commands) if last[command] == number]
    return [head, *shown] if shown else []


def _explain_code(op: Operator, entry: Any) -> None:
    """What a code means at all; and, more precisely, what to do where the message gives the cause away."""
    hints = runtime("errors.service_codes").HINTS.get(entry.code, ())
    known = _known(op, " ".join([entry.remedy, *(hint.remedy for hint in hints)]))

    def lines_of(remedy: str) -> list[tuple[bool, str]]:
        # Which host the reader has in mind, nobody knows here.
        return list(op.deployment.place.lines(remedy, known, unfinished=True))

    lines = lines_of(entry.remedy)
    names = ("code", "origin", "phase", "meaning")
    answer = {name: getattr(entry, name) for name in names} | {
        "remedy": as_text(lines),
        "hints": [{"message": hint.pattern, "remedy": as_text(lines_of(hint.remedy))} for hint in hints],
    }
    table = [(name, getattr(entry, name)) for name in names] + [("remedy", in_words(lines))]
    advice = _numbered(lines)
    for hint in hints:
        taken = lines_of(hint.remedy)
        # The pattern stands beside what it means: as a name it would leave no room for that.
        table.append(("  if it says", f"{hint.pattern}: {in_words(taken)}"))
        advice += _numbered(taken, f"what to type if it says {hint.pattern}:")
    show(op.output, answer, table, advice=advice)


def _known(op: Operator, remedy: str) -> dict[str, Any]:
    """What the deployment knows of the words between angle brackets; nothing where there is none to be asked."""
    try:
        return values_for(op.deployment, remedy)
    except Exception as error:
        if trouble_of(error) is None:
            raise
        return {}


def _explain_without_error(
    op: Operator, view: fleet.View, item: Any, row: dict[str, Any], table: list[tuple[str, Any]]
) -> None:
    """A host of which no failure is recorded; that its certificate has run out, or is about to, is one all the same."""
    outcome = "its last renewal went well" if item.status == "DEPLOYED" else "no failure is recorded"
    seconds = view.seconds_left(item)
    commands = []
    if item.status == "RETIRED":
        outcome, commands = "it is retired, and renewed no more", [f"pca-automator hosts restore {item.host_id}"]
    elif seconds is not None and seconds <= 0:
        outcome = f"{outcome}, but the certificate has run out and no run renewed it"
        commands = [f"pca-automator run {item.host_id} --force --watch", "pca-automator doctor"]
    elif seconds is not None and seconds <= view.next_run.total_seconds():
        outcome = f"{outcome}, but the certificate ends before the next run"
        commands = [f"pca-automator run {item.host_id} --force --watch"]
    commands = [op.command(command) for command in commands]
    answer = {"hostID": item.host_id, **row, "outcome": outcome, "next": commands[0] if commands else None}
    show(
        op.output, answer, [*table, ("outcome", outcome)], item.host_id, _numbered([(True, each) for each in commands])
    )


def _explain_quarantined(op: Operator, name: str) -> None:
    """An entry that is no host, by the name that a list gives to it."""
    entry = fleet.entries(op.deployment, [name]).get(name)
    if entry is None:
        raise Trouble(f"the inventory has no entry {name}: they are listed by pca-automator hosts lint", USAGE)
    row, known = fleet.quarantined_row(entry), runtime("errors.catalogue").lookup(entry.code)
    lines = op.deployment.place.lines(known.remedy, {"id": name})
    then = op.command(f"pca-automator hosts remove {name}")
    answer = {**row, "meaning": known.meaning, "remedy": as_text(lines), "next": then}
    table = [
        ("status", row["status"]), ("key", entry.shown), ("code", entry.code), ("message", entry.sentence),
        ("what happened", known.meaning), ("what to do", in_words(lines)),
    ]  # fmt: skip
    show(op.output, answer, table, name, _numbered([*lines, (True, then)]))


def _explain_in_flight(op: Operator, item: Any, row: dict[str, Any], table: list[tuple[str, Any]], lost: bool) -> None:
    """A host that a run has taken; what an earlier one recorded is no answer then."""
    what, run = item.host_id, f"run {item.run_id}"
    if not lost:
        outcome = f"{run} is renewing it, until {fleet.moment(item.lease_until)} at most"
        show(op.output, {"hostID": what, **row, "outcome": outcome}, [*table, ("outcome", outcome)], what)
        return
    entry, outcome = runtime("errors.catalogue").lookup("HOST_LOST"), f"{run} neither renewed nor failed it"
    then = op.command(f"pca-automator run {what} --force --watch")
    lines = op.deployment.place.lines(entry.remedy, {"id": what})
    answer = {**row, "outcome": outcome, "meaning": entry.meaning, "remedy": as_text(lines), "next": then}
    table += [("outcome", outcome), ("code", entry.code), ("what happened", entry.meaning)]
    show(op.output, answer, [*table, ("what to do", in_words(lines))], what, _numbered([*lines, (True, then)]))


def _neither(what: str, codes: list[str]) -> Trouble:
    """What is said about a word that is no host id and no code: the codes that look like it, or where all are."""
    near = difflib.get_close_matches(what.upper(), codes, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "every code: pca-automator docs troubleshooting"
    return Trouble(f"{what!r} is neither a host id (i-... or mi-...) nor a code of the error catalogue: {hint}", USAGE)
