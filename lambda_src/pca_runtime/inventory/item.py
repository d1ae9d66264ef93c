"""The inventory item: what a user may override, and what the system keeps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pca_runtime.authority import names
from pca_runtime.errors.kinds import InvalidInventoryItem
from pca_runtime.inventory.attributes import Fault, Judge, Limits
from pca_runtime.shared import identifiers
from pca_runtime.shared.expressions import Stored
from pca_runtime.shared.records import Reader, Record, UnreadableError, checked, field, items, one_of, optional, truth
from pca_runtime.shared.settings import HostDirectories, KeyAlgorithm
from pca_runtime.shared.timestamps import utc_now

__all__ = ["HostItem", "Overrides", "Pending"]

PROFILE_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
_MESSAGE_MAX = 2_000


def _path(value: str) -> str:
    stripped = value.rstrip("/")
    if not identifiers.is_path(stripped):
        raise ValueError(
            "allowed is an absolute path of at most 200 characters, from letters, digits and "
            "_ . @ + = , - space, without . or .. segments"
        )
    return stripped


def _owner(value: str) -> str:
    if value and not identifiers.is_owner(value):
        raise ValueError(
            "allowed is a name or number: A-Z a-z 0-9 _ . @ + - and single spaces, at most 64 characters, "
            "beginning with a letter, digit or _"
        )
    return value


def _mode(value: str) -> str:
    if not value:
        return value
    if not identifiers.is_mode(value):
        raise ValueError("allowed are three octal digits, optionally after a 0, such as 0644")
    if int(value[-3]) < 4:
        raise ValueError("allowed is a mode in which the owner can read, such as 0400")
    return value


def _cert_mode(value: str) -> str:
    if _mode(value)[-1:] in ("2", "3", "6", "7"):
        raise ValueError("allowed is a mode in which others cannot write, such as 0644")
    return value


def _key_mode(value: str) -> str:
    if _mode(value)[-1:] not in ("", "0"):
        raise ValueError("allowed is a mode in which others have no right to the private key, such as 0400 or 0640")
    return value


def _distinct(given: list[str]) -> list[str]:
    distinct = sorted(set(given))
    if sum(len(name) + 4 for name in distinct) > names.NAMES_BYTES_MAX:
        raise ValueError(f"allowed are names of at most {names.NAMES_BYTES_MAX} characters together, with 4 for each")
    return distinct


def _profile(value: str) -> str:
    if not re.fullmatch(PROFILE_NAME, value):
        raise ValueError("allowed is the name of a profile: letters, digits, _ and -, at most 64, from a letter on")
    return value


def _listed(check: Callable[[str], str]) -> Reader[list[str]]:
    """Distinct names. A DynamoDB string set and a list of strings mean the same."""
    read = items(checked(check), most=names.NAMES_MAX)

    def distinct(value: object) -> list[str]:
        is_set = isinstance(value, set) and all(isinstance(name, str) for name in value)
        return _distinct(read(sorted(value) if isinstance(value, set) and is_set else value))

    return distinct


_PATH = optional(checked(_path))
_OWNER = checked(_owner)


class Overrides(Record):
    """What a user may write beside ``hostID``; ``None`` or the default means the deployment's default."""

    cert_path: str | None = field(_PATH, called="certPath", default=None)
    key_path: str | None = field(_PATH, called="keyPath", default=None)
    cacert_path: str | None = field(_PATH, called="cacertPath", default=None)
    signinghelper_path: str | None = field(_PATH, called="signinghelperPath", default=None)
    key_algorithm: KeyAlgorithm | None = field(optional(one_of(KeyAlgorithm)), called="keyAlgorithm", default=None)
    certificate_profile: str | None = field(optional(checked(_profile)), called="certificateProfile", default=None)
    dns_names: list[str] = field(_listed(names.dns_name), called="dnsNames", factory=list)
    ip_addresses: list[str] = field(_listed(names.ip_address), called="ipAddresses", factory=list)
    uris: list[str] = field(_listed(names.uri), called="uris", factory=list)
    email_addresses: list[str] = field(_listed(names.email_address), called="emailAddresses", factory=list)
    file_owner: str = field(_OWNER, called="fileOwner", default="")
    file_group: str = field(_OWNER, called="fileGroup", default="")
    # Empty: the files keep the owner, group and mode that they have; new ones are root's, 0644 and 0400.
    cert_mode: str = field(checked(_cert_mode), called="certMode", default="")
    key_mode: str = field(checked(_key_mode), called="keyMode", default="")
    bundle: bool = field(truth(), called="bundle", default=False)

    def directories(self, defaults: HostDirectories) -> dict[str, str]:
        """The parameters that tell a document where the host's files are."""
        return {
            "certPath": self.cert_path or defaults.cert_path,
            "keyPath": self.key_path or defaults.key_path,
            "cacertPath": self.cacert_path or defaults.cacert_path,
        }

    def alternative_names(self) -> names.Names:
        """The alternative names that the host asks for."""
        return names.Names(
            tuple(self.dns_names), tuple(self.ip_addresses), tuple(self.uris), tuple(self.email_addresses)
        )

    def fingerprint(self) -> str:
        """The same for the same overrides, however they are written."""
        given = ((self.outside(name), getattr(self, name), each.default) for name, each in self.model_fields.items())
        said = {name: value for name, value, default in given if value != default}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]

    @classmethod
    def of(cls, host_id: str, attributes: Mapping[str, Any]) -> Overrides:
        """Validate the overrides of an item.

        Raises:
            InvalidInventoryItem: naming attribute, value and what is allowed.
        """
        try:
            return cls.read(attributes)
        except UnreadableError as error:
            # One complaint for each attribute: a list of 150 wrong names must not hide the other attributes.
            first = {problem.path[0]: problem for problem in reversed(error.problems)}
            problems = "; ".join(
                f"{problem.place} is {str(problem.value)[:200]!r}: {problem.message}"
                for problem in reversed(first.values())
            )
            message = f"the inventory item of {host_id} has an attribute that is not allowed: {problems}"
            raise InvalidInventoryItem(message[:_MESSAGE_MAX], code="INVENTORY_ATTRIBUTE_INVALID") from None


