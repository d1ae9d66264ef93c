"""Requests of a host in wrong hands, each rightly signed by its own key: none is taken, and each has its code."""

from __future__ import annotations

import math

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from pca_runtime.authority.csr import verify_csr
from pca_runtime.authority.keys import describe_key, weakness
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.kinds import CsrRejected

from tests.runtime.authority.test_csr_encoding import (
    BMP,
    EC,
    HOST,
    PRINTABLE,
    RSA,
    UTF8,
    csr,
    der,
    forged,
    next_prime,
    spki,
)
from tests.runtime.pki import make_csr

CN, ORGANIZATION, EXTENSION_REQUEST, CHALLENGE = "550403", "55040a", "2a864886f70d01090e", "2a864886f70d010907"
SAN, BASIC, USAGE, PURPOSES = "551d11", "551d13", "551d0f", "551d25"


def refusal(pem: str, algorithm: str = "EC_prime256v1") -> str:
    with pytest.raises(CsrRejected) as refused:
        verify_csr(pem, host_id=HOST, key_algorithm=algorithm)
    assert refused.value.code in CATALOGUE
    assert len(str(refused.value)) < 400
    return refused.value.code


def pair(oid: str, value: str, text: int = UTF8) -> bytes:
    written = value.encode("utf-16-be" if text == BMP else "ascii")
    return der(0x30, der(0x06, bytes.fromhex(oid)), der(text, written))


def named(*relative_names: bytes) -> str:
    return csr(EC, name=der(0x30, *relative_names))


def one(*pairs: bytes) -> bytes:
    return der(0x31, *pairs)


@pytest.mark.parametrize(
    "pem",
    [
        named(one(pair(CN, HOST)), one(pair(CN, HOST))),
        named(one(pair(CN, HOST)), one(pair(CN, "i-0fedcba9876543210"))),
        named(one(pair(CN, HOST), pair(CN, "i-0fedcba9876543210"))),
        named(one(pair(ORGANIZATION, "Admins")), one(pair(CN, HOST))),
        named(one(pair(CN, HOST), pair(ORGANIZATION, "Admins"))),
        named(one(pair(ORGANIZATION, HOST))),
        named(one(pair(CN, f"{HOST} "))),
        named(one(pair(CN, f"{HOST}\0"))),
        named(one(pair(CN, HOST.upper(), PRINTABLE))),
        named(),
    ],
    ids=[
        "twice", "two hosts", "two hosts in one part", "an organization", "an organization beside", "no common name",
        "a blank behind", "a zero behind", "capitals", "nothing",
    ],
)  # fmt: skip
def test_another_subject_is_refused(pem: str) -> None:
    assert refusal(pem) in ("CSR_WRONG_SUBJECT", "CSR_MALFORMED")


@pytest.mark.parametrize("text", [0x12, 0x14, 0x16, 0x1A, 0x1B, BMP], ids=lambda text: f"type {text}")
def test_a_common_name_of_another_type_is_refused(text: int) -> None:
    assert refusal(named(one(pair(CN, HOST, text)))) in ("CSR_NOT_CANONICAL", "CSR_MALFORMED", "CSR_WRONG_SUBJECT")


def extension(oid: str, value: bytes) -> bytes:
    return der(0x30, der(0x06, bytes.fromhex(oid)), der(0x04, value))


def attribute(oid: str, *values: bytes) -> bytes:
    return der(0x30, der(0x06, bytes.fromhex(oid)), der(0x31, *values))


def asking(*extensions: bytes) -> bytes:
    return attribute(EXTENSION_REQUEST, der(0x30, *extensions))


DNS = der(0x30, der(0x82, b"www.example.com"))
WISHES = {
    "a DNS name": asking(extension(SAN, DNS)),
    "an address": asking(extension(SAN, der(0x30, der(0x87, b"\x0a\0\0\1")))),
    "a URI": asking(extension(SAN, der(0x30, der(0x86, b"spiffe://a/b")))),
    "a mailbox": asking(extension(SAN, der(0x30, der(0x81, b"root@example.com")))),
    "an account of Windows": asking(
        extension(SAN, der(0x30, der(0xA0, bytes.fromhex("060a2b060104018237140203"), der(0xA0, der(0x0C, b"root@a")))))
    ),
    "a registered id": asking(extension(SAN, der(0x30, der(0x88, b"\x2a\x03\x04")))),
    "a directory name": asking(extension(SAN, der(0x30, der(0xA4, der(0x30, one(pair(CN, "root"))))))),
    "an unknown kind of name": asking(extension(SAN, der(0x30, der(0x8A, b"x")))),
    "the same names twice": asking(extension(SAN, DNS), extension(SAN, DNS)),
    "two requests": asking(extension(SAN, DNS)) + asking(extension(BASIC, der(0x30))),
    "to be a CA": asking(extension(BASIC, der(0x30, b"\x01\x01\xff"))),
    "to be a CA, with a length": asking(extension(BASIC, der(0x30, b"\x01\x01\xff\x02\x01\x03"))),
    "not to be a CA": asking(extension(BASIC, der(0x30))),
    "to sign certificates": asking(extension(USAGE, b"\x03\x02\x02\x04")),
    "any purpose": asking(extension(PURPOSES, der(0x30, bytes.fromhex("0604551d2500")))),
    "nothing at all": asking(),
    "a request that is none": attribute(EXTENSION_REQUEST, b"\x05\0"),
    "a challenge": attribute(CHALLENGE, der(0x0C, b"secret")),
    "an unknown attribute": attribute("2b0601040182371402", der(0x0C, b"x")),
    "an attribute without a value": attribute(CHALLENGE),
}


