"""The message of a run that had failures: a plain e-mail that one can act on at three in the morning."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pca_runtime.errors.catalogue import CATALOGUE, lookup, remedy_for
from pca_runtime.errors.remedies import Place, values_in
from pca_runtime.reporting.host_outcome import HostOutcome, Outcome
from pca_runtime.reporting.noticed import Noticed
from pca_runtime.reporting.notifications import execution_url, subject_line
from pca_runtime.shared.characters import is_visible
from pca_runtime.shared.counting import counted, noun
from pca_runtime.shared.timestamps import format_time

__all__ = [
    "CAUSES_MAX", "Cause", "HostOutcome", "Outcome", "RunReport", "cause_lines", "message_of", "printable", "span",
    "subject_of",
]  # fmt: skip

# SNS takes 262,144 bytes and a subject of 100 ASCII characters
# (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html), EventBridge as many for an entry with all its fields;
# the rest is room for the envelope of other protocols.
MESSAGE_MAX = 240_000
# Systems Manager gives ids out at random; those of the self-test begin like this.
_TEST_IDS = "mi-00000000000"
# A host chooses the code that it prints: one that is in wrong hands must not fill the message with causes.
CAUSES_MAX = 40
# More lines are not read in a mail: a thousand hosts with one cause are one cause, and the report has them all.
_HOSTS_MAX = 40
_NAMED = 3

_TROUBLE: tuple[Outcome, ...] = ("failed", "lost", "notAttempted", "rejected", "impaired")
# Entries of which the run tells beside the hosts that were due.
_QUARANTINE: tuple[Outcome, ...] = ("rejected", "impaired")
_LABELS: dict[Outcome, str] = {
    "renewed": "renewed",
    "failed": "failed",
    "lost": "lost (claimed by this run, and neither renewed nor failed)",
    "notAttempted": "not attempted",
    "rejected": "rejected",
    "impaired": "impaired (what this system cannot have written counts as absent)",
    "skipped": "skipped (another run has or had them, or they were retired)",
}


@dataclass(frozen=True)
class Cause:
    """Why some hosts need attention, all for the same reason."""

    phase: str
    code: str
    remedy: str
    count: int
    first: tuple[HostOutcome, ...]

    @property
    def most_urgent(self) -> HostOutcome:
        """The host of it that has the least time left."""
        return self.first[0]

    def as_json(self) -> dict[str, Any]:
        """The cause in report.json."""
        return {
            "phase": self.phase,
            "code": self.code,
            "hosts": self.count,
            "meaning": lookup(self.code).meaning,
            "remedy": self.remedy,
            "mostUrgent": self.most_urgent.host_id,
        }


@dataclass
class RunReport:
    """What became of a run. Hosts that went well are counted only, so that memory does not grow with them."""

    automation: str
    run_id: str
    now: datetime
    details: str
    execution_arn: str = ""
    map_error: str = ""
    started_at: datetime | None = None
    due: int = 0
    counts: Counter[Outcome] = field(default_factory=Counter)
    trouble: list[HostOutcome] = field(default_factory=list)
    unproven: int = 0
    noticed: Noticed = field(default_factory=Noticed)
    place: Place = field(default_factory=Place)

    def add(self, host: HostOutcome) -> None:
        """Count a host, and keep it if something is to be done about it."""
        self.counts[host.outcome] += 1
        self.unproven += not host.is_proven
        self.noticed.add(host.host_id, host.notices)
        if host.outcome in _TROUBLE:
            self.trouble.append(host)

    @property
    def is_self_test(self) -> bool:
        """Whether ``pca-automator verify`` made the trouble: with entries of its own, which are nobody's hosts."""
        return bool(self.trouble) and all(host.host_id.startswith(_TEST_IDS) for host in self.trouble)

    @property
    def needs_attention(self) -> bool:
        """Whether a person has something to do."""
        return bool(self.trouble or self.map_error)

    @property
    def map_code(self) -> str:
        """The name of the error that ended the map, such as ``States.ItemReaderFailed``; "" if none did."""
        return self.map_error.partition(":")[0]

    @property
    def seconds(self) -> int | None:
        """How long the run took, from the choice of its hosts to this report."""
        return None if self.started_at is None else int((self.now - self.started_at).total_seconds())

    def most_urgent_first(self) -> list[HostOutcome]:
        """Least time left first; no certificate counts as one that expires now. What is in quarantine comes last."""
        return sorted(
            self.trouble,
            key=lambda host: (host.outcome in _QUARANTINE, host.expiry or self.now, host.host_id),
        )

    def numbers(self) -> dict[str, int]:
        """How many hosts were due, and what became of them."""
        return {"due": self.due, **{outcome: self.counts[outcome] for outcome in _LABELS}}

    def causes(self) -> list[Cause]:
        """Hosts that failed for the same reason, the largest group first."""
        groups: dict[tuple[str, str, str], list[HostOutcome]] = {}
        for host in self.most_urgent_first():
            remedy = remedy_for(host.code, host.message)
            groups.setdefault((host.phase, host.code, remedy), []).append(host)
        ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
        return [Cause(*key, count=len(hosts), first=tuple(hosts[:_NAMED])) for key, hosts in ranked]

    def as_json(self) -> dict[str, Any]:
        """The whole report."""
        causes = self.causes()
        return {
            "automation": self.automation,
            "runId": self.run_id,
            "at": format_time(self.now),
            "startedAt": None if self.started_at is None else format_time(self.started_at),
            "seconds": self.seconds,
            **self.numbers(),
            "unproven": self.unproven,
            "needsAttention": self.needs_attention,
            "mapError": self.map_error,
            "execution": execution_url(self.execution_arn),
            "details": self.details,
            "causes": [cause.as_json() for cause in causes[:CAUSES_MAX]],
            "notices": self.noticed.as_json(),
            "causesLeftOut": max(0, len(causes) - CAUSES_MAX),
            "hosts": [host.as_json(self.now) for host in self.most_urgent_first()],
            "hostsLeftOut": 0,
        }

    def as_event(self, limit: int = MESSAGE_MAX) -> dict[str, Any]:
        """The same for an event, of at most ``limit`` bytes as JSON: everything but the hosts that are too many."""
        whole = self.as_json()
        hosts: list[dict[str, Any]] = whole.pop("hosts")
        # 7 digits for the number of hosts left out, which is not known before.
        room = limit - _json_size({**whole, "hosts": []}) - 7
        fitting = 0
        for host in hosts:
            room -= _json_size(host) + 1
            if room < 0:
                break
            fitting += 1
        return {**whole, "hosts": hosts[:fitting], "hostsLeftOut": len(hosts) - fitting}


