"""CertCheck: which hosts does this run renew?"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from aws_lambda_powertools.utilities.typing import LambdaContext
from pca_runtime.authority.certificate_authority import look_at
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.observability.powertools import Event, emit, lambda_function, logger
from pca_runtime.renewal.payloads import CheckRequest, RunInput
from pca_runtime.renewal.replacement import revocation_reason
from pca_runtime.renewal.selection import ATTRIBUTES, Selection, Selector
from pca_runtime.renewal.settings import CertCheckSettings
from pca_runtime.renewal.work_files import WorkFiles, hosts_key, rejected_key
from pca_runtime.revocation.reasons import SUPERSEDED
from pca_runtime.shared.clients import client
from pca_runtime.shared.timestamps import format_time, utc_now


@cache
def _settings() -> CertCheckSettings:
    return CertCheckSettings.load()


@lambda_function
def handler(event: Event, _context: LambdaContext) -> Event:
    """``{"input", "runId"}`` in; where the list is, how long it is, ``startedAt``, ``revokeReplaced`` and why out."""
    settings = _settings()
    request = CheckRequest.parse(event)
    wanted = RunInput.parse(request.input)
    now = utc_now()
    fleet = Fleet(client("dynamodb"), settings.table_name, ATTRIBUTES)
    selection = Selector(fleet, settings.scan_segments, settings.next_run).select(wanted, now)
    files = WorkFiles(client("s3"), settings.work_bucket)
    key = hosts_key(request.run_id)
    due = files.write_lines(key, selection.lines(now), now)
    # Always written, empty if need be: without ListBucket a missing object is "access denied" to CertReport.
    rejected = files.write_lines(rejected_key(request.run_id), (entry.as_line() for entry in selection.rejected), now)
    if wanted.host_ids is None:
        _emit(settings.automation_name, selection, now)
    reason = revocation_reason(wanted, settings.revoke_replaced)
    logger.info(
        "selected", run_id=request.run_id, total=selection.total, due=due, rejected=rejected, revocation_reason=reason
    )
    return {
        "runId": request.run_id,
        "bucket": settings.work_bucket,
        "key": key,
        "due": due,
        "rejected": rejected,
        "total": selection.total,
        "startedAt": format_time(now),
        "revokeReplaced": reason is not None,
        "revocationReason": reason or SUPERSEDED,
    }


def _emit(automation: str, selection: Selection, now: datetime) -> None:
    """Figures of the fleet and its CA, which only a run over the whole fleet knows."""
    emit(
        automation,
        {"HostsTotal": selection.total, "HostsDue": len(selection.due), "HostsOverdue": selection.overdue},
    )
    left = {
        "LeastSecondsLeft": selection.least_left,
        "FirstPercentileSecondsLeft": selection.first_percentile_left,
        "CaSecondsLeft": _authority_left(now),
    }
    emit(automation, {name: value for name, value in left.items() if value is not None}, unit="Seconds")


def _authority_left(now: datetime) -> float | None:
    """``None`` where AWS Private CA does not say: hosts are renewed all the same."""
    try:
        return look_at(client("acm-pca"), _settings().ca_arn).seconds_left(now)
    except PcaAutomatorError as error:
        logger.warning("ca not measured", code=error.code, reason=error.message)
        return None
