"""What a certificate is for: the profiles that the construct declares, and what they make of a host's wishes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pca_runtime.authority.leaf import TEMPLATE_EXTENSIONS, Leaf, same_serial
from pca_runtime.authority.names import KINDS, NAMES_BYTES_MAX, NAMES_MAX, Names, matches
from pca_runtime.errors.kinds import CertificateMismatch, InvalidInventoryItem
from pca_runtime.shared.records import Record, field, integer, items, one_of, optional, text, truth
from pca_runtime.shared.settings import KeyAlgorithm

__all__ = ["DEFAULT_PROFILE", "TEMPLATES", "CertificateProfile", "CertificateRequest", "Usage", "request"]

Usage = Literal["CLIENT_AUTH", "SERVER_AUTH"]

DEFAULT_PROFILE = "default"
"""The profile of a host whose item names none."""

TEMPLATES: Mapping[frozenset[str], str] = {
    frozenset({"CLIENT_AUTH", "SERVER_AUTH"}): "EndEntityCertificate_APIPassthrough/V1",
    frozenset({"CLIENT_AUTH"}): "EndEntityClientAuthCertificate_APIPassthrough/V1",
    frozenset({"SERVER_AUTH"}): "EndEntityServerAuthCertificate_APIPassthrough/V1",
}
"""Subject and names from the API call, key usage and extended key usages from the template.
https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html"""

# What each of these templates fixes.
_KEY_USAGE = frozenset({"digital_signature", "key_encipherment"})
_BASIC_CONSTRAINTS = "2.5.29.19"
# The CA dates a certificate an hour back, for hosts whose clocks are behind.
_BACKDATED = timedelta(hours=1, minutes=5)
_SKEW = timedelta(minutes=5)


_usages = items(one_of(Usage), least=1)
_patterns = items(text())


def _as_set(value: object) -> frozenset[Usage]:
    return frozenset(_usages(value))


def _as_tuple(value: object) -> tuple[str, ...]:
    return tuple(_patterns(value))


class CertificateProfile(Record, closed=True):
    """As the construct declares it; names are patterns, see :func:`pca_runtime.authority.names.matches`."""

    usages: frozenset[Usage] = field(_as_set)
    validity_days: int | None = field(optional(integer(1)), default=None)
    key_algorithm: KeyAlgorithm | None = field(optional(one_of(KeyAlgorithm)), default=None)
    organization: str | None = field(optional(text()), default=None)
    organizational_unit: str | None = field(optional(text()), default=None)
    dns_names: tuple[str, ...] = field(_as_tuple, default=())
    ip_addresses: tuple[str, ...] = field(_as_tuple, default=())
    uris: tuple[str, ...] = field(_as_tuple, default=())
    email_addresses: tuple[str, ...] = field(_as_tuple, default=())
    wildcards: bool = field(truth(), default=False)

    def allows_key(self, algorithm: str) -> bool:
        """Whether a host may have such a key."""
        return self.key_algorithm in (None, algorithm)

    def refused(self, host_id: str, names: Names) -> list[str]:
        """The names that a host asks for and may not have; its own id it always may."""
        return [
            name
            for kind, asked in names.by_kind()
            for name in asked
            if not (kind == "dns_names" and name == host_id)
            and not matches(kind, name, getattr(self, kind), host_id=host_id, wildcards=self.wildcards)
        ]


@dataclass(frozen=True)
class CertificateRequest:
    """What is asked of the CA for a host, and so what must come back.

    Args:
        host_id: the common name.
        key_algorithm: what the host's key must be.
        names: alternative names, all of them allowed.
        profile: what the certificate is for.
        validity_days: how long it is valid.
    """

    host_id: str
    key_algorithm: str
    names: Names
    profile: CertificateProfile
    validity_days: int

    @property
    def template(self) -> str:
        """The name of the template that fixes the usages."""
        return TEMPLATES[frozenset(self.profile.usages)]

    def api_passthrough(self) -> dict[str, Any]:
        """Subject and names come from here; the template takes these before anything in the CSR.

        https://docs.aws.amazon.com/privateca/latest/userguide/template-order-of-operations.html
        """
        subject = {
            "CommonName": self.host_id,
            "Organization": self.profile.organization,
            "OrganizationalUnit": self.profile.organizational_unit,
        }
        passthrough: dict[str, Any] = {"Subject": {name: value for name, value in subject.items() if value}}
        if self.names.count:
            passthrough["Extensions"] = {"SubjectAlternativeNames": self.names.general_names()}
        return passthrough

    def as_text(self) -> str:
        """What the certificate is to be like, and nothing of what else the profile would allow; see :meth:`of_text`."""
        profile = self.profile
        asked = {
            "keyAlgorithm": self.key_algorithm,
            "names": {kind: names for kind, names in asdict(self.names).items() if names},
            "organization": profile.organization,
            "organizationalUnit": profile.organizational_unit,
            "usages": sorted(profile.usages),
            "validityDays": self.validity_days,
        }
        return json.dumps(asked, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of_text(cls, host_id: str, text: str) -> CertificateRequest:
        """What was asked for, as :meth:`as_text` wrote it down; its profile allows nothing more.

        Args:
            host_id: the common name.
            text: nobody but this system may have written it.
        """
        asked = json.loads(text)
        profile = CertificateProfile(
            usages=frozenset(asked["usages"]),
            organization=asked["organization"],
            organizational_unit=asked["organizationalUnit"],
        )
        names = Names(**{kind: tuple(each) for kind, each in asked["names"].items()})
        return cls(host_id, asked["keyAlgorithm"], names, profile, asked["validityDays"])

    def check(self, leaf: Leaf, *, expected_key_sha256: str, now: datetime, serial: str = "") -> None:
        """Is this the certificate that was asked for? The last look before it goes to the host.

        Args:
            leaf: what is to be installed.
            expected_key_sha256: fingerprint of the CSR's key.
            now: the injected clock's time.
            serial: in hexadecimal, as the ARN has it that IssueCertificate returned. Default: it is not compared.

        Raises:
            CertificateMismatch: with the code ``CERTIFICATE_NOT_AS_REQUESTED`` and everything that is wrong.
        """
        wrong = [*self._wrong_identity(leaf, expected_key_sha256), *self._wrong_use(leaf, now)]
        if serial and not same_serial(serial, leaf.serial):
            wrong.append(f"its serial is {leaf.serial}, and {serial[:40]} was issued")
        if wrong:
            message = f"the certificate for {self.host_id} is not the one that was asked for: {'; '.join(wrong)}"
            raise CertificateMismatch(message, code="CERTIFICATE_NOT_AS_REQUESTED")

    def _wrong_identity(self, leaf: Leaf, expected_key_sha256: str) -> list[str]:
        wrong = []
        if leaf.public_key_sha256 != expected_key_sha256:
            wrong.append("its key is not the key of the CSR")
        asked = sorted(self.api_passthrough()["Subject"].items())
        if sorted(leaf.subject) != asked:
            expected = ", ".join(f"{name}={value}" for name, value in asked)
            wrong.append(f"its subject is not exactly {expected.replace('CommonName', 'CN')}")
        if extra := leaf.names.beyond(self.names):
            wrong.append(f"it has names that were not asked for: {', '.join(extra)[:300]}")
        if missing := self.names.beyond(leaf.names):
            wrong.append(f"it lacks names that were asked for: {', '.join(missing)[:300]}")
        if leaf.other_names:
            wrong.append("it has alternative names of a kind that is never asked for")
        return wrong

    def _wrong_use(self, leaf: Leaf, now: datetime) -> list[str]:
        wrong = []
        if leaf.is_ca:
            wrong.append("it is a CA certificate")
        if _BASIC_CONSTRAINTS not in leaf.extensions:
            wrong.append("it does not say that it is no CA, which IAM Roles Anywhere asks for")
        if leaf.usages != self.profile.usages:
            asked = _listed(self.profile.usages)
            wrong.append(f"its extended key usages are {_listed(leaf.usages)}, and {asked} was asked for")
        if leaf.key_usage != _KEY_USAGE:
            wrong.append(f"its key usage is {_listed(leaf.key_usage)} instead of {_listed(_KEY_USAGE)}")
        if unknown := sorted(leaf.extensions - TEMPLATE_EXTENSIONS):
            wrong.append(f"it has extensions that no template of ours gives: {', '.join(unknown)[:300]}")
        validity = timedelta(days=self.validity_days)
        if leaf.not_before > now + _SKEW:
            wrong.append(f"it begins at {leaf.not_before.isoformat()}, which is still to come")
        if leaf.not_after > now + validity + _SKEW or leaf.not_after - leaf.not_before > validity + _BACKDATED:
            wrong.append(f"it is valid for more than {self.validity_days} days")
        if leaf.not_after <= now:
            wrong.append("it has expired")
        return wrong


def request(
    host_id: str,
    *,
    profile_name: str | None,
    key_algorithm: str | None,
    names: Names,
    profiles: Mapping[str, CertificateProfile],
    default_key_algorithm: str,
    default_validity_days: int,
) -> CertificateRequest:
    """What a host may have of what its item says: one of the declared profiles, and nothing outside it.

    Args:
        host_id: the host.
        profile_name: what its item names. None: the default profile.
        key_algorithm: what its item asks for. None: the profile's, or the deployment's.
        names: what its item asks for.
        profiles: what the construct declares.
        default_key_algorithm: the deployment's.
        default_validity_days: the deployment's.

    Raises:
        InvalidInventoryItem: the profile is not declared, or does not allow a name or the key; names what is allowed.
    """
    name = profile_name or DEFAULT_PROFILE
    if name not in profiles:
        _refuse(
            host_id, f"certificateProfile is {name!r}: allowed are {', '.join(sorted(profiles))}", "PROFILE_UNKNOWN"
        )
    profile = profiles[name]
    wanted = key_algorithm or profile.key_algorithm or default_key_algorithm
    if not profile.allows_key(wanted):
        why = f"keyAlgorithm is {wanted!r}: the profile {name} allows {profile.key_algorithm} alone"
        _refuse(host_id, why, "PROFILE_REFUSES_KEY")
    if refused := profile.refused(host_id, names):
        patterns = [f"{_ATTRIBUTES[kind]}: {', '.join(getattr(profile, kind)) or 'none'}" for kind in KINDS]
        why = f"the profile {name} does not allow {', '.join(refused)[:300]}; it allows {'; '.join(patterns)[:900]}"
        _refuse(host_id, why, "PROFILE_REFUSES_NAME")
    if names.count > NAMES_MAX or names.size > NAMES_BYTES_MAX:
        why = f"{names.count} names of {names.size} characters: allowed are {NAMES_MAX} of {NAMES_BYTES_MAX} together"
        _refuse(host_id, f"it asks for {why}, with 4 for each", "INVENTORY_ATTRIBUTE_INVALID")
    return CertificateRequest(host_id, wanted, names, profile, profile.validity_days or default_validity_days)


_ATTRIBUTES = {
    "dns_names": "dnsNames",
    "ip_addresses": "ipAddresses",
    "uris": "uris",
    "email_addresses": "emailAddresses",
}


def _refuse(host_id: str, why: str, code: str) -> None:
    raise InvalidInventoryItem(f"the inventory item of {host_id}: {why}", code=code)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