def subject_of(report: RunReport) -> str:
    """One ASCII line of at most 100 characters."""
    count = len(report.trouble)
    what = counted(count, "host needs attention", "hosts need attention") if count else "the run did not finish"
    test = "TEST: " if report.is_self_test else ""
    return subject_line(report.automation, f"{test}certificate renewal: {what}{_worst(report)}")


def _worst(report: RunReport) -> str:
    """How long there is, and why: what decides whether somebody gets up."""
    if not report.trouble:
        return ""
    first = report.most_urgent_first()[0]
    return f", {_left(first, report.now)}{f' ({first.code})' if first.code else ''}"


def message_of(report: RunReport, limit: int = MESSAGE_MAX) -> str:
    """The plain text, of at most ``limit`` bytes: counts and causes always, hosts as far as they fit."""
    head = [*_summary(report), *cause_lines(report), *report.noticed.lines(report.place)]
    tail = _where(report)
    room = limit - _size(head) - _size(tail)
    return "\n".join(printable(line) for line in [*head, *_hosts(report, room), *tail]) + "\n"


def printable(line: str) -> str:
    """Others choose some of the words; none moves or turns what stands around it. Never longer than the line given."""
    return "".join(character if is_visible(character) else "?" for character in line)


def _summary(report: RunReport) -> list[str]:
    lines = [
        f"Certificate renewal of {report.automation}, run {report.run_id}, {format_time(report.now)}",
        "",
    ]
    if report.is_self_test:
        lines += ["A test of pca-automator verify, with entries of its own: none of your hosts is in it.", ""]
    lines.append(f"  {report.due:>6}  {noun(report.due, 'host')} in this run")
    lines += [f"  {report.counts[outcome]:>6}  {label}" for outcome, label in _LABELS.items() if report.counts[outcome]]
    if report.unproven:
        lines.append(f"  {report.unproven:>6}  renewed without a proof by IAM Roles Anywhere")
    if report.map_error:
        lines += ["", f"The run itself did not finish: {report.map_error}"]
        lines += [f"  What happened: {lookup(report.map_code).meaning}", *_to_do(report, _map_remedy(report), {})]
    return [*lines, ""]


