"""A process that sees some places of the host, and nothing else of it: what a container or a chroot is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Its root is a directory that shows what is mounted there, and nothing else of the host.
ENTER = """
import os, subprocess, sys
root, *places = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root], check=True)
for place in places:
    source, _, there = place.partition(":")
    target = root + (there or source)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    subprocess.run(["mount", "--bind", source, target], check=True)
os.chroot(root)
os.chdir("/")
"""
INSIDE = f"""{ENTER}
print("ready", flush=True)
for line in sys.stdin:
    try:
        with open(line.rstrip(chr(10))) as file:
            print(len(file.read()) > 0, flush=True)
    except OSError:
        print(False, flush=True)
"""


def in_a_namespace(code: str, *arguments: str) -> list[str]:
    """The command that runs Python code where mounts are nobody else's."""
    return ["unshare", "-m", "--propagation", "private", sys.executable, "-I", "-S", "-c", code, *arguments]


class Container:
    """A process in a namespace of mounts of its own, with a root of its own.

    Args:
        root: a directory that does not exist yet.
        places: paths of the host that it shows, at the same path or, after a colon, at another.
    """

    def __init__(self, root: Path, places: list[str]) -> None:
        root.mkdir()
        command = in_a_namespace(INSIDE, str(root), *places)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._say(None) == "ready"

    def _say(self, line: str | None) -> str:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        if line is not None:
            stdin.write(line + "\n")
            stdin.flush()
        return stdout.readline().strip()

    def reads(self, path: Path) -> bool:
        """Whether the file is there and has something in it."""
        return self._say(str(path)) == "True"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
