"""What cryptography raises for X.509 that it cannot read; it parses lazily, so at any attribute."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

__all__ = ["PARSE_ERRORS"]

PARSE_ERRORS = (
    OverflowError,
    TypeError,
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
