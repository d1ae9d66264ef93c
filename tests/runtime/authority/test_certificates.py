"""The last look before a certificate goes to a host."""

from __future__ import annotations

import base64
from datetime import timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.authority.certificates import Asked, Leaf, check_leaf, load_leaf, same_serial, serial_hex
from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.errors.kinds import CertificateMismatch

from tests.runtime.pki import NOW, Ca, make_csr, name, p256

HOST = "i-0123456789abcdef0"
CA = Ca()
KEY = p256()
FINGERPRINT = public_key_sha256(KEY.public_key())
CSR = make_csr(HOST, KEY)


WEEK = timedelta(days=7)


def asked(*dns_names: str, key: str = FINGERPRINT, validity: timedelta = WEEK) -> Asked:
    return Asked(HOST, frozenset(dns_names), key, validity)


def complaint(leaf: Leaf, *, dns_names: tuple[str, ...] = (), key: str = FINGERPRINT, days: float = 0) -> str:
    with pytest.raises(CertificateMismatch) as wrong:
        check_leaf(leaf, asked(*dns_names, key=key), NOW + timedelta(days=days))
    assert wrong.value.code == "CERTIFICATE_NOT_AS_REQUESTED"
    return wrong.value.message


def test_accepts_the_certificate_that_was_asked_for() -> None:
    leaf = load_leaf(CA.issue(CSR))
    check_leaf(leaf, asked(), NOW)
    assert leaf.not_after == NOW + timedelta(days=7)
    assert leaf.common_name == HOST


def test_accepts_exactly_the_names_of_the_inventory() -> None:
    leaf = load_leaf(CA.issue(CSR, names=[x509.DNSName("A.example.com")]))
    check_leaf(leaf, asked("a.example.com"), NOW)
    assert "lacks names that the inventory gives: b.example.com" in complaint(
        leaf, dns_names=("a.example.com", "b.example.com")
    )


@pytest.mark.parametrize(
    ("usages", "words"),
    [
        (None, "not there"), (["key_encipherment"], "key_encipherment"),
        (["digital_signature", "key_cert_sign"], "key_cert_sign"), (["digital_signature", "crl_sign"], "crl_sign"),
        (["digital_signature", "content_commitment"], "content_commitment"),
        (["digital_signature", "key_agreement", "encipher_only"], "encipher_only"),
    ],
)  # fmt: skip
def test_refuses_another_key_usage(usages: list[str] | None, words: str) -> None:
    assert words in complaint(load_leaf(CA.issue(CSR, usages=usages)))


@pytest.mark.parametrize(
    "purposes",
    [
        [], [ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.CODE_SIGNING],
        [ExtendedKeyUsageOID.OCSP_SIGNING], [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE],
    ],
)  # fmt: skip
def test_refuses_another_extended_key_usage(purposes: list[x509.ObjectIdentifier]) -> None:
    assert "extended key usage" in complaint(load_leaf(CA.issue(CSR, purposes=purposes)))


def test_a_profile_may_ask_for_other_purposes() -> None:
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    wanted = frozenset(each.dotted_string for each in both)
    leaf = load_leaf(CA.issue(CSR, purposes=both))
    check_leaf(leaf, Asked(HOST, frozenset(), FINGERPRINT, WEEK, purposes=wanted), NOW)


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize(
    "extension",
    [
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0"),
        x509.NameConstraints([x509.DNSName("example.com")], None),
        x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)]),
        x509.OCSPNoCheck(),
    ],
    ids=["unknown", "name constraints", "policies", "no check"],
)
def test_refuses_an_extension_that_no_template_gives(extension: x509.ExtensionType, critical: bool) -> None:
    leaf = load_leaf(CA.issue(CSR, extensions=[(extension, critical)]))
    assert f"no template of ours gives: {extension.oid.dotted_string}" in complaint(leaf)


@pytest.mark.parametrize("days", [8, 30, 3_650])
def test_refuses_a_longer_validity_than_was_asked_for(days: int) -> None:
    assert "longer than the 7 days" in complaint(load_leaf(CA.issue(CSR, validity=timedelta(days=days))))


def test_refuses_one_that_began_long_ago_or_has_not_begun() -> None:
    assert "longer than the 7 days" in complaint(
        load_leaf(CA.issue(CSR, start=NOW - timedelta(days=300), validity=timedelta(days=307)))
    )
    assert "still to come" in complaint(load_leaf(CA.issue(CSR, start=NOW + timedelta(days=1))))


def test_accepts_one_that_comes_late() -> None:
    check_leaf(load_leaf(CA.issue(CSR)), asked(), NOW + timedelta(hours=30))


def test_refuses_another_key() -> None:
    assert "key" in complaint(load_leaf(CA.issue(make_csr(HOST))))


def test_refuses_another_subject() -> None:
    assert "subject" in complaint(load_leaf(CA.issue(CSR, subject=name("i-0fedcba9876543210"))))
    assert "subject" in complaint(load_leaf(CA.issue(CSR, subject=name(HOST, O="Admins"))))
    two = x509.Name([*name(HOST), *name("admin")])
    assert "subject" in complaint(load_leaf(CA.issue(CSR, subject=two)))


@pytest.mark.parametrize(
    "extra",
    [
        x509.DNSName("admin.example.com"),
        x509.IPAddress(IPv4Address("10.0.0.1")),
        x509.UniformResourceIdentifier("spiffe://prod/admin"),
        x509.RFC822Name("root@example.com"),
        x509.DirectoryName(name("admin")),
    ],
)
def test_refuses_names_that_the_inventory_does_not_give(extra: x509.GeneralName) -> None:
    leaf = load_leaf(CA.issue(CSR, names=[x509.DNSName("a.example.com"), extra]))
    assert "names" in complaint(leaf, dns_names=("a.example.com",))


def test_refuses_a_ca_certificate() -> None:
    assert "CA certificate" in complaint(load_leaf(CA.issue(CSR, ca=True)))


def test_refuses_what_has_expired() -> None:
    assert "expired" in complaint(load_leaf(CA.issue(CSR)), days=7)


def test_says_everything_that_is_wrong_at_once() -> None:
    leaf = load_leaf(CA.issue(make_csr("someone"), ca=True))
    assert complaint(leaf, days=8).count(";") == 3


@pytest.mark.parametrize("text", ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ü"])
def test_what_cannot_be_parsed_is_a_mismatch(text: str) -> None:
    with pytest.raises(CertificateMismatch) as wrong:
        load_leaf(text)
    assert wrong.value.code == "CERTIFICATE_MALFORMED"


@pytest.mark.parametrize(("number", "text"), [(0xA, "a"), (0x0ABC, "abc"), (0x10AB, "10ab")])
def test_serials_are_lower_case_hex_without_leading_zeros(number: int, text: str) -> None:
    assert serial_hex(number) == text


def test_serials_are_compared_as_numbers() -> None:
    assert same_serial("0A:BC", "abc")
    assert not same_serial("abc", "abd")
    assert not same_serial("", "0")


_DER = x509.load_pem_x509_certificate(CA.issue(CSR).encode()).public_bytes(Encoding.DER)


# A serial that is not positive is deprecated there and refused here.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(_DER) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_a_leaf_or_a_mismatch_and_never_another_error(position: int, flip: int) -> None:
    der = bytearray(_DER)
    der[position] ^= flip
    pem = f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(bytes(der)).decode()}-----END CERTIFICATE-----\n"
    try:
        leaf = load_leaf(pem)
    except CertificateMismatch:
        return
    assert leaf.serial
