"""The entries of the ledger: one for each certificate that was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pca_runtime.shared.timestamps import format_time, parse_time

__all__ = ["KEPT_AFTER", "Entry", "Fate", "Work", "copy_of", "entry_of", "epoch", "moment", "spare_id"]

Fate = Literal["REQUESTED", "ISSUED", "LIVE", "REFUSED", "REVOKED", "NOT_ISSUED"]
"""What is known of a certificate: asked for; issued; was put in service on its host; not sent, for it is not what was
asked for; revoked; the audit report does not have it."""
Work = Literal["ARN", "REVOKE"]
"""What is still to be done: find out what came of the request; tell AWS Private CA of a revocation."""

# A certificate's own clock starts when the CA signs it, up to some minutes after the request.
KEPT_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Entry:
    """One certificate that was asked for.

    ``reason``: it is to be revoked, or is. ``asked``: what it is to be like, see
    :meth:`pca_runtime.authority.profiles.CertificateRequest.of_text`. ``sent_again``: how often later runs sent it.
    """

    host_id: str
    request_id: str
    run_id: str
    requested_at: datetime
    public_key_sha256: str
    fate: Fate
    certificate_arn: str | None = None
    serial: str | None = None
    not_after: datetime | None = None
    reason: str | None = None
    revoked_at: datetime | None = None
    install_failed: str | None = None
    asked: str | None = None
    sent_again: int = 0

    def may_be_valid(self, now: datetime) -> bool:
        """Whether somebody may hold a certificate of it that opens anything."""
        ended = self.fate in ("REVOKED", "NOT_ISSUED")
        return not ended and (self.not_after is None or self.not_after > now)

    @property
    def is_own(self) -> bool:
        """Whether a renewal of ours asked for it; others are second certificates for its key, or were adopted."""
        return bool(self.run_id) and "+" not in self.request_id

    @property
    def certificate_request(self) -> str:
        """The request that its key was made for; a second certificate for the same key has an entry of its own."""
        return self.request_id.partition("+")[0]


def epoch(when: datetime) -> int:
    """As DynamoDB's time to live takes it."""
    return int(when.timestamp())


def spare_id(entry: Entry, certificate_arn: str) -> str:
    """The request id of one more certificate for the key of an entry."""
    return f"{entry.certificate_request}+{hashlib.sha256(certificate_arn.encode()).hexdigest()[:16]}"


def copy_of(entry: Entry, request_id: str) -> dict[str, object]:
    """The attributes of an entry under another request id."""
    end = entry.not_after or entry.requested_at + timedelta(days=366)
    values: dict[str, object | None] = {
        "hostID": entry.host_id,
        "requestId": request_id,
        "runId": entry.run_id,
        "requestedAt": format_time(entry.requested_at),
        "publicKeySha256": entry.public_key_sha256,
        "fate": "ISSUED",
        "certificateArn": entry.certificate_arn,
        "serial": entry.serial,
        "notAfter": format_time(entry.not_after) if entry.not_after else None,
        "reason": entry.reason,
        "asked": entry.asked,
        "expiresAt": epoch(end + KEPT_AFTER),
        **({"work": "REVOKE", "workSince": format_time(entry.requested_at)} if entry.reason and entry.serial else {}),
    }
    return {name: value for name, value in values.items() if value is not None}


def entry_of(item: Mapping[str, Any]) -> Entry:
    """Only this system writes the ledger, so that everything in it is as it writes it."""
    return Entry(
        host_id=item["hostID"],
        request_id=item["requestId"],
        run_id=item["runId"],
        requested_at=moment(item["requestedAt"]),
        public_key_sha256=item["publicKeySha256"],
        fate=item["fate"],
        certificate_arn=item.get("certificateArn"),
        serial=item.get("serial"),
        not_after=parse_time(item.get("notAfter")),
        reason=item.get("reason"),
        revoked_at=parse_time(item.get("revokedAt")),
        install_failed=item.get("installFailed"),
        asked=item.get("asked"),
        sent_again=int(item.get("sentAgain", 0)),
    )


def moment(text: str) -> datetime:
    """A time of the ledger."""
    found = parse_time(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of the ledger")
    return found
