"""The size of the CRL, against what IAM Roles Anywhere takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pca_automator.pictures import drawing
from pca_automator.pictures.data import Crl, Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pca_automator.pictures.drawing import Picture, Size

_ALARM = 0.8
"""Share at which the alarm goes off, and the health list speaks."""


def sentence(crl: Crl) -> str:
    """What the picture says."""
    share = crl.bytes / crl.allowed_bytes if crl.allowed_bytes else 0
    return (
        f"The CRL in force has {crl.entries:,} entries and {crl.bytes:,} of {crl.allowed_bytes:,} bytes ({share:.0%}); "
        f"it is {'enabled' if crl.enabled else 'DISABLED'}."
    )


def picture(crl: Crl) -> Picture:
    """Bytes over time, or where they were measured once, how full it is."""
    over_time = len({measure.at for measure in crl.history}) > 1

    def draw(figure: Figure, size: Size) -> None:
        (_draw_curve if over_time else _draw_bar)(figure.subplots(), crl, size)

    return drawing.drawn(
        "crl", "Size of the CRL", sentence(crl), lambda size: 260 if over_time else 130 if size.is_wide else 150, draw
    )


def _draw_curve(axes: Any, crl: Crl, size: Size) -> None:
    drawing.quiet(axes, grid="y")
    history = sorted(crl.history, key=lambda measure: measure.at)
    times = [drawing.day(measure.at) for measure in history]
    axes.step(times, [measure.bytes / 1000 for measure in history], where="post", color=drawing.PLAIN, linewidth=2.5)
    axes.set_ylabel("kB")
    _limits(axes.axhline, axes, crl, size, history)
    axes.set_ylim(bottom=0)
    drawing.times(axes, size)


def _draw_bar(axes: Any, crl: Crl, size: Size) -> None:
    drawing.quiet(axes)
    axes.barh(0, crl.bytes / 1000, height=0.5, color=drawing.PLAIN)
    axes.set_yticks([])
    axes.set_xlabel("kB")
    axes.set_ylim(-0.5, 0.5)
    _limits(axes.axvline, axes, crl, size)
    axes.set_xlim(left=0)


def _limits(line: Any, axes: Any, crl: Crl, size: Size, history: Sequence[Measure] = ()) -> None:
    """The lines, once the CRL has come near: of one that is empty they would show nothing but themselves."""
    largest = max([crl.bytes, *(measure.bytes for measure in history)])
    if largest < crl.allowed_bytes / 10 and history:
        axes.set_title(
            f"far below the {crl.allowed_bytes / 1000:,.0f} kB that are allowed", loc="left", color=drawing.INK
        )
        return
    allowed = crl.allowed_bytes / 1000
    line(allowed, color=drawing.BAD, linewidth=1.6, label=f"allowed: {allowed:,.0f} kB")
    line(allowed * _ALARM, color=drawing.INK, linewidth=1.4, linestyle="--", label=f"alarm: {allowed * _ALARM:,.0f} kB")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2 if size.is_wide else 1, fontsize=12)
