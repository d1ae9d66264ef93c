"""The last look before a certificate goes to a host."""

from __future__ import annotations

import base64
from datetime import timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.authority.certificates import Leaf, check_leaf, load_leaf, same_serial, serial_hex
from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.errors.kinds import CertificateMismatch

from tests.runtime.pki import NOW, Ca, make_csr, name, p256

HOST = "i-0123456789abcdef0"
CA = Ca()
KEY = p256()
FINGERPRINT = public_key_sha256(KEY.public_key())
CSR = make_csr(HOST, KEY)


def complaint(leaf: Leaf, *, dns_names: tuple[str, ...] = (), key: str = FINGERPRINT, days: float = 0) -> str:
    with pytest.raises(CertificateMismatch) as wrong:
        check_leaf(leaf, host_id=HOST, dns_names=dns_names, expected_key_sha256=key, now=NOW + timedelta(days=days))
    assert wrong.value.code == "CERTIFICATE_NOT_AS_REQUESTED"
    return wrong.value.message


def test_accepts_the_certificate_that_was_asked_for() -> None:
    leaf = load_leaf(CA.issue(CSR))
    check_leaf(leaf, host_id=HOST, dns_names=[], expected_key_sha256=FINGERPRINT, now=NOW)
    assert leaf.not_after == NOW + timedelta(days=7)
    assert leaf.common_name == HOST


def test_accepts_the_names_of_the_inventory_and_fewer() -> None:
    leaf = load_leaf(CA.issue(CSR, names=[x509.DNSName("A.example.com")]))
    names = ["a.example.com", "b.example.com"]
    check_leaf(leaf, host_id=HOST, dns_names=names, expected_key_sha256=FINGERPRINT, now=NOW)


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
