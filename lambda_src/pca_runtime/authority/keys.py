"""Public keys: which algorithm, and the fingerprint that joins a CSR with the certificate that answers it."""

from __future__ import annotations

import hashlib
import math
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["describe_key", "public_key_sha256", "weakness"]

_CURVES = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1"}
# The exponent that every tool uses; smaller ones open attacks on padding.
_RSA_EXPONENT = 65_537
_SHOWN_BITS = 64
# Every prime below this is tried.
_SMALL = 65_536
# Fermat's method finds two primes whose distance is below some 2 * sqrt(2 * steps) * modulus ** (1/4). Primes of a
# sound generator differ in their first 100 bits, where no number of steps finds any (FIPS 186-5, appendix A.1.3).
_FERMAT_STEPS = 500
# The same for primes that stand in a ratio of small numbers, as where one was derived from the other.
_RATIOS = [(more, less) for more in range(2, 17) for less in range(1, more) if math.gcd(more, less) == 1]
_RATIO_STEPS = 5
# Infineon's generator (CVE-2017-15361) makes primes that are powers of 65537 modulo each of many small primes; modulo
# these, one modulus in 150 million of any other generator is. https://crocs.fi.muni.cz/public/papers/rsa_ccs17
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


def public_key_sha256(key: PublicKeyTypes) -> str:
    """SHA-256 of the DER SubjectPublicKeyInfo, in hex: algorithm, parameters and key in one value."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def describe_key(key: PublicKeyTypes) -> str:
    """The key by AWS Private CA's name (``RSA_2048``), or a description that equals none of them."""
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        # Python refuses to write a number of more than 4,300 digits, and nobody wants to read one.
        shown = str(exponent) if exponent.bit_length() <= _SHOWN_BITS else f"of {exponent.bit_length()} bits"
        return f"RSA_{key.key_size}" if exponent == _RSA_EXPONENT else f"RSA with exponent {shown}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, f"EC {key.curve.name}")
    return type(key).__name__.removesuffix("PublicKey")


def weakness(modulus: int) -> str | None:
    """What makes an RSA modulus easy to factor; ``None`` if none of the usual faults of a generator is found."""
    if math.gcd(modulus, _small_primes()) != 1:
        return f"has a prime factor below {_SMALL:,}"
    # Of what has two large factors, Fermat's test never says that it is prime.
    if pow(2, modulus - 1, modulus) == 1:
        return "is itself a prime"
    if any(_is_power(modulus, exponent) for exponent in (3, 5, 7)):
        return "is a power of one prime"
    if _is_difference_of_squares(modulus, _FERMAT_STEPS):
        return "is the product of two primes that are next to each other"
    if any(_is_difference_of_squares(4 * more * less * modulus, _RATIO_STEPS) for more, less in _RATIOS):
        return "is the product of two primes of which one is a small fraction of the other"
    if all(modulus % prime in powers for prime, powers in _roca_marks().items()):
        return "is of a generator whose keys can be factored (ROCA, CVE-2017-15361)"
    return None


def _is_difference_of_squares(number: int, steps: int) -> bool:
    """Fermat's method, for so many steps."""
    root = math.isqrt(number - 1) + 1
    rests = (middle * middle - number for middle in range(root, root + steps))
    return any(math.isqrt(rest) ** 2 == rest for rest in rests)


def _is_power(number: int, exponent: int) -> bool:
    """Whether it is a whole number to this exponent, by Newton's method from above."""
    root = 1 << -(-number.bit_length() // exponent)
    while True:
        lower = ((exponent - 1) * root + number // root ** (exponent - 1)) // exponent
        if lower >= root:
            return bool(root**exponent == number)
        root = lower


@cache
def _small_primes() -> int:
    """The product of the primes below ``_SMALL``: one greatest common divisor tries them all."""
    sieve = bytearray(b"\1") * _SMALL
    # What is below it and no prime has a factor whose square is below it, too.
    for number in range(2, math.isqrt(_SMALL)):
        sieve[number * number :: number] = bytes(len(range(number * number, _SMALL, number)))
    return math.prod(number for number in range(2, _SMALL) if sieve[number])


@cache
def _roca_marks() -> dict[int, frozenset[int]]:
    """The powers of 65537 modulo each of the primes."""
    return {prime: frozenset(pow(_RSA_EXPONENT, power, prime) for power in range(prime - 1)) for prime in _ROCA_PRIMES}
