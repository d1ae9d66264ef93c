"""CertRetire: hosts that were terminated, deregistered or named by a person leave the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.table import Inventory
from pca_runtime.membership.departures import Departures, too_many
from pca_runtime.membership.payloads import RetireRequest, removed_items, terminated_instance
from pca_runtime.membership.retirement import Retirement
from pca_runtime.membership.settings import CertRetireSettings
from pca_runtime.observability.powertools import Event, emit, lambda_function, logger
from pca_runtime.reporting.notifications import Notifier
from pca_runtime.revocation.reasons import CESSATION
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.shared.clients import client
from pca_runtime.shared.timestamps import utc_now


@cache
def _settings() -> CertRetireSettings:
    return CertRetireSettings.load()


@cache
def _inventory() -> Inventory:
    return Inventory(client("dynamodb"), _settings().table_name)


@cache
def _retirement() -> Retirement:
    settings = _settings()
    revoker = Revoker(client("acm-pca"), client("dynamodb"), settings.ca_arn, settings.table_name)
    return Retirement(settings, _inventory(), client("dynamodb"), revoker, HostCommands(client("ssm")), utc_now)


@cache
def _departures() -> Departures:
    return Departures(client("dynamodb"), _settings().table_name, client("ec2"), client("ssm"))


@lambda_function
def handler(event: Event, _context: LambdaContext) -> Event:
    """An EC2 event, the stream's records, ``{"hostIDs": [...]}`` or ``{"reconcile": true}`` in; counts out."""
    _settings()
    if "Records" in event:
        return _finish_removed(removed_items(event["Records"]))
    if "detail-type" in event:
        host_id = terminated_instance(event)
        return _retire([host_id] if host_id else [], CESSATION)
    request = RetireRequest.parse(event)
    if request.host_ids is None:
        return _reconcile()
    answer = _retire(request.host_ids, request.reason)
    return {**answer, "commands": _remove(request.host_ids)} if request.remove_from_host else answer


def _retire(host_ids: Iterable[str], reason: str, already: int = 0) -> dict[str, Any]:
    """Every one of them, whatever happens to the others; the first error is raised at the end."""
    retirement = _retirement()
    counts = {"retired": 0, "revoked": already}
    unknown: list[str] = []
    errors: list[PcaAutomatorError] = []
    for host_id in dict.fromkeys(host_ids):
        try:
            outcome = retirement.retire(host_id, reason)
        except PcaAutomatorError as error:
            logger.warning("not retired", host_id=host_id, code=error.code, reason=error.message)
            errors.append(error)
            continue
        counts["retired"] += outcome.state == "RETIRED"
        counts["revoked"] += outcome.revoked
        if outcome.state == "UNKNOWN":
            unknown.append(host_id)
    if any(counts.values()):
        emit(
            _settings().automation_name,
            {"HostsRetired": counts["retired"], "CertificatesRevoked": counts["revoked"]},
        )
    if errors:
        raise errors[0]
    return {**counts, "unknown": unknown}


def _remove(host_ids: Iterable[str]) -> dict[str, str | None]:
    """The commands that remove key and certificate; ``None`` where the host cannot be reached."""
    items = (_inventory().get(host_id) for host_id in dict.fromkeys(host_ids))
    return {item.host_id: _retirement().remove_from_host(item) for item in items if item is not None}


def _finish_removed(items: Sequence[HostItem]) -> dict[str, Any]:
    """Somebody deleted these items: what they knew to be revoked must not be forgotten with them."""
    gone = set(_departures().gone(items))
    revoked = 0
    errors: list[PcaAutomatorError] = []
    for item in items:
        try:
            revoked += _retirement().finish_removed(item, gone=item.host_id in gone)
        except PcaAutomatorError as error:
            logger.warning("not revoked", host_id=item.host_id, code=error.code, reason=error.message)
            errors.append(error)
            continue
        logger.info(
            "item removed", host_id=item.host_id, gone=item.host_id in gone, serial=item.serial,
            expiry=item.attributes.get("expiry"),
        )  # fmt: skip
    if items:
        emit(_settings().automation_name, {"HostsRemoved": len(items), "CertificatesRevoked": revoked})
    if errors:
        raise errors[0]
    return {"removed": len(items), "revoked": revoked}


def _reconcile() -> dict[str, Any]:
    """Finish what was begun, then retire who is gone."""
    roll = _departures().roll()
    gone = _departures().gone(roll.live)
    revoked = _finish(roll.unfinished)
    if too_many(gone, len(roll.live)):
        _ask(gone, len(roll.live))
        return {"retired": 0, "revoked": revoked, "unknown": [], "refused": len(gone)}
    return _retire(gone, CESSATION, revoked)


def _finish(unfinished: Iterable[Any]) -> int:
    revoked = 0
    for item in unfinished:
        try:
            if item.status == "RETIRED":
                revoked += _retirement().retire(item.host_id).revoked
            else:
                revoked += _retirement().finish(item)
        except PcaAutomatorError as error:
            # It stays in the item, and is tried again in an hour; the others must not wait for it.
            logger.warning("not revoked", host_id=item.host_id, code=error.code, reason=error.message)
    return revoked


def _ask(gone: list[str], live: int) -> None:
    automation = _settings().automation_name
    emit(automation, {"DeparturesRefused": len(gone)})
    logger.warning("too many departures", gone=len(gone), live=live)
    shown = "\n".join(gone[:50])
    Notifier(client("sns"), _settings().topic_arn).publish(
        f"[{automation}] {len(gone)} hosts seem to be gone: please look"[:100],
        f"{len(gone)} of {live} hosts of the inventory are unknown to EC2 or Systems Manager, or terminated.\n"
        "That is more than leave within an hour, so none of them was retired and nothing was revoked.\n\n"
        "If they are gone, retire them: pca-automator hosts retire ID\n\n"
        f"{shown}\n{'...' if len(gone) > 50 else ''}",
    )
