"""CRLs that our CA's key has signed and no CA writes: each byte is put by hand, and each is refused with a code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.revocation.crl import check_crl, crl_in_force, load_crl

from tests.runtime.authority.test_csr_encoding import ECDSA_SHA256, der
from tests.runtime.pki import NOW, Ca, name

CA = Ca()
OTHER = Ca()
CRL_NUMBER, AUTHORITY, DELTA, POINT, REASON = "551d14", "551d23", "551d1b", "551d1c", "551d15"


def moment(at: datetime) -> bytes:
    return der(0x17, f"{at:%y%m%d%H%M%SZ}".encode())


def integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return der(0x30, der(0x06, bytes.fromhex(oid)), b"\x01\x01\xff" if critical else b"", der(0x04, value))


def key_of(ca: Ca) -> bytes:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()).public_bytes()


def named(issuer: str, serial: int) -> bytes:
    """The right key, by the name of a certificate, too."""
    key = x509.AuthorityKeyIdentifier.from_issuer_public_key(CA.key.public_key()).key_identifier
    return x509.AuthorityKeyIdentifier(key, [x509.DirectoryName(name(issuer))], serial).public_bytes()


def entry(serial: int, at: datetime = NOW - timedelta(hours=2), *extensions: bytes) -> bytes:
    return der(0x30, integer(serial), moment(at), der(0x30, *extensions) if extensions else b"")


def crl(
    *entries: bytes,
    number: bytes | None = None,
    authority: bytes | None = None,
    more: tuple[bytes, ...] = (),
    this: datetime = NOW - timedelta(hours=1),
    until: datetime | None = NOW + timedelta(days=7),
    version: bytes = b"\x02\x01\x01",
    outer: bytes = ECDSA_SHA256,
) -> bytes:
    extensions = [
        extension(AUTHORITY, key_of(CA) if authority is None else authority),
        extension(CRL_NUMBER, integer(8) if number is None else number),
        *more,
    ]
    body = der(
        0x30, version, ECDSA_SHA256, CA.certificate.subject.public_bytes(), moment(this),
        moment(until) if until else b"", der(0x30, *entries) if entries else b"",
        der(0xA0, der(0x30, *extensions)),
    )  # fmt: skip
    assert isinstance(CA.key, ec.EllipticCurvePrivateKey)
    return der(0x30, body, outer, der(0x03, b"\0", CA.key.sign(body, ec.ECDSA(hashes.SHA256()))))


def refusal(data: bytes) -> str:
    with pytest.raises(CrlRefused) as refused:
        check_crl(load_crl(data), CA.pem, NOW)
    assert refused.value.code in CATALOGUE
    return refused.value.code


def test_what_is_put_by_hand_in_order_is_accepted() -> None:
    made = load_crl(crl(entry(1), entry((1 << 160) - 1, NOW, extension(REASON, b"\x0a\x01\x01"))))
    check_crl(made, CA.pem, NOW)
    assert (made.number, made.entries) == (8, 2)


ODD = {
    "a delta": (crl(more=(extension(DELTA, integer(7), critical=True),)), "CRL_FOREIGN"),
    "a delta that does not say so critically": (crl(more=(extension(DELTA, integer(7)),)), "CRL_FOREIGN"),
    "indirect": (crl(more=(extension(POINT, der(0x30, b"\x84\x01\xff"), critical=True),)), "CRL_PARTIAL"),
    "an empty distribution point": (
        crl(more=(extension(POINT, der(0x30), critical=True),)), "CRL_PARTIAL CRL_MALFORMED",
    ),
    "the key identifier of another key": (crl(authority=key_of(OTHER)), "CRL_FOREIGN"),
    "an empty key identifier": (crl(authority=der(0x30)), "CRL_FOREIGN"),
    "a critical key identifier": (
        crl(more=(extension("551d12", der(0x30), critical=True),)), "CRL_MALFORMED CRL_UNSUPPORTED",
    ),
    "two numbers": (crl(more=(extension(CRL_NUMBER, integer(9)),)), "CRL_MALFORMED"),
    "two key identifiers": (crl(more=(extension(AUTHORITY, key_of(OTHER)),)), "CRL_MALFORMED"),
    "a negative number": (crl(number=integer(-1)), "CRL_MALFORMED"),
    "a number of 21 octets": (crl(number=integer(1 << 160)), "CRL_MALFORMED"),
    "a number that is a text": (crl(number=der(0x0C, b"8")), "CRL_MALFORMED"),
    "an end before the beginning": (crl(until=NOW - timedelta(hours=2)), "CRL_MALFORMED"),
    "an end at the beginning": (crl(until=NOW - timedelta(hours=1)), "CRL_MALFORMED"),
    "an end in 22 years": (crl(until=NOW + timedelta(days=8_000)), "CRL_MALFORMED"),
    "a beginning in 1970": (crl(this=datetime(1970, 1, 2, tzinfo=UTC)), "CRL_MALFORMED"),
    "two blocks of PEM": (2 * load_crl(crl()).pem, "CRL_MALFORMED"),
    "a certificate behind its PEM": (load_crl(crl()).pem + CA.pem.encode(), "CRL_MALFORMED"),
    "words behind its PEM": (load_crl(crl()).pem + b"more", "CRL_MALFORMED"),
    "the issuer of another certificate": (crl(authority=named(issuer="Other CA", serial=77)), "CRL_FOREIGN"),
    "the serial of another certificate": (crl(authority=named(issuer="Test CA", serial=77)), "CRL_FOREIGN"),
    "no end": (crl(until=None), "CRL_MALFORMED"),
    "a beginning tomorrow": (crl(this=NOW + timedelta(days=1)), "CRL_FROM_THE_FUTURE"),
    "an entry of tomorrow": (crl(entry(1), entry(2, NOW + timedelta(days=1))), "CRL_FROM_THE_FUTURE"),
    "an entry of eleven seconds from now": (crl(entry(1, NOW + timedelta(seconds=11))), "CRL_FROM_THE_FUTURE"),
    "a serial twice": (crl(entry(1), entry(2), entry(1)), "CRL_MALFORMED"),
    "a serial twice, with two dates": (crl(entry(1), entry(1, NOW)), "CRL_MALFORMED"),
    "a serial of zero": (crl(entry(0)), "CRL_MALFORMED"),
    "a negative serial": (crl(entry(-5)), "CRL_MALFORMED"),
    "a serial of 21 octets": (crl(entry(1 << 160)), "CRL_MALFORMED"),
    "a reason twice": (
        crl(entry(1, NOW, extension(REASON, b"\x0a\x01\x01"), extension(REASON, b"\x0a\x01\x04"))), "CRL_MALFORMED",
    ),
    "a reason that does not exist": (crl(entry(1, NOW, extension(REASON, b"\x0a\x01\x07"))), "CRL_MALFORMED"),
    "version 1": (crl(version=b""), "CRL_MALFORMED"),
    "version 3": (crl(version=b"\x02\x01\x02"), "CRL_MALFORMED"),
    "another algorithm outside of what is signed": (
        crl(outer=bytes.fromhex("300a06082a8648ce3d040303")), "CRL_FOREIGN CRL_MALFORMED",
    ),
    "more behind it": (crl() + b"\0", "CRL_MALFORMED"),
    "two of them": (crl() + crl(), "CRL_MALFORMED"),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_what_no_ca_writes_is_refused_although_its_signature_is_good(what: str) -> None:
    data, codes = ODD[what]
    assert refusal(data) in codes.split()


@pytest.mark.parametrize(
    "what", ["a serial twice", "a negative number", "indirect", "the key identifier of another key"]
)
def test_in_force_it_is_replaced_by_the_next_good_one(what: str) -> None:
    assert crl_in_force(ODD[what][0], CA.pem) is None


def test_the_name_of_the_cas_own_certificate_beside_its_key_is_right() -> None:
    made = crl(authority=named("Test CA", CA.certificate.serial_number))
    check_crl(load_crl(made), CA.pem, NOW)


@pytest.mark.parametrize(
    ("algorithm", "pad"),
    [
        (hashes.SHA224(), None), (hashes.SHA3_256(), None),
        (hashes.SHA256(), padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
        (hashes.SHA256(), padding.PSS(padding.MGF1(hashes.SHA384()), 32)),
    ],
    ids=["SHA-224", "SHA-3", "PSS", "PSS with two hashes"],
)  # fmt: skip
def test_a_signature_that_no_ca_makes_is_refused(algorithm: hashes.HashAlgorithm, pad: padding.PSS | None) -> None:
    ca = Ca(key=rsa.generate_private_key(65_537, 2_048))
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(days=7))
        .add_extension(x509.CRLNumber(8), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
    )
    data = builder.sign(ca.key, algorithm, rsa_padding=pad).public_bytes(Encoding.DER)
    with pytest.raises(CrlRefused) as refused:
        check_crl(load_crl(data), ca.pem, NOW)
    assert refused.value.code in ("CRL_UNSUPPORTED", "CRL_FOREIGN")
