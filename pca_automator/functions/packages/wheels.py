"""Wheels that were downloaded, laid out as Python imports them: the same files on every machine.

An installer adds traces of the machine that it runs on: who installed, scripts with the path of an interpreter, a
record of what it wrote itself. Here a wheel's files are written as they are, and compared with the wheel's record.
https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pca_automator.functions.packages.contents import Files, WrongPackage, files_of, imported_as, recorded
from pca_automator.functions.packages.pins import Pin, normalized

# What installers write into a package's own folder, and signatures of records, which are no part of them.
_TRACES = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json", "RECORD.jws", "RECORD.p7s")


def unpack(wheels: Iterable[Path], pins: Iterable[Pin], folder: Path) -> None:
    """Write the files of wheels below a folder.

    Raises:
        WrongPackage: a wheel has a hash that is not pinned, or is not pinned at all.
    """
    known = {pin.name: pin for pin in pins}
    for wheel in sorted(wheels):
        pin = known.get(normalized(wheel.name.partition("-")[0]))
        if pin is None:
            raise WrongPackage(f"{wheel.name} was given, which is not pinned")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest not in pin.hashes:
            raise WrongPackage(f"{pin}: {wheel.name} is not the file that is pinned, with sha256:{digest}")
        with files_of(wheel) as files:
            named = {each for record in filter(_is_record, files) for each in recorded(files[record]())}
            for name in files:
                place = imported_as(name)
                if place is not None and place not in named and not _is_record(place) and not _is_trace(place):
                    raise WrongPackage(f"{pin} has {name}, which its record does not name")
            _write(files, folder)


def without_traces(installed: Path, folder: Path) -> None:
    """Write what an installer put into a folder into another one: what its records name, less what it added."""
    with files_of(installed) as files:
        records = [name for name in files if _is_record(name)]
        named = {name for record in records for name in recorded(files[record]())}
        _write({name: read for name, read in files.items() if name in named or name in records}, folder)


def _write(files: Files, folder: Path) -> None:
    for name, read in files.items():
        place = imported_as(name)
        if place is None or _is_trace(place):
            continue
        content = _record(read()) if _is_record(place) else read()
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _record(content: bytes) -> bytes:
    """The lines of what a layer has, sorted: the same whoever unpacked the wheel."""
    kept = sorted(f"{name},{digest}," for name, digest in recorded(content).items() if not _is_trace(name))
    return "".join(f"{line}\n" for line in kept).encode()


def _is_record(name: str) -> bool:
    return name.endswith(".dist-info/RECORD")


def _is_trace(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return folder == "bin" or (folder.endswith(".dist-info") and last in _TRACES)
