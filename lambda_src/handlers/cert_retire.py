"""CertRetire: hosts that were terminated, deregistered or named by a person leave the fleet."""

from __future__ import annotations

from functools import cache

from pca_runtime.authority.audit_report import AuditReports
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.membership.batches import Batch, Batches
from pca_runtime.membership.departures import Departures
from pca_runtime.membership.payloads import RetireRequest, happened_at, removed_items, terminated_instance
from pca_runtime.membership.retirement import Retirement
from pca_runtime.membership.settings import CertRetireSettings
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.reporting.notifications import Notifier
from pca_runtime.reporting.too_many_departures import message_of, subject_of
from pca_runtime.revocation.orders import Orders
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.revocation.unanswered import Unanswered
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("acm-pca", "dynamodb", "ec2", "s3", "sns", "ssm")


@cache
def _settings() -> CertRetireSettings:
    return CertRetireSettings.load()


@cache
def _gate() -> Gate:
    return Gate.of(_settings(), utc_now)


@cache
def _batches() -> Batches:
    settings, dynamodb = _settings(), client("dynamodb")
    inventory = Inventory(dynamodb, settings.table_name, _gate())
    ledger = CertificateLedger(dynamodb, settings.ledger_table, utc_now)
    revoker = Revoker(client("acm-pca"), settings.ca_arn, logger)
    orders = Orders(ledger, revoker, utc_now, logger)
    reports = None
    if settings.audit_bucket:
        reports = AuditReports(client("acm-pca"), client("s3"), settings.ca_arn, settings.audit_bucket)
    unanswered = Unanswered(ledger, revoker, reports, utc_now, logger)
    retirement = Retirement(settings, inventory, orders, HostCommands(client("ssm")), utc_now, logger)
    departures = Departures(dynamodb, settings.table_name, client("ec2"), client("ssm"), _gate())
    return Batches(retirement, departures, inventory, orders, unanswered, utc_now, logger)


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """An EC2 event, the stream's records, ``{"hostIDs": [...]}`` or ``{"reconcile": true}`` in; counts out."""
    _settings()
    if "Records" in event:
        items, unreadable = removed_items(event["Records"], _gate())
        if unreadable:
            emit(_settings().automation_name, {"RecordsUnreadable": unreadable})
        batch = _batches().finish_removed(items)
        _measure(batch)
        return {"removed": batch.removed, "revoked": batch.revoked}
    if "detail-type" in event:
        host_id = terminated_instance(event)
        return _counts(_batches().terminated(host_id, happened_at(event)) if host_id else Batch())
    request = RetireRequest.parse(event)
    if request.host_ids is None:
        return _reconcile()
    answer = _counts(_batches().retire(request.host_ids, request.reason))
    if request.remove_from_host:
        answer["commands"] = _batches().remove_from_hosts(request.host_ids)
    return answer


def _reconcile() -> Event:
    batch = _batches().reconcile()
    if not batch.refused:
        return _counts(batch)
    automation = _settings().automation_name
    emit(automation, {"DeparturesRefused": len(batch.refused)})
    Notifier(client("sns"), _settings().topic_arn).publish(
        subject_of(automation, batch.refused), message_of(batch.refused, batch.live, _settings().place)
    )
    return {**_counts(batch), "refused": len(batch.refused)}


def _counts(batch: Batch) -> Event:
    _measure(batch)
    return {"retired": batch.retired, "revoked": batch.revoked, "unknown": batch.unknown}


def _measure(batch: Batch) -> None:
    """Metrics of what was done, also where the invocation fails for what was not."""
    counts = {"HostsRetired": batch.retired, "HostsRemoved": batch.removed}
    counts = {name: count for name, count in counts.items() if count}
    if counts or batch.revoked:
        emit(_settings().automation_name, {**counts, "CertificatesRevoked": batch.revoked})
    if batch.error:
        raise batch.error
