"""CertFailure: record why a renewal failed, and let the host go."""

from __future__ import annotations

from functools import cache

from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.table import Inventory
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.renewal.failure import read_failure
from pca_runtime.renewal.payloads import FailureRequest
from pca_runtime.reporting.events import HOST_RENEWAL_FAILED, Events, failed_detail
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.settings import TableSettings
from pca_runtime.shared.timestamps import parse_time, utc_now

made_at_init("dynamodb", "events")


@cache
def _settings() -> TableSettings:
    return TableSettings.load()


@cache
def _inventory() -> Inventory:
    return Inventory(client("dynamodb"), _settings().table_name, Gate.of(_settings(), utc_now))


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """``{"hostID", "runId", "phase", "error": {"Error", "Cause"}, "startedAt"?}`` in; what was recorded out."""
    inventory = _inventory()
    request = FailureRequest.parse(event)
    failure = read_failure(request.phase, request.error)
    now = utc_now()
    last_error = failure.as_last_error(now)
    listed_at = parse_time(request.started_at)
    recorded, item = inventory.record_failed(request.host_id, request.run_id, last_error, now, listed_at)
    if item is not None:
        events = Events(client("events"), _settings().automation_name, logger, emit)
        events.publish(HOST_RENEWAL_FAILED, failed_detail(item, now))
    logger.info(
        "renewal failed",
        host_id=request.host_id,
        run_id=request.run_id,
        phase=failure.phase,
        code=failure.code,
        reason=failure.message,
        recorded=recorded,
    )
    return {"recorded": recorded, "phase": failure.phase, "code": failure.code}
