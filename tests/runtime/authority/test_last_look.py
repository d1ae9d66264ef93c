"""The last look at a certificate before it goes to its host: every moment, name and word of it, at the very bound."""

from __future__ import annotations

import itertools
import json
import math
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pca_runtime.authority.certificates import load_leaf, one_line
from pca_runtime.authority.keys import describe_key, public_key_sha256, weakness
from pca_runtime.authority.leaf import Leaf, is_serial, same_serial, serial_hex
from pca_runtime.authority.lifetime import Cycle, Lifetime
from pca_runtime.authority.names import Names
from pca_runtime.authority.profiles import TEMPLATES, CertificateProfile, CertificateRequest, request
from pca_runtime.errors.kinds import CertificateMismatch, InvalidInventoryItem

from tests.runtime.pki import NOW, Ca, make_csr

_HOST = "i-0123456789abcdef0"
_BOTH = frozenset({"CLIENT_AUTH", "SERVER_AUTH"})
_PROFILE = CertificateProfile(usages=_BOTH, organization="Example GmbH", organizational_unit="Vaults")
_NAMES = Names(("a.example.com",), ("10.0.0.1",), ("urn:x",), ("ops@example.com",))
_ASKED = CertificateRequest(_HOST, "EC_prime256v1", _NAMES, _PROFILE, validity_days=7)
_DAY, _MINUTE, _SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
_LEAF = Leaf(
    common_name=_HOST,
    subject=(("Organization", "Example GmbH"), ("OrganizationalUnit", "Vaults"), ("CommonName", _HOST)),
    names=_NAMES,
    other_names=0,
    usages=_BOTH,
    key_usage=frozenset({"digital_signature", "key_encipherment"}),
    is_ca=False,
    extensions=frozenset({"2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37"}),
    serial="a1b2",
    not_before=NOW - timedelta(hours=1),
    not_after=NOW + 7 * _DAY,
    public_key_sha256="key",
)


def _check(
    serial: str = "", asked: CertificateRequest = _ASKED, *, is_right: bool = False, **changes: Any
) -> list[str]:
    """Everything that is wrong with it."""

    def check() -> None:
        asked.check(replace(_LEAF, **changes), expected_key_sha256="key", now=NOW, serial=serial)

    if is_right:
        check()
        return []
    with pytest.raises(CertificateMismatch) as wrong:
        check()
    assert wrong.value.code == "CERTIFICATE_NOT_AS_REQUESTED"
    prefix = f"the certificate for {_HOST} is not the one that was asked for: "
    assert wrong.value.message.startswith(prefix)
    return wrong.value.message.removeprefix(prefix).split("; ")


_LONG = ["it is valid for more than 7 days"]


@pytest.mark.parametrize(
    ("begins", "ends", "wrong"),
    [
        (-60 * _MINUTE, 7 * _DAY, []),
        (-60 * _MINUTE, 7 * _DAY + 5 * _MINUTE, []),
        (-60 * _MINUTE, 7 * _DAY + 5 * _MINUTE + _SECOND, _LONG),
        (-0 * _MINUTE, 7 * _DAY + 5 * _MINUTE + _SECOND, _LONG),
        (-65 * _MINUTE, 7 * _DAY, []),
        (-65 * _MINUTE - _SECOND, 7 * _DAY, _LONG),
        (-90 * _MINUTE, 7 * _DAY - 25 * _MINUTE, []),
        (-90 * _MINUTE, 7 * _DAY - 25 * _MINUTE + _SECOND, _LONG),
        (-60 * _MINUTE, _SECOND, []),
        (-60 * _MINUTE, 0 * _SECOND, ["it has expired"]),
        (5 * _MINUTE, 7 * _DAY, []),
        (5 * _MINUTE + _SECOND, 7 * _DAY, ["it begins at 2026-11-23T13:20:01+00:00, which is still to come"]),
    ],
)
def test_it_begins_and_ends_when_it_may(begins: timedelta, ends: timedelta, wrong: list[str]) -> None:
    assert _check(is_right=not wrong, not_before=NOW + begins, not_after=NOW + ends) == wrong


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"public_key_sha256": "other"}, "its key is not the key of the CSR"),
        (
            {"subject": (("CommonName", _HOST),)},
            f"its subject is not exactly CN={_HOST}, Organization=Example GmbH, OrganizationalUnit=Vaults",
        ),
        ({"names": Names(("a.example.com", "b.example.com"), *list(vars(_NAMES).values())[1:])},
         "it has names that were not asked for: b.example.com"),
        ({"names": Names()}, "it lacks names that were asked for: 10.0.0.1, a.example.com, ops@example.com, urn:x"),
        ({"other_names": 1}, "it has alternative names of a kind that is never asked for"),
        ({"is_ca": True}, "it is a CA certificate"),
        ({"extensions": frozenset({"2.5.29.15"})},
         "it does not say that it is no CA, which IAM Roles Anywhere asks for"),
        ({"usages": frozenset({"CLIENT_AUTH"})},
         "its extended key usages are CLIENT_AUTH, and CLIENT_AUTH, SERVER_AUTH was asked for"),
        ({"usages": frozenset()}, "its extended key usages are none, and CLIENT_AUTH, SERVER_AUTH was asked for"),
        ({"key_usage": frozenset({"crl_sign"})},
         "its key usage is crl_sign instead of digital_signature, key_encipherment"),
        ({"extensions": _LEAF.extensions | {"1.2.3", "1.2.4"}},
         "it has extensions that no template of ours gives: 1.2.3, 1.2.4"),
    ],
)  # fmt: skip
def test_everything_else_is_as_it_was_asked_for_or_named(changes: dict[str, Any], wrong: str) -> None:
    assert _check(**changes) == [wrong]


