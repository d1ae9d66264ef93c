"""docs/events.md describes the details as they are published: every field, and its type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pca_runtime.inventory.item import HostItem
from pca_runtime.observability.invocation import emit, logger
from pca_runtime.reporting.events import (
    HOST_RENEWAL_FAILED,
    HOST_RENEWED,
    RUN_REPORT,
    Events,
    failed_detail,
    renewed_detail,
)
from pca_runtime.reporting.run_report import HostOutcome, RunReport

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
NOW = datetime(2026, 11, 23, 13, 15, tzinfo=UTC)
TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "string or null": lambda value: value is None or isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "integer or null": lambda value: value is None or (isinstance(value, int) and not isinstance(value, bool)),
    "list": lambda value: isinstance(value, list),
}


class Bus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.entries += request["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{}]}


def host(**attributes: Any) -> HostItem:
    live = {"hostID": "i-01234567", "lastRunId": "run-1", "serial": "0a", "expiry": "2026-11-25T12:00:00Z"}
    return HostItem.of({**live, "renewalDate": "2026-11-23T12:00:00Z", "certificateArn": "arn", **attributes})


def run_report(*hosts: HostOutcome) -> dict[str, Any]:
    report = RunReport("fleet", "run-1", NOW, "s3://work/runs/run-1/report.json", started_at=NOW if hosts else None)
    for each in hosts:
        report.add(each)
    return report.as_event()


ERROR = {"phase": "CertCSR", "code": "X", "message": "x", "at": "2026-11-23T13:15:00Z"}
FAILED = HostOutcome("i-01234567", "failed", NOW + timedelta(hours=1), "CertCSR", "X", "x")
NOTICED = HostOutcome("i-0", "renewed", NOW, is_proven=False, notices=("HELPER_GONE",))
PUBLISHED = [
    (HOST_RENEWED, renewed_detail(host(validated=True, previousSerial="0b"))),
    (HOST_RENEWED, renewed_detail(host(notices={"HOOKS_SKIPPED": "10-a"}))),
    (HOST_RENEWAL_FAILED, failed_detail(host(lastError=ERROR, failureCount=2), NOW)),
    (HOST_RENEWAL_FAILED, failed_detail(HostItem.of({"hostID": "i-0", "lastRunId": "r", "lastError": ERROR}), NOW)),
    (RUN_REPORT, run_report(FAILED, NOTICED, HostOutcome("x", "rejected"))),
    (RUN_REPORT, run_report()),
]


def documented(detail_type: str) -> dict[str, str]:
    """Field to type, from the table below the heading of an event."""
    (section,) = re.findall(rf"^## {detail_type}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return dict(re.findall(r"^\| `(\w+)` \| ([a-z ]+) \|", section, re.M))


@pytest.mark.parametrize(("detail_type", "detail"), PUBLISHED)
def test_every_field_is_documented_with_its_type(detail_type: str, detail: dict[str, Any]) -> None:
    bus = Bus()
    assert Events(bus, "fleet", logger, emit).publish(detail_type, detail)
    (entry,) = bus.entries
    published, fields = json.loads(entry["Detail"]), documented(detail_type)
    assert set(published) == set(fields)
    wrong = {name: value for name, value in published.items() if not TYPES[fields[name]](value)}
    assert wrong == {}


def test_what_is_in_causes_and_hosts_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8").partition(f"## {RUN_REPORT}")[2]
    for name in ("causes", "hosts", "notices"):
        (line,) = re.findall(rf"^\| `{name}` \| list \| (.*) \|$", page, re.M)
        (first, *_) = run_report(FAILED, NOTICED)[name]
        assert set(first) <= set(re.findall(r"`(\w+)`", line)), name