@pytest.mark.parametrize("what", WISHES)
@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RSA_2048"), (EC, "EC_prime256v1")], ids=["RSA", "EC"])
def test_whatever_asks_for_more_is_refused(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: str, what: str
) -> None:
    pem = csr(key, attributes=der(0xA0, WISHES[what]))
    assert refusal(pem, algorithm) in ("CSR_HAS_EXTENSIONS", "CSR_MALFORMED")


def with_exponent(exponent: int) -> str:
    modulus = RSA.public_key().public_numbers().n
    number = lambda value: der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))  # noqa: E731
    key = der(0x03, b"\0", der(0x30, number(modulus), number(exponent)))
    return csr(RSA, public=der(0x30, bytes.fromhex("300d06092a864886f70d0101010500"), key))


@pytest.mark.parametrize(
    "exponent",
    [0, 1, 2, 3, 17, 65_536, 65_539, (1 << 32) + 1, (1 << 64) + 1, (1 << 2_000) + 1, (1 << 20_000) + 1],
    ids=lambda exponent: hex(exponent)[:12],
)
def test_another_exponent_is_refused(exponent: int) -> None:
    assert refusal(with_exponent(exponent), "RSA_2048") in ("CSR_WRONG_KEY", "CSR_MALFORMED")


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP521R1()), ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.SECP256K1()), ec.generate_private_key(ec.BrainpoolP256R1()),
        rsa.generate_private_key(65_537, 2_056), dsa.generate_private_key(2_048), ed448.Ed448PrivateKey.generate(),
    ],
    ids=["P-521", "P-224", "secp256k1", "brainpool", "RSA of 2056 bits", "DSA", "Ed448"],
)  # fmt: skip
def test_a_key_that_no_profile_can_declare_is_refused(key: object, algorithm: str) -> None:
    made = make_csr(HOST, key, algorithm=None if isinstance(key, ed448.Ed448PrivateKey) else hashes.SHA256())
    assert refusal(made, algorithm) in ("CSR_WRONG_KEY", "CSR_MALFORMED")


def test_a_point_that_is_not_on_the_curve_is_refused() -> None:
    public = bytearray(spki(EC))
    public[-1] ^= 1
    assert refusal(csr(EC, public=bytes(public))) == "CSR_MALFORMED"


def prime(bits: int) -> int:
    return rsa.generate_private_key(65_537, 2 * bits).private_numbers().p


def test_a_modulus_that_is_itself_a_prime_is_refused() -> None:
    """Its secret exponent is a division; no factor has to be found."""
    modulus = prime(2_048)
    secret = pow(65_537, -1, modulus - 1)
    assert refusal(forged(modulus, secret), "RSA_2048") == "CSR_WEAK_KEY"


def test_a_modulus_that_is_a_power_is_refused() -> None:
    factor = next_prime(3 << 681)  # three quarters of 683 bits: to the third power it has 2,048
    secret = pow(65_537, -1, math.lcm(factor * factor, factor - 1))
    assert refusal(forged(factor**3, secret), "RSA_2048") == "CSR_WEAK_KEY"


@pytest.mark.parametrize("exponent", [3, 5, 7])
def test_powers_are_found(exponent: int) -> None:
    factor = next_prime(1 << 300)
    assert weakness(factor**exponent) == "is a power of one prime"
    assert weakness(factor**exponent * next_prime(1 << 500)) is None


def test_a_long_exponent_is_not_written_out() -> None:
    key = rsa.RSAPublicNumbers((1 << 2_000) + 1, RSA.public_key().public_numbers().n).public_key()
    assert describe_key(key) == "RSA with exponent of 2001 bits"
