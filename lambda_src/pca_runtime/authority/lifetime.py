"""How many certificates a fleet takes, and when its CA has issued all that it may. Arithmetic, no AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pca_runtime.shared.quotas import CA_LIFETIME_CERTIFICATES

__all__ = ["MONTH", "Cycle", "Lifetime"]

MONTH = timedelta(days=365) / 12


@dataclass(frozen=True)
class Cycle:
    """The life of one certificate.

    Args:
        validity: of a certificate.
        threshold: how long before its end it is due.
        jitter: window before that over which a fleet's due times spread.
    """

    validity: timedelta
    threshold: timedelta
    jitter: timedelta

    @property
    def left(self) -> timedelta:
        """What is left of a certificate when it is replaced, on average."""
        return self.threshold + self.jitter / 2

    def certificates(self, hosts: int, during: timedelta) -> float:
        """How many a fleet takes in a time."""
        return hosts * (during / (self.validity - self.left))


@dataclass(frozen=True)
class Lifetime:
    """A CA with a complete CRL, which issues a million certificates and no more.

    Args:
        issued: how many it has issued.
        a_month: how many it issues in a month.
    """

    issued: int
    a_month: float

    @property
    def left(self) -> int:
        """How many it may still issue."""
        return max(0, CA_LIFETIME_CERTIFICATES - self.issued)

    @property
    def share(self) -> float:
        """Of the million: 0 to 1, and more only if AWS has raised the quota."""
        return self.issued / CA_LIFETIME_CERTIFICATES

    @property
    def months(self) -> float | None:
        """After how many it is used up; None for a fleet that takes none."""
        return self.left / self.a_month if self.a_month > 0 else None

    def used_up(self, now: datetime) -> datetime | None:
        """When; None for a fleet that takes none, or where it is beyond the calendar."""
        if self.months is None:
            return None
        try:
            return now + self.months * MONTH
        except OverflowError:
            return None
