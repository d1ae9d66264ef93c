"""When a certificate is to be renewed. The threshold is applied here, once, and nowhere else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["RenewalPolicy", "is_due"]


@dataclass(frozen=True)
class RenewalPolicy:
    """How long before its expiry a certificate is renewed.

    Args:
        threshold: at least this long before.
        jitter: up to this much longer, fixed for each host, so that a fleet enrolled in one minute does not
            renew in one minute for ever after.
    """

    threshold: timedelta
    jitter: timedelta = timedelta()

    def renewal_date(self, host_id: str, expiry: datetime) -> datetime:
        """The moment from which on the host is due."""
        return expiry - self.threshold - self.jitter_of(host_id)

    def jitter_of(self, host_id: str) -> timedelta:
        """A share of the window that depends on the host id alone."""
        digest = hashlib.sha256(host_id.encode()).digest()
        share = int.from_bytes(digest[:8], "big") / 2**64
        return timedelta(seconds=int(share * self.jitter.total_seconds()))


def is_due(
    *,
    renewal_date: datetime | None,
    expiry: datetime | None,
    abandoned: bool,
    now: datetime,
    next_run: timedelta,
) -> bool:
    """Whether a host is to be renewed in the run that starts now.

    Args:
        renewal_date: of the live certificate; ``None`` if it has none, or if the table is unreadable.
        expiry: of the live certificate, likewise.
        abandoned: a run took the host and neither renewed nor failed it before its lease ran out.
        now: the injected clock's time.
        next_run: how long until the next run. A certificate that would run out before it is due now, which is
            what brings back a host that failed, whatever its renewal date.
    """
    if renewal_date is None or expiry is None or abandoned:
        return True
    return renewal_date <= now or expiry <= now + next_run
