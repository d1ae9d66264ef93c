"""A CRL at the very bound of each rule: whole, ours, of now, and of a length that is taken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.revocation.crl import check_crl, check_size, crl_in_force, load_crl

from tests.runtime.pki import NOW, Ca, name

_CA = Ca()
_SECOND = timedelta(seconds=1)


def _refusal(data: bytes, *, later: timedelta = timedelta(0), ca: str = "") -> tuple[str, str]:
    try:
        check_crl(load_crl(data), ca or _CA.pem, NOW + later)
    except CrlRefused as refused:
        return refused.code, refused.message
    return "", ""


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (timedelta(days=7) - _SECOND, ""),
        (timedelta(days=7), "CRL_EXPIRED"),
        (timedelta(0), ""),
        (-timedelta(hours=1, seconds=10), ""),
        (-timedelta(hours=1, seconds=11), "CRL_FROM_THE_FUTURE"),
    ],
)
def test_it_is_of_now(later: timedelta, code: str) -> None:
    found, message = _refusal(_CA.crl(1), later=later)
    assert found == code
    moments = {"CRL_EXPIRED": "before 2026-11-30T13:15:00+00:00", "CRL_FROM_THE_FUTURE": "of 2026-11-23T12:15:00+00:00"}
    assert moments.get(code, "") in message


@pytest.mark.parametrize(("seconds", "code"), [(10, ""), (11, "CRL_FROM_THE_FUTURE")])
def test_none_of_its_entries_is_still_to_come(seconds: int, code: str) -> None:
    data = _CA.crl(1, revoked=2, start=NOW + timedelta(seconds=seconds))
    assert _refusal(data)[0] == code


@pytest.mark.parametrize(
    ("validity", "code"),
    [
        (timedelta(days=5_001) - timedelta(hours=1), ""),
        (timedelta(days=5_001) - timedelta(hours=1) + _SECOND, "CRL_MALFORMED"),
        (-timedelta(hours=1) + _SECOND, ""),
        (timedelta(days=1), ""),
    ],
)
def test_it_is_in_force_for_as_long_as_a_ca_makes_one(validity: timedelta, code: str) -> None:
    data = _CA.crl(1, validity=validity)
    if code:
        with pytest.raises(CrlRefused, match="longer than any CA makes one") as refused:
            load_crl(data)
        assert refused.value.code == code
    else:
        assert load_crl(data).next_update == NOW + validity


@pytest.mark.parametrize(("number", "is_read"), [(0, True), (1, True), (2**159 - 1, True)])
def test_its_number_has_twenty_octets(number: int, is_read: bool) -> None:
    assert (load_crl(_CA.crl(number)).number == number) is is_read


def test_a_crl_without_a_number_says_so() -> None:
    with pytest.raises(CrlRefused) as refused:
        load_crl(_CA.crl(None))
    assert refused.value.code == "CRL_MALFORMED"
    assert refused.value.message == "the CRL has no CRL number, so its age is unknown"


def test_pem_is_one_block_and_nothing_beside_it() -> None:
    pem = x509.load_der_x509_crl(_CA.crl(3)).public_bytes(Encoding.PEM)
    assert load_crl(pem).number == 3
    assert load_crl(b"\n " + pem + b"\n").number == 3
    for data in (pem + pem, b"x" + pem, pem + b"x", b"-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"):
        with pytest.raises(CrlRefused, match=r"^CRL_MALFORMED: the CRL cannot be parsed$"):
            load_crl(data)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (Ca("Other").crl(1), "CRL_FOREIGN", "not issued and signed by our CA"),
        (_CA.crl(1, issuer=name("Other")), "CRL_FOREIGN", "not issued and signed by our CA"),
        (_CA.crl(1, authority=False), "CRL_FOREIGN", "not issued and signed by our CA"),
        (_CA.crl(1, extensions=[(x509.DeltaCRLIndicator(1), True)]), "CRL_FOREIGN", "a delta CRL would lose"),
    ],
)
def test_what_is_not_ours_or_not_all_is_refused_in_so_many_words(data: bytes, code: str, words: str) -> None:
    found, message = _refusal(data)
    assert (found, words in message) == (code, True)
    assert crl_in_force(data, _CA.pem) is None


def test_a_ca_with_a_key_that_signs_no_such_crl_has_none() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name("Test CA"))
        .issuer_name(name("Test CA"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, None)
    )
    pem = certificate.public_bytes(Encoding.PEM).decode()
    assert _refusal(_CA.crl(1), ca=pem)[0] == "CRL_FOREIGN"


def test_entries_with_a_reason_are_taken_and_counted() -> None:
    crl = load_crl(_CA.crl(1, revoked=4))
    assert (crl.entries, len(crl.parsed)) == (4, 4)
    assert crl.pem.count(b"-----BEGIN") == 1


def test_what_is_too_large_is_refused_with_both_sizes() -> None:
    check_size(300_000)
    with pytest.raises(CrlRefused) as refused:
        check_size(300_001)
    assert refused.value.message == "the CRL has 300001 bytes in PEM, IAM Roles Anywhere takes 300000"
    assert refused.value.code == "CRL_TOO_LARGE"
