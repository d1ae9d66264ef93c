"""The daily digest: how the fleet, its CA and its CRL are, in a mail that can be read in ten seconds."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pca_runtime.errors.remedies import Place
from pca_runtime.inventory.due import is_due
from pca_runtime.inventory.gate import Entry, Quarantined
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.runway import first_percentile
from pca_runtime.reporting.notifications import subject_line
from pca_runtime.reporting.run_report import HostOutcome, RunReport, cause_lines, printable, span
from pca_runtime.shared.counting import counted, noun
from pca_runtime.shared.timestamps import format_time

__all__ = ["ATTRIBUTES", "Digest", "gather", "message_of", "subject_of"]

ATTRIBUTES = ("status", "expiry", "renewalDate", "lastError", "validated")
# A digest is for an overview; "hosts list" has them all.
_HOSTS_SHOWN = 20


@dataclass
class Digest:
    """What was found. ``failed`` holds every host that is FAILED; ``least`` the expiry and id of the first to end."""

    automation: str
    now: datetime
    hosts: int = 0
    due: int = 0
    overdue: int = 0
    without: int = 0
    unproven: int = 0
    quarantined: int = 0
    first_quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    left: array[float] = field(default_factory=lambda: array("d"))
    least: tuple[datetime, str] | None = None
    failed: list[HostOutcome] = field(default_factory=list)
    authority: str = ""
    troubles: list[tuple[str, list[str]]] = field(default_factory=list)
    crl: str = ""
    place: Place = field(default_factory=Place)

    def quarantine(self, entry: Entry) -> None:
        """Count an entry that is no host, or in which something counts as absent."""
        self.quarantined += 1
        if len(self.first_quarantined) < _HOSTS_SHOWN:
            name = entry.shown if isinstance(entry, Quarantined) else entry.host_id
            self.first_quarantined.append((name, entry.faults[0].code, entry.faults[0].sentence))

    @property
    def first_percentile(self) -> float | None:
        """Seconds that 99 of 100 certificates still have at least."""
        return first_percentile(self.left)

    def as_report(self) -> RunReport:
        """The failed hosts as the report of a run has them, for its grouping and order."""
        report = RunReport(self.automation, "", self.now, "", place=self.place)
        for host in self.failed:
            report.add(host)
        return report


def gather(automation: str, entries: Iterable[Entry], now: datetime, next_run: timedelta) -> Digest:
    """Count the fleet.

    Args:
        automation: the deployment's name.
        entries: every entry that is not retired, with :data:`ATTRIBUTES`.
        now: the injected clock's time.
        next_run: how long until the next run.
    """
    digest = Digest(automation, now)
    for item in entries:
        if isinstance(item, Quarantined) or item.faults:
            digest.quarantine(item)
        if isinstance(item, Quarantined):
            continue
        digest.hosts += 1
        digest.due += is_due(
            renewal_date=item.renewal_date, expiry=item.expiry, abandoned=False, now=now, next_run=next_run
        )
        if item.expiry is None:
            digest.without += 1
        else:
            digest.left.append((item.expiry - now).total_seconds())
            digest.overdue += item.expiry <= now
            digest.unproven += item.validated is not True
            digest.least = min(digest.least or (item.expiry, item.host_id), (item.expiry, item.host_id))
        if item.status == "FAILED":
            digest.failed.append(_failed(item))
    return digest


def _failed(item: HostItem) -> HostOutcome:
    words = {name: str(item.last_error.get(name, "")) for name in ("phase", "code", "message")}
    return HostOutcome(
        item.host_id, "failed", item.expiry, words["phase"], words["code"] or "Unknown", words["message"]
    )


def subject_of(digest: Digest) -> str:
    """One ASCII line of at most 100 characters: how long there is, and the worst of what needs a person."""
    left = f"least time left {_least(digest)}"
    if not digest.troubles:
        return subject_line(digest.automation, f"certificates: all well, {left}")
    things = counted(len(digest.troubles), "thing needs a person", "things need a person")
    return subject_line(digest.automation, f"{left}, {things}: {digest.troubles[0][0].partition(':')[0]}")


def message_of(digest: Digest) -> str:
    """The plain text; it does not grow with the fleet."""
    percentile = digest.first_percentile
    lines = [
        f"Certificates of {digest.automation}, {format_time(digest.now)}",
        "",
        f"  {digest.hosts:>6}  {noun(digest.hosts, 'host')}",
        f"  {digest.due:>6}  due now, or before the next run",
        f"  {digest.overdue:>6}  overdue: the certificate has run out",
        f"  {digest.without:>6}  without a certificate",
        f"  {digest.unproven:>6}  with a certificate that IAM Roles Anywhere was not asked about",
        f"  {len(digest.failed):>6}  failed in their last renewal",
        f"  {digest.quarantined:>6}  in quarantine: not to be read, or not in every attribute",
        "",
        f"  Least time left:   {_least(digest)}{f', {digest.least[1]}' if digest.least else ''}",
        f"  99 of 100 have:    {_duration(percentile) if percentile is not None else 'no certificate'}",
        f"  CA:                {digest.authority}",
        f"  CRL in force:      {digest.crl}",
        "",
    ]
    if digest.troubles:
        lines += ["NEEDS A PERSON", ""]
        for text, commands in digest.troubles:
            lines += [f"* {text}", *(f"    {command}" for command in commands)]
        lines.append("")
    report = digest.as_report()
    lines += cause_lines(report)
    first = report.most_urgent_first()[:_HOSTS_SHOWN]
    if first:
        lines += ["FAILED, MOST URGENT FIRST", ""]
        lines += [
            f"  {host.host_id:<20}  {_until(host.expiry, digest.now):<22}  {host.phase} {host.code}" for host in first
        ]
        if len(digest.failed) > len(first):
            every = digest.place.command("pca-automator hosts list --failed")
            lines += [f"  ... and {len(digest.failed) - len(first)} more:", f"    {every}"]
        lines.append("")
    lines += _quarantine(digest)
    lines += ["More:", f"    {digest.place.command('pca-automator status')}"]
    return "\n".join(printable(line) for line in lines) + "\n"


def _quarantine(digest: Digest) -> list[str]:
    if not digest.quarantined:
        return []
    lines = ["IN QUARANTINE", ""]
    lines += [f"  {name:<20}  {code}: {sentence}" for name, code, sentence in digest.first_quarantined]
    more = digest.quarantined - len(digest.first_quarantined)
    told = f"  ... and {more} more, each with its reason:" if more else "  Each with its reason:"
    return [*lines, told, f"    {digest.place.command('pca-automator hosts lint')}", ""]


def _least(digest: Digest) -> str:
    return _until(digest.least[0] if digest.least else None, digest.now)


def _until(expiry: datetime | None, now: datetime) -> str:
    return "no certificate" if expiry is None else _duration((expiry - now).total_seconds())


def _duration(seconds: float) -> str:
    return f"EXPIRED {span(timedelta(seconds=-seconds))} ago" if seconds <= 0 else span(timedelta(seconds=seconds))
