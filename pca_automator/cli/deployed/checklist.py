"""The whole deployment, looked at: the fleet, counted, and every part of the health list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import lifetime, pace
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.health import Health
from pca_automator.cli.errors import REFUSED, UNAVAILABLE, Trouble
from pca_automator.cli.runtime import runtime

_SAID = 3
NOT_SEEN = "could not be looked at"
"""What stands for what a look that failed would have said."""


@dataclass
class Looked:
    """What a look at the whole deployment found.

    Args:
        view: when, and what counts as due.
        parts: what the looks at the parts saw.
        fleet: the inventory, counted; ``None``: not all of it could be read.
        findings: the health list, the fleet first.
        pace: how fast hosts are renewed; empty where the ledger of starts could not be read.
        certificates: what the CA has left; empty where that could not be told.
        refused: why the inventory could not be read.
    """

    view: fleet.View
    parts: Health
    fleet: Any = None
    findings: list[Any] = field(default_factory=list)
    pace: dict[str, Any] = field(default_factory=dict)
    certificates: dict[str, Any] = field(default_factory=dict)
    refused: Trouble | None = None

    def text(self, part: str) -> str | None:
        """What is said of a part; ``None``: the deployment has none."""
        return next((str(each.text) for each in self.findings if each.part == part), None)

    @property
    def told(self) -> list[Any]:
        """Whatever is not as one would want it, the troubles first."""
        return sorted((each for each in self.findings if not each.is_ok), key=lambda each: not each.needs_person)


def look(
    deployment: Deployment,
    attributes: tuple[str, ...] = (),
    seen: Callable[[Any], None] = lambda _: None,
    *,
    deep: bool = False,
) -> Looked:
    """Look at every part and count the fleet. A look that is refused or fails costs its own line.

    Args:
        deployment: the automation.
        attributes: of each entry, beside those that it is counted from.
        seen: gets each entry of the inventory.
        deep: whether what is deployed is compared with the template, too.

    Raises:
        Trouble: there is no deployment.
    """
    view = fleet.View.of(deployment)
    looked = Looked(view, Health(deployment, view.now, deep=deep))
    parts, finding = looked.parts, runtime("monitoring.finding")
    looked.findings = parts.findings()
    counts = runtime("monitoring.fleet").Fleet(view.now, view.next_run, parts.revoked)

    def count() -> Any:
        wanted = tuple(dict.fromkeys((*runtime("monitoring.fleet").ATTRIBUTES, *attributes)))
        for entry in fleet.scan(deployment, wanted):
            counts.add(entry)
            seen(entry)
        looked.fleet = counts
        if not counts.statuses and not counts.counts["quarantined"]:
            return finding.trouble("hosts", str(fleet.empty()), who="who has hosts")
        return finding.ok("hosts", "")

    found = parts.look("hosts", count)
    if looked.fleet is None:
        looked.refused = _trouble([found])
    own = list(counts.findings()) if found.is_ok else [found]
    looked.findings = [*own, *looked.findings, *_reckoned(deployment, looked)]
    return looked


def _reckoned(deployment: Deployment, looked: Looked) -> Iterator[Any]:
    """What follows from the number of hosts and the ledger of starts; that has a line of its own."""
    finding, parts, hosts = runtime("monitoring.finding"), looked.parts, looked.fleet and looked.fleet.hosts
    if hosts is None:
        return
    starts, now = parts.starts, looked.view.now

    def paced(known: pace.Starts) -> Any:
        looked.pace = pace.look(deployment, known, hosts, now)
        return finding.ok("pace", looked.pace["summary"])

    def left() -> Any:
        # How many certificates the CA has left is counted by the runs.
        issued = starts.account.issued if starts is not None else None
        looked.certificates = found = lifetime.look(deployment, hosts, issued, now)
        part, text = "CA's certificates", str(found["summary"])
        if found["soon"]:
            text = f"the CA has issued nearly all that it may: {text}"
            return finding.trouble(part, text, "pca-automator explain CA_LIMIT_EXCEEDED")
        return finding.ok(part, text)

    if starts is not None:
        yield parts.look("pace", partial(paced, starts))
    yield parts.look("CA's certificates", left)


def status_of(findings: Sequence[Any]) -> Trouble | None:
    """What the exit status is to say of a list: trouble before what could not be seen; ``None``: all is well."""
    return _trouble([each for each in findings if each.needs_person])


def _trouble(findings: Sequence[Any]) -> Trouble | None:
    for state, status in (("trouble", 1), ("refused", REFUSED), ("unavailable", UNAVAILABLE)):
        found = [each for each in findings if each.state == state]
        if found:
            # The answer has them all; this is the line of a log, or of a mail of cron.
            more = f"; and {len(found) - _SAID} more" if len(found) > _SAID else ""
            return Trouble("; ".join(str(each.text) for each in found[:_SAID]) + more, status)
    return None
