"""What a machine may lack, and what is then not shown: the only reasons for which a test is skipped.

A run ends with the list of what it could not show, and with ``--everything`` that list makes it fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Tier:
    """Something that tests need and a machine may lack.

    Args:
        lacking: says what is missing.
        unseen: what is not shown without it.
        present: whether this machine has it.
    """

    lacking: str
    unseen: str
    present: Callable[[], bool]

    @property
    def reason(self) -> str:
        return f"{self.lacking}: {self.unseen}"


def _program(name: str, unseen: str) -> Tier:
    return Tier(f"{name} is not installed", unseen, lambda: shutil.which(name) is not None)


def memory() -> str | None:
    """A directory in memory: documents sync what they write, hundreds of times in their tests."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _makes_files_immutable() -> bool:
    if not shutil.which("chattr"):
        return False
    with tempfile.NamedTemporaryFile(dir=memory()) as file:
        made = subprocess.run(["chattr", "+i", file.name], capture_output=True, check=False).returncode == 0
        if made:
            subprocess.run(["chattr", "-i", file.name], capture_output=True, check=True)
    return made


def _mounts() -> bool:
    """Root of a container may be nobody who mounts."""
    with tempfile.TemporaryDirectory() as place:
        made = (
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True, check=False).returncode == 0
        )
        if made:
            subprocess.run(["umount", "-l", place], capture_output=True, check=True)
    return made


def _programs_of_busybox() -> bool:
    """Whether the shell of this machine's busybox starts programs of PATH, and not its own applets in their place."""
    busybox = shutil.which("busybox")
    if not busybox:
        return False
    command = [busybox, "sh", "-c", "ls /"]
    return subprocess.run(command, env={"PATH": "/nonexistent"}, capture_output=True, check=False).returncode != 0


def _newer_python() -> bool:
    """Whether ``python-newest`` is newer than the Python that runs the tests."""
    program = shutil.which("python-newest")
    if not program:
        return False
    script = f"import sys; sys.exit(sys.version_info[:2] <= {tuple(sys.version_info[:2])})"
    return subprocess.run([program, "-c", script], check=False).returncode == 0


_KERNEL = "what the documents ask of the kernel: one rename, the modes of keys, nothing written"
_OLD = "the documents with the last OpenSSL 1.1.1 itself; a stand-in shows the rest"
_KILL = "that a kill under busybox leaves a matching pair"

TIERS = {
    "dash": _program("dash", "the documents under dash"),
    "bash": _program("bash", "the documents under bash"),
    "busybox": _program("busybox", "the documents under busybox's shell and with busybox's tools"),
    "busybox's programs": Tier("no busybox whose shell starts programs of PATH", _KILL, _programs_of_busybox),
    "strace": _program("strace", _KERNEL),
    "openssl-1.1.1": _program("openssl-1.1.1", _OLD),
    "acl-getfacl": _program("acl-getfacl", "access control lists that are given to the next files"),
    "acl-setfacl": _program("acl-setfacl", "access control lists that are given to the next files"),
    "python-newest": Tier("no newer Python is here", "that a newer Python makes the same template", _newer_python),
    "chattr": Tier("chattr makes no file immutable", "the documents on immutable files", _makes_files_immutable),
    "matplotlib": Tier(
        "matplotlib is not installed", "the picture of a plan", lambda: find_spec("matplotlib") is not None
    ),
    "root": Tier("not run as root", "the documents on files and directories of others", lambda: os.geteuid() == 0),
    "mount": Tier("nobody may mount here", "the documents on full and read-only file systems", _mounts),
    "/proc": Tier("there is no /proc", "which processes are left", lambda: Path("/proc/self/stat").exists()),
}


PROPERTY = "not shown"
"""Name of the property with which a test that passes says what it could not show: ``record_property``."""


@cache
def is_here(name: str) -> bool:
    """Whether this machine has a tier."""
    return TIERS[name].present()


def need(name: str) -> None:
    """Skip the test that runs, and say what is not shown, where the machine lacks a tier."""
    if not is_here(name):
        pytest.skip(TIERS[name].reason)


def needs(name: str) -> pytest.MarkDecorator:
    """The mark of a test, or of a module, that needs a tier."""
    return pytest.mark.skipif(not is_here(name), reason=TIERS[name].reason)


def summary(reasons: Iterable[str]) -> list[str]:
    """What a run says at its end: each reason for which tests were skipped, and how many they were."""
    counted: dict[str, int] = {}
    for reason in reasons:
        counted[reason] = counted.get(reason, 0) + 1
    return [f"{reason} ({count} skipped)" for reason, count in sorted(counted.items())]