# What is said of the certificate; everything else is said of the files.
_OF_THE_CERTIFICATE = {"certificateProfile", "dnsNames", "emailAddresses", "ipAddresses", "keyAlgorithm", "uris"}


@dataclass(frozen=True)
class Pending:
    """The renewal in flight, as far as it has come.

    ``key_algorithm``: of the key that the host was asked for. ``key_of``: the request that the key was made for, where
    that was an earlier run's. ``used``: the fingerprint of what the item said for all that was done.
    """

    request_id: str
    csr_command_id: str | None = None
    key_algorithm: str | None = None
    public_key_sha256: str | None = None
    task_token: str | None = None
    certificate_arn: str | None = None
    serial: str | None = None
    expiry: str | None = None
    renewal_date: str | None = None
    install_command_id: str | None = None
    install_claim_until: datetime | None = None
    installs_again: int = 0
    key_of: str | None = None
    used: str | None = None

    @property
    def host_request(self) -> str:
        """The request by whose name the host has the key: an earlier run's, if that had the certificate issued."""
        return self.key_of or self.request_id

    def __repr__(self) -> str:
        """Without the task token: whoever has it can complete the renewal's task."""
        return f"Pending(request_id={self.request_id!r})"

    @classmethod
    def of(cls, judge: Judge) -> Pending:
        """Read the map ``pending``."""
        return cls(
            request_id=judge.text("requestId") or "",
            csr_command_id=judge.text("csrCommandId"),
            key_algorithm=judge.text("keyAlgorithm", "a key algorithm", fits=get_args(KeyAlgorithm).__contains__),
            public_key_sha256=judge.text("publicKeySha256"),
            task_token=judge.text("taskToken"),
            certificate_arn=judge.text("certificateArn"),
            serial=judge.serial("serial"),
            expiry=judge.text("expiry"),
            renewal_date=judge.text("renewalDate"),
            install_command_id=judge.text("installCommandId"),
            install_claim_until=judge.lease_end("installClaimUntil"),
            installs_again=judge.count("installsAgain"),
            key_of=judge.text("keyOf", "the request of an earlier run", fits=identifiers.is_request_id),
            used=judge.text("used"),
        )


