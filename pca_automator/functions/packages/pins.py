"""The pinned packages: names, versions and the hash of every wheel that may become part of the layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)((?:\s+--hash=sha256:[0-9a-f]{64})+)")


@dataclass(frozen=True)
class Pin:
    """One package.

    Args:
        name: as the index knows it, normalized.
        version: the only one.
        hashes: SHA-256 of its wheels, one for each platform, in hexadecimal digits.
    """

    name: str
    version: str
    hashes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def normalized(name: str) -> str:
    """One spelling for a name. https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(requirements: Path) -> tuple[Pin, ...]:
    """The pins of a requirements file.

    Raises:
        ValueError: a requirement is not of the form ``name==version --hash=sha256:…``, or there is none.
    """
    text = requirements.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [_PIN.fullmatch(line) for line in lines]
    for line, match in zip(lines, found, strict=True):
        if match is None:
            raise ValueError(
                f"{requirements.name} has {line!r}: each package must be pinned with the hashes of its wheels, "
                "as name==version --hash=sha256:..."
            )
    if not found:
        raise ValueError(f"{requirements.name} pins no package")
    return tuple(
        Pin(normalized(match[1]), match[2], frozenset(re.findall(r"[0-9a-f]{64}", match[3])))
        for match in found
        if match
    )
