"""Kills a document at every command that it runs, found by counting them as they start.

A directory of shims goes before every other on PATH: one for every program of this machine, so no list of commands is
kept by hand. Each shim counts itself; the one whose turn it is kills the whole process group instead of, or after,
running its program.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from pathlib import Path

SHIM = """#!/bin/sh
echo "${{0##*/}}" >>'{folder}/started'
{watch}
count=0
while read -r _; do count=$((count + 1)); done <'{folder}/started'
read -r limit when <'{folder}/limit'
for directory in {directories}; do
  program=$directory/${{0##*/}}
  [ -x "$program" ] || continue
  [ "$count" -eq "$limit" ] || exec "$program" "$@"
  [ "$when" = before ] || "$program" "$@"
  kill -9 0
done
"""


class Killer:
    """Shims in ``folder``; give :attr:`path` to the document as its PATH.

    Args:
        watch: note all names below this directory whenever a command starts, in :attr:`seen`.
        tools: a directory whose programs go before the machine's, such as busybox's.
    """

    def __init__(self, folder: Path, watch: Path | None = None, tools: str | None = None) -> None:
        self.folder = folder
        bin_directory = folder / "bin"
        bin_directory.mkdir(parents=True)
        directories = [directory for directory in os.environ["PATH"].split(":") if os.path.isdir(directory)]
        if tools:
            directories.insert(0, tools)
        look = f"{shlex.quote(str(shutil.which('find')))} '{watch}' >>'{folder}/seen'" if watch else ""
        shim = folder / "shim"
        shim.write_text(SHIM.format(folder=folder, directories=shlex.join(directories), watch=look))
        shim.chmod(0o755)
        for name in {name for directory in directories for name in os.listdir(directory)}:
            (bin_directory / name).symlink_to(shim)
        self.path = f"{bin_directory}:{':'.join(directories)}"
        self.arm(0)

    def arm(self, limit: int, when: str = "before") -> None:
        """Kill at the command number ``limit``; 0 never."""
        (self.folder / "limit").write_text(f"{limit} {when}\n")
        (self.folder / "started").write_text("")

    @property
    def started(self) -> list[str]:
        return (self.folder / "started").read_text().split()

    @property
    def seen(self) -> set[str]:
        return set((self.folder / "seen").read_text().splitlines())


def was_killed(status: int) -> bool:
    return status == -signal.SIGKILL
