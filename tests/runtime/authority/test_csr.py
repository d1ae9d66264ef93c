"""The gate before the CA: only a host's own, plain, strong CSR passes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.authority.csr import verify_csr
from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.errors.kinds import CsrRejected

from tests.runtime.pki import make_csr, name, p256

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "csr"
HOST = "i-0123456789abcdef0"
OTHER = "i-0fedcba9876543210"
ALGORITHMS = ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"]


def vector(file: str) -> str:
    return (VECTORS / f"{file}.pem").read_text()


def rejection(csr: str, algorithm: str = "EC_prime256v1", host: str = HOST) -> str:
    with pytest.raises(CsrRejected) as rejected:
        verify_csr(csr, host_id=host, key_algorithm=algorithm)
    return rejected.value.code


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_accepts_what_openssl_makes_for_each_algorithm(algorithm: str) -> None:
    verified = verify_csr(vector(f"good_{algorithm}"), host_id=HOST, key_algorithm=algorithm)
    parsed = x509.load_pem_x509_csr(verified.pem)
    assert verified.public_key_sha256 == public_key_sha256(parsed.public_key())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("expected", ALGORITHMS)
def test_accepts_no_other_algorithm_than_the_one_asked_for(algorithm: str, expected: str) -> None:
    if algorithm != expected:
        assert rejection(vector(f"good_{algorithm}"), expected) == "CSR_WRONG_KEY"


@pytest.mark.parametrize("file", sorted(path.stem for path in VECTORS.glob("key_*.pem")))
@pytest.mark.parametrize("expected", ["RSA_2048", "EC_prime256v1"])
def test_rejects_weak_and_foreign_keys(file: str, expected: str) -> None:
    assert rejection(vector(file), expected) in ("CSR_WRONG_KEY", "CSR_MALFORMED")


def test_rejects_weak_signatures() -> None:
    assert rejection(vector("hash_sha1")) == "CSR_WEAK_SIGNATURE"
    assert rejection(vector("hash_md5"), "RSA_2048") == "CSR_WEAK_SIGNATURE"


@pytest.mark.parametrize("file", sorted(path.stem for path in VECTORS.glob("subject_*.pem")))
def test_rejects_every_subject_but_the_hosts_own_common_name(file: str) -> None:
    assert rejection(vector(file)) == "CSR_WRONG_SUBJECT"


@pytest.mark.parametrize("file", ["extension_san", "extension_ca", "attribute_challenge_password"])
def test_rejects_whatever_asks_for_more_than_a_name(file: str) -> None:
    assert rejection(vector(file)) == "CSR_HAS_EXTENSIONS"


def test_a_csr_of_one_host_is_none_for_another() -> None:
    csr = make_csr(HOST)
    assert verify_csr(csr, host_id=HOST, key_algorithm="EC_prime256v1")
    assert rejection(csr, host=OTHER) == "CSR_WRONG_SUBJECT"


def test_rejects_even_an_extension_that_looks_harmless() -> None:
    csr = make_csr(HOST, extensions=[x509.BasicConstraints(False, None)])
    assert rejection(csr) == "CSR_HAS_EXTENSIONS"


def test_rejects_a_csr_that_its_own_key_did_not_sign() -> None:
    der = bytearray(x509.load_pem_x509_csr(make_csr(HOST).encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    assert rejection(_pem(bytes(der))) in ("CSR_BAD_SIGNATURE", "CSR_MALFORMED")


def test_rejects_a_key_swapped_into_somebody_elses_request() -> None:
    mine, theirs = p256(), p256()
    csr = x509.load_pem_x509_csr(make_csr(HOST, mine).encode()).public_bytes(Encoding.DER)
    swapped = csr.replace(_point(mine), _point(theirs))
    assert swapped != csr
    assert rejection(_pem(swapped)) == "CSR_BAD_SIGNATURE"


def test_rejects_an_ed25519_key() -> None:
    assert rejection(make_csr(HOST, ed25519.Ed25519PrivateKey.generate(), algorithm=None)) == "CSR_WRONG_KEY"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "MIIB",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "ü" * 10,
        "A" * 100_000,
    ],
)
def test_rejects_what_is_no_csr(text: str) -> None:
    assert rejection(text) == "CSR_MALFORMED"


def test_rejects_two_requests_in_one_text() -> None:
    assert rejection(make_csr(HOST) + make_csr(OTHER)) == "CSR_MALFORMED"


def test_what_rides_along_in_the_text_does_not_reach_the_ca() -> None:
    csr = make_csr(HOST)
    verified = verify_csr("Subject: CN=admin\n" + csr + "trailing\n", host_id=HOST, key_algorithm="EC_prime256v1")
    assert verified.pem.decode() == csr


def test_the_message_names_no_part_of_the_request() -> None:
    csr = make_csr(name(HOST, O="Admins"))
    with pytest.raises(CsrRejected) as rejected:
        verify_csr(csr, host_id=HOST, key_algorithm="EC_prime256v1")
    assert "Admins" not in str(rejected.value)
    assert "BEGIN" not in repr(verify_csr(make_csr(HOST), host_id=HOST, key_algorithm="EC_prime256v1"))


_GOOD = x509.load_pem_x509_csr(make_csr(HOST).encode())


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_in_what_is_signed_is_never_accepted(data: st.DataObject) -> None:
    der = bytearray(_GOOD.public_bytes(Encoding.DER))
    position = data.draw(st.integers(0, len(der) - 1))
    der[position] ^= data.draw(st.integers(1, 255))
    with suppress(CsrRejected):
        verified = verify_csr(_pem(bytes(der)), host_id=HOST, key_algorithm="EC_prime256v1")
        # The bit string around the signature can be written in more than one way.
        assert x509.load_pem_x509_csr(verified.pem).tbs_certrequest_bytes == _GOOD.tbs_certrequest_bytes


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: _pem(raw)))
def test_nothing_but_a_rejection_comes_out_of_rubbish(text: str) -> None:
    assert rejection(text) == "CSR_MALFORMED"


def _pem(der: bytes) -> str:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n"


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.mark.parametrize("length", [8_192, 8_193])
def test_a_request_has_at_most_eight_thousand_characters(length: int) -> None:
    csr = make_csr(HOST).ljust(length, "\n")
    if length > 8_192:
        assert rejection(csr) == "CSR_MALFORMED"
    else:
        assert verify_csr(csr, host_id=HOST, key_algorithm="EC_prime256v1").pem.decode() == csr.rstrip() + "\n"


@pytest.mark.parametrize("kind", ["RSA_2048", "EC_prime256v1"])
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_accepts_each_hash_from_sha_256_on(kind: str, algorithm: hashes.HashAlgorithm) -> None:
    key = rsa.generate_private_key(65_537, 2_048) if kind == "RSA_2048" else p256()
    csr = make_csr(HOST, key, algorithm=algorithm)
    assert verify_csr(csr, host_id=HOST, key_algorithm=kind).public_key_sha256 == public_key_sha256(key.public_key())


@pytest.mark.parametrize(
    ("csr", "message"),
    [
        (lambda: make_csr(OTHER), f"CSR_WRONG_SUBJECT: the CSR's subject is not exactly CN={HOST}"),
        (lambda: make_csr(HOST, challenge=b"x"), f"CSR_HAS_EXTENSIONS: the CSR of {HOST} asks for extensions or"),
        (
            lambda: make_csr(HOST, algorithm=hashes.SHA224()),
            f"CSR_WEAK_SIGNATURE: the CSR of {HOST} is not signed by R",
        ),
        (lambda: make_csr(HOST, ec.generate_private_key(ec.SECP384R1())), f"CSR_WRONG_KEY: the CSR of {HOST} has a EC"),
        (lambda: "", f"CSR_MALFORMED: the CSR of {HOST} cannot be parsed"),
    ],
)
def test_a_rejection_names_the_host_and_what_is_wrong(csr: Callable[[], str], message: str) -> None:
    with pytest.raises(CsrRejected) as rejected:
        verify_csr(csr(), host_id=HOST, key_algorithm="EC_prime256v1")
    assert str(rejected.value).startswith(message)
