"""Writes the hashes of the layer's wheels into its requirements: ``python -m tests.packaging.pins``.

For an upgrade, change the versions there and run ``make pins``: every wheel that Lambda's platforms may be given is
asked for by each of its tags, for each runtime and architecture.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pca_automator.functions.packages.pins import normalized
from pca_automator.functions.packages.platforms import MACHINES, RUNTIMES, Platform

REQUIREMENTS = Path(__file__).resolve().parents[2] / "lambda_src" / "layer" / "requirements.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def hashes(pins: list[str]) -> dict[str, set[str]]:
    """The hashes of each package's wheels, as the configured index gives them."""
    found: dict[str, set[str]] = {}
    anywhere: set[str] = set()
    asked = [(Platform(runtime, architecture), tag) for runtime in RUNTIMES for architecture in MACHINES
             for tag in Platform(runtime, architecture).tags]  # fmt: skip
    for platform, tag in asked:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            command += ["--dest", folder, "--implementation", "cp", "--python-version", platform.python]
            # Each alone: an index need not have a wheel for each tag.
            for pin in [each for each in pins if each not in anywhere]:
                done = subprocess.run([*command, "--platform", tag, pin], capture_output=True, text=True, check=False)
                if done.returncode != 0 and "No matching distribution" not in done.stderr:
                    raise SystemExit(done.stderr)
            for wheel in Path(folder).glob("*.whl"):
                name = normalized(wheel.name.partition("-")[0])
                found.setdefault(name, set()).add(hashlib.sha256(wheel.read_bytes()).hexdigest())
                if wheel.name.endswith("-none-any.whl"):
                    anywhere |= {pin for pin in pins if normalized(pin.partition("==")[0]) == name}
    return found


def write(requirements: Path = REQUIREMENTS) -> None:
    """Keep comments and versions; exchange the hashes."""
    lines = re.sub(r" \\\n +--hash=\S+", "", requirements.read_text(encoding="utf-8")).splitlines()
    found = hashes([line for line in lines if _PINNED.match(line)])
    written = []
    for line in lines:
        match = _PINNED.match(line)
        each = sorted(found[normalized(match[1])]) if match else []
        written.append(" \\\n    ".join([line, *(f"--hash=sha256:{digest}" for digest in each)]))
    requirements.write_text("\n".join(written) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
