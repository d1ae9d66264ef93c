"""What a person, EC2 and the schedule say about joining and leaving."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pca_runtime.inventory.gate import HOST_ID_INVALID, Gate, Quarantined
from pca_runtime.inventory.item import HostItem
from pca_runtime.revocation.reasons import CESSATION, REASONS
from pca_runtime.shared.identifiers import is_host_id
from pca_runtime.shared.payloads import HOST_ID, Payload
from pca_runtime.shared.records import checked, field, items, one_of, optional, truth
from pca_runtime.shared.timestamps import parse_time

__all__ = ["Removed", "RetireRequest", "happened_at", "removed_items", "running_instance", "terminated_instance"]

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
_DETAIL_TYPE = "EC2 Instance State-change Notification"
# One after the other at two requests each, within the function's time.
_HOST_IDS_MAX = 500


def _reason(value: str) -> str:
    if value not in REASONS:
        raise ValueError(f"must be one of {', '.join(REASONS)}")
    return value


class RetireRequest(Payload, closed=True):
    """``{"hostIDs": [...]}`` by hand, or ``{"reconcile": true}`` of the schedule."""

    host_ids: list[str] | None = field(
        optional(items(HOST_ID, least=1, most=_HOST_IDS_MAX)), called="hostIDs", default=None
    )
    reconcile: Literal[True] | None = field(optional(one_of(Literal[True])), default=None)
    reason: str = field(checked(_reason), default=CESSATION)
    remove_from_host: bool = field(truth(), called="removeFromHost", default=True)

    def _consistent(self) -> None:
        if (self.host_ids is None) == (self.reconcile is None):
            raise ValueError('either "hostIDs" or "reconcile" is needed')

    @classmethod
    def _allowed(cls) -> str:
        return (
            f'; allowed are {{"hostIDs": [at most {_HOST_IDS_MAX}], "reason"?: "...", "removeFromHost"?: true|false}} '
            'and {"reconcile": true}'
        )


def terminated_instance(event: object) -> str | None:
    """The instance that an EC2 event says is terminated; ``None`` for any other event."""
    return _instance(event, "terminated")


def happened_at(event: Mapping[str, Any]) -> datetime | None:
    """When what an event tells of happened, which may be long before it comes; ``None``: it does not say."""
    return parse_time(event.get("time"))


def running_instance(body: object) -> str | None:
    """The instance that an EC2 event, as the text of a queue's record, says is running."""
    try:
        event = json.loads(str(body))
    except (RecursionError, ValueError):
        return None
    return _instance(event, "running")


@dataclass(frozen=True)
class Removed:
    """An item that is no more: as it was last, and since when, if the stream says so."""

    item: HostItem
    at: datetime | None = None


def removed_items(records: Iterable[Mapping[str, Any]], gate: Gate) -> tuple[list[Removed], int]:
    """The items that the inventory's stream says were removed, as they were last, and how many could not be read.

    Of a host whose item was removed, put again and removed again, each item counts: each may hold other serials. A
    record that cannot be read is no reason to keep those behind it waiting.
    """
    found: list[Removed] = []
    unreadable = 0
    for record in records:
        try:
            if record["eventName"] != "REMOVE":
                continue
            entry = gate.admit(record["dynamodb"]["OldImage"])
        except (AttributeError, KeyError, TypeError, ValueError):
            unreadable += 1
            continue
        if not isinstance(entry, Quarantined):
            found.append(Removed(entry, _at(record)))
        elif entry.code != HOST_ID_INVALID:
            unreadable += 1
    return found, unreadable


def _at(record: Mapping[str, Any]) -> datetime | None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html"""
    seconds = record["dynamodb"].get("ApproximateCreationDateTime")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _instance(event: object, state: str) -> str | None:
    if not isinstance(event, dict) or event.get("source") != "aws.ec2" or event.get("detail-type") != _DETAIL_TYPE:
        return None
    detail: Any = event.get("detail")
    if not isinstance(detail, Mapping) or detail.get("state") != state:
        return None
    host_id = detail.get("instance-id")
    return host_id if isinstance(host_id, str) and is_host_id(host_id) else None
