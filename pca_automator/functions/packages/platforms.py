"""Lambda's platforms, and the wheels that load there."""

from __future__ import annotations

import re
from dataclasses import dataclass

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""AWS's name of an architecture to the one in wheels' tags."""
RUNTIMES = ("python3.12", "python3.13", "python3.14")
"""The runtimes for whose wheels hashes are pinned."""
# Amazon Linux 2023, on which Python functions run, has glibc 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
_GLIBC = 34
# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
_OLD_NAMES = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
# e_machine of an ELF file. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_ELF_MACHINES = {"aarch64": 0xB7, "x86_64": 0x3E}


@dataclass(frozen=True)
class Platform:
    """A runtime on an architecture.

    Args:
        runtime: as AWS names it, such as ``python3.14``.
        architecture: as AWS names it: ``arm64`` or ``x86_64``.
    """

    runtime: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}"

    @property
    def python(self) -> str:
        """The version of Python, such as ``3.14``."""
        return self.runtime.removeprefix("python")

    @property
    def machine(self) -> str:
        """The architecture's name in wheels' tags."""
        return MACHINES[self.architecture]

    @property
    def tags(self) -> tuple[str, ...]:
        """The platform tags under which wheels are asked for, the best first."""
        return tuple(f"{each}_{self.machine}" for each in ("manylinux_2_34", "manylinux_2_28", "manylinux2014"))

    def takes(self, tag: str) -> bool:
        """Whether a wheel with a tag, such as ``cp314-cp314-manylinux_2_28_aarch64``, loads."""
        python, _, rest = tag.partition("-")
        abi, _, platform = rest.partition("-")
        minor = int(self.python.partition(".")[2])
        if abi == "abi3":
            speaks = re.fullmatch(r"cp3\d+", python) is not None and int(python[3:]) <= minor
        else:
            speaks = (abi == "none" and python.startswith("py3")) or python == abi == f"cp3{minor}"
        return speaks and (platform == "any" or self._runs(platform))

    def _runs(self, platform: str) -> bool:
        """Whether what was compiled under a platform tag runs; ``linux_…`` is what somebody compiled himself."""
        system, _, machine = platform.partition(f"_{self.machine}")
        if machine or not platform.endswith(self.machine):
            return False
        glibc = re.fullmatch(r"manylinux_2_(\d+)", system)
        return system == "linux" or (int(glibc[1]) if glibc else _OLD_NAMES.get(system, _GLIBC + 1)) <= _GLIBC

    def loads(self, content: bytes) -> bool:
        """Whether a native module is for the machine."""
        return content[:4] == b"\x7fELF" and int.from_bytes(content[18:20], "little") == _ELF_MACHINES[self.machine]
