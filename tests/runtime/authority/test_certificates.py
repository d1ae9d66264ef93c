"""What a leaf says."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.authority.certificates import load_leaf
from pca_runtime.authority.leaf import same_serial, serial_hex
from pca_runtime.errors.kinds import CertificateMismatch

from tests.runtime.pki import Ca, make_csr, p256

HOST = "i-0123456789abcdef0"
CA = Ca()
KEY = p256()
CSR = make_csr(HOST, KEY)


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


def with_serial(number: int) -> str:
    """A leaf with a serial that no library writes; nobody checks the signature here."""
    octets = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    start, _ = _content(_DER, 0)
    first, last = _content(_DER, start)
    _, version_end = _content(_DER, first)
    _, serial_end = _content(_DER, version_end)
    body = _DER[first:version_end] + bytes([2, len(octets)]) + octets + _DER[serial_end:last]
    whole = _sequence(_sequence(body) + _DER[last:])
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(whole).decode()}-----END CERTIFICATE-----\n"


def _sequence(content: bytes) -> bytes:
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element there begins and ends."""
    length, start = der[at + 1], at + 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    return start, start + length


@pytest.mark.parametrize("number", [1, 0xABC, 2**127, 2**159 - 1])
def test_a_serial_of_up_to_20_octets_is_read(number: int) -> None:
    assert load_leaf(with_serial(number)).serial == serial_hex(number)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("number", [0, -1, 2**160, 2**200])
def test_a_serial_that_no_ca_may_give_is_refused(number: int) -> None:
    with pytest.raises(CertificateMismatch) as wrong:
        load_leaf(with_serial(number))
    assert wrong.value.code == "CERTIFICATE_MALFORMED"


USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
)  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_every_use_of_a_key_is_seen(use: str) -> None:
    """What is not seen would be allowed."""
    assert load_leaf(CA.issue(CSR, usages=[use])).key_usage == {use}
