"""The hosts that a run renews, in their order, however many they are: what does not fit into memory waits in files."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Callable, Iterator, Set
from datetime import datetime
from tempfile import TemporaryFile

__all__ = ["DueHosts", "Order", "least_time_left", "most_exposed"]

Order = Callable[[int | None], tuple[int, int]]
"""Makes of an expiry (epoch seconds, ``None`` without a certificate) what is sorted by: a group, a number within it."""

# Group, number, host id, expiry. Bytes of that form sort as the values do; a number below zero is lifted above it.
_RECORD = struct.Struct(">BQ20sq")
_LIFT = 1 << 62
_NO_EXPIRY = -(1 << 63)
# As many records are some 800 kB as Python's bytes; each thread of a scan keeps its own.
_IN_MEMORY = 10_000
# Of each file that is read, while all of them are.
_READ_AT_ONCE = 512 * _RECORD.size


def least_time_left(now: datetime) -> Order:
    """Who stops working first comes first; no certificate counts as one that expires now."""
    present = int(now.timestamp())
    return lambda expiry: (0, present if expiry is None else expiry)


def most_exposed(now: datetime, urgent_until: datetime) -> Order:
    """After a compromise, who could be abused longest comes first; docs/adr/0006 says why.

    Before them come the few that would run out before the next run: nobody may stop working for this.
    """
    urgency, limit = least_time_left(now), int(urgent_until.timestamp())
    return lambda expiry: urgency(expiry) if expiry is None or expiry <= limit else (1, -expiry)


def _as_it_is(expiry: int | None) -> tuple[int, int]:
    return 0, expiry or 0


class _Run:
    """Sorted records in a file, which is closed, and so gone, with the last that uses it."""

    def __init__(self, records: list[bytes]) -> None:
        self._file = TemporaryFile()  # noqa: SIM115
        self._file.write(b"".join(sorted(records)))

    def __del__(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(_READ_AT_ONCE):
            for place in range(0, len(chunk), _RECORD.size):
                yield chunk[place : place + _RECORD.size]


class DueHosts:
    """Hosts with their expiry, sorted; equal ones by their ids.

    Args:
        order: what they are sorted by. Default: their expiry.
    """

    def __init__(self, order: Order = _as_it_is) -> None:
        self._order = order
        self._kept: list[bytes] = []
        self._runs: list[_Run] = []
        self._left_out: Set[str] = frozenset()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int | None, str]]:
        for record in heapq.merge(sorted(self._kept), *self._runs):
            expiry, host_id = _unpacked(record)
            if host_id not in self._left_out:
                yield expiry, host_id

    def add(self, expiry: int | None, host_id: str) -> None:
        """Take a host in; its id has at most 20 characters of ASCII."""
        group, number = self._order(expiry)
        known = _NO_EXPIRY if expiry is None else expiry
        self._kept.append(_RECORD.pack(group, number + _LIFT, host_id.encode("ascii"), known))
        self._count += 1
        if len(self._kept) >= _IN_MEMORY:
            self._put_away()

    def update(self, other: DueHosts) -> None:
        """Take in what another thread gathered, in the same order; the other is not used any more."""
        self._runs += other._runs
        self._kept += other._kept
        self._count += other._count
        if len(self._kept) >= _IN_MEMORY:
            self._put_away()

    def leave_out(self, host_ids: Set[str]) -> int:
        """Without these hosts; returns how many of them were here."""
        if not host_ids:
            return 0
        before, self._left_out = self._count, self._left_out | host_ids
        self._count = sum(1 for _ in self)
        return before - self._count

    def _put_away(self) -> None:
        self._runs.append(_Run(self._kept))
        self._kept = []


def _unpacked(record: bytes) -> tuple[int | None, str]:
    _, _, host_id, expiry = _RECORD.unpack(record)
    return None if expiry == _NO_EXPIRY else expiry, host_id.rstrip(b"\0").decode("ascii")