@pytest.mark.parametrize(
    "extension",
    ["2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.31", "2.5.29.35", "2.5.29.37", "1.3.6.1.5.5.7.1.1"],
)
def test_a_template_may_give_it_and_need_not(extension: str) -> None:
    assert _check(is_right=True, extensions=frozenset({"2.5.29.19", extension})) == []
    assert _check(is_right=True, extensions=frozenset({"2.5.29.19"})) == []


@pytest.mark.parametrize(
    ("serial", "wrong"),
    [
        ("", []),
        ("a1b2", []),
        ("00A1:B2", []),
        ("a1b3", ["its serial is a1b2, and a1b3 was issued"]),
        ("f" * 60, [f"its serial is a1b2, and {'f' * 40} was issued"]),
    ],
)
def test_its_serial_is_the_one_of_its_arn(serial: str, wrong: list[str]) -> None:
    assert _check(serial, is_right=not wrong) == wrong


def test_long_lists_are_cut() -> None:
    names = Names(tuple(f"h{number:03}.example.com" for number in range(100)))
    (extra,) = _check(asked=replace(_ASKED, names=Names()), names=names)
    assert extra == "it has names that were not asked for: " + ", ".join(names.dns_names)[:300]
    (missing,) = _check(asked=replace(_ASKED, names=names), names=Names())
    assert missing == "it lacks names that were asked for: " + ", ".join(names.dns_names)[:300]


def test_what_was_asked_for_is_written_down_and_read_again() -> None:
    text = _ASKED.as_text()
    assert json.loads(text) == {
        "keyAlgorithm": "EC_prime256v1",
        "names": {
            "dns_names": ["a.example.com"], "ip_addresses": ["10.0.0.1"], "uris": ["urn:x"],
            "email_addresses": ["ops@example.com"],
        },
        "organization": "Example GmbH",
        "organizationalUnit": "Vaults",
        "usages": ["CLIENT_AUTH", "SERVER_AUTH"],
        "validityDays": 7,
    }  # fmt: skip
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")), "one wording for one request"
    read = CertificateRequest.of_text(_HOST, text)
    assert read.as_text() == text
    assert (read.host_id, read.template, read.api_passthrough()) == (_HOST, _ASKED.template, _ASKED.api_passthrough())
    assert (read.profile.dns_names, read.profile.wildcards) == ((), False)
    plain = replace(_ASKED, names=Names(), profile=CertificateProfile(usages=frozenset({"SERVER_AUTH"})))
    assert json.loads(plain.as_text())["names"] == {}
    assert plain.api_passthrough() == {"Subject": {"CommonName": _HOST}}
    assert CertificateRequest.of_text(_HOST, plain.as_text()) == plain


