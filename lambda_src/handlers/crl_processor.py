"""CRLProcessor: bring the CA's newest CRL into force at the trust anchor."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache, partial
from typing import Any

from pca_runtime.errors.kinds import RetryableError
from pca_runtime.inventory.first_certificate import issued_before
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.reporting.crl_refused import message_of, subject_of
from pca_runtime.reporting.notifications import Notifier
from pca_runtime.revocation.crl_processing import CrlOutcome, CrlProcessing
from pca_runtime.revocation.crl_source import NOT_WRITTEN, failure_of
from pca_runtime.revocation.settings import CrlProcessorSettings
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import parse_time, utc_now

_RECONCILE = {"reconcile": True}

made_at_init("acm-pca", "dynamodb", "rolesanywhere", "s3", "sns")


@cache
def _settings() -> CrlProcessorSettings:
    return CrlProcessorSettings.load()


@cache
def _processing() -> CrlProcessing:
    settings = _settings()
    since = partial(issued_before, client("dynamodb"), settings.ledger_table)
    return CrlProcessing(settings, client("s3"), client("acm-pca"), client("rolesanywhere"), since, utc_now)


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """SQS records with S3 events in, ids to deliver again out; or ``{}`` (by hand) in, a state out."""
    processing = _processing()
    if "Records" not in event:
        outcome = processing.bring_into_force()
        _tell(outcome)
        return {"state": outcome.state, "number": outcome.number, "code": outcome.code}
    ours = [record for record in event["Records"] if _asks_for_us(processing, _body(record))]
    if len(ours) < len(event["Records"]):
        logger.warning("events of other objects", count=len(event["Records"]) - len(ours))
    if not ours:
        return {"batchItemFailures": []}
    as_of: datetime | None = None
    try:
        # Once for the whole batch: the object is read as it is now, whatever the single events were about.
        outcome = processing.bring_into_force()
        as_of = outcome.as_of
        _tell(outcome)
    except RetryableError as error:
        logger.warning("to be delivered again", error=type(error).__name__, code=error.code, reason=error.message)
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in ours]}
    finally:
        _tell_not_written([_body(record) for record in ours], as_of)
    return {"batchItemFailures": []}


def _tell_not_written(bodies: list[object], as_of: datetime | None) -> None:
    """What the CA says that it could not write, unless the CRL in force is newer than that: events come late, too."""
    for body in bodies:
        reason = failure_of(body, _settings().ca_arn)
        if reason is None:
            continue
        at = parse_time(body.get("time")) if isinstance(body, dict) else None
        if at is not None and as_of is not None and as_of > at:
            logger.info("a late event: the CRL came after it", reason=reason)
            continue
        # The CA goes on trying: that the CRL then comes says the next event.
        _tell(CrlOutcome("REFUSED", None, NOT_WRITTEN, f"AWS Private CA could not write it: {reason}", {}))


def _asks_for_us(processing: CrlProcessing, body: object) -> bool:
    """The reconciliation comes through the same queue: two at once could put an older CRL over a newer one."""
    return body == _RECONCILE or processing.concerns(body) or failure_of(body, _settings().ca_arn) is not None


def _body(record: dict[str, Any]) -> object:
    try:
        return json.loads(record.get("body", ""))
    except (RecursionError, ValueError):
        return None


def _tell(outcome: CrlOutcome) -> None:
    """Log, metrics, and a message for what cannot get better by itself."""
    automation = _settings().automation_name
    emit(automation, outcome.metrics)
    logger.info("crl", state=outcome.state, number=outcome.number, code=outcome.code, reason=outcome.message)
    if outcome.state == "REFUSED":
        settings = _settings()
        Notifier(client("sns"), settings.topic_arn).publish(
            subject_of(automation, outcome.code, outcome.metrics.get("CrlSecondsToNextUpdate")),
            message_of(
                outcome.code,
                outcome.message,
                settings.place,
                ca_arn=settings.ca_arn,
                bucket=settings.crl_bucket,
                crl_ids=outcome.crl_ids,
            ),
        )
