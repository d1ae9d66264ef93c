"""What the inventory is told and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.identifiers import request_id

__all__ = ["Claim", "InstalledCertificate", "IssuedBefore", "IssuedCertificate", "Lease"]


@dataclass(frozen=True)
class Lease:
    """Who is writing: a run, for one host."""

    host_id: str
    run_id: str

    @property
    def request_id(self) -> str:
        """The identity of this renewal: a function of run and host."""
        return request_id(self.run_id, self.host_id)


@dataclass(frozen=True)
class Claim:
    """What came of a claim: ``CLAIMED`` (new or resumed) with the item, or why the host is left alone."""

    outcome: Literal["CLAIMED", "BUSY", "RETIRED", "ALREADY_DONE"]
    item: HostItem


@dataclass(frozen=True)
class IssuedCertificate:
    """The certificate that answers the pending request; ``used``: the fingerprint of what the item said for it."""

    public_key_sha256: str
    certificate_arn: str
    serial: str
    expiry: str
    renewal_date: str
    used: str


@dataclass(frozen=True)
class IssuedBefore:
    """A certificate of an earlier run, whose key waits on the host under the name of that run's request."""

    request_id: str
    public_key_sha256: str
    certificate_arn: str


@dataclass(frozen=True)
class InstalledCertificate:
    """The certificate that is live on the host from now on; with a reason, what it replaces is to be revoked.

    ``notices`` are what the host said beside: see :mod:`pca_runtime.hosts.notices`.
    """

    certificate_arn: str
    serial: str
    expiry: str
    renewal_date: str
    validated: bool
    previous_serial: str | None
    revocation_reason: str | None = None
    notices: Mapping[str, str] = field(default_factory=dict)
