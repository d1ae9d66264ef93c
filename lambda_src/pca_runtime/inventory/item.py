"""The inventory item: what a user may override, and what the system keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pca_runtime.errors.kinds import InvalidInventoryItem
from pca_runtime.shared import identifiers
from pca_runtime.shared.settings import HostDirectories, KeyAlgorithm
from pca_runtime.shared.timestamps import parse_time

__all__ = ["HostItem", "Overrides", "Pending", "Status"]

Status = Literal["DEPLOYED", "RENEWING", "FAILED", "RETIRED"]

# ApiPassthrough takes up to 150 subject alternative names.
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_Extensions.html
DNS_NAMES_MAX = 150
# InstallCertificate takes 8,192 characters: base64 of PEM, 1.83 of them for each byte of DER. An RSA-4096
# certificate from an RSA-4096 CA has 1,600 bytes without names; each name adds its length and up to 4.
DNS_NAMES_BYTES_MAX = 2_500
_MESSAGE_MAX = 2_000
# What CertFailure writes is shorter. An item may have 400 KB, and one report and one digest tell of all of them.
_LAST_ERROR_MAX = {"phase": 64, "code": 64, "message": 1_000, "at": 64}


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


def _dns_name(value: str) -> str:
    if not identifiers.is_dns_name(value):
        raise ValueError("allowed is a host name, optionally below *., of at most 253 characters")
    return value.lower()


def _distinct(names: list[str]) -> list[str]:
    distinct = sorted(set(names))
    if sum(len(name) + 4 for name in distinct) > DNS_NAMES_BYTES_MAX:
        raise ValueError(f"allowed are names of at most {DNS_NAMES_BYTES_MAX} characters together, with 4 for each")
    return distinct


def _as_list(value: object) -> object:
    """A DynamoDB string set and a list of strings mean the same."""
    return sorted(value) if isinstance(value, set) and all(isinstance(name, str) for name in value) else value


_Path = Annotated[str, AfterValidator(_path)]
_Owner = Annotated[str, AfterValidator(_owner)]


class Overrides(BaseModel):
    """What a user may write beside ``hostID``; ``None`` or the default means the deployment's default."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    cert_path: _Path | None = Field(None, alias="certPath")
    key_path: _Path | None = Field(None, alias="keyPath")
    cacert_path: _Path | None = Field(None, alias="cacertPath")
    signing_helper_path: _Path | None = Field(None, alias="signinghelperPath")
    key_algorithm: KeyAlgorithm | None = Field(None, alias="keyAlgorithm")
    dns_names: Annotated[
        list[Annotated[str, AfterValidator(_dns_name)]],
        BeforeValidator(_as_list),
        Field(max_length=DNS_NAMES_MAX),
        AfterValidator(_distinct),
    ] = Field([], alias="dnsNames")
    file_owner: _Owner = Field("", alias="fileOwner")
    file_group: _Owner = Field("", alias="fileGroup")
    # Empty: the files keep the owner, group and mode that they have; new ones are root's, 0644 and 0400.
    cert_mode: Annotated[str, AfterValidator(_cert_mode)] = Field("", alias="certMode")
    key_mode: Annotated[str, AfterValidator(_key_mode)] = Field("", alias="keyMode")
    bundle: bool = Field(False, alias="bundle")

    def directories(self, defaults: HostDirectories) -> dict[str, str]:
        """The parameters that tell a document where the host's files are."""
        return {
            "csrPath": defaults.csr_path,
            "certPath": self.cert_path or defaults.cert_path,
            "keyPath": self.key_path or defaults.key_path,
            "cacertPath": self.cacert_path or defaults.cacert_path,
        }

    @classmethod
    def of(cls, host_id: str, attributes: Mapping[str, Any]) -> Overrides:
        """Validate the overrides of an item.

        Raises:
            InvalidInventoryItem: naming attribute, value and what is allowed.
        """
        try:
            return cls.model_validate(dict(attributes))
        except ValidationError as error:
            # One complaint for each attribute: a list of 150 wrong names must not hide the other attributes.
            first = {problem["loc"][0]: problem for problem in reversed(error.errors())}
            problems = "; ".join(
                f"{'.'.join(str(part) for part in problem['loc'])} is {str(problem['input'])[:200]!r}: "
                f"{problem['msg'].removeprefix('Value error, ')}"
                for problem in reversed(first.values())
            )
            message = f"the inventory item of {host_id} has an attribute that is not allowed: {problems}"
            raise InvalidInventoryItem(message[:_MESSAGE_MAX], code="INVENTORY_ATTRIBUTE_INVALID") from None


