"""Builds the layer's folder, or an archive of it: whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pca_automator.functions.packages.contents import Files, WrongPackage, check, check_exactly, files_of
from pca_automator.functions.packages.fetching import fetch
from pca_automator.functions.packages.pins import read
from pca_automator.functions.packages.platforms import RUNTIMES, Platform

FOLDER = "python"
"""Where Lambda looks in a layer. https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html"""
# The first moment that a ZIP archive can name: when it was made is no part of a layer.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_ADVICE = "build it where the index is right with pca-automator layer OUT.zip, and pass it as dependency_layer"


def identity(requirements: Path, platform: Platform) -> str:
    """The hash that stands for a layer's content: of the requirements with their hashes, and of the platform."""
    pins = sorted(f"{pin} {' '.join(sorted(pin.hashes))}" for pin in read(requirements))
    return hashlib.sha256("\n".join((*pins, platform.runtime, platform.architecture)).encode()).hexdigest()


def build(requirements: Path, platform: Platform, folder: Path) -> None:
    """Make the layer's folder, unless it is there and right; what is there and is not right is made anew.

    It appears under its name when it is whole: a build that fails, or is killed, leaves nothing under it.

    Args:
        requirements: the pins.
        platform: of the functions.
        folder: is made; its parent is there.

    Raises:
        RuntimeError: in one line, with the package that is the reason, if one is.
    """
    pins = read(requirements)
    if folder.exists():
        if is_right(requirements, platform, folder):
            return
        shutil.rmtree(folder)
    with _one_line(platform), tempfile.TemporaryDirectory(prefix=".layer-", dir=folder.parent) as temporary:
        made = Path(temporary, "layer")
        if platform.runtime not in RUNTIMES:
            raise RuntimeError(f"wheels are pinned for {', '.join(RUNTIMES)} alone")
        fetch(requirements, pins, platform, made / FOLDER)
        with files_of(made / FOLDER) as files:
            check_exactly(files, pins, platform)
        _open_to_all(made)
        try:
            made.rename(folder)
        except OSError:
            # Another synthesis was faster; what it made must be right, too.
            if not is_right(requirements, platform, folder):
                raise


def pack(requirements: Path, platform: Platform, archive: Path) -> tuple[str, ...]:
    """Write the layer as a ZIP archive, of the same files with the same times wherever it is made.

    Returns:
        The packages, as ``name==version``.

    Raises:
        RuntimeError: as :func:`build`.
        OSError: the archive cannot be written; one that was there is as it was.
    """
    with tempfile.TemporaryDirectory(prefix=".layer-", dir=archive.absolute().parent) as temporary:
        folder, written = Path(temporary, "layer"), Path(temporary, "layer.zip")
        build(requirements, platform, folder)
        with files_of(folder) as files, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in files.items():
                entry = zipfile.ZipInfo(name, _NO_TIME)
                entry.external_attr, entry.create_system = 0o100644 << 16, 3
                made.writestr(entry, content(), zipfile.ZIP_DEFLATED)
        written.replace(archive)
    return tuple(str(pin) for pin in read(requirements))


def inspect(requirements: Path, platform: Platform, place: Path) -> dict[str, tuple[str, str]]:
    """Look at a layer that somebody else made: a folder or a ZIP archive.

    Returns:
        Of each package whose version is not the pinned one, the version that is there and the one that is pinned.

    Raises:
        WrongPackage: it is neither, or a package is missing, broken, or for another platform.
    """
    pins = read(requirements)
    with files_of(place) as files:
        versions = check(_importable(files, platform), pins, platform)
    return {pin.name: (versions[pin.name], pin.version) for pin in pins if versions[pin.name] != pin.version}


def _importable(files: Files, platform: Platform) -> Files:
    """What Python finds in a layer, by the name that it is imported by."""
    found: dict[str, Callable[[], bytes]] = {}
    for prefix in (f"{FOLDER}/lib/{platform.runtime}/site-packages/", f"{FOLDER}/"):
        found |= {name.removeprefix(prefix): read for name, read in files.items() if name.startswith(prefix)}
    return found


def is_right(requirements: Path, platform: Platform, folder: Path) -> bool:
    """Whether a folder holds the layer, whole, and nothing else."""
    try:
        with files_of(folder / FOLDER) as files:
            check_exactly(files, read(requirements), platform)
    except WrongPackage:
        return False
    return True


@contextmanager
def _one_line(platform: Platform) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise RuntimeError(f"the functions' packages for {platform} cannot be had: {said} -- {_ADVICE}") from None


def _open_to_all(folder: Path) -> None:
    """Lambda reads layers as another user; whatever the umask of whoever synthesizes."""
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
