"""What happened, as events on the account's default event bus.

The record in the inventory is the truth; an event is news of it. So an event that cannot be published is logged and
counted, and fails nothing. docs/events.md describes every detail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pca_runtime.errors.catalogue import remedy_for
from pca_runtime.errors.of_aws import translation_of
from pca_runtime.errors.remedies import Place
from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.clients import EventBridge
from pca_runtime.shared.log import Emit, Log
from pca_runtime.shared.timestamps import format_time

__all__ = [
    "DETAIL_VERSION", "ENTRY_MAX", "HOST_RENEWAL_FAILED", "HOST_RENEWED", "RUN_REPORT", "SOURCE", "Events",
    "failed_detail", "renewed_detail",
]  # fmt: skip

SOURCE = "pca-automator"
HOST_RENEWED = "Host Renewed"
HOST_RENEWAL_FAILED = "Host Renewal Failed"
RUN_REPORT = "Run Report"
DETAIL_VERSION = "1"
"""Goes up when a field of a detail changes its meaning or goes away, not when one is added."""

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
ENTRY_MAX = 262_144
# EventBridge refuses single entries of a call that succeeds otherwise; once more is enough for news.
_ATTEMPTS = 2


class Events:
    """The default event bus.

    Args:
        event_bridge: an EventBridge client.
        automation: the deployment's name; it is in every detail, so that rules match their own automation alone.
        log: where an event that was not taken is told of.
        emit: where it is counted.
    """

    def __init__(self, event_bridge: EventBridge, automation: str, log: Log, emit: Emit) -> None:
        self._event_bridge = event_bridge
        self._automation = automation
        self._log = log
        self._emit = emit

    def publish(self, detail_type: str, detail: Mapping[str, Any]) -> bool:
        """Publish one event.

        Args:
            detail_type: such as :data:`HOST_RENEWED`.
            detail: what happened; automation and version are added to it.

        Returns:
            Whether EventBridge took it. Nothing is raised for one that it did not take.
        """
        everything = {"version": DETAIL_VERSION, "automation": self._automation, **detail}
        text = json.dumps(everything, ensure_ascii=False, separators=(",", ":"))
        size = sum(len(part.encode()) for part in (SOURCE, detail_type, text))
        if size > ENTRY_MAX:
            problem = f"the entry has {size} bytes, {ENTRY_MAX} are allowed"
        else:
            problem = self._put({"Source": SOURCE, "DetailType": detail_type, "Detail": text})
        if problem:
            self._log.warning("event not published", detail_type=detail_type, reason=problem)
        # Zero is a value too: without it an alarm could not tell "all well" from "never tried".
        self._emit(self._automation, {"EventsNotPublished": int(bool(problem))})
        return not problem

    def _put(self, entry: dict[str, str]) -> str:
        """Why the entry was not taken; "" if it was."""
        problem = ""
        for _ in range(_ATTEMPTS):
            try:
                answer = self._event_bridge.put_events(Entries=[entry])
            except (ClientError, BotoCoreError) as error:
                return str(translation_of(error, "PutEvents"))
            if not answer.get("FailedEntryCount"):
                return ""
            (refused,) = answer["Entries"]
            problem = f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
        return problem


def renewed_detail(item: HostItem) -> dict[str, Any]:
    """The detail of :data:`HOST_RENEWED`: the certificate that is live now.

    Args:
        item: the host after the renewal was recorded.
    """
    return {
        "hostID": item.host_id,
        "runId": item.last_run_id,
        "serial": item.serial,
        "expiry": _time(item.expiry),
        "renewalDate": _time(item.renewal_date),
        "certificateArn": item.certificate_arn,
        "validated": item.validated is True,
        "notices": sorted(item.notices),
        "previousSerial": item.previous_serial,
    }


def failed_detail(item: HostItem, now: datetime) -> dict[str, Any]:
    """The detail of :data:`HOST_RENEWAL_FAILED`: where, why, what to do, and how long the live certificate has left.

    Args:
        item: the host after the failure was recorded.
        now: the injected clock's time.
    """
    error = {name: str(item.last_error.get(name, "")) for name in ("phase", "code", "message")}
    return {
        "hostID": item.host_id,
        "runId": item.last_run_id,
        **error,
        "remedy": Place().text(remedy_for(error["code"], error["message"]), {"id": item.host_id}, ""),
        "failureCount": max(item.failure_count, 1),
        "expiry": _time(item.expiry),
        "secondsLeft": None if item.expiry is None else int((item.expiry - now).total_seconds()),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
