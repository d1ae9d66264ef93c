"""Which CRL may take the place of the one in force: checks on bytes alone."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.revocation.crl import PEM_MAX, check_crl, check_size, crl_in_force, load_crl

from tests.runtime.pki import NOW, Ca, name

CA = Ca()
GOOD = CA.crl(7, revoked=3)


def refusal(data: bytes, *, days: float = 0) -> str:
    with pytest.raises(CrlRefused) as refused:
        check_crl(load_crl(data), CA.pem, NOW + timedelta(days=days))
    return refused.value.code


def test_accepts_the_cas_own_crl_and_turns_it_into_pem() -> None:
    crl = load_crl(GOOD)
    check_crl(crl, CA.pem, NOW)
    assert (crl.number, crl.entries, crl.next_update) == (7, 3, NOW + timedelta(days=7))
    assert crl.pem.startswith(b"-----BEGIN X509 CRL-----\n")
    assert load_crl(crl.pem).parsed.public_bytes(Encoding.DER) == GOOD


def test_refuses_another_cas_crl() -> None:
    assert refusal(Ca("Other CA").crl(8)) == "CRL_FOREIGN"


def test_refuses_another_key_under_our_cas_name() -> None:
    assert refusal(Ca().crl(8)) == "CRL_FOREIGN"


def test_refuses_our_key_under_another_name() -> None:
    assert refusal(CA.crl(8, issuer=name("Other CA"))) == "CRL_FOREIGN"


def test_refuses_a_crl_without_an_authority_key_identifier() -> None:
    assert refusal(CA.crl(8, authority=False)) == "CRL_FOREIGN"


def test_refuses_a_forgery_with_our_name_and_our_key_identifier() -> None:
    forged = Ca()
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(CA.key.public_key())
    assert refusal(forged.crl(8, authority=False, extensions=[(identifier, False)])) == "CRL_FOREIGN"


def test_refuses_a_delta_crl_that_would_lose_revocations() -> None:
    assert refusal(CA.crl(8, extensions=[(x509.DeltaCRLIndicator(7), True)])) == "CRL_FOREIGN"


def test_refuses_a_crl_that_has_run_out() -> None:
    assert refusal(GOOD, days=7) == "CRL_EXPIRED"


def test_refuses_a_crl_without_a_number() -> None:
    assert refusal(CA.crl(None)) == "CRL_MALFORMED"


@pytest.mark.parametrize("data", [b"", b"rubbish", GOOD[:-1], GOOD[: len(GOOD) // 2], b"-----BEGIN X509 CRL-----\n"])
def test_refuses_what_is_not_whole(data: bytes) -> None:
    assert refusal(data) == "CRL_MALFORMED"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_in_what_is_signed_is_never_accepted(position: int, flip: int) -> None:
    data = bytearray(GOOD)
    data[position] ^= flip
    with suppress(CrlRefused):
        crl = load_crl(bytes(data))
        check_crl(crl, CA.pem, NOW)
        # The bit string around the signature can be written in more than one way.
        assert crl.parsed.tbs_certlist_bytes == load_crl(GOOD).parsed.tbs_certlist_bytes


def test_the_limit_is_on_the_pem_form_and_exact() -> None:
    check_size(PEM_MAX)
    with pytest.raises(CrlRefused, match="CRL_TOO_LARGE"):
        check_size(PEM_MAX + 1)


def test_a_real_crl_above_the_limit_is_refused() -> None:
    assert refusal(CA.crl(8, revoked=8_000)) == "CRL_TOO_LARGE"


def test_what_is_in_force_counts_only_if_it_is_readable_and_ours() -> None:
    assert crl_in_force(load_crl(GOOD).pem, CA.pem).number == 7
    assert crl_in_force(b"rubbish", CA.pem) is None
    assert crl_in_force(load_crl(Ca("Other CA").crl(9)).pem, CA.pem) is None