@pytest.mark.parametrize(
    ("usages", "template"),
    [
        ({"CLIENT_AUTH", "SERVER_AUTH"}, "EndEntityCertificate_APIPassthrough/V1"),
        ({"CLIENT_AUTH"}, "EndEntityClientAuthCertificate_APIPassthrough/V1"),
        ({"SERVER_AUTH"}, "EndEntityServerAuthCertificate_APIPassthrough/V1"),
    ],
)
def test_the_usages_say_the_template(usages: set[Any], template: str) -> None:
    """https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html"""
    assert replace(_ASKED, profile=CertificateProfile(usages=frozenset(usages))).template == template
    assert len(TEMPLATES) == 3


def _made(names: Names | None = None, **given: Any) -> CertificateRequest:
    profiles = {
        "default": _PROFILE.changed(dns_names=("*.example.com",)),
        "short": _PROFILE.changed(validity_days=2, key_algorithm="EC_secp384r1"),
    }
    values: dict[str, Any] = {"profile_name": None, "key_algorithm": None, "names": names or Names()}
    return request(
        _HOST, **{**values, **given}, profiles=profiles, default_key_algorithm="RSA_2048", default_validity_days=7
    )


def _named(count: int, size: int) -> Names:
    """So many names, of so many bytes together."""
    first = tuple(f"h{number:03}.example.com" for number in range(count - 1))
    rest = size - 20 * len(first) - 4
    label = "x" * (rest - len(".example.com"))
    return Names((*first, f"{label}.example.com"))


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (Names(tuple(f"{number}.example.com" for number in range(100, 231))), None),
        (_named(124, 2_500), None),
        (_named(124, 2_501), "INVENTORY_ATTRIBUTE_INVALID"),
        (Names(("evil.com",)), "PROFILE_REFUSES_NAME"),
    ],
)
def test_names_are_allowed_up_to_what_a_host_can_be_sent(names: Names, code: str | None) -> None:
    if code is None:
        assert _made(names).names is names
        return
    with pytest.raises(InvalidInventoryItem) as refused:
        _made(names)
    assert refused.value.code == code
    assert refused.value.message.startswith(f"the inventory item of {_HOST}: ")


def test_a_profile_says_how_long_and_with_which_key() -> None:
    assert (_made().validity_days, _made().key_algorithm) == (7, "RSA_2048")
    short = _made(profile_name="short")
    assert (short.validity_days, short.key_algorithm) == (2, "EC_secp384r1")
    for given, code in (({"profile_name": "x"}, "PROFILE_UNKNOWN"),
                        ({"profile_name": "short", "key_algorithm": "RSA_2048"}, "PROFILE_REFUSES_KEY")):  # fmt: skip
        with pytest.raises(InvalidInventoryItem) as refused:
            _made(**given)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0a1b", True), ("0A:1B", True), ("a", True), ("f" * 40, True), ("f" * 41, False), ("ff:" * 19 + "ff", True),
        ("ff:" * 20 + "ff", False), ("", False), ("0", False), ("00:00", False), ("0:0a", True), ("g1", False),
        (":0a", False), ("0a:", False), (7, False), (None, False),
    ],
)  # fmt: skip
def test_what_is_a_serial_number(text: object, is_one: bool) -> None:
    assert is_serial(text) is is_one


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("0a:1B", "a1b", True), ("a1b", "0A:1b", True), ("a", "b", False), ("x", "x", False), ("", "", False)],
)
def test_serials_are_the_same_as_numbers(one: str, other: str, same: bool) -> None:
    assert same_serial(one, other) is same
    assert serial_hex(0x0A1B) == "a1b"


def test_certificates_go_to_a_host_as_der_with_dots_between() -> None:
    ca = Ca()
    leaf = ca.issue(make_csr(_HOST))
    first, second = one_line(leaf + ca.pem).split(".")
    assert b64decode(second) == ca.certificate.public_bytes(Encoding.DER)
    assert x509.load_der_x509_certificate(b64decode(first)).serial_number == int(load_leaf(leaf).serial, 16)
    for text in ("", "rubbish", "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n", "ü"):
        with pytest.raises(CertificateMismatch, match="the chain cannot be parsed") as wrong:
            one_line(text)
        assert wrong.value.code == "CERTIFICATE_MALFORMED"


