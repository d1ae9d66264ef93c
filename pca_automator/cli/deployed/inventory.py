"""The inventory, as an operator sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import FAILED, USAGE, Trouble
from pca_automator.cli.runtime import runtime

LISTED = (
    "status", "expiry", "renewalDate", "serial", "validated", "runId", "leaseUntil", "lastRunId", "lastAttempt",
    "lastError", "failureCount",
)  # fmt: skip
"""What a list shows; the overrides and the renewal in flight stay in the table."""
JUDGED = ("status", "expiry", "renewalDate", "runId", "leaseUntil")
"""What decides whether a host is due."""

# A page of DynamoDB's 1 MB holds some 4,000 hosts, which are 25 MB as Python objects.
_PAGE = 1_000
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class View:
    """When an item counts as due: the moment it is looked at, and when the next run comes."""

    now: datetime
    next_run: timedelta

    @classmethod
    def of(cls, deployment: Deployment) -> View:
        """Now, with the deployment's own distance of runs."""
        seconds = int(deployment.settings("CertCheck")["NEXT_RUN_SECONDS"])
        return cls(runtime("shared.timestamps").utc_now(), timedelta(seconds=seconds))

    def is_due(self, item: Any) -> bool:
        """What CertCheck would answer at this moment."""
        if item.status == "RETIRED" or item.is_busy(self.now):
            return False
        return bool(
            runtime("inventory.due").is_due(
                renewal_date=item.renewal_date,
                expiry=item.expiry,
                abandoned=item.status == "RENEWING",
                now=self.now,
                next_run=self.next_run,
            )
        )

    def seconds_left(self, item: Any) -> int | None:
        """Of the live certificate; below zero when it has run out, ``None`` without one."""
        return None if item.expiry is None else int((item.expiry - self.now).total_seconds())

    def row(self, item: Any) -> dict[str, Any]:
        """One host of a list, in JSON."""
        seconds = self.seconds_left(item)
        row = {
            "hostID": item.host_id,
            "status": item.status or "NEW",
            "left": left(seconds),
            "secondsLeft": seconds,
            "due": self.is_due(item),
            "lastError": item.last_error.get("code"),
        }
        known = {
            "expiry": moment(item.expiry),
            "renewalDate": moment(item.renewal_date),
            "serial": item.serial,
            "validated": item.validated,
            "lastAttempt": moment(item.last_attempt),
            "lastRunId": item.last_run_id,
            "failureCount": item.failure_count or None,
        }
        row |= {name: value for name, value in known.items() if value is not None}
        return {**row, **quarantine(item)}


def moment(value: datetime | None) -> str | None:
    """As it stands in the table."""
    return None if value is None else str(runtime("shared.timestamps").format_time(value))


def quarantine(entry: Any) -> dict[str, Any]:
    """What a list says of an entry that cannot be read, or not in every attribute; nothing for any other."""
    if not entry.faults:
        return {}
    return {"quarantine": entry.faults[0].code, "reasons": [fault.sentence for fault in entry.faults]}


def is_host(entry: Any) -> bool:
    """Whether an entry is a host; the others are in quarantine as a whole."""
    return not isinstance(entry, runtime("inventory.gate").Quarantined)


def quarantined_row(entry: Any) -> dict[str, Any]:
    """An entry that is no host, in a list: a name that can be typed, and its key as it is."""
    row = {"hostID": runtime("inventory.gate").handle_of(entry.host_id), "status": "QUARANTINED", "key": entry.host_id}
    return {**row, "left": "", "secondsLeft": None, "due": False, "lastError": entry.code, **quarantine(entry)}


def gate(deployment: Deployment) -> Any:
    """The runtime's own reader of items, with the limits of the deployment."""
    settings, module = deployment.settings("CertCheck"), runtime("inventory.gate")
    table = runtime("shared.settings").TableSettings.load(settings)
    return module.Gate.of(table, runtime("shared.timestamps").utc_now)


def left(seconds: int | None) -> str:
    """A time for a person."""
    if seconds is None:
        return "no certificate"
    minutes = abs(seconds) // 60
    days, rest = divmod(minutes, 24 * 60)
    span = f"{days} d {rest // 60} h" if days else f"{rest // 60} h {rest % 60} min"
    return f"EXPIRED {span} ago" if seconds <= 0 else span


