"""The README's app against a mirror of the real wheels, and against one in which a single wheel is doctored."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pca_automator._internal.assets import lambda_source
from tests.constructs.functions.wheelhouse import index
from tests.synthesis import ROOT

REQUIREMENTS = lambda_source() / "layer" / "requirements.txt"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """The wheels of the default platform, from the index of whoever runs the tests."""
    folder = tmp_path / "good"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--requirement", str(REQUIREMENTS), "--dest", str(folder), "--python-version", "3.14"]
    command += ["--implementation", "cp", "--platform", "manylinux_2_34_aarch64", "--platform", "manylinux2014_aarch64"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def doctor(wheel: Path) -> None:
    """One module more, and one package more that it asks for; its record is right."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (metadata,) = (name for name in files if name.endswith(".dist-info/METADATA"))
    (record,) = (name for name in files if name.endswith(".dist-info/RECORD"))
    files["evil.py"] = b""
    files[metadata] = files[metadata].replace(b"\n\n", b"\nRequires-Dist: evil-transitive\n\n", 1)
    digests = {name: hashlib.sha256(content).digest() for name, content in files.items() if name != record}
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},{len(files[name])}\n"
        for name, digest in digests.items()
    ]
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def synthesized(out: Path, url: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "CDK_"))}
    settings = {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "CDK_OUTDIR": str(out), "PYTHONPATH": str(ROOT)}
    # What somebody may have set for environments of his own.
    hostile = {"PIP_PLATFORM": "win_amd64", "PIP_USER": "1", "PIP_TARGET": str(out / "elsewhere")}
    command = [sys.executable, str(ROOT / "examples" / "minimal.py")]
    return subprocess.run(command, env=inherited | settings | hostile, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_a_doctored_mirror_fails_the_synthesis_that_a_good_one_lets_through(good: Path, tmp_path: Path) -> None:
    doctored, out = tmp_path / "doctored", tmp_path / "out"
    shutil.copytree(good, doctored)
    (wheel,) = doctored.glob("pycparser-*.whl")
    doctor(wheel)
    with index(doctored) as url:
        done = synthesized(out, url)
    assert done.returncode != 0
    line = done.stderr.rstrip().splitlines()[-1]
    assert line.startswith("RuntimeError: the functions' packages for python3.14 on arm64 cannot be had: pycparser==")
    assert "the index gives another file than the one that is pinned" in line
    assert not list(out.glob("layer-*"))
    with index(good) as url:
        done = synthesized(out, url)
    assert done.returncode == 0, done.stderr[-2000:]
    (layer,) = out.glob("asset.*/python")
    assert (layer / "cryptography" / "__init__.py").is_file()
    assert not (layer / "evil.py").exists()
