"""Why hosts need attention, grouped; each cause with what to do about its most urgent host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pca_automator.cli.runtime import runtime
from pca_automator.pictures.data import Cause, Host, Line

Remedy = Callable[[Host], Iterable[tuple[bool, str]]]
"""What to do about a host that has trouble: lines, each with whether it is a command."""
# A host chooses the code that it prints: one that is in wrong hands must not fill the page with causes.
_MOST = int(runtime("reporting.run_report").CAUSES_MAX)


def causes_of(hosts: Iterable[Host], at: datetime, place: Any, remedy: Remedy) -> list[Cause]:
    """Hosts that failed for the same reason, the largest group first; at most as many causes as a mail has.

    Args:
        hosts: those without trouble are left out.
        at: a host without a certificate counts as one that runs out now.
        place: the deployment, as far as a command has to say it.
        remedy: asked once for each cause, about its most urgent host.
    """
    catalogue = runtime("errors.catalogue")
    groups: dict[tuple[str, str, str], list[Host]] = {}
    for host in sorted(hosts, key=lambda host: (host.expiry or at, host.host_id)):
        if host.trouble is not None:
            words = str(catalogue.remedy_for(host.trouble.code, host.trouble.message))
            groups.setdefault((host.trouble.phase, host.trouble.code, words), []).append(host)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [
        Cause(
            phase=phase,
            code=code,
            hosts=len(alike),
            meaning=catalogue.lookup(code).meaning,
            to_do=_to_do(alike[0], place, remedy),
            most_urgent=alike[0].host_id,
        )
        for (phase, code, _), alike in ranked[:_MOST]
    ]


def _to_do(host: Host, place: Any, remedy: Remedy) -> list[Line]:
    """The remedy, and behind it what brings the host back."""
    lines = [Line(command=is_command, text=text) for is_command, text in remedy(host)]
    again = str(place.command(f"pca-automator run {host.host_id} --force --watch"))
    if all(line.text != again for line in lines):
        lines += [Line(command=False, text="When it is repaired:"), Line(command=True, text=again)]
    return lines
