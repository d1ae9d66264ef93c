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
