"""Fetches the pinned wheels with pip, or with uv where no pip is; of the user's settings only the index counts.

What else stands in pip's configuration or environment is about environments of his own (a user install, a target, a
platform, constraints), and would change what the layer holds, or whether there is one.
https://pip.pypa.io/en/stable/topics/configuration/
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

from pca_automator.functions.packages.contents import WrongPackage
from pca_automator.functions.packages.pins import Pin
from pca_automator.functions.packages.platforms import Platform
from pca_automator.functions.packages.wheels import unpack, without_traces

# Where packages come from, and how that place is reached.
_INDEX = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy",
    "keyring-provider", "default-timeout", "timeout", "retries", "use-feature", "use-deprecated",
)  # fmt: skip
_PIP_SETTING = re.compile(r"^(global|install)\.([a-z-]+)=(.+)$", re.MULTILINE)
# Of uv's environment, in the same sense. https://docs.astral.sh/uv/reference/environment/
_UV_INDEX = re.compile(
    r"UV_(?:(?:DEFAULT_|EXTRA_)?INDEX(?:_.+)?|FIND_LINKS|NO_INDEX|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|OFFLINE"
    r"|KEYRING_PROVIDER|HTTP_\w+|CACHE_DIR)"
)

_UNREACHABLE = re.compile(
    r"NewConnectionError|Connect(?:ion)?(?:Timeout|Error)|ReadTimeout|ProxyError|SSLError|Failed to fetch|error sending"
)
_OTHER_HASH = re.compile(r"DO NOT MATCH THE HASHES|Hash mismatch", re.IGNORECASE)


def fetch(requirements: Path, pins: Iterable[Pin], platform: Platform, folder: Path) -> None:
    """Lay the pinned packages out below a folder.

    Raises:
        WrongPackage: the index has not what is pinned; names the package.
        RuntimeError: neither pip nor uv is there, or what is there fails in another way.
    """
    pins = tuple(pins)
    pip = pip_command()
    uv = None if pip else shutil.which("uv")
    if pip is None and uv is None:
        raise RuntimeError(
            f"neither pip nor uv is there: {sys.executable} has no pip, and there is none on PATH; install pip beside "
            "pca-automator"
        )
    with tempfile.TemporaryDirectory(prefix="pca-automator-") as temporary:
        if pip is not None:
            _run(_pip_download(pip, requirements, platform, temporary), _pip_environment(pip), pins, platform)
            unpack(Path(temporary).glob("*.whl"), pins, folder)
        else:
            _run(_uv_install(str(uv), requirements, platform, temporary), _uv_environment(), pins, platform)
            without_traces(Path(temporary), folder)


def pip_command() -> list[str] | None:
    """A pip, whichever there is: wheels for Lambda are chosen by options, not by the interpreter that runs it.

    Environments that uv makes have none; every other Python carries the wheel that ``ensurepip`` would install. pip is
    started by its path: neither the working directory nor ``PYTHONPATH`` puts a module in its way.
    """
    found = importlib.util.find_spec("pip")
    if found is not None and found.origin is not None:
        return [sys.executable, "-I", str(Path(found.origin).parent)]
    ensurepip = importlib.util.find_spec("ensurepip")
    folders = [Path(each, "_bundled") for each in (ensurepip.submodule_search_locations if ensurepip else None) or []]
    wheel = next((each for folder in folders for each in sorted(folder.glob("pip-*.whl"))), None)
    if wheel is not None:
        return [sys.executable, "-I", str(wheel / "pip")]
    on_path = shutil.which("pip3") or shutil.which("pip")
    return [on_path] if on_path is not None else None


def _pip_download(pip: list[str], requirements: Path, platform: Platform, folder: str) -> list[str]:
    command = [*pip, "download", "--quiet", "--disable-pip-version-check", "--no-input", "--dest", folder]
    command += ["--requirement", str(requirements), "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--implementation", "cp", "--python-version", platform.python]
    return command + [part for tag in platform.tags for part in ("--platform", tag)]


def _uv_install(uv: str, requirements: Path, platform: Platform, folder: str) -> list[str]:
    command = [uv, "pip", "install", "--quiet", "--target", folder, "--python", sys.executable, "--link-mode", "copy"]
    command += ["--requirement", str(requirements), "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", platform.python]
    return [*command, "--python-platform", f"{platform.machine}-manylinux_2_34"]


def _pip_environment(pip: list[str]) -> dict[str, str]:
    """The environment without pip's settings but for the index, which may also stand in pip's configuration files.

    As variables and not as options: an index's address may hold a password, and options are seen by every user.
    """
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    kept = {"PIP_CONFIG_FILE": os.environ["PIP_CONFIG_FILE"]} if "PIP_CONFIG_FILE" in os.environ else {}
    # Loud, for a quiet that is configured would leave nothing to read.
    command = [*pip, "-vvv", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, env=bare | kept, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"pip cannot read its configuration, where the index may stand: {_last_line(done.stderr)}")
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for section, name, value in _PIP_SETTING.findall(done.stdout):
        found[section][name] = str(ast.literal_eval(value))
    # As pip ranks them: what is said of install is nearer than what holds for all, and the environment is nearest.
    settings = found["global"] | found["install"]
    index = {_variable(name): value for name, value in settings.items() if name in _INDEX}
    index |= {name: os.environ[name] for name in map(_variable, _INDEX) if name in os.environ}
    # The null device is what makes pip read no file at all.
    return bare | index | {"PIP_CONFIG_FILE": os.devnull}


def _variable(setting: str) -> str:
    return f"PIP_{setting.upper().replace('-', '_')}"


def _uv_environment() -> dict[str, str]:
    """uv's own files are read, for its index may stand there; what else they say, the command's options overrule."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("UV_") or _UV_INDEX.fullmatch(name)
    }


def _run(command: list[str], environment: dict[str, str], pins: tuple[Pin, ...], platform: Platform) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said = done.stderr.strip() or done.stdout.strip()
    if _UNREACHABLE.search(said):
        raise RuntimeError(f"the package index cannot be reached: {_last_line(said)}")
    package = _blamed(said, pins)
    if package is None:
        raise RuntimeError(f"they could not be fetched: {_last_line(said)}")
    if _OTHER_HASH.search(said):
        got = re.search(r"Got\s+([0-9a-f]{64})", said)
        which = f", with sha256:{got[1]}" if got else ""
        raise WrongPackage(f"{package}: the index gives another file than the one that is pinned{which}")
    raise WrongPackage(
        f"{package}: the index gives no wheel of it for {platform.tags[0]} and Python {platform.python}: "
        f"{_last_line(said)}"
    )


def _blamed(said: str, pins: tuple[Pin, ...]) -> Pin | None:
    """The first package that an error names with its version, in whichever spelling."""
    spelled = re.sub(r"[-_.]+", "-", said).lower()
    places = {spelled.find(re.sub(r"[-_.]+", "-", str(pin)).lower()): pin for pin in pins}
    return min(((place, pin) for place, pin in places.items() if place >= 0), default=(0, None), key=itemgetter(0))[1]


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["nothing was said"])[-1][-500:]
