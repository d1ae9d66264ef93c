"""How things went: the phases of a rehearsal, or the last runs; and the hosts on their way through them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pca_automator.cli.output import counted
from pca_automator.pictures import drawing
from pca_automator.pictures.data import Outcome, Renewal, Report, Run
from pca_automator.pictures.words import span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pca_automator.pictures.drawing import Picture, Size

State = Literal["good", "bad", "plain"]

_MOST_LANES = 16
# With more hosts than that a row has less than three pixels, and a curve says more.
_MOST_ROWS = 300
_NAMED_ROWS = 40
_NAMED = 3
_COLOURS = {"good": drawing.GOOD, "bad": drawing.BAD, "plain": drawing.PLAIN}
# What a bar is like, and the mark at its end.
_OUTCOMES: dict[Outcome, tuple[State, str]] = {
    "renewed": ("good", "|"), "failed": ("bad", "x"), "other": ("plain", "|"),
}  # fmt: skip
# Shown first in words; others follow in their order.
_COUNTS = ("renewed", "failed", "lost", "notAttempted")


@dataclass(frozen=True)
class Lane:
    """One phase or run."""

    name: str
    words: str
    start: datetime
    end: datetime
    state: State


@dataclass(frozen=True)
class Course:
    """Phases or runs, in the order of time, and hosts in the order in which they were through."""

    what: str
    lanes: tuple[Lane, ...]
    renewals: tuple[Renewal, ...]
    begin: datetime | None
    end: datetime | None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Each host once, in the order in which they were through first."""
        return tuple(dict.fromkeys(each.host_id for each in self.renewals))

    @property
    def has_rows(self) -> bool:
        """Whether each host has a row of its own; where they are too many for that, numbers over time say more."""
        return len(self.hosts) <= _MOST_ROWS

    @property
    def milestones(self) -> list[tuple[datetime, int, int]]:
        """Some moments, and how many were renewed and had failed by then."""
        ends = [(each.ended_at, each.outcome) for each in self.renewals if each.ended_at is not None]
        found = []
        for mark in sorted({max(0, len(ends) * tenth // 10 - 1) for tenth in range(1, 11)}) if ends else ():
            so_far = [outcome for _, outcome in ends[: mark + 1]]
            found.append((ends[mark][0], so_far.count("renewed"), so_far.count("failed")))
        return found

    @property
    def sentence(self) -> str:
        """What the picture of the lanes says."""
        bad = [lane.name for lane in self.lanes if lane.state == "bad"][::-1]
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        said = f"not as they should be: {', '.join(bad[:_NAMED])}{more}" if bad else "all as they should be"
        return f"{len(self.lanes)} {self.what}, {said}."

    @property
    def passage(self) -> str:
        """What the picture of the hosts says."""
        failed = sum(each.outcome == "failed" for each in self.renewals)
        done = sum(each.outcome == "renewed" for each in self.renewals)
        longest = max((length for each in self.renewals if (length := _length(each)) is not None), default=None)
        took = f"; the slowest took {span(longest)}" if longest is not None else ""
        return f"{counted(done, 'renewal')} done, {failed} failed{took}."


def course(report: Report) -> Course:
    """What there is to show of a report: phases where it has them, otherwise runs."""
    if report.phases:
        lanes = [
            Lane(each.name, each.what, each.started_at, each.ended_at, "good" if each.held else "bad")
            for each in report.phases
        ]
    else:
        lanes = [_of_run(run, report.at) for run in report.runs[:_MOST_LANES]]
    lanes.sort(key=lambda lane: lane.start)
    renewals = sorted(report.renewals, key=lambda each: (each.ended_at or report.at, each.host_id))
    moments = [moment for each in renewals for moment in (each.started_at, each.ended_at) if moment is not None] or [
        moment for lane in lanes for moment in (lane.start, lane.end)
    ]
    what = "phases" if report.phases else "runs"
    begin, end = (min(moments), max(moments)) if moments else (None, None)
    return Course(what, tuple(lanes), tuple(renewals), begin, end)


def _of_run(run: Run, at: datetime) -> Lane:
    state: State = "good" if run.status == "SUCCEEDED" else "plain" if run.status == "RUNNING" else "bad"
    if state == "good" and any(run.counts.get(name) for name in _COUNTS[1:]):
        state = "bad"
    return Lane(run.run_id, run_words(run), run.started_at, run.ended_at or at, state)


def run_words(run: Run) -> str:
    """How a run ended, and what became of its hosts."""
    names = [*(name for name in _COUNTS if name in run.counts), *(name for name in run.counts if name not in _COUNTS)]
    counts = [f"{run.counts[name]:,} {name}" for name in names if run.counts[name]]
    return ", ".join([run.status, *counts]) + (f": {run.cause}" if run.cause else "")


def lanes_picture(found: Course) -> Picture:
    """Phases or runs, one below the other."""

    def draw(figure: Figure, size: Size) -> None:
        _draw_lanes(figure.subplots(), found, size)

    title = "The phases of the rehearsal" if found.what == "phases" else "The last runs"
    return drawing.drawn("lanes", title, found.sentence, lambda _: 60 + 26 * len(found.lanes), draw)


def _draw_lanes(axes: Any, found: Course, size: Size) -> None:
    drawing.quiet(axes, grid="x")
    for row, lane in enumerate(found.lanes):
        start, end = drawing.day(lane.start), drawing.day(lane.end)
        colour = _COLOURS[lane.state]
        # The edge keeps what lasts a moment from being nothing.
        axes.barh(row, end - start, left=start, height=0.6, color=colour, edgecolor=colour, linewidth=3)
        if lane.state == "bad":
            axes.annotate(
                "not well", (end, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=11,
                annotation_clip=False,
            )  # fmt: skip
    axes.set_yticks(range(len(found.lanes)), [drawing.shortened(lane.name, size) for lane in found.lanes])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    drawing.times(axes, size)


def hosts_picture(found: Course) -> Picture:
    """The hosts: a row for each, or where they are too many for that, how many were through when."""
    hosts, rows = len(found.hosts), found.has_rows

    def draw(figure: Figure, size: Size) -> None:
        (_draw_rows if rows else _draw_curve)(figure.subplots(), found, size)

    def height(_: Size) -> int:
        return 110 + (22 if hosts <= _NAMED_ROWS else 5) * hosts if rows else 300

    title = "Hosts on their way, from request to result" if rows else "Renewals that were through"
    return drawing.drawn("hosts", title, found.passage, height, draw)


def _draw_rows(axes: Any, found: Course, size: Size) -> None:
    drawing.quiet(axes, grid="x")
    place, named = {host_id: row for row, host_id in enumerate(found.hosts)}, len(found.hosts) <= _NAMED_ROWS
    for outcome, (state, mark) in _OUTCOMES.items():
        spans = [
            (place[each.host_id], drawing.day(begin), drawing.day(each.ended_at or found.end or begin))
            for each in found.renewals
            if each.outcome == outcome and (begin := each.started_at or each.ended_at) is not None
        ]
        if spans:
            rows, starts, stops = zip(*spans, strict=True)
            colour = _COLOURS[state]
            axes.hlines(rows, starts, stops, color=colour, linewidth=8 if named else 3, label=outcome)
            # How it ended can be seen without colours.
            axes.scatter(stops, rows, marker=mark, s=60 if named else 12, color=colour)
    if named:
        axes.set_yticks(range(len(found.hosts)), [drawing.shortened(each, size) for each in found.hosts], fontsize=11)
        axes.tick_params(axis="y", length=0)
    else:
        axes.set_ylabel("hosts, in the order of their end")
        axes.set_yticks([])
    axes.set_ylim(len(found.hosts) - 0.5, -0.5)
    drawing.times(axes, size)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=12)


def _draw_curve(axes: Any, found: Course, size: Size) -> None:
    drawing.quiet(axes, grid="both")
    begin = drawing.day(found.begin) if found.begin else 0.0
    for outcome, state, style in (("renewed", "good", "-"), ("failed", "bad", "--")):
        ends = [drawing.day(each.ended_at) for each in found.renewals if each.outcome == outcome and each.ended_at]
        if not ends:
            continue
        # A few hundred steps are all that can be seen.
        stride = max(1, len(ends) // 400)
        kept = [*range(stride - 1, len(ends) - 1, stride), len(ends) - 1]
        axes.step(
            [begin, *(ends[each] for each in kept)], [0, *(each + 1 for each in kept)], where="post",
            color=_COLOURS[state], linewidth=2.5, linestyle=style, label=outcome,
        )  # fmt: skip
    axes.set_ylabel("hosts")
    axes.set_ylim(bottom=0)
    drawing.times(axes, size)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=12)


def _length(renewal: Renewal) -> timedelta | None:
    if renewal.started_at is None or renewal.ended_at is None:
        return None
    return renewal.ended_at - renewal.started_at
