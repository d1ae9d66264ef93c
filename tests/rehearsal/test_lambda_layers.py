"""Which layers a worker gets: those whose native modules this interpreter can load."""

from __future__ import annotations

import importlib.machinery
import io
import sys
import zipfile
from pathlib import Path

import pytest

from pca_automator.rehearsal.local_aws.lambda_workers import foreign_modules

OWN_ELF = Path(sys.executable).resolve().read_bytes()[:64]
FOREIGN_ELF = OWN_ELF[:18] + bytes([OWN_ELF[18] ^ 0xFF]) + OWN_ELF[19:]
OWN_SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]


@pytest.mark.parametrize(
    ("name", "content", "foreign"),
    [
        ("python/pure.py", b"x = 1", False),
        (f"python/native{OWN_SUFFIX}", OWN_ELF, False),
        ("python/native.abi3.so", OWN_ELF, False),
        ("python/native.abi3.so", FOREIGN_ELF, True),
        (f"python/native{OWN_SUFFIX}", FOREIGN_ELF, True),
        ("python/native.cpython-399-x86_64-linux-gnu.so", OWN_ELF, True),
    ],
)
def test_a_layer_is_foreign_if_a_module_of_it_cannot_be_loaded(name: str, content: bytes, foreign: bool) -> None:
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr(name, content)
    assert foreign_modules(layer.getvalue()) is foreign