def parse_span(text: str) -> timedelta:
    """``90m``, ``24h`` or ``7d``.

    Raises:
        Trouble: it is none of these.
    """
    match = re.fullmatch(r"(\d{1,6})([mhd])", text.strip())
    if match is None:
        raise Trouble(f"{text!r} is not a time: give minutes, hours or days, such as 90m, 24h or 7d", USAGE)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def scan(deployment: Deployment, attributes: tuple[str, ...] | None = LISTED) -> Iterator[Any]:
    """Every entry, page by page; what the caller does not keep is not kept. ``None``: with all its attributes."""
    request: dict[str, Any] = {"TableName": deployment.table, "PaginationConfig": {"PageSize": _PAGE}}
    if attributes is not None:
        expressions = runtime("shared.expressions").Expressions()
        request["ProjectionExpression"] = ", ".join(expressions.path(name) for name in ("hostID", *attributes))
        request |= expressions.arguments()
    admit = gate(deployment).admit
    for page in deployment.aws.client("dynamodb").get_paginator("scan").paginate(**request):
        yield from map(admit, page["Items"])


def hosts(deployment: Deployment, attributes: tuple[str, ...]) -> Iterator[Any]:
    """Every host, page by page; entries that are none are in quarantine, and left out."""
    return filter(is_host, scan(deployment, attributes))


def get(deployment: Deployment, host_id: str) -> Any:
    """One item, strongly consistent.

    Raises:
        Trouble: no such host.
    """
    check_ids([host_id])
    answer = deployment.aws.client("dynamodb").get_item(
        TableName=deployment.table, Key={"hostID": {"S": host_id}}, ConsistentRead=True
    )
    if "Item" not in answer:
        raise no_such_host(host_id)
    entry = gate(deployment).admit(answer["Item"])
    if not is_host(entry):
        raise Trouble(f"{host_id}: {entry.sentence}: pca-automator explain {entry.code}", FAILED)
    return entry


def entries(deployment: Deployment, given: list[str]) -> dict[str, Any]:
    """Entries by their keys, or by the names that :func:`quarantined_row` gives to keys that cannot be typed."""
    reader, found = gate(deployment), {}
    for text in given:
        answer = deployment.aws.client("dynamodb").get_item(
            TableName=deployment.table, Key={"hostID": {"S": text}}, ConsistentRead=True
        )
        if "Item" in answer:
            found[text] = reader.admit(answer["Item"])
    if missing := set(given) - set(found):
        # Only a look at every key finds the others.
        name = runtime("inventory.gate").handle_of
        named = {name(entry.host_id): entry for entry in scan(deployment, ("status",))}
        found |= {text: named[text] for text in missing if text in named}
    return found


def these(deployment: Deployment, host_ids: list[str], attributes: tuple[str, ...]) -> dict[str, Any]:
    """Some items by their ids; absent ones are left out."""
    fleet = runtime("inventory.fleet").Fleet(
        deployment.aws.client("dynamodb"), deployment.table, attributes, gate(deployment)
    )
    return {item.host_id: item for item in fleet.these(host_ids)}


def refuse_empty(deployment: Deployment) -> None:
    """An empty fleet is not an answer but a mistake: another stack or Region, or nothing was ever added.

    Raises:
        Trouble: the inventory has no item.
    """
    answer = deployment.aws.client("dynamodb").scan(TableName=deployment.table, Limit=1)
    if not answer["Items"]:
        raise empty()


def empty() -> Trouble:
    """What is said about an empty inventory."""
    return Trouble("the inventory is empty: put hosts in with pca-automator hosts add ID...", FAILED)


def no_such_host(host_id: str) -> Trouble:
    """What is said about a host that is not there."""
    return Trouble(
        f"the inventory has no host {host_id}: is it another stack or Region, or is it to be added? "
        f"pca-automator hosts add {host_id}",
        FAILED,
    )


def check_ids(host_ids: list[str]) -> None:
    """Refuse what cannot be a host id, before anything is done.

    Raises:
        Trouble: naming every id that is none.
    """
    wrong = [host_id for host_id in host_ids if not runtime("shared.identifiers").is_host_id(host_id)]
    if wrong:
        raise Trouble(
            f"{', '.join(map(repr, wrong))}: not an EC2 instance id (i-...) nor a hybrid node id (mi-...)", USAGE
        )


def item_as_json(item: Any) -> Mapping[str, Any]:
    """An item for a person: without the task token, which whoever has it could complete the renewal with."""
    attributes = dict(item.attributes)
    if isinstance(attributes.get("pending"), dict):
        attributes["pending"] = {name: value for name, value in attributes["pending"].items() if name != "taskToken"}
    return attributes