def _map_remedy(report: RunReport) -> str:
    if report.map_code in CATALOGUE:
        return remedy_for(report.map_code, report.map_error)
    return "Look at the map run, below, for why it ended; then: `pca-automator run --watch`"


def _to_do(report: RunReport, remedy: str, values: dict[str, str]) -> list[str]:
    """What to do in lines, each command alone on its own: it is copied from the mail as it stands."""
    lines = report.place.lines(remedy, values)
    if not lines:
        return []
    (first_is_command, first), *rest = lines
    shown = [f"  What to do:    {'' if first_is_command else first}".rstrip()]
    shown += [f"    {first}"] if first_is_command else []
    return shown + [f"    {line}" if is_command else f"                 {line}" for is_command, line in rest]


def cause_lines(report: RunReport) -> list[str]:
    """Why hosts need attention and what to do, the most frequent cause first."""
    causes = report.causes()
    lines = ["WHY, AND WHAT TO DO", ""] if causes else []
    for cause in causes[:CAUSES_MAX]:
        where = f" in {cause.phase}" if cause.phase else ""
        lines.append(f"* {counted(cause.count, 'host')}: {cause.code}{where}")
        lines.append(f"  What happened: {lookup(cause.code).meaning}")
        values = {**values_in(cause.most_urgent.message), "id": cause.most_urgent.host_id}
        lines += _to_do(report, cause.remedy, values)
        named = [f"{host.host_id}, {_left(host, report.now)}" for host in cause.first]
        more = [f"and {cause.count - len(named)} more"] if cause.count > len(named) else []
        lines.append(f"  Most urgent:   {'; '.join([*named, *more])}")
        lines.append("")
    if len(causes) > CAUSES_MAX:
        lines += [f"* and {counted(len(causes) - CAUSES_MAX, 'rarer cause')}", ""]
    return lines


def _hosts(report: RunReport, room: int) -> list[str]:
    hosts = report.most_urgent_first()
    if not hosts:
        return []
    lines = ["HOSTS, MOST URGENT FIRST", ""]
    # Room for the lines of a list that was cut.
    room -= _size(lines) + 300
    for number, host in enumerate(hosts):
        line = _host_line(host, report.now)
        room -= _size([line])
        if room < 0 or number == _HOSTS_MAX:
            every = report.place.command("pca-automator hosts list --failed")
            return [*lines, f"  ... and {len(hosts) - number} more:", f"    {every}", ""]
        lines.append(line)
    return [*lines, ""]


def _host_line(host: HostOutcome, now: datetime) -> str:
    why = f"{host.phase} {host.code}".strip()
    message = " ".join(host.message.split())
    return f"  {host.host_id:<20}  {_left(host, now):<22}  {why}: {message}".rstrip(": ")


def _where(report: RunReport) -> list[str]:
    lines = ["WHEN IT IS REPAIRED", ""]
    if hosts := [host for host in report.most_urgent_first() if host.outcome not in _QUARANTINE]:
        lines += [
            "  The most urgent host:" if len(hosts) > 1 else "  The host:",
            f"    {report.place.command(f'pca-automator run {hosts[0].host_id} --force --watch')}",
        ]
    lines += [
        "  All due:",
        f"    {report.place.command('pca-automator run --watch')}",
        "",
        "  The next run of the schedule takes up who is due by itself. A host that was asked for before its time and",
        "  is not due yet is renewed by a command with its id and --force alone.",
        "",
        "DETAILS",
        "",
        f"  Report:    {report.details}",
    ]
    if report.execution_arn:
        lines += [
            f"  Run:       {execution_url(report.execution_arn)}",
            "  Map run:",
            f"    {report.place.command(f'aws stepfunctions list-map-runs --execution-arn {report.execution_arn}')}",
        ]
    return lines


def _left(host: HostOutcome, now: datetime) -> str:
    expiry = host.expiry
    if expiry is None:
        return host.outcome if host.outcome in _QUARANTINE else "no certificate"
    if expiry <= now:
        return f"EXPIRED {span(now - expiry)} ago"
    return f"{span(expiry - now)} left"


def span(length: timedelta) -> str:
    """Days and hours, or hours and minutes."""
    minutes = int(length.total_seconds()) // 60
    days, rest = divmod(minutes, 24 * 60)
    return f"{days} d {rest // 60} h" if days else f"{rest // 60} h {rest % 60} min"


def _json_size(document: dict[str, Any]) -> int:
    """As :class:`pca_runtime.reporting.events.Events` writes it."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
