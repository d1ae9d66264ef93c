"""A plan as a picture: what was asked of each API over time, against what the account allows."""

from __future__ import annotations

from pathlib import Path

from pca_automator.planning.account import Meter
from pca_automator.planning.scenario import Played

_SHOWN = ("CreateSession", "IssueCertificate", "SendCommand", "GetCommandInvocation")
_POINTS = 200
FORMATS = (".svg", ".png")
"""Ends of the names of files that can be drawn."""


def draw(played: Played, file: Path) -> None:
    """Draw one panel for each API: requests a second, those that were throttled, and the quota."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    seconds = max(1, int(played.seconds))
    width = max(1, seconds // _POINTS)
    shown = [name for name in _SHOWN if played.meters[name].calls]
    # The same plan gives the same file: no random ids, no date.
    with mpl.rc_context({"svg.hashsalt": "plan", "svg.fonttype": "path"}):
        figure = Figure(figsize=(9, 2.1 * len(shown) + 0.6), layout="constrained")
        panels = figure.subplots(len(shown), sharex=True, squeeze=False)
        for name, (panel,) in zip(shown, panels, strict=True):
            meter, quota = played.meters[name], played.quotas[name]
            times = [start / 60 for start in range(0, seconds, width)]
            panel.fill_between(times, _rate(meter, played, seconds, width), step="post", alpha=0.6, label="requests")
            panel.step(
                times, _rate(meter, played, seconds, width, throttled=True), where="post", color="tab:red",
                label="throttled",
            )  # fmt: skip
            known = "quota" if quota.published else "quota (assumed)"
            panel.axhline(quota.rate, color="black", linestyle="--", linewidth=1, label=f"{known} {quota.rate:g}")
            panel.set_ylabel("a second")
            panel.set_ylim(bottom=0)
            panel.set_title(name, loc="left", fontsize="medium")
            panel.legend(loc="upper right", fontsize="small", ncols=3)
        panels[-1][0].set_xlabel("minutes")
        metadata = {"Date": None} if file.suffix.lower() == ".svg" else None
        figure.savefig(file, metadata=metadata)


def _rate(meter: Meter, played: Played, seconds: int, width: int, *, throttled: bool = False) -> list[float]:
    counts = meter.throttled if throttled else meter.calls
    begin = int(played.began)
    return [
        sum(counts.get(begin + second, 0) for second in range(start, start + width)) / width
        for start in range(0, seconds, width)
    ]