@dataclass(frozen=True)
class HostItem:
    """One item. What is there and cannot be this system's own counts as absent, and stands in ``faults``.

    ``attributes`` has everything as it is, in Python's types, for the overrides, which are judged where they are used;
    ``stored`` as DynamoDB has it, for conditions on what was read.
    """

    host_id: str
    status: str | None
    serial: str | None
    expiry: datetime | None
    renewal_date: datetime | None
    certificate_arn: str | None
    validated: bool | None
    notices: Mapping[str, str]
    previous_serial: str | None
    run_id: str | None
    lease_until: datetime | None
    last_run_id: str | None
    last_attempt: datetime | None
    last_error: Mapping[str, str]
    failure_count: int
    retired_at: datetime | None
    revocation_reason: str | None
    revocation_order: str | None
    pending: Pending | None
    faults: tuple[Fault, ...]
    attributes: Mapping[str, Any]
    stored: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        attributes: Mapping[str, Any],
        now: datetime | None = None,
        limits: Limits | None = None,
        stored: Mapping[str, Any] | None = None,
    ) -> HostItem:
        """Judge the attributes of an item; outside of tests :class:`pca_runtime.inventory.gate.Gate` alone does.

        Args:
            attributes: in Python's types.
            now: the moment of reading. Default: now.
            limits: what the deployment can have written. Default: what any deployment can.
            stored: the same as DynamoDB has it.
        """
        judge = Judge(attributes, now or utc_now(), limits or Limits())
        pending = judge.within("pending")
        expiry = judge.certificate_end("expiry")
        return cls(
            host_id=str(attributes["hostID"]),
            status=judge.status(),
            serial=judge.serial("serial"),
            expiry=expiry,
            renewal_date=judge.certificate_end("renewalDate", expiry),
            certificate_arn=judge.text("certificateArn"),
            validated=judge.truth("validated"),
            notices=judge.notices(),
            previous_serial=judge.serial("previousSerial"),
            run_id=judge.run_id("runId"),
            lease_until=judge.lease_end("leaseUntil"),
            last_run_id=judge.run_id("lastRunId"),
            last_attempt=judge.past("lastAttempt"),
            last_error=judge.last_error(),
            failure_count=judge.count("failureCount"),
            retired_at=judge.past("retiredAt"),
            revocation_reason=judge.text("revocationReason"),
            revocation_order=judge.text("revocationOrder"),
            pending=Pending.of(pending) if pending is not None else None,
            faults=tuple(judge.faults),
            attributes=attributes,
            stored=stored or {},
        )

    def overrides(self) -> Overrides:
        """What the user wrote, validated.

        Raises:
            InvalidInventoryItem: naming attribute, value and what is allowed.
        """
        return Overrides.of(self.host_id, self.attributes)

    def files(self) -> Overrides:
        """What the item says of the files on the host, whatever it says of the certificate.

        Raises:
            InvalidInventoryItem: naming attribute, value and what is allowed.
        """
        names = self.attributes.keys() - _OF_THE_CERTIFICATE
        return Overrides.of(self.host_id, {name: self.attributes[name] for name in names})

    @property
    def was_changed_meanwhile(self) -> bool:
        """Whether the item now says something else than the installation in flight was done with."""
        used = self.pending.used if self.pending else None
        if used is None:
            return False
        try:
            return self.overrides().fingerprint() != used
        except InvalidInventoryItem:
            return True

    def holds_lease(self, run_id: str) -> bool:
        """Whether this run is the one that is renewing the host."""
        return self.run_id == run_id and self.status != "RETIRED"

    def is_busy(self, now: datetime) -> bool:
        """Whether some run is renewing the host at this moment."""
        return self.run_id is not None and self.lease_until is not None and self.lease_until > now

    def witness(self, *names: str) -> dict[str, Any]:
        """These attributes as DynamoDB has them, for a condition that nothing has changed; ``None``: absent."""
        return {name: Stored(self.stored[name]) if name in self.stored else None for name in names}
