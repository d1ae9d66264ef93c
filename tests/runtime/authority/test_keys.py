"""Marks of generators whose keys can be factored: each number of the tables is needed."""

from __future__ import annotations

import math
from random import Random

import pytest
from pca_runtime.authority.keys import _small_primes, weakness

# Those below 160 modulo which the powers of 65537 are few: https://crocs.fi.muni.cz/public/papers/rsa_ccs17
ROCA = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
SMALL = math.prod(
    number for number in range(2, 65_536) if all(number % less for less in range(2, math.isqrt(number) + 1))
)


def marked(but_for: int | None) -> int:
    """A number of 1024 bits without a small factor that is a power of 65537 modulo each prime but one."""
    product, modulus = math.prod(ROCA), 0
    random = Random(20261127)  # noqa: S311 - the same numbers in every run
    for prime in ROCA:
        powers = {pow(65_537, power, prime) for power in range(prime - 1)}
        rest = next(number for number in range(1, prime) if (number in powers) == (prime != but_for))
        others = product // prime
        modulus += rest * others * pow(others, -1, prime)
    while True:
        number = modulus % product + product * random.getrandbits(1024 - product.bit_length())
        if math.gcd(number, SMALL) == 1 and pow(2, number - 1, number) != 1:
            return number


def test_a_modulus_with_every_mark_is_of_the_broken_generator() -> None:
    assert "ROCA" in str(weakness(marked(but_for=None)))


@pytest.mark.parametrize("prime", ROCA)
def test_one_mark_less_and_it_is_of_another(prime: int) -> None:
    """So no host is refused for a key that only looks a little like one of them."""
    assert weakness(marked(but_for=prime)) is None


@pytest.mark.parametrize("exponent", [3, 5, 7])
def test_a_power_of_one_prime_is_found(exponent: int) -> None:
    prime = 2**127 - 1  # of Mersenne
    assert weakness(prime**exponent) == "is a power of one prime"


def test_every_prime_below_is_tried_and_nothing_but_primes() -> None:
    assert _small_primes() == SMALL
