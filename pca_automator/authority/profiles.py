"""What the hosts' certificates are for, and which names a host may ask for."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aws_cdk import Annotations, Duration, Token
from constructs import IConstruct

from pca_automator._internal.arguments import check_fields
from pca_automator.authority.algorithms import KeyAlgorithm

DEFAULT_PROFILE = "default"
"""The profile of a host whose item names none."""

_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
# A function's variables may have 4 KB together; the others take less than one.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_BYTES_MAX = 2_800
_LABEL = r"(\*|\{hostID\}|[A-Za-z0-9*]([A-Za-z0-9*-]*[A-Za-z0-9*])?)"
_DNS = rf"({_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
# The host's id may stand anywhere; a star only where it is a whole segment, and never in the authority.
_URI = r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%{}-]+"
_EMAIL = r"(\*|[A-Za-z0-9!#$%&'+/=?^_`{|}~.-]+)@([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*"
_SUBJECT_MAX = 64


class CertificateUsage(Enum):
    """What a certificate is for, as its extended key usage says.

    https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html
    """

    CLIENT_AUTH = "CLIENT_AUTH"
    """Its host shows it to servers, and to IAM Roles Anywhere."""
    SERVER_AUTH = "SERVER_AUTH"
    """Its host shows it to clients, as a TLS server."""


TEMPLATES: Mapping[frozenset[str], str] = {
    frozenset({"CLIENT_AUTH", "SERVER_AUTH"}): "EndEntityCertificate_APIPassthrough/V1",
    frozenset({"CLIENT_AUTH"}): "EndEntityClientAuthCertificate_APIPassthrough/V1",
    frozenset({"SERVER_AUTH"}): "EndEntityServerAuthCertificate_APIPassthrough/V1",
}
"""Subject and names from the API call, key usage and extended key usages from the template.
https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html"""


@dataclass(frozen=True, kw_only=True)
class CertificateProfile:
    """What a certificate is for: usages, life, key, subject, and the names that a host's item may ask for.

    Whoever may write an item may ask for any name that the host's profile allows; none is allowed but the host's own
    id until a pattern is declared. In a pattern, ``{hostID}`` is the id of the host that asks. ``*`` is one label of a
    host name (``*.web.example.com`` allows ``a.web.example.com``, not ``a.b.web.example.com``), one segment of a URI's
    path, or the mailbox of an e-mail address.

    https://docs.aws.amazon.com/privateca/latest/userguide/UsingTemplates.html

    Args:
        usages: of the certificate. Default: client and server.
        validity: whole days; longer than the renewal threshold. Default: that of ``times``.
        key_algorithm: the only one that its hosts may use. Default: that of ``hosts``, and what an item's
            ``keyAlgorithm`` says.
        organization: in the subject. Default: none.
        organizational_unit: in the subject. Default: none.
        dns_names: patterns of host names, such as ``*.web.example.com``. Default: the host's own id alone.
        ip_addresses: networks in CIDR notation, such as ``10.0.0.0/8``. Default: no address.
        uris: patterns of URIs, such as ``spiffe://example.com/host/{hostID}``. Default: none.
        email_addresses: patterns such as ``*@example.com``. Default: none.
        wildcards: whether a host may ask for a name that itself begins with ``*.``. Default: no.

    Raises:
        ValueError: a value has another type or another form, or is a token; names it and what is allowed.
    """

    usages: Set[CertificateUsage] = frozenset(CertificateUsage)
    validity: Duration | None = None
    key_algorithm: KeyAlgorithm | None = None
    organization: str | None = None
    organizational_unit: str | None = None
    dns_names: Sequence[str] = ()
    ip_addresses: Sequence[str] = ()
    uris: Sequence[str] = ()
    email_addresses: Sequence[str] = ()
    wildcards: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.usages:
            raise ValueError("usages is empty: give at least one of CertificateUsage.CLIENT_AUTH, SERVER_AUTH")
        for name in ("organization", "organizational_unit"):
            value = getattr(self, name)
            if value is not None and (Token.is_unresolved(value) or not 1 <= len(value) <= _SUBJECT_MAX):
                raise ValueError(f"{name} is {value!r}: it must have 1 to {_SUBJECT_MAX} characters and be no token")
        for name, pattern, example in (
            ("dns_names", _DNS, "*.web.example.com"),
            ("uris", _URI, "spiffe://example.com/host/{hostID}"),
            ("email_addresses", _EMAIL, "*@example.com"),
        ):
            for value in getattr(self, name):
                if Token.is_unresolved(value) or not re.fullmatch(pattern, value) or _has_loose_star(name, value):
                    raise ValueError(
                        f"{name} has {value!r}: it must be a pattern such as {example!r}, in which * stands alone "
                        "between its separators, and no token"
                    )
        for value in self.ip_addresses:
            try:
                if Token.is_unresolved(value):
                    raise ValueError("it is a token")
                ipaddress.ip_network(value)
            except ValueError as error:
                raise ValueError(
                    f"ip_addresses has {value!r}: it must be a network, such as '10.0.0.0/8' or '10.1.2.3/32' ({error})"
                ) from error
        if self.validity is not None:
            self._check_validity(self.validity)

    @property
    def template(self) -> str:
        """The name of the template that AWS Private CA fixes the usages by."""
        return TEMPLATES[frozenset(usage.value for usage in self.usages)]

    @staticmethod
    def _check_validity(validity: Duration) -> None:
        if validity.is_unresolved():
            raise ValueError("validity is a token: that of a profile must be known at synthesis")
        if validity.to_seconds() % 86_400 or not 1 <= validity.to_days() <= 3650:
            raise ValueError(f"validity is {validity.to_human_string()}: it must be 1 to 3650 whole days")

    def described(self) -> dict[str, Any]:
        """As the functions read it, without what is as they assume."""
        values = {
            "organization": self.organization,
            "organizational_unit": self.organizational_unit,
            "dns_names": list(self.dns_names),
            "ip_addresses": list(self.ip_addresses),
            "uris": list(self.uris),
            "email_addresses": list(self.email_addresses),
            "wildcards": self.wildcards,
        }
        return {
            "usages": sorted(usage.value for usage in self.usages),
            **({"validity_days": self.validity.to_days()} if self.validity else {}),
            **({"key_algorithm": self.key_algorithm.value} if self.key_algorithm else {}),
            **{name: value for name, value in values.items() if value},
        }


class CertificateProfiles:
    """The profiles of an automation, by name; always with a default one.

    https://docs.aws.amazon.com/privateca/latest/userguide/UsingTemplates.html

    Args:
        declared: by the name that an item's attribute ``certificateProfile`` may have; ``default`` is that of a host
            whose item names none. Default: a default profile for clients and servers, which allows no name.

    Raises:
        ValueError: a name has another form, or the profiles are too long for the functions' environment.
    """

    def __init__(self, declared: Mapping[str, CertificateProfile] | None = None) -> None:
        for name in declared or {}:
            if not re.fullmatch(_NAME, name):
                raise ValueError(
                    f"profiles has the name {name!r}: it must have letters, digits, _ and -, at most 64, and begin "
                    "with a letter"
                )
        self._profiles = {DEFAULT_PROFILE: CertificateProfile(), **(declared or {})}

    @property
    def all(self) -> Mapping[str, CertificateProfile]:
        """Every profile by its name."""
        return self._profiles

    @property
    def templates(self) -> list[str]:
        """The names of the templates that are issued with."""
        return sorted({profile.template for profile in self._profiles.values()})

    def environment(self) -> str:
        """As the functions read them.

        Raises:
            ValueError: they are too long.
        """
        written = json.dumps(
            {name: profile.described() for name, profile in sorted(self._profiles.items())},
            separators=(",", ":"),
        )
        if len(written) > _BYTES_MAX:
            raise ValueError(
                f"profiles take {len(written):,} bytes of the functions' environment: allowed are {_BYTES_MAX:,}; "
                "declare fewer or wider patterns, or spread the fleet over several automations"
            )
        return written

    def warn(self, construct: IConstruct) -> None:
        """Say at synthesis which certificates a host may not be able to prove.

        Args:
            construct: gets the warning.
        """
        servers = [
            name for name, profile in self._profiles.items() if set(profile.usages) == {CertificateUsage.SERVER_AUTH}
        ]
        if servers:
            Annotations.of(construct).add_warning_v2(
                "pca-automator:server-only",
                f"the profiles {', '.join(servers)} are for servers alone: IAM Roles Anywhere is not documented to "
                "accept such a certificate, so a host that proves it may fail; add CertificateUsage.CLIENT_AUTH, or "
                "have its hosts' validation_policy be NEVER",
            )


def _has_loose_star(kind: str, pattern: str) -> bool:
    """A star that is only a part of a label or segment would allow more than anybody reads in it; so would braces."""
    if any(brace in pattern.replace("{hostID}", "") for brace in "{}"):
        return True
    if kind == "dns_names":
        return any("*" in label and label != "*" for label in pattern.split("."))
    if kind == "uris":
        _, _, rest = pattern.partition(":")
        segments = rest.removeprefix("//").split("/")
        first = segments[0] if rest.startswith("//") else ""
        return "*" in first or any("*" in segment and segment != "*" for segment in segments)
    return False
