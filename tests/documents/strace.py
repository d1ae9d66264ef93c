"""What a document asks of the kernel, as strace sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# with the older names, which some architectures and C libraries use
SYSCALLS = (
    "openat,open,creat,umask,chmod,fchmod,fchmodat,fchmodat2,mkdir,mkdirat,symlink,symlinkat,link,linkat,"
    "rename,renameat,renameat2,unlink,unlinkat,clone,clone3,fork,vfork,chown,fchown,lchown,fchownat"
)
FORKS = ("clone", "clone3", "fork", "vfork")
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def command(log: Path) -> list[str]:
    """The prefix that traces a command and everything it starts."""
    available = "?" + SYSCALLS.replace(",", ",?")  # a question mark: not every architecture has each of them
    return ["strace", "-f", "-s", "4096", "-o", str(log), "-e", f"trace={available}"]


@dataclass(frozen=True)
class Call:
    """One successful system call; the umask is that of the process at that time."""

    process: int
    name: str
    arguments: str
    umask: int

    @property
    def paths(self) -> list[str]:
        return STRING.findall(self.arguments)

    @property
    def created_mode(self) -> int | None:
        """The mode of the file that an open created, or might have."""
        if "O_CREAT" not in self.arguments:
            return None
        return int(self.arguments.rsplit(",", 1)[1].strip(), 8) & ~self.umask

    @property
    def made(self) -> str | None:
        """The name that this call may have brought into being."""
        if self.created_mode is not None or self.name.startswith("mkdir"):
            return self.paths[0]
        if self.name.startswith(("symlink", "link")):
            return self.paths[-1]
        if self.name.startswith("rename"):
            # coreutils opens the destination directory and gives only the last part of the name
            old, new = self.paths
            return new if new.startswith("/") else f"?/{new}" if old else None
        return None


def calls(log: Path, umask: int = 0o022) -> Iterator[Call]:
    """Successful calls in the order in which they ended."""
    umasks: dict[int, int] = {}
    for _, process, name, arguments, value in sorted(_returned(log)):
        current = umasks.setdefault(process, umask)
        if name == "umask":
            umasks[process] = int(arguments, 8)
        elif name in FORKS and value > 0:
            umasks[value] = current
        elif value >= 0:
            yield Call(process, name, arguments, current)


def _returned(log: Path) -> Iterator[tuple[int, int, str, str, int]]:
    """Line, process, name, arguments and result of each call that returned.

    A fork counts from the line where it began: its child may be traced, and set its own umask, before the line with
    which the fork returns to the parent.
    """
    unfinished: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(log.read_text(errors="replace").splitlines()):
        if line.endswith("<unfinished ...>"):
            unfinished[line.split(" ", 1)[0]] = number, line.removesuffix("<unfinished ...>")
            continue
        begin = number
        resumed = re.match(r"^(\d+) +<\.\.\. \w+ resumed>(.*)", line)
        if resumed:
            begin, start = unfinished.pop(resumed[1])
            line = start + resumed[2]
        found = CALL.match(line)
        if found:
            yield begin if found[2] in FORKS else number, int(found[1]), found[2], found[3], int(found[4])
