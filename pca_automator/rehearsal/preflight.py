"""What a rehearsal needs of the machine, looked at before anything is started."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pca_automator.rehearsal.stage.cdk import CdkError, find_cli

_OLDEST_PYTHON = (3, 11)
# CDK assets, the local AWS's files and logs; and what a host's versions of key and certificate take.
_LEAST_MEGABYTES, _MEGABYTES_A_HOST = 200, 2
# Directories of the simulated hosts lie below it and are parameters of the SSM documents, which take these alone.
_PATH = re.compile(r"(/\.?\w[\w.@+=, -]*)+", re.ASCII)


class UnfitError(RuntimeError):
    """The machine, or the folder, is not fit for a rehearsal: one line, with what to do."""


def check(app: Path, build: Path, hosts: int) -> None:
    """Look at everything that would end a rehearsal later.

    Args:
        app: directory of the CDK app.
        build: where report, logs and hosts go; it is made.
        hosts: how many there are to be.

    Raises:
        UnfitError: naming what is missing, and what to do.
    """
    if sys.version_info < _OLDEST_PYTHON:
        has = ".".join(map(str, sys.version_info[:2]))
        raise UnfitError(f"Python {has} is too old: 3.11 or newer is needed; install into an environment of that")
    _programs(app)
    if not (app / "cdk.json").is_file():
        raise UnfitError(f"{app.resolve()} has no cdk.json: name the directory of a CDK app with --app")
    _folder(build.resolve(), hosts)
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as error:
        raise UnfitError(f"no port of 127.0.0.1 can be listened at: {error.strerror}") from error


def _programs(app: Path) -> None:
    # As the CDK CLI and the scripts on the hosts find them: beside this interpreter first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for name, use in (("openssl", "the simulated hosts make their keys with it"), ("node", "the CDK runs on it")):
        if shutil.which(name, path=path) is None:
            raise UnfitError(f"{name} is missing: {use}; install it, or put it on the PATH")
    try:
        find_cli(app.resolve(), {**os.environ, "PATH": path})
    except CdkError as error:
        raise UnfitError(str(error)) from error


def _folder(place: Path, hosts: int) -> None:
    if _PATH.fullmatch(str(place)) is None:
        allowed = "letters, digits, spaces and _ . @ + = , -"
        raise UnfitError(f"the documents do not take the path {str(place)!r} ({allowed}): name another with --build")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(1024))
    except OSError as error:
        raise UnfitError(f"{place} cannot be written to: {error.strerror}; name another folder with --build") from error
    needed, free = _LEAST_MEGABYTES + _MEGABYTES_A_HOST * hosts, shutil.disk_usage(place).free // 1_000_000
    if free < needed:
        raise UnfitError(
            f"the disk of {place} has {free} MB left, and {hosts} hosts need {needed}: make room, or name a folder "
            "elsewhere with --build"
        )


@contextmanager
def alone(build: Path) -> Iterator[None]:
    """Keep another rehearsal out of the same folder: both would write the same cloud assembly.

    Raises:
        UnfitError: another one is under way there.
    """
    build.mkdir(parents=True, exist_ok=True)
    with (build / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            where = build.resolve()
            raise UnfitError(
                f"another rehearsal is under way in {where}: wait for its end, or name another folder with --build"
            ) from error
        yield
