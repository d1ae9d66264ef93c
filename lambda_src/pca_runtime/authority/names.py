"""The alternative names of a certificate: how each kind is written, and which of them a pattern lets a host ask for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pca_runtime.shared import identifiers

__all__ = ["KINDS", "Names", "dns_name", "email_address", "ip_address", "matches", "uri"]

# ApiPassthrough takes up to 150 subject alternative names.
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_Extensions.html
NAMES_MAX = 150
# InstallCertificate takes 5,984 characters: base64, four of them for three bytes of DER. An RSA-4096
# certificate from an RSA-4096 CA has 1,600 bytes without names; each name adds its length and up to 4.
NAMES_BYTES_MAX = 2_500
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_GeneralName.html
_URI_MAX = 253
_EMAIL_MAX = 256

_URI = re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def dns_name(value: str) -> str:
    """A host name in lower case; never an address, which a client would not look for among host names.

    Raises:
        ValueError: it is none; says what is allowed.
    """
    if not identifiers.is_dns_name(value):
        raise ValueError("allowed is a host name, optionally below *., of at most 253 characters")
    if value.rpartition(".")[2].isdigit():
        raise ValueError("allowed is a host name; an IP address belongs into ipAddresses")
    return value.lower()


def ip_address(value: str) -> str:
    """An IPv4 or IPv6 address as it is usually written.

    Raises:
        ValueError: it is none; says what is allowed.
    """
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("allowed is an IPv4 or IPv6 address, such as 10.0.0.1 or 2001:db8::1") from None
    if getattr(address, "scope_id", None) or getattr(address, "ipv4_mapped", None):
        raise ValueError("allowed is an address without a zone, and an IPv4 address in its own form")
    return str(address)


def uri(value: str) -> str:
    """A URI with a scheme in lower case and nothing that needs escaping.

    Raises:
        ValueError: it is none; says what is allowed.
    """
    if len(value) > _URI_MAX or not _URI.fullmatch(value):
        raise ValueError(f"allowed is a URI of at most {_URI_MAX} characters, such as spiffe://example.com/web")
    return value


def email_address(value: str) -> str:
    """An e-mail address, its domain in lower case.

    Raises:
        ValueError: it is none; says what is allowed.
    """
    mailbox, _, domain = value.rpartition("@")
    if len(value) > _EMAIL_MAX or not _MAILBOX.fullmatch(mailbox) or not identifiers.is_dns_name(domain):
        raise ValueError(f"allowed is an e-mail address of at most {_EMAIL_MAX} characters")
    return f"{mailbox}@{domain.lower()}"


@dataclass(frozen=True)
class Names:
    """Alternative names by kind, each in its usual form, sorted."""

    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    email_addresses: tuple[str, ...] = ()

    def by_kind(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The kind's name in this class, and the names of the kind."""
        for kind in KINDS:
            yield kind, getattr(self, kind)

    @property
    def count(self) -> int:
        """How many names there are."""
        return sum(len(names) for _, names in self.by_kind())

    @property
    def size(self) -> int:
        """Bytes that they take in a certificate, at most."""
        return sum(len(name) + 4 for _, names in self.by_kind() for name in names)

    def general_names(self) -> list[dict[str, str]]:
        """As AWS Private CA takes them.

        https://docs.aws.amazon.com/privateca/latest/APIReference/API_GeneralName.html
        """
        return [{KINDS[kind]: name} for kind, names in self.by_kind() for name in names]

    def beyond(self, other: Names) -> list[str]:
        """What another certificate does not have, for a message."""
        return sorted(name for kind, names in self.by_kind() for name in set(names) - set(getattr(other, kind)))


KINDS: Mapping[str, str] = {
    "dns_names": "DnsName",
    "ip_addresses": "IpAddress",
    "uris": "UniformResourceIdentifier",
    "email_addresses": "Rfc822Name",
}
"""The fields of :class:`Names`, and what AWS Private CA calls such a name."""


def matches(kind: str, name: str, patterns: Iterable[str], *, host_id: str, wildcards: bool) -> bool:
    """Whether one of a profile's patterns lets a host ask for a name.

    ``{hostID}`` in a pattern is the host's own id. ``*`` is one label of a host name, one segment of a URI's path, or
    the mailbox of an e-mail address; it never stands for more, nor for nothing. Of addresses a pattern is a network.

    Args:
        kind: a field of :class:`Names`.
        name: in its usual form.
        patterns: of this kind.
        host_id: the host that asks.
        wildcards: whether a host may ask for a name that itself begins with ``*.``.
    """
    return any(_FITS[kind](name, pattern.replace("{hostID}", host_id), wildcards) for pattern in patterns)


def _dns_fits(name: str, pattern: str, wildcards: bool) -> bool:
    if name.startswith("*.") and not wildcards:
        return False
    label = r"(?:\*|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
    return _fits(name, pattern.lower(), label)


def _ip_fits(name: str, pattern: str, _: bool) -> bool:
    return ipaddress.ip_address(name) in ipaddress.ip_network(pattern)


def _uri_fits(name: str, pattern: str, _: bool) -> bool:
    # A segment of dots alone would lead a reader of the path elsewhere.
    return _fits(name, pattern, r"(?!\.+(?:/|$))[A-Za-z0-9._~-]+")


def _email_fits(name: str, pattern: str, _: bool) -> bool:
    mailbox, domain = pattern.rsplit("@", 1)
    own_mailbox, own_domain = name.rsplit("@", 1)
    return own_domain == domain.lower() and (mailbox in ("*", own_mailbox))


def _fits(name: str, pattern: str, star: str) -> bool:
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch(star.join(parts), name) is not None


_FITS: Mapping[str, Callable[[str, str, bool], bool]] = {
    "dns_names": _dns_fits,
    "ip_addresses": _ip_fits,
    "uris": _uri_fits,
    "email_addresses": _email_fits,
}
