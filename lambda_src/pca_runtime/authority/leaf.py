"""What a host's certificate says, and its serial number as text. Nothing here reads a certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from pca_runtime.authority.names import Names

__all__ = ["TEMPLATE_EXTENSIONS", "Leaf", "is_serial", "same_serial", "serial_hex"]

TEMPLATE_EXTENSIONS = frozenset(
    {
        "2.5.29.14",  # subject key identifier
        "2.5.29.15",  # key usage
        "2.5.29.17",  # subject alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.31",  # CRL distribution points
        "2.5.29.35",  # authority key identifier
        "2.5.29.37",  # extended key usage
        "1.3.6.1.5.5.7.1.1",  # authority information access
    }
)
"""What an end-entity template gives: some only if the CA is configured to write CRLs or to answer OCSP.
Numbers of RFC 5280, section 4.2."""

# At most 20 octets (RFC 5280, section 4.1.2.2), with colons between them or without.
_SERIAL = re.compile(r"[0-9a-fA-F]{1,2}(:?[0-9a-fA-F]{1,2}){0,19}")


@dataclass(frozen=True)
class Leaf:
    """What the checks and the inventory need of a certificate."""

    common_name: str | None
    subject: tuple[tuple[str, str], ...]
    names: Names
    other_names: int
    usages: frozenset[str]
    key_usage: frozenset[str]
    is_ca: bool
    extensions: frozenset[str]
    serial: str
    not_before: datetime
    not_after: datetime
    public_key_sha256: str


def serial_hex(number: int) -> str:
    """Lower-case hex without colons and leading zeros: the form in the table and on the hosts."""
    return f"{number:x}"


def is_serial(value: object) -> bool:
    """Whether it is the text of a serial number; what stands in the table may be anything."""
    return isinstance(value, str) and _SERIAL.fullmatch(value) is not None and value.strip("0:") != ""


def same_serial(one: str, other: str) -> bool:
    """Whether two hex texts are the same number, however they are padded or cased."""
    try:
        return int(one.replace(":", ""), 16) == int(other.replace(":", ""), 16)
    except ValueError:
        return False
