"""The items of the ledger of starts, and what they say.

The key is a name and a time: a lane and its traffic have the time 0, a run's block of starts the end of the block, so
that one request finds what is not over yet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pca_runtime.renewal.pace import Brake

__all__ = [
    "Account", "Block", "Lane", "Traffic", "account_of", "block_of", "brake_of", "lane_of", "milliseconds", "slot_time",
]  # fmt: skip


@dataclass(frozen=True)
class Block:
    """The starts that a run has taken in a lane: from the first on, before the end. In seconds since the epoch."""

    run_id: str
    first: float
    end: float


@dataclass(frozen=True)
class Lane:
    """What the ledger holds of a lane.

    Args:
        until: when its next host may start, in seconds since the epoch; None if it was never used.
        rate: hosts a second, as the last run reserved.
        tail: the block that ends there; None if a single host stands behind it.
    """

    until: float | None = None
    rate: float | None = None
    tail: Block | None = None


@dataclass(frozen=True)
class Traffic:
    """What a host whose start has come is told.

    Args:
        lane: its lane.
        brake: how AWS throttles.
        returned: whether its run's starts were given back, so that they may be somebody else's by now.
    """

    lane: Lane
    brake: Brake
    returned: bool


@dataclass(frozen=True)
class Account:
    """What was last seen of the account.

    Args:
        hosts_total: hosts of the fleet.
        quotas: requests a second by name.
        production: CreateSession a second.
        measured_at: when quotas and production were read.
        issued: certificates that this automation has had issued.
        issued_until: until when they are counted.
    """

    hosts_total: int | None = None
    quotas: Mapping[str, float] = field(default_factory=dict)
    production: float | None = None
    measured_at: datetime | None = None
    issued: int | None = None
    issued_until: datetime | None = None


def slot_time(seconds: float) -> datetime:
    """A start as the workflow's Wait takes it: whole seconds, never later than reserved."""
    return datetime.fromtimestamp(math.floor(seconds), tz=UTC)


def milliseconds(moment: datetime) -> int:
    """The ledger's times are whole, so that sums are exact."""
    return round(moment.timestamp() * 1000)


def lane_of(item: Mapping[str, Any]) -> Lane:
    """The item of a lane."""
    if "until" not in item:
        return Lane()
    until = int(item["until"]) / 1000
    return Lane(until, float(item["rate"]) if "rate" in item else None, _tail(item, until))


def _tail(item: Mapping[str, Any], until: float) -> Block | None:
    if item.get("tailRun") and "tailFrom" in item:
        return Block(str(item["tailRun"]), int(item["tailFrom"]) / 1000, until)
    return None


def block_of(item: Mapping[str, Any]) -> Block:
    """The item of a run's block."""
    return Block(str(item["run"]), int(item["from"]) / 1000, int(item["at"]) / 1000)


def brake_of(item: Mapping[str, Any]) -> Brake:
    """The item of the traffic."""

    def seconds(name: str) -> float | None:
        return int(item[name]) / 1000 if name in item else None

    return Brake(float(item.get("factor", 1)), seconds("throttledAt"), seconds("loweredAt"))


def account_of(item: Mapping[str, Any]) -> Account:
    """The item of the account."""
    measured, production = item.get("measuredAt"), item.get("production")
    return Account(
        hosts_total=int(item["hostsTotal"]) if "hostsTotal" in item else None,
        quotas={str(name): float(rate) for name, rate in (item.get("quotas") or {}).items()},
        production=None if production is None else float(production),
        measured_at=_moment(measured),
        issued=int(item["issued"]) if "issued" in item else None,
        issued_until=_moment(item.get("issuedUntil")),
    )


def _moment(milliseconds_: Any) -> datetime | None:
    return None if milliseconds_ is None else datetime.fromtimestamp(int(milliseconds_) / 1000, tz=UTC)
