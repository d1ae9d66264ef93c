"""A request is one text in one encoding, with a key that nobody can compute: no second reading, no weak modulus."""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pca_runtime.authority.csr import verify_csr
from pca_runtime.authority.keys import weakness
from pca_runtime.errors.kinds import CsrRejected

HOST = "i-0123456789abcdef0"
UTF8, PRINTABLE, IA5, BMP, T61, UNIVERSAL = 0x0C, 0x13, 0x16, 0x1E, 0x14, 0x1C
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def subject(text: int = UTF8, value: bytes = HOST.encode()) -> bytes:
    return der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"), der(text, value))))


def spki(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def csr(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    name: bytes | None = None,
    public: bytes | None = None,
    attributes: bytes = b"\xa0\x00",
    version: bytes = b"\x02\x01\x00",
) -> str:
    """A request of our own making, rightly signed whatever is in it."""
    body = der(0x30, version, subject() if name is None else name, spki(key) if public is None else public, attributes)
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm, signature = RSA_SHA256, key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    else:
        algorithm, signature = ECDSA_SHA256, key.sign(body, ec.ECDSA(hashes.SHA256()))
    whole = base64.encodebytes(der(0x30, body, algorithm, der(0x03, b"\0", signature))).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{whole}-----END CERTIFICATE REQUEST-----\n"


def refusal(pem: str, algorithm: str) -> str:
    with pytest.raises(CsrRejected) as refused:
        verify_csr(pem, host_id=HOST, key_algorithm=algorithm)
    return refused.value.code


@pytest.mark.parametrize("text", [UTF8, PRINTABLE])
@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RSA_2048"), (EC, "EC_prime256v1")], ids=["RSA", "EC"])
def test_accepts_a_common_name_in_either_of_the_two_types(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: str, text: int
) -> None:
    assert verify_csr(csr(key, name=subject(text)), host_id=HOST, key_algorithm=algorithm)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (IA5, HOST.encode()), (T61, HOST.encode()), (BMP, HOST.encode("utf-16-be")),
        (UNIVERSAL, HOST.encode("utf-32-be")),
    ],
    ids=["IA5String", "T61String", "BMPString", "UniversalString"],
)  # fmt: skip
def test_refuses_a_common_name_of_another_type(text: int, value: bytes) -> None:
    assert refusal(csr(EC, name=subject(text, value)), "EC_prime256v1") in ("CSR_NOT_CANONICAL", "CSR_MALFORMED")


def compressed() -> bytes:
    point = EC.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return der(0x30, bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"), der(0x03, b"\0", point))


def hybrid() -> bytes:
    point = EC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    odd = 7 if point[-1] & 1 else 6
    return der(
        0x30, bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"), der(0x03, b"\0", bytes((odd,)) + point[1:])
    )


def explicit() -> bytes:
    """P-256, its parameters written out."""
    prime = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1
    number = lambda value: value.to_bytes(32, "big")  # noqa: E731
    generator = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    order = bytes.fromhex("00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
    b = bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    field = der(0x30, bytes.fromhex("06072a8648ce3d0101"), der(0x02, b"\0", number(prime)))
    curve = der(0x30, der(0x04, number(prime - 3)), der(0x04, b))
    parameters = der(0x30, b"\x02\x01\x01", field, curve, der(0x04, generator), der(0x02, order), b"\x02\x01\x01")
    point = EC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return der(0x30, der(0x30, bytes.fromhex("06072a8648ce3d0201"), parameters), der(0x03, b"\0", point))


@pytest.mark.parametrize("public", [compressed(), hybrid(), explicit()], ids=["compressed", "hybrid", "explicit"])
def test_refuses_an_ec_key_that_is_not_a_named_curve_with_an_uncompressed_point(public: bytes) -> None:
    assert refusal(csr(EC, public=public), "EC_prime256v1") in ("CSR_NOT_CANONICAL", "CSR_MALFORMED")


def test_refuses_an_rsa_key_that_is_marked_for_pss_alone() -> None:
    public = spki(RSA)
    plain, pss = bytes.fromhex("300d06092a864886f70d0101010500"), bytes.fromhex("300b06092a864886f70d01010a")
    assert plain in public
    marked = der(0x30, public[4:].replace(plain, pss))
    assert refusal(csr(RSA, public=marked), "RSA_2048") in ("CSR_NOT_CANONICAL", "CSR_MALFORMED")


def test_refuses_rsa_without_its_null() -> None:
    public = spki(RSA)
    plain, bare = bytes.fromhex("300d06092a864886f70d0101010500"), bytes.fromhex("300b06092a864886f70d010101")
    assert refusal(csr(RSA, public=der(0x30, public[4:].replace(plain, bare))), "RSA_2048") in (
        "CSR_NOT_CANONICAL",
        "CSR_MALFORMED",
    )


@pytest.mark.parametrize(
    "pem",
    [csr(EC, attributes=b""), csr(EC, version=b"\x02\x01\x01"), csr(EC, version=b"\x02\x02\x00\x00")],
    ids=["no attributes at all", "another version", "a version in two octets"],
)
def test_refuses_what_is_written_another_way(pem: str) -> None:
    assert refusal(pem, "EC_prime256v1") in ("CSR_NOT_CANONICAL", "CSR_MALFORMED")


SMALL_PRIMES = math.prod(n for n in range(3, 2_000) if all(n % divisor for divisor in range(2, math.isqrt(n) + 1)))


def is_prime(number: int) -> bool:
    """Most that are none have a small factor, which is found in a hundredth of the time."""
    if math.gcd(number, SMALL_PRIMES) != 1:
        return False
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7, 11, 13, 17, 19))


