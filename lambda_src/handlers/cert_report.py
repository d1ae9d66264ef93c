"""CertReport: count, and say once what needs a person."""

from __future__ import annotations

from functools import cache

from pca_runtime.errors.kinds import PermanentError
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.gate import Gate
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.renewal.outcomes import ATTRIBUTES, Reporter
from pca_runtime.renewal.payloads import ReportRequest
from pca_runtime.renewal.settings import CertReportSettings
from pca_runtime.renewal.work_files import WorkFiles, report_key
from pca_runtime.reporting.events import RUN_REPORT, Events
from pca_runtime.reporting.notifications import Notifier
from pca_runtime.reporting.run_report import RunReport, message_of, subject_of
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

_METRICS = ("renewed", "failed", "skipped", "lost", "notAttempted", "rejected", "impaired")

made_at_init("dynamodb", "events", "s3", "sns")


@cache
def _settings() -> CertReportSettings:
    return CertReportSettings.load()


def _metric(outcome: str) -> str:
    return f"Hosts{outcome[:1].upper()}{outcome[1:]}"


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """``{"runId", "bucket", "key", "executionArn", "mapError"?}`` in; the counts out, and one message if need be."""
    settings = _settings()
    request = ReportRequest.parse(event)
    files = WorkFiles(client("s3"), settings.work_bucket)
    fleet = Fleet(client("dynamodb"), settings.table_name, ATTRIBUTES, Gate.of(settings, utc_now))
    report = Reporter(settings.automation_name, fleet, files).report(request, utc_now())
    report.place = settings.place
    files.write_json(report_key(request.run_id), report.as_json())
    # Before the message: who listens to events hears of the run even where the topic, or its key, takes none.
    Events(client("events"), settings.automation_name, logger, emit).publish(RUN_REPORT, report.as_event())
    refusal = _notify(settings, report) if report.needs_attention else None
    numbers = report.numbers()
    emit(settings.automation_name, {_metric(name): numbers[name] for name in _METRICS})
    emit(settings.automation_name, {"HostsUnproven": report.unproven, "HostsNoticed": report.noticed.hosts})
    if report.seconds is not None:
        emit(settings.automation_name, {"RunSeconds": report.seconds})
    if refusal is not None:
        raise refusal
    logger.info("reported", extra={"run_id": request.run_id, "published": report.needs_attention, **numbers})
    return {"runId": request.run_id, **numbers, "published": report.needs_attention}


def _notify(settings: CertReportSettings, report: RunReport) -> PermanentError | None:
    """Publish the message. Returns why it was refused; an error that a repeated attempt can mend is raised."""
    try:
        Notifier(client("sns"), settings.topic_arn).publish(subject_of(report), message_of(report))
    except PermanentError as error:
        return error
    return None
