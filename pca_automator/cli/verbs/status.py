"""``pca-automator status``: the fleet in one screen, and what needs a person."""

from __future__ import annotations

from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import runs
from pca_automator.cli.deployed.checklist import NOT_SEEN, Looked, look, status_of
from pca_automator.cli.output import counted, show
from pca_automator.cli.verbs.verb import Operator, verb

_OVER_BUDGET = "ISSUANCE_BUDGET_EXCEEDED"


@verb
def status(op: Operator) -> None:
    """The fleet in one screen; the exit status says whether something needs a person."""
    looked = look(op.deployment)
    show(op.output, _answer(op, looked), _table(looked), op.title, op.advice(looked.told))
    if trouble := status_of(looked.findings):
        raise trouble


def _answer(op: Operator, looked: Looked) -> dict[str, Any]:
    """For a program: ``None`` where nobody could look."""
    counts, parts = looked.fleet, looked.parts
    least = counts.least if counts else None
    counted_hosts = ("hosts", "due", "overdue", "unproven")
    return {
        "automation": op.deployment.name,
        **{name: getattr(counts, name) if counts else None for name in counted_hosts},
        "statuses": dict(counts.statuses) if counts else None,
        "quarantined": counts.counts["quarantined"] if counts else None,
        "overBudget": counts.causes[_OVER_BUDGET] if counts else None,
        "leastSecondsLeft": least[0] if least else None,
        "leastSecondsLeftHost": least[1] if least else None,
        "firstPercentileSecondsLeft": counts.first_percentile if counts else None,
        "lastRun": parts.last_run,
        "nextRun": parts.next_run,
        "pace": looked.pace or None,
        "ca": {**parts.ca, "certificates": looked.certificates or None},
        "crl": parts.crl,
        "troubles": [each.text for each in looked.findings if each.needs_person],
        "findings": [op.finding(each) for each in looked.told],
    }


def _table(looked: Looked) -> list[tuple[str, Any]]:
    parts = looked.parts
    last = looked.text("last run") or NOT_SEEN
    return [
        *(_fleet(looked.fleet) if looked.fleet else [("hosts", NOT_SEEN)]),
        ("last run", runs.line(parts.last_run) if parts.last_run else last),
        ("next run", parts.next_run),
        ("pace", looked.pace.get("summary", NOT_SEEN)),
        ("CA", looked.text("CA") or NOT_SEEN),
        ("CA's certificates", looked.certificates.get("summary", NOT_SEEN)),
        ("CRL", looked.text("CRL") or "this deployment distributes none"),
        ("needs a person", _people(looked)),
    ]


def _fleet(counts: Any) -> list[tuple[str, Any]]:
    least, percentile = counts.least, counts.first_percentile
    return [
        ("hosts", counts.hosts),
        ("  by status", ", ".join(f"{count} {name}" for name, count in sorted(counts.statuses.items()))),
        ("due", counts.due),
        ("overdue", counted(counts.overdue, "certificate has run out", "certificates have run out")),
        ("least time left", f"{fleet.left(least[0])} ({least[1]})" if least else "no host has a certificate"),
        ("99 % have at least", fleet.left(percentile) if percentile is not None else ""),
        ("not proven", counts.unproven),
        ("in quarantine", counts.counts["quarantined"]),
        ("over their budget", counts.causes[_OVER_BUDGET]),
    ]


def _people(looked: Looked) -> str:
    troubles = [each for each in looked.told if each.needs_person]
    others = len(looked.told) - len(troubles)
    words = counted(len(troubles), "thing") if troubles else "nothing"
    return f"{words}; {counted(others, 'thing')} to know" if others else words
