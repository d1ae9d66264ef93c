"""Hosts to run documents on, under every shell and with every set of tools that this machine has.

What a machine lacks is a skip that says so; see README.md for what then remains unproven.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents.container import Container
from tests.documents.host import Host
from tests.documents.pki import Authority
from tests.tiers import memory, need, needs

SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "sh")}
needs_root = needs("root")
needs_mount = needs("mount")


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    need(SHELLS[request.param][0])
    return SHELLS[request.param]


@pytest.fixture(scope="session")
def busybox_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which every tool that busybox has is busybox's."""
    need("busybox")
    folder = tmp_path_factory.mktemp("busybox")
    applets = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        (folder / applet).symlink_to(str(shutil.which("busybox")))
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture(params=["dash and GNU tools", "bash and GNU tools", "busybox for everything"])
def platform(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Shell and tools of one kind of Linux, as fields of a :class:`Host`."""
    shell = request.param.split(" ")[0]
    need(shell)
    path = request.getfixturevalue("busybox_path") if shell == "busybox" else None
    return {"shell": SHELLS[shell], "path": path}


@pytest.fixture
def host_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory if possible; named as a directory may be named."""
    with tempfile.TemporaryDirectory(prefix="pca automator-", dir=memory() or tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def make_host(host_folder: Path, authority: Authority) -> Callable[..., Host]:
    numbers = itertools.count()

    def make(**fields: Any) -> Host:
        root = host_folder / f"host-{next(numbers)}"
        root.mkdir()
        return Host(root, **{"authority": authority, **fields})

    return make


@pytest.fixture
def host(make_host: Callable[..., Host]) -> Host:
    return make_host()


@pytest.fixture(scope="session")
def renewed_once(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Host:
    """What the documents leave after one renewal; copies of it save the time of making it again."""
    host = Host(tmp_path_factory.mktemp("renewed") / "host", authority=authority)
    host.renew()
    return host


@pytest.fixture
def live_host(host: Host, renewed_once: Host) -> Host:
    """A host on which a certificate is live."""
    shutil.copytree(renewed_once.root, host.root, symlinks=True, dirs_exist_ok=True)
    for name, path in host.public.items():
        path.unlink()
        path.symlink_to(host.store / "current" / name)
    return host


@pytest.fixture
def contain(tmp_path: Path) -> Iterator[Callable[..., Container]]:
    started: list[Container] = []

    def start(*places: object) -> Container:
        started.append(Container(tmp_path / f"container-{len(started)}", [str(place) for place in places]))
        return started[-1]

    yield start
    for container in started:
        container.end()
