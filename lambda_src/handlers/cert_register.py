"""CertRegister: a machine with the chosen tags that starts, or comes online, joins the fleet by itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from pca_runtime.membership.payloads import running_instance
from pca_runtime.membership.registration import Registration
from pca_runtime.membership.settings import CertRegisterSettings
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

# With the queue's waits, a quarter of an hour. A machine whose agent takes longer is found by the schedule.
_RECEIVES = 6

made_at_init("dynamodb", "ec2", "ssm")


@cache
def _settings() -> CertRegisterSettings:
    return CertRegisterSettings.load()


@cache
def _registration() -> Registration:
    settings = _settings()
    return Registration(
        client("dynamodb"),
        settings.table_name,
        client("ec2"),
        client("ssm"),
        settings.enrol_tags,
        utc_now,
        profile_tag=settings.profile_tag,
    )


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """SQS records with EC2 events in, ids to deliver again out; or ``{}`` (reconciliation) in, a count out."""
    registration = _registration()
    if "Records" not in event:
        return {"registered": _register(registration.online_and_tagged())}
    waiting = {record["messageId"]: host_id for record in event["Records"] if (host_id := _host(record))}
    tagged = registration.tagged(list(waiting.values())) if waiting else set()
    online = registration.online(sorted(tagged))
    _register(sorted(online))
    again = [
        message_id
        for message_id, host_id in waiting.items()
        if host_id in tagged - online and not _too_often(event["Records"], message_id)
    ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}


def _register(host_ids: list[str]) -> int:
    registered = _registration().register(host_ids)
    if registered:
        emit(_settings().automation_name, {"HostsRegistered": len(registered)})
        logger.info("registered", hosts=registered[:100], count=len(registered))
    return len(registered)


def _host(record: dict[str, Any]) -> str | None:
    return running_instance(record.get("body"))


def _too_often(records: list[dict[str, Any]], message_id: str) -> bool:
    (record,) = (record for record in records if record["messageId"] == message_id)
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", "1")) >= _RECEIVES
