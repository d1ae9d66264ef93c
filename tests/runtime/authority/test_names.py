"""Alternative names: what is written as a name, exactly up to its limits, and what a pattern lets a host ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pca_runtime.authority.names import KINDS, Names, dns_name, email_address, ip_address, matches, uri

_LABEL = "a" * 63
_LONGEST_DOMAIN = ".".join([_LABEL, _LABEL, _LABEL, "a" * 61])  # 253 characters


@pytest.mark.parametrize(
    ("read", "written", "kept"),
    [
        (dns_name, "Web.Example.COM", "web.example.com"),
        (dns_name, "*.Example.com", "*.example.com"),
        (dns_name, "10.0.0.1a", "10.0.0.1a"),
        (dns_name, "1.example.com", "1.example.com"),
        (dns_name, _LONGEST_DOMAIN, _LONGEST_DOMAIN),
        (ip_address, "10.0.0.1", "10.0.0.1"),
        (ip_address, "2001:DB8:0:0::1", "2001:db8::1"),
        (uri, "spiffe://example.com/web", "spiffe://example.com/web"),
        (uri, "urn:x", "urn:x"),
        (uri, "u:" + "a" * 251, "u:" + "a" * 251),
        (email_address, "Ops.Team+x@Example.COM", "Ops.Team+x@example.com"),
        (email_address, "a" * (256 - 12) + "@example.com", "a" * (256 - 12) + "@example.com"),
    ],
)
def test_a_name_is_kept_in_its_usual_form(read: Callable[[str], str], written: str, kept: str) -> None:
    assert read(written) == kept


@pytest.mark.parametrize(
    ("read", "written", "allowed"),
    [
        (dns_name, "a b", "allowed is a host name, optionally below *., of at most 253 characters"),
        (dns_name, "a" + _LONGEST_DOMAIN, "at most 253 characters"),
        (dns_name, "10.0.0.1", "an IP address belongs into ipAddresses"),
        (dns_name, "7", "an IP address belongs into ipAddresses"),
        (ip_address, "10.0.0.256", "allowed is an IPv4 or IPv6 address, such as 10.0.0.1 or 2001:db8::1"),
        (ip_address, "fe80::1%eth0", "without a zone"),
        (ip_address, "::ffff:10.0.0.1", "an IPv4 address in its own form"),
        (uri, "u:" + "a" * 252, "allowed is a URI of at most 253 characters, such as spiffe://example.com/web"),
        (uri, "Spiffe://example.com", "allowed is a URI"),
        (uri, "no-scheme", "allowed is a URI"),
        (uri, "a:b c", "allowed is a URI"),
        (uri, "a:", "allowed is a URI"),
        (email_address, "a" * (257 - 12) + "@example.com", "allowed is an e-mail address of at most 256 characters"),
        (email_address, "example.com", "allowed is an e-mail address"),
        (email_address, "@example.com", "allowed is an e-mail address"),
        (email_address, "a..b@example.com", "allowed is an e-mail address"),
        (email_address, "a@b@example.com", "allowed is an e-mail address"),
        (email_address, "a@exa mple.com", "allowed is an e-mail address"),
    ],
)
def test_what_is_no_name_is_refused_with_what_is_allowed(
    read: Callable[[str], str], written: str, allowed: str
) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        read(written)
    assert allowed in str(refused.value)


_NAMES = Names(("a.example.com", "b.example.com"), ("10.0.0.1",), ("urn:x",), ("ops@example.com",))


def test_every_kind_is_counted_and_sent_as_the_ca_calls_it() -> None:
    """https://docs.aws.amazon.com/privateca/latest/APIReference/API_GeneralName.html"""
    assert _NAMES.count == 5
    assert _NAMES.size == 13 + 13 + 8 + 5 + 15 + 5 * 4
    assert (Names().count, Names().size, Names().general_names()) == (0, 0, [])
    assert _NAMES.general_names() == [
        {"DnsName": "a.example.com"},
        {"DnsName": "b.example.com"},
        {"IpAddress": "10.0.0.1"},
        {"UniformResourceIdentifier": "urn:x"},
        {"Rfc822Name": "ops@example.com"},
    ]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_only_one_of_two_has_is_beyond_the_other(kind: str) -> None:
    fewer = Names(**{each: names for each, names in _NAMES.by_kind() if each != kind})
    assert _NAMES.beyond(fewer) == list(getattr(_NAMES, kind))
    assert fewer.beyond(_NAMES) == []
    assert _NAMES.beyond(_NAMES) == []


@pytest.mark.parametrize(
    ("kind", "name", "pattern", "fits"),
    [
        ("dns_names", "a.example.com", "*.Example.com", True),
        ("dns_names", "a.b.example.com", "*.example.com", False),
        ("dns_names", "example.com", "*.example.com", False),
        ("dns_names", "a-.example.com", "*.example.com", False),
        ("dns_names", "axexample.com", "a.example.com", False),
        ("dns_names", "i-1.example.com", "{hostID}.example.com", True),
        ("dns_names", "i-2.example.com", "{hostID}.example.com", False),
        ("ip_addresses", "10.1.2.3", "10.0.0.0/8", True),
        ("ip_addresses", "11.0.0.1", "10.0.0.0/8", False),
        ("uris", "spiffe://x/i-1", "spiffe://x/{hostID}", True),
        ("uris", "spiffe://x/a/b", "spiffe://x/*", False),
        ("uris", "spiffe://x/..", "spiffe://x/*", False),
        ("uris", "spiffe://x/..a", "spiffe://x/*", True),
        ("uris", "spiffe://x/./b", "spiffe://x/*/b", False),
        ("email_addresses", "any@example.com", "*@Example.com", True),
        ("email_addresses", "ops@example.com", "ops@example.com", True),
        ("email_addresses", "dev@example.com", "ops@example.com", False),
        ("email_addresses", "ops@example.org", "*@example.com", False),
    ],
)
def test_a_pattern_lets_a_host_ask_for_what_it_says_and_no_more(kind: str, name: str, pattern: str, fits: bool) -> None:
    assert matches(kind, name, [pattern], host_id="i-1", wildcards=False) is fits
    others = {"email_addresses": "zzz@zzz.zz", "ip_addresses": "192.0.2.0/24"}
    patterns = [others.get(kind, "zzz"), pattern]
    assert matches(kind, name, patterns, host_id="i-1", wildcards=False) is fits
    assert matches(kind, name, [], host_id="i-1", wildcards=False) is False