@dataclass(frozen=True)
class Pending:
    """The renewal in flight, as far as it has come."""

    request_id: str
    csr_command_id: str | None = None
    public_key_sha256: str | None = None
    task_token: str | None = None
    certificate_arn: str | None = None
    serial: str | None = None
    expiry: str | None = None
    renewal_date: str | None = None
    install_command_id: str | None = None
    install_claim_until: datetime | None = None
    installs_again: int = 0

    def __repr__(self) -> str:
        """Without the task token: whoever has it can complete the renewal's task."""
        return f"Pending(request_id={self.request_id!r})"

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Pending:
        """Read the map ``pending``."""
        return cls(
            request_id=_text(attributes.get("requestId")) or "",
            csr_command_id=_text(attributes.get("csrCommandId")),
            public_key_sha256=_text(attributes.get("publicKeySha256")),
            task_token=_text(attributes.get("taskToken")),
            certificate_arn=_text(attributes.get("certificateArn")),
            serial=_text(attributes.get("serial")),
            expiry=_text(attributes.get("expiry")),
            renewal_date=_text(attributes.get("renewalDate")),
            install_command_id=_text(attributes.get("installCommandId")),
            install_claim_until=parse_time(attributes.get("installClaimUntil")),
            installs_again=_count(attributes.get("installsAgain")),
        )


@dataclass(frozen=True)
class HostItem:
    """One item. What a person may have written is read with tolerance; it is judged where it is used.

    Of every attribute DynamoDB takes every type; a text that is none counts as absent. ``attributes`` has them as they
    are.
    """

    host_id: str
    status: str | None
    serial: str | None
    expiry: datetime | None
    renewal_date: datetime | None
    run_id: str | None
    lease_until: datetime | None
    last_run_id: str | None
    last_attempt: datetime | None
    last_error: Mapping[str, str]
    pending: Pending | None
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> HostItem:
        """Read the attributes of an item as DynamoDB's deserializer gives them."""
        pending = attributes.get("pending")
        return cls(
            host_id=str(attributes["hostID"]),
            status=_text(attributes.get("status")),
            serial=_text(attributes.get("serial")),
            expiry=parse_time(attributes.get("expiry")),
            renewal_date=parse_time(attributes.get("renewalDate")),
            run_id=_text(attributes.get("runId")),
            lease_until=parse_time(attributes.get("leaseUntil")),
            last_run_id=_text(attributes.get("lastRunId")),
            last_attempt=parse_time(attributes.get("lastAttempt")),
            last_error=_last_error(attributes.get("lastError")),
            pending=Pending.of(pending) if isinstance(pending, dict) else None,
            attributes=attributes,
        )

    def overrides(self) -> Overrides:
        """What the user wrote, validated.

        Raises:
            InvalidInventoryItem: naming attribute, value and what is allowed.
        """
        return Overrides.of(self.host_id, self.attributes)

    def holds_lease(self, run_id: str) -> bool:
        """Whether this run is the one that is renewing the host."""
        return self.run_id == run_id and self.status != "RETIRED"

    def is_busy(self, now: datetime) -> bool:
        """Whether some run is renewing the host at this moment."""
        return self.run_id is not None and self.lease_until is not None and self.lease_until > now


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else 0


def _last_error(value: object) -> Mapping[str, str]:
    """Four texts of bounded length, as far as they are there."""
    if not isinstance(value, dict) or not value:
        return {}
    known = {name: str(value[name])[:limit] for name, limit in _LAST_ERROR_MAX.items() if name in value}
    return known or {"code": "Unknown"}
