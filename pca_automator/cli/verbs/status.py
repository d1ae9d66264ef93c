"""``pca-automator status``: the fleet in one screen, and what needs a person."""

from __future__ import annotations

from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import lifetime, pace, runs
from pca_automator.cli.deployed.health import look, status_of
from pca_automator.cli.output import counted, show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import Operator, verb


@verb
def status(op: Operator) -> None:
    """The fleet in one screen; the exit status says whether something needs a person."""
    looked = look(op.deployment)
    counts, parts = looked.fleet, looked.parts
    paced = pace.look(op.deployment, counts.hosts, counts.now)
    # How many certificates the CA has left is counted by the runs, and stands in the ledger of starts.
    issued = lifetime.look(op.deployment, counts.hosts, paced.get("certificatesIssued"), counts.now)
    if issued["soon"]:
        text = f"the CA has issued nearly all that it may: {issued['summary']}"
        command = "pca-automator explain CA_LIMIT_EXCEEDED"
        looked.findings.append(runtime("monitoring.finding").trouble("CA's certificates", text, command))
    troubles = [each for each in looked.findings if not each.is_ok]
    least, percentile = counts.least, counts.first_percentile
    answer = {
        "automation": op.deployment.name,
        "hosts": counts.hosts,
        "statuses": dict(counts.statuses),
        "due": counts.due,
        "overdue": counts.overdue,
        "unproven": counts.unproven,
        "quarantined": counts.counts["quarantined"],
        "leastSecondsLeft": least[0] if least else None,
        "leastSecondsLeftHost": least[1] if least else None,
        "firstPercentileSecondsLeft": percentile,
        "lastRun": parts.last_run,
        "nextRun": parts.next_run,
        "pace": paced,
        "ca": {**parts.ca, "certificates": issued},
        "crl": parts.crl,
        "troubles": [each.text for each in troubles],
        "findings": [op.finding(each) for each in troubles],
    }
    table: list[tuple[str, Any]] = [
        ("hosts", counts.hosts),
        ("  by status", ", ".join(f"{count} {name}" for name, count in sorted(counts.statuses.items()))),
        ("due", counts.due),
        ("overdue", counted(counts.overdue, "certificate has run out", "certificates have run out")),
        ("least time left", f"{fleet.left(least[0])} ({least[1]})" if least else "no host has a certificate"),
        ("99 % have at least", fleet.left(percentile) if percentile is not None else ""),
        ("not proven", counts.unproven),
        ("in quarantine", counts.counts["quarantined"]),
        ("last run", runs.line(parts.last_run) if parts.last_run else "none yet"),
        ("next run", parts.next_run),
        ("pace", paced["summary"]),
        ("CA", looked.text("CA") or "could not be looked at"),
        ("CA's certificates", issued["summary"]),
        ("CRL", looked.text("CRL") or "this deployment distributes none"),
        ("needs a person", counted(len(troubles), "thing") if troubles else "nothing"),
    ]
    show(op.output, answer, table, op.title, op.advice(troubles))
    if trouble := status_of(looked.findings):
        raise trouble
