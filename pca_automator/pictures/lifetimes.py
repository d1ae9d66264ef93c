"""The certificates of hosts over time: from the request to the end, and which of them is in service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pca_automator.cli.output import counted
from pca_automator.cli.runtime import runtime
from pca_automator.pictures import drawing
from pca_automator.pictures.data import Certificate, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pca_automator.pictures.drawing import Picture, Size

State = Literal["in service", "replaced", "revoked", "never in service"]

# Where everybody fits, everybody is drawn; of a larger fleet, whoever needs it most.
_MOST_HOSTS = 300
_CHOSEN_HOSTS = 40
_UNKNOWN_END = timedelta(days=1)
_STYLES: dict[State, tuple[str, str, float]] = {
    "in service": (drawing.GOOD, "-", 1.0),
    "replaced": (drawing.PLAIN, "-", 0.5),
    "revoked": (drawing.BAD, "--", 0.7),
    "never in service": (drawing.WARN, ":", 0.5),
}
STATES: tuple[State, ...] = tuple(_STYLES)
"""What may have become of a certificate."""


@dataclass(frozen=True)
class Lifetimes:
    """The certificates of some hosts, each list in the order of time; ``hosts`` has the most urgent first."""

    hosts: tuple[str, ...]
    certificates: dict[str, tuple[tuple[Certificate, State], ...]]
    left_out: int
    at: datetime
    next_run: datetime | None

    @property
    def sentence(self) -> str:
        """What the picture says."""
        states = [state for host in self.hosts for _, state in self.certificates.get(host, ())]
        counts = ", ".join(f"{states.count(state)} {state}" for state in _STYLES if state in states)
        more = f"; {counted(self.left_out, 'host')} with more time left not drawn" if self.left_out else ""
        return f"{counted(len(states), 'certificate')} of {counted(len(self.hosts), 'host')}: {counts or 'none'}{more}."


def by_host(report: Report) -> dict[str, tuple[tuple[Certificate, State], ...]]:
    """Every certificate with what is known of it, by its host, in the order of time."""
    live = {host.host_id: host.serial for host in report.hosts}
    found: dict[str, list[tuple[Certificate, State]]] = {}
    for each in sorted(report.certificates, key=lambda each: (each.requested_at, each.serial or "")):
        found.setdefault(each.host_id, []).append((each, state_of(each, live.get(each.host_id))))
    return {host_id: tuple(certificates) for host_id, certificates in found.items()}


def state_of(certificate: Certificate, live: str | None) -> State:
    """What became of a certificate, given the serial number that the inventory has for its host."""
    if certificate.fate == "REVOKED":
        return "revoked"
    same = runtime("authority.leaf").same_serial
    if certificate.serial is not None and live is not None and same(certificate.serial, live):
        return "in service"
    return "replaced" if certificate.fate == "LIVE" else "never in service"


def lifetimes(report: Report, wanted: Sequence[str] = ()) -> Lifetimes:
    """The certificates of the hosts that are drawn.

    Args:
        report: the data.
        wanted: whose; none: everybody's, or of a large fleet those of whoever has trouble or least time left.
    """
    certificates = by_host(report)
    known = [host for host in report.hosts if host.host_id in certificates]
    known.sort(key=lambda host: (host.trouble is None, not host.in_service, host.expiry or report.at, host.host_id))
    ids = [host.host_id for host in known]
    ids += sorted(set(certificates) - set(ids))  # those that have left the inventory
    if wanted:
        chosen = [host_id for host_id in ids if host_id in set(wanted)]
    else:
        chosen = ids if len(ids) <= _MOST_HOSTS else ids[:_CHOSEN_HOSTS]
    left_out = 0 if wanted else len(ids) - len(chosen)
    return Lifetimes(tuple(chosen), certificates, left_out, report.at, report.next_run)


def picture(found: Lifetimes) -> Picture:
    """A row for each host."""

    def draw(figure: Figure, size: Size) -> None:
        _draw(figure.subplots(), found, size)

    def height(_: Size) -> int:
        return 110 + _row(len(found.hosts)) * len(found.hosts)

    return drawing.drawn("lifetimes", "Certificates over time, a row for each host", found.sentence, height, draw)


def _row(hosts: int) -> int:
    return 22 if hosts <= _CHOSEN_HOSTS else 8


def _draw(axes: Any, found: Lifetimes, size: Size) -> None:
    drawing.quiet(axes, grid="x")
    thickness = _row(len(found.hosts)) * 0.5
    for state, (colour, style, share) in _STYLES.items():
        lines = list(_lines(found, state))
        if lines:
            rows, starts, ends = zip(*lines, strict=True)
            axes.hlines(
                rows, [drawing.day(each) for each in starts], [drawing.day(each) for each in ends],
                color=colour, linestyle=style, linewidth=max(1.5, thickness * share), label=state,
            )  # fmt: skip
    axes.axvline(drawing.day(found.at), color=drawing.INK, linewidth=1.4, label="now")
    if found.next_run is not None:
        axes.axvline(drawing.day(found.next_run), color=drawing.INK, linewidth=1.4, linestyle="--", label="next run")
    if len(found.hosts) <= _CHOSEN_HOSTS:
        axes.set_yticks(range(len(found.hosts)), [drawing.shortened(each, size) for each in found.hosts], fontsize=11)
        axes.tick_params(axis="y", length=0)
    else:
        axes.set_yticks([])
        axes.set_ylabel("hosts, the most urgent on top")
    axes.set_ylim(len(found.hosts) - 0.5, -0.5)
    drawing.times(axes, size)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6 if size.is_wide else 2, fontsize=12)


def _lines(found: Lifetimes, wanted: State) -> Iterable[tuple[float, datetime, datetime]]:
    """Rows, beginnings and ends; what overlaps stands a little apart."""
    for row, host_id in enumerate(found.hosts):
        for number, (each, state) in enumerate(found.certificates.get(host_id, ())):
            if state == wanted:
                end = each.revoked_at or each.not_after or each.requested_at + _UNKNOWN_END
                yield row + 0.3 * (number % 2) - 0.15, each.requested_at, max(end, each.requested_at)
