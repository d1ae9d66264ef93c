"""Survivors that nobody could notice, each with the reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("judged.toml")


def judged() -> dict[str, str]:
    """Name of a mutant to the reason why no user could notice it."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8")).get("mutant", [])
    return {entry["name"]: entry["reason"] for entry in entries}