def test_a_leaf_is_what_its_certificate_says() -> None:
    ca = Ca()
    pem = ca.issue(make_csr(_HOST), names=[x509.DNSName("B.example.com"), x509.DNSName("a.example.com")])
    certificate = x509.load_pem_x509_certificate(pem.encode())
    leaf = load_leaf(pem)
    assert leaf.names == Names(("a.example.com", "b.example.com"))
    assert (leaf.common_name, leaf.subject, leaf.other_names) == (_HOST, (("CommonName", _HOST),), 0)
    assert (leaf.usages, leaf.key_usage, leaf.is_ca) == (_BOTH, _LEAF.key_usage, False)
    assert (leaf.not_before, leaf.not_after) == (NOW - timedelta(hours=1), NOW + 7 * _DAY)
    assert leaf.public_key_sha256 == public_key_sha256(certificate.public_key())
    assert leaf.extensions == {"2.5.29.14", "2.5.29.35", "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17"}
    bare = load_leaf(ca.issue(make_csr("x"), usages=None, purposes=()))
    assert (bare.usages, bare.key_usage, bare.names) == (frozenset(), frozenset(), Names())


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "EC_prime256v1"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "EC_secp384r1"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "EC secp521r1"),
        (ed25519.Ed25519PrivateKey.generate, "Ed25519"),
    ],
)
def test_a_key_has_the_name_that_the_ca_gives_it_or_none_of_those(key: Any, name: str) -> None:
    assert describe_key(key().public_key()) == name


@pytest.mark.parametrize(
    ("exponent", "name"),
    [
        (65_537, "RSA_2048"),
        (65_539, "RSA with exponent 65539"),
        (2**64 - 1, f"RSA with exponent {2**64 - 1}"),
        (2**64 + 1, "RSA with exponent of 65 bits"),
    ],
)
def test_an_rsa_key_of_another_exponent_is_none_that_is_allowed(exponent: int, name: str) -> None:
    modulus = 2**2047 + 1
    assert describe_key(rsa.RSAPublicNumbers(exponent, modulus).public_key()) == name


def test_what_is_named_is_a_key() -> None:
    assert describe_key(dsa.generate_parameters(1024).generate_private_key().public_key()) == "DSA"


# Two primes of 128 bits, far from each other and from any ratio of small numbers.
_P, _Q = 2**127 - 1, 2**89 - 1


@pytest.mark.parametrize(
    ("modulus", "words"),
    [
        (65_521 * _P, "has a prime factor below 65,536"),
        (65_537 * _P, None),
        (2 * _P, "has a prime factor below 65,536"),
        (3 * _P, "has a prime factor below 65,536"),
        (4_093 * _P, "has a prime factor below 65,536"),
        (_P, "is itself a prime"),
        (_P**3, "is a power of one prime"),
        (_P**5, "is a power of one prime"),
        (_P**7, "is a power of one prime"),
        (_P * _P, "is the product of two primes that are next to each other"),
        (_P * _Q, None),
    ],
)
def test_what_makes_a_modulus_weak_is_said(modulus: int, words: str | None) -> None:
    assert weakness(modulus) == words


def _product(steps: int) -> int:
    """Of two odd numbers without a small factor, which Fermat's method finds after so many steps."""
    small = math.factorial(65_536)
    for middle in itertools.count(2**200):
        distance = math.isqrt(2 * middle * steps + middle)
        number = (middle - distance) * (middle + distance)
        if math.gcd(number, small) == 1:
            assert middle - (math.isqrt(number - 1) + 1) == steps
            return number
    raise AssertionError


@pytest.mark.parametrize(
    ("steps", "words"),
    [(0, "are next to each other"), (1, "are next to each other"), (499, "are next to each other"), (500, "None")],
)
def test_primes_are_next_to_each_other_as_far_as_five_hundred_steps_go(steps: int, words: str) -> None:
    assert words in str(weakness(_product(steps)))


def test_a_ca_with_a_complete_crl_issues_a_million() -> None:
    cycle = Cycle(7 * _DAY, 2 * _DAY, _DAY)
    assert cycle.left == timedelta(days=2, hours=12)
    assert cycle.certificates(9, 4.5 * _DAY) == 9
    lifetime = Lifetime(400_000, 100_000)
    assert (lifetime.left, lifetime.share, lifetime.months) == (600_000, 0.4, 6)
    assert lifetime.used_up(NOW) == NOW + timedelta(days=182, hours=12)
