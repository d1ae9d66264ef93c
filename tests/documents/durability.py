"""A disk that forgets what was not synced: what a power cut may leave, at the instant before or after any command.

File systems write names in the order in which they were made and moved, but the content of a file when they please: so
after a cut there may be a file, moved to its final place, of which nothing was ever written, unless it was synced. Here
every command of a document is a possible instant (``killer.py``), and then each file whose content was not synced since
it was written is emptied. https://man7.org/linux/man-pages/man2/fsync.2.html
"""

from __future__ import annotations

import os
import shlex
import shutil
import zlib
from pathlib import Path

# Notes what was synced, by inode and content, after it was; without a name that is everything.
SYNC = """#!/bin/sh
{sync} "$@" || exit
[ $# -gt 0 ] || set -- --everything
for one do
  if [ "$one" = --everything ]; then
    {find} {root} -type f
  elif [ -f "$one" ]; then
    echo "$one"
  fi
done | while IFS= read -r file; do
  echo "$({stat} -c %i "$file") $({cksum} <"$file")"
done >>{noted}
"""


class ForgetfulDisk:
    """The directory of a host, and what of it would outlive a power cut.

    Args:
        folder: for the ``sync`` that takes notes; put :attr:`tools` before other directories of a PATH.
        root: the host's directory.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.tools = folder / "tools"
        self._noted = folder / "synced"
        self._root = root
        self._before: set[str] = set()
        self.tools.mkdir(parents=True)
        real = {name: shlex.quote(str(shutil.which(name))) for name in ("sync", "find", "stat", "cksum")}
        sync = self.tools / "sync"
        sync.write_text(SYNC.format(root=shlex.quote(str(root)), noted=shlex.quote(str(self._noted)), **real))
        sync.chmod(0o755)

    def begin(self) -> None:
        """Everything that is there now was written long ago."""
        self._noted.write_text("")
        self._before = {_content(path) for path in self._files()}

    def cut_the_power(self) -> list[str]:
        """Empty every file whose content was not synced since it was written; returns their names."""
        kept = self._before | set(self._noted.read_text().splitlines())
        lost = [path for path in self._files() if path.stat().st_size and _content(path) not in kept]
        for path in lost:
            os.truncate(path, 0)
        return [str(path.relative_to(self._root)) for path in lost]

    def _files(self) -> list[Path]:
        found = [Path(folder, name) for folder, _, names in os.walk(self._root) for name in names]
        return [path for path in found if path.is_file() and not path.is_symlink()]


def _content(path: Path) -> str:
    """As ``stat`` and ``cksum`` say it."""
    data = path.read_bytes()
    return f"{path.stat().st_ino} {_cksum(data)} {len(data)}"


def _cksum(data: bytes) -> int:
    """POSIX's: CRC-32 without reflection, with the length behind the data.

    https://pubs.opengroup.org/onlinepubs/9799919799/utilities/cksum.html
    """
    length, rest = b"", len(data)
    while rest:
        length += bytes([rest & 0xFF])
        rest >>= 8
    reflected = (data + length).translate(_REFLECTED)
    # zlib starts with ones and reflects; POSIX starts with zeros.
    crc = zlib.crc32(reflected, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2) ^ 0xFFFFFFFF


_REFLECTED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
