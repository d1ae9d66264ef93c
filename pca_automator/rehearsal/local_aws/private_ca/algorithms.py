"""Key and signing algorithms by the names of AWS Private CA."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "EC_prime256v1": ec.SECP256R1,
    "EC_secp384r1": ec.SECP384R1,
    "EC_secp521r1": ec.SECP521R1,
}
_RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_HASHES: dict[str, type[hashes.SHA256] | type[hashes.SHA384] | type[hashes.SHA512]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def generate_key(algorithm: str) -> PrivateKey:
    """Make the key of a certificate authority."""
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    if algorithm in _RSA_BITS:
        return rsa.generate_private_key(65537, _RSA_BITS[algorithm])
    raise ServiceError(
        "ValidationException",
        f"KeyAlgorithm {algorithm!r} is not one of {[*_RSA_BITS, *_CURVES]}",
        fact=facts.KEY_ALGORITHMS,
    )


def hash_for(signing_algorithm: str, key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """The hash of a signing algorithm, which must be of the key's family."""
    digest, _, family = signing_algorithm.partition("WITH")
    if digest not in _HASHES or family not in ("RSA", "ECDSA"):
        raise ServiceError(
            "ValidationException", f"SigningAlgorithm {signing_algorithm!r} is not supported", fact=facts.SIGNING_FAMILY
        )
    if (family == "RSA") != isinstance(key, rsa.RSAPrivateKey):
        raise ServiceError(
            "InvalidArgsException",
            f"The signing algorithm {signing_algorithm} does not match the certificate authority's key family",
            fact=facts.SIGNING_FAMILY,
        )
    return _HASHES[digest]()
