"""CertReport: what became of every host of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.item import HostItem
from pca_runtime.renewal.payloads import ReportRequest
from pca_runtime.renewal.work_files import WorkFiles, rejected_key, report_key
from pca_runtime.reporting.run_report import HostOutcome, Outcome, RunReport
from pca_runtime.shared.timestamps import parse_time

__all__ = ["ATTRIBUTES", "Reporter"]

ATTRIBUTES = (
    "status", "expiry", "runId", "leaseUntil", "lastRunId", "lastAttempt", "lastError", "validated", "notices",
)  # fmt: skip
# Hosts that are compared with the table at a time: ten BatchGetItem requests, some 100 KB.
_CHUNK = 1_000


@dataclass(frozen=True)
class Reporter:
    """Compares the list of a run with the table.

    Args:
        automation: the deployment's name.
        fleet: read access with the projection :data:`ATTRIBUTES`.
        files: the work bucket.
    """

    automation: str
    fleet: Fleet
    files: WorkFiles

    def report(self, request: ReportRequest, now: datetime) -> RunReport:
        """Classify every host that the run listed."""
        report = RunReport(
            automation=self.automation,
            run_id=request.run_id,
            now=now,
            details=f"s3://{request.bucket}/{report_key(request.run_id)}",
            execution_arn=request.execution_arn,
            map_error=_map_error(request),
        )
        listed = self.files.read_lines(request.key)
        report.started_at = listed.started_at
        for chunk in _chunks(listed.lines):
            items = {item.host_id: item for item in self.fleet.these(line["hostID"] for line in chunk)}
            for line in chunk:
                report.due += 1
                host_id, listed_expiry = str(line["hostID"]), parse_time(line.get("expiry"))
                report.add(
                    _classify(host_id, listed_expiry, items.get(host_id), request.run_id, listed.started_at, now)
                )
        for line in self.files.read_lines(rejected_key(request.run_id)).lines:
            outcome: Outcome = "impaired" if line.get("host") else "rejected"
            report.add(HostOutcome(line["hostID"], outcome, None, "CertCheck", line["code"], line["message"]))
        return report


def _classify(
    host_id: str,
    listed_expiry: datetime | None,
    item: HostItem | None,
    run_id: str,
    started_at: datetime | None,
    now: datetime,
) -> HostOutcome:
    if item is None or item.status == "RETIRED":
        return HostOutcome(host_id, "skipped", listed_expiry)
    if item.last_run_id == run_id:
        # Not the status: the next run may have the host already. A success removes lastError.
        return _failed(item) if item.last_error else _renewed(item)
    if item.run_id == run_id:
        message = "claimed by this run, and neither renewed nor failed"
        return HostOutcome(host_id, "lost", item.expiry, "", "HOST_LOST", message)
    if item.is_busy(now):
        return HostOutcome(host_id, "skipped", item.expiry)
    if started_at and item.last_attempt and item.last_attempt > started_at:
        return HostOutcome(host_id, "skipped", item.expiry)
    return HostOutcome(host_id, "notAttempted", item.expiry, "", "HOST_NOT_ATTEMPTED", "the run never got to this host")


def _renewed(item: HostItem) -> HostOutcome:
    return HostOutcome(
        item.host_id, "renewed", item.expiry, is_proven=item.validated is True, notices=tuple(item.notices)
    )


def _failed(item: HostItem) -> HostOutcome:
    error = item.last_error
    return HostOutcome(
        item.host_id,
        "failed",
        item.expiry,
        str(error.get("phase", "")),
        str(error.get("code", "Unknown")),
        str(error.get("message", "")),
    )


def _map_error(request: ReportRequest) -> str:
    if request.map_error is None:
        return ""
    return f"{request.map_error.error}: {request.map_error.cause}".strip(": ")[:1_000]


def _chunks(lines: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(lines)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
