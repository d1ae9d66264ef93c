"""What a layer holds: each package that is pinned, whole as its wheel's record says, and for the functions' platform.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pca_automator.functions.packages.pins import Pin, normalized
from pca_automator.functions.packages.platforms import Platform

Files = Mapping[str, Callable[[], bytes]]
"""Each file's name, with ``/`` between its parts, to what reads it."""

# Of a wheel's data folder only what is imported belongs into a layer: scripts carry the path of an interpreter.
_IMPORTED = re.compile(r"[^/]+\.data/(?:purelib|platlib)/(.+)")
_NATIVE = re.compile(r"\.(?:so|pyd|dylib|dll)(?:\.[0-9.]+)?$")


class WrongPackage(RuntimeError):  # noqa: N818 - it says what is wrong, as the others here
    """A package is not what is pinned, or not there; the message is one line and begins with its name."""


@dataclass(frozen=True)
class _Distribution:
    """One installed package: its version, the tags of its wheel and what its record says of each file."""

    version: str
    tags: tuple[str, ...]
    record: dict[str, str]


@contextmanager
def files_of(place: Path) -> Iterator[Files]:
    """The files of a folder or of a ZIP archive; links are followed by neither.

    Raises:
        WrongPackage: it is none of both.
    """
    if place.is_dir():
        found = {each.relative_to(place).as_posix(): each for each in place.rglob("*") if each.is_file()}
        yield {name: path.read_bytes for name, path in sorted(found.items()) if not path.is_symlink()}
        return
    try:
        archive = zipfile.ZipFile(place)
    except (OSError, zipfile.BadZipFile) as error:
        raise WrongPackage(f"{place} is neither a folder nor a ZIP archive: {error}") from error
    with archive:
        yield {each: partial(archive.read, each) for each in archive.namelist() if not each.endswith("/")}


def imported_as(name: str) -> str | None:
    """Where a file of a wheel belongs below the folder that Python imports from; None: not into a layer."""
    match = _IMPORTED.fullmatch(name)
    if match is not None:
        return match[1]
    first = name.partition("/")[0]
    return None if first.endswith(".data") or first == ".." or posixpath.isabs(name) else name


def check(files: Files, pins: Iterable[Pin], platform: Platform) -> dict[str, str]:
    """Whether the packages are all there, whole and for the platform.

    Args:
        files: below the folder that Python imports from.
        pins: what must be there, in whichever version.
        platform: what must be able to load it.

    Returns:
        The version of each package that was asked for.

    Raises:
        WrongPackage: one is missing, is for another platform, or differs from its own record.
    """
    found = dict(_distributions(files))
    for pin in pins:
        package = found.get(pin.name)
        if package is None:
            raise WrongPackage(f"{pin} is missing")
        label = f"{pin.name}=={package.version}"
        if not any(platform.takes(tag) for tag in package.tags):
            raise WrongPackage(
                f"{label} is a wheel for {', '.join(package.tags) or 'no platform'}, which does not load on {platform}"
            )
        if not package.record:
            raise WrongPackage(f"{label} has a record that names no file")
        for name, digest in package.record.items():
            if name not in files:
                raise WrongPackage(f"{label} lacks {name}, which its record names")
            content = files[name]()
            if _digest(digest.partition("=")[0], content) != digest:
                raise WrongPackage(f"{label} has another {name} than its record says")
            if _NATIVE.search(name) and not platform.loads(content):
                raise WrongPackage(f"{label} has {name}, a native module that does not load on {platform}")
    return {pin.name: found[pin.name].version for pin in pins}


def check_exactly(files: Files, pins: Iterable[Pin], platform: Platform) -> None:
    """Whether the pinned versions are there, and nothing beside what their wheels record.

    Raises:
        WrongPackage: a version is another one, a file or a package more is there, or as :func:`check`.
    """
    pins = tuple(pins)
    versions = check(files, pins, platform)
    for pin in pins:
        if versions[pin.name] != pin.version:
            raise WrongPackage(f"{pin.name}=={versions[pin.name]} is there in place of {pin}")
    known = {name for _, package in _distributions(files) for name in package.record}
    wanted = {pin.name for pin in pins}
    for name, _ in _distributions(files):
        if name not in wanted:
            raise WrongPackage(f"{name} is there, which is not pinned")
    for name in files:
        if name not in known and not name.endswith(".dist-info/RECORD"):
            raise WrongPackage(f"{name} is there, which no package records")


def _distributions(files: Files) -> Iterator[tuple[str, _Distribution]]:
    for name in files:
        folder, _, last = name.rpartition("/")
        if last == "RECORD" and folder.endswith(".dist-info") and "/" not in folder:
            title, _, version = folder.removesuffix(".dist-info").partition("-")
            wheel = files.get(f"{folder}/WHEEL", bytes)().decode(errors="replace")
            tags = tuple(re.findall(r"^Tag:\s*(\S+)\s*$", wheel, re.MULTILINE))
            record = recorded(files[name]())
            yield normalized(title), _Distribution(version, tags, record)


def recorded(record: bytes) -> dict[str, str]:
    """Each imported file that a record names, to its digest; the record itself has none, nor has bytecode."""
    rows = csv.reader(io.StringIO(record.decode(errors="replace")))
    found = {imported_as(row[0]): row[1] for row in rows if len(row) > 1 and row[1]}
    return {name: digest for name, digest in found.items() if name is not None}


def _digest(algorithm: str, content: bytes) -> str:
    """As records write it; an algorithm that is not known matches nothing."""
    # What the specification asks for at least; md5 and sha1 it forbids.
    if algorithm not in ("sha256", "sha384", "sha512"):
        return ""
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
