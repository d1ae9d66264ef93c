"""The start that a host has reserved. Whoever only reads or hands it on needs neither the ledger nor the pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["LANES", "LaneName", "Start"]

LaneName = Literal["bulk", "express"]
LANES: tuple[LaneName, ...] = ("bulk", "express")


@dataclass(frozen=True)
class Start:
    """The start that a host has reserved.

    Args:
        at: when.
        lane: in which lane.
        run_hosts: how many hosts its run has.
        requeues: how often it went back into the line because SendCommand was throttled; 1 at least where its run's
            starts were given back, and it has reserved again since.
    """

    at: datetime
    lane: LaneName
    run_hosts: int
    requeues: int = 0
