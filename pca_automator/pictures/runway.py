"""How long the fleet has: hosts by the time that their certificates still have, with the line of the next run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pca_automator.pictures import drawing
from pca_automator.pictures.data import Report
from pca_automator.pictures.words import left, span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pca_automator.pictures.drawing import Picture, Size

_HOUR = timedelta(hours=1)
_STEPS = tuple(_HOUR * hours for hours in (1, 2, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 30 * 24, 90 * 24, 365 * 24))
_MOST_BINS = 24
_DAYS_FROM = timedelta(days=3)
# A name for what is drawn left of zero, where the time is over.
RUN_OUT = "run out"


@dataclass(frozen=True)
class Bin:
    """Hosts whose certificates have at least ``low`` and less than ``high``; ``ends``: some before the next run."""

    low: timedelta
    high: timedelta
    hosts: int
    ends: bool

    @property
    def is_over(self) -> bool:
        """Whether their time is over."""
        return self.high <= timedelta()

    @property
    def words(self) -> str:
        """The bounds, for a table."""
        return RUN_OUT if self.is_over else f"{span(self.low) if self.low else '0 h'} to {span(self.high)}"


@dataclass(frozen=True)
class Runway:
    """The fleet by time left."""

    bins: tuple[Bin, ...]
    step: timedelta
    until_next_run: timedelta | None
    threshold: timedelta | None
    with_certificate: int
    without: int
    over: int
    before_next_run: int
    least: tuple[timedelta, str] | None

    @property
    def hosts(self) -> int:
        """How many are in service."""
        return self.with_certificate + self.without

    @property
    def sentence(self) -> str:
        """What the picture says."""
        if self.least is None:
            return "No host has a certificate."
        words = [f"{self.with_certificate:,} of {self.hosts:,} hosts have a certificate"]
        if self.over:
            words.append(f"{self.over:,} of them {'has' if self.over == 1 else 'have'} run out")
        if self.until_next_run is not None:
            words.append(
                f"{self.before_next_run:,} more end before the next run, which comes in {span(self.until_next_run)}"
            )
        words.append(f"the first is {self.least[1]}: {left(self.least[0])}")
        return "; ".join(words) + "."


def runway(report: Report) -> Runway:
    """Count the hosts."""
    hosts = [host for host in report.hosts if host.in_service]
    found = sorted((span_left, host.host_id) for host in hosts if (span_left := host.left(report.at)) is not None)
    next_run = None if report.next_run is None else max(timedelta(), report.next_run - report.at)
    lefts = [span_left for span_left, _ in found]
    good = [each for each in lefts if each > timedelta()]
    step = next((step for step in _STEPS if not good or good[-1] < step * _MOST_BINS), _STEPS[-1])
    bins = []
    over = len(lefts) - len(good)
    if over:
        bins.append(Bin(-step, timedelta(), over, ends=True))
    for number in range(int(good[-1] / step) + 1 if good else 0):
        low, high = step * number, step * (number + 1)
        inside = [each for each in good if low <= each < high]
        ends = next_run is not None and any(each <= next_run for each in inside)
        bins.append(Bin(low, high, len(inside), ends))
    return Runway(
        bins=tuple(bins),
        step=step,
        until_next_run=next_run,
        threshold=None if report.threshold_seconds is None else timedelta(seconds=report.threshold_seconds),
        with_certificate=len(lefts),
        without=len(hosts) - len(lefts),
        over=over,
        before_next_run=0 if next_run is None else sum(each <= next_run for each in good),
        least=found[0] if found else None,
    )


def picture(found: Runway) -> Picture:
    """The histogram."""

    def draw(figure: Figure, size: Size) -> None:
        _draw(figure.subplots(), found, size)

    title = "Hosts by the time that their certificates have left"
    return drawing.drawn("runway", title, found.sentence, lambda size: 300 if size.is_wide else 260, draw)


def _draw(axes: Any, found: Runway, size: Size) -> None:
    drawing.quiet(axes, grid="y")
    days = bool(found.bins) and found.bins[-1].high > _DAYS_FROM
    unit = timedelta(days=1) if days else _HOUR
    for each in found.bins:
        colour = drawing.BAD if each.is_over else drawing.WARN if each.ends else drawing.GOOD
        bar = axes.bar(
            each.low / unit, each.hosts, width=(each.high - each.low) / unit, align="edge", color=colour,
            edgecolor=drawing.CARD, hatch="//" if each.is_over else "", linewidth=1,
        )  # fmt: skip
        if each.hosts and (size.is_wide or len(found.bins) <= _MOST_BINS // 3):
            axes.bar_label(bar, labels=[f"{each.hosts:,}"], padding=2, fontsize=11)
    for at, words, style in (
        (found.until_next_run, "next run", "-"),
        (found.threshold, "renewed from here on", "--"),
    ):
        if at is not None and (not found.bins or at <= found.bins[-1].high):
            axes.axvline(at / unit, color=drawing.INK, linewidth=1.6, linestyle=style, label=words)
    if any(each.is_over for each in found.bins):
        axes.axvline(0, color=drawing.BAD, linewidth=1.6, linestyle=":", label="no time left")
    axes.set_xlabel(f"{'days' if days else 'hours'} left")
    axes.set_ylabel("hosts")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.15)
    if not found.bins:
        axes.set_xlim(0, 1)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3 if size.is_wide else 1, fontsize=12)
