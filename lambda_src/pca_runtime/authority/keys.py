"""Public keys: which algorithm, and the fingerprint that joins a CSR with the certificate that answers it."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["describe_key", "public_key_sha256"]

_CURVES = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1"}
# The exponent that every tool uses; smaller ones open attacks on padding.
_RSA_EXPONENT = 65_537


def public_key_sha256(key: PublicKeyTypes) -> str:
    """SHA-256 of the DER SubjectPublicKeyInfo, in hex: algorithm, parameters and key in one value."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def describe_key(key: PublicKeyTypes) -> str:
    """The key by AWS Private CA's name (``RSA_2048``), or a description that equals none of them."""
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        return f"RSA_{key.key_size}" if exponent == _RSA_EXPONENT else f"RSA with exponent {exponent}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, f"EC {key.curve.name}")
    return type(key).__name__.removesuffix("PublicKey")
