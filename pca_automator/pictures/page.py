"""One page in one file: nothing on it is fetched from anywhere, and its policy keeps every request from leaving it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pca_automator.cli.output import counted
from pca_automator.pictures import course, growth, lifetimes, runway
from pca_automator.pictures.data import Certificate, Host, Report
from pca_automator.pictures.drawing import Picture
from pca_automator.pictures.words import left, moment, span

HERE = Path(__file__).parent
# With so many hosts a browser still shows all at once; of more, rows are made when they are asked for.
MOST_ROWS = 1_000
_FIRST_ROWS = 50
# Bytes of JSON, so that the page of ten thousand hosts stays below 5 MB whatever stands in the inventory.
_HOSTS_MAX, _CERTIFICATES_MAX, _MESSAGES_MAX = 2_000_000, 1_700_000, 500_000
_RENEWALS_MAX = 2_000
_MESSAGE_MAX, _SHORT_MAX = 400, 60


class MissingError(RuntimeError):
    """What a page is made with is not installed; the message says how to."""


@dataclass(frozen=True)
class Row:
    """A host as it stands in the list."""

    host: Host
    left: str
    trouble: str
    certificates: tuple[tuple[Certificate, lifetimes.State], ...]


def check_installed() -> None:
    """Say at once what is missing, before anything is asked or played.

    Raises:
        MissingError: the extra ``report`` is not installed.
    """
    from importlib.util import find_spec

    if missing := [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]:
        raise MissingError(f"{' and '.join(missing)} not installed: pip install 'pca-automator[report]'")


def page(report: Report, wanted: Sequence[str] = ()) -> str:
    """The page.

    Args:
        report: what it shows.
        wanted: the hosts whose certificates are drawn. Default: all of a small fleet, the most urgent of a large one.

    Raises:
        MissingError: the extra ``report`` is not installed.
    """
    check_installed()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, loader=FileSystemLoader(HERE), lstrip_blocks=True, trim_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {"moment": moment, "left": left, "span": span, "counted": counted}
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Our own files and what was escaped; everything else is escaped by the template.
    return environment.get_template("page.html.j2").render(
        _shown(report, wanted),
        Markup=Markup,
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        script=Markup(script),  # noqa: S704
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704
    )


def write(report: Report, file: Path, wanted: Sequence[str] = ()) -> None:
    """Write the page in one step.

    Raises:
        MissingError: the extra ``report`` is not installed.
        OSError: the file cannot be written.
    """
    text = page(report, wanted)
    aside = file.with_name(f"{file.name}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def _shown(report: Report, wanted: Sequence[str]) -> dict[str, Any]:
    time_left, went = runway.runway(report), course.course(report)
    lives = lifetimes.lifetimes(report, wanted)
    rows = _rows(report)
    on_demand = len(rows) > MOST_ROWS
    pictures: dict[str, Picture] = {}
    if report.kind != "run" or time_left.with_certificate:
        pictures["runway"] = runway.picture(time_left)
    if went.lanes:
        pictures["lanes"] = course.lanes_picture(went)
    if went.renewals:
        pictures["hosts"] = course.hosts_picture(went)
    if lives.hosts:
        pictures["lifetimes"] = lifetimes.picture(lives)
    if report.crl is not None:
        pictures["crl"] = growth.picture(report.crl)
    trouble = [each for each in report.findings if each.state != "ok"]
    broken = [each for phase in report.phases for each in phase.expectations if not each.held]
    return {
        "report": report,
        "pictures": pictures,
        "runway": time_left,
        "course": went,
        "renewals": went.renewals[:_RENEWALS_MAX] if went.has_rows else (),
        "renewals_left_out": max(0, len(went.renewals) - _RENEWALS_MAX),
        "lifetimes": lives,
        "drawn": [(host_id, lives.certificates.get(host_id, ())) for host_id in lives.hosts],
        "trouble": trouble,
        "broken": broken,
        "rows": rows[:_FIRST_ROWS] if on_demand else rows,
        "total": len(rows),
        "statuses": sorted({row.host.status for row in rows}),
        "on_demand": on_demand,
        "data": _compact(rows) if on_demand else None,
    }


def _rows(report: Report) -> list[Row]:
    """Every host, whoever needs attention first."""
    certificates = lifetimes.by_host(report)

    def urgency(host: Host) -> tuple[bool, bool, Any, str]:
        return not host.in_service, host.trouble is None, host.expiry or report.at, host.host_id

    return [
        Row(
            host,
            left(host.left(report.at)) if host.in_service else "",
            _trouble(host),
            certificates.get(host.host_id, ()),
        )
        for host in sorted(report.hosts, key=urgency)
    ]


def _trouble(host: Host) -> str:
    if host.trouble is None:
        return ""
    message = " ".join(host.trouble.message.split())
    cut = message if len(message) <= _MESSAGE_MAX else f"{message[:_MESSAGE_MAX]}…"
    return f"{host.trouble.phase} {host.trouble.code}: {cut}".rstrip(": ")


def _compact(rows: Sequence[Row]) -> dict[str, Any]:
    """The hosts of a large fleet for the script: as arrays, and no more of each part than its bytes allow."""
    statuses = list(dict.fromkeys(row.host.status for row in rows))
    states = list(lifetimes.STATES)
    hosts, messages, certificates = [], {}, {}
    room, words, entries = _Budget(_HOSTS_MAX), _Budget(_MESSAGES_MAX), _Budget(_CERTIFICATES_MAX)
    for number, row in enumerate(rows):
        host, short = row.host, row.trouble.partition(":")[0][:_SHORT_MAX]
        entry = [host.host_id, statuses.index(host.status), row.left, int(host.due), host.serial or "", short]
        if not room.takes(entry):
            break
        hosts.append(entry)
        if row.trouble != short and words.takes(row.trouble):
            messages[number] = row.trouble
        # The newest are what is asked for.
        newest = [
            [
                each.serial or "",
                _minutes(each.requested_at),
                _minutes(each.revoked_at or each.not_after),
                states.index(state),
            ]
            for each, state in reversed(row.certificates)
        ]
        if kept := [each for each in newest if entries.takes(each)]:
            certificates[number] = kept
    shown = sum(map(len, certificates.values()))
    return {
        "statuses": statuses,
        "states": states,
        "hosts": hosts,
        "messages": messages,
        "certificates": certificates,
        "hostsLeftOut": len(rows) - len(hosts),
        "certificatesLeftOut": sum(len(row.certificates) for row in rows) - shown,
    }


def _minutes(when: datetime | None) -> int | None:
    """Since 1970: a time in eight digits."""
    return None if when is None else int(when.timestamp()) // 60


class _Budget:
    """Bytes that may be spent."""

    def __init__(self, most: int) -> None:
        self._left = most

    def takes(self, value: object) -> bool:
        """Whether there is room for it; if there is, it is taken."""
        text = json.dumps(value)
        # In a page these are written with six characters.
        size = len(text) + 8 + 5 * sum(map(text.count, "<>&'"))
        if size > self._left:
            return False
        self._left -= size
        return True