def next_prime(number: int) -> int:
    """The first prime from ``number`` on, which is above the small ones. Up to seconds: never while a module loads."""
    number |= 1
    while not is_prime(number):
        number += 2
    return number


P = RSA.private_numbers().p


def roca_prime() -> int:
    """As the broken generator makes them: a power of 65537 modulo the product of the first 126 primes."""
    product = math.prod(number for number in range(2, 702) if all(number % less for less in range(2, number)))
    while True:
        number = secrets.randbelow(1 << 50) * product + pow(65_537, secrets.randbits(200), product)
        if is_prime(number):
            return number


@pytest.mark.parametrize(
    ("modulus", "words"),
    [
        (lambda: P * next_prime(P + 2), "next to each other"),
        (lambda: P * next_prime(P + 2**400), "next to each other"),
        (lambda: P * P, "next to each other"),
        (lambda: P * next_prime(P * 2), "small fraction"),
        (lambda: P * next_prime(P * 16 // 9), "small fraction"),
        (lambda: P * next_prime(P // 7), "small fraction"),
        (lambda: roca_prime() * roca_prime(), "ROCA"),
        (lambda: 3 * next_prime(1 << 2045), "prime factor"),
        (lambda: 65_521 * next_prime(1 << 2031), "prime factor"),
        (lambda: 2 * P * P, "prime factor"),
    ],
    ids=[
        "the next prime",
        "a near prime",
        "a square",
        "2:1",
        "16:9",
        "1:7",
        "ROCA",
        "three",
        "the largest prime of 16 bits",
        "an even number",
    ],
)
def test_a_modulus_that_anybody_can_factor_has_a_weakness(modulus: Callable[[], int], words: str) -> None:
    assert words in str(weakness(modulus()))


@pytest.mark.parametrize("size", [2048, 3072, 4096])
def test_a_sound_modulus_has_none(size: int) -> None:
    assert weakness(rsa.generate_private_key(65537, size).public_key().public_numbers().n) is None


def forged(modulus: int, secret: int) -> str:
    """A request signed by hand: no library makes such a key."""
    public = rsa.RSAPublicNumbers(65537, modulus).public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    body = der(0x30, b"\x02\x01\x00", subject(), public, b"\xa0\x00")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(body)
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    size = (modulus.bit_length() + 7) // 8
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    signature = pow(int.from_bytes(padded, "big"), secret, modulus).to_bytes(size, "big")
    whole = base64.encodebytes(der(0x30, body, RSA_SHA256, der(0x03, b"\0", signature))).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{whole}-----END CERTIFICATE REQUEST-----\n"


def test_refuses_a_request_with_such_a_key() -> None:
    p, q = P, next_prime(P + 2)
    assert refusal(forged(p * q, pow(65537, -1, math.lcm(p - 1, q - 1))), "RSA_2048") == "CSR_WEAK_KEY"


@pytest.mark.parametrize("inner", [hashes.SHA256(), hashes.SHA384()])
def test_refuses_a_signature_whose_parameters_may_name_another_hash(inner: hashes.HashAlgorithm) -> None:
    pad = padding.PSS(padding.MGF1(inner), 32)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(RSA, hashes.SHA256(), rsa_padding=pad)
    assert refusal(made.public_bytes(Encoding.PEM).decode(), "RSA_2048") in ("CSR_WEAK_SIGNATURE", "CSR_MALFORMED")
