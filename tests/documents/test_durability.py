"""After a power cut at any command, what is shown is whole, and the next renewal succeeds: see ``durability.py``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.durability import ForgetfulDisk
from tests.documents.host import Host
from tests.documents.killer import Killer, was_killed
from tests.members import members

# What changes names, or makes content last: a cut between any two of these leaves something else.
TELLING = {"mv", "ln", "rm", "sync", "mkdir", "chmod"}


class CutScene:
    """A host with a certificate, or with none, on which the next is being installed."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.disk = ForgetfulDisk(folder / "disk", host.root)
        self.killer = Killer(folder / "killer", tools=str(self.disk.tools))
        self.former = None if host.shows_nothing() else host.shown()
        self.request, self.certificate = host.prepare()
        self.keep = host.root.with_name(f"{host.root.name}-kept")
        shutil.copytree(host.root, self.keep, symlinks=True)

    def install_until(self, limit: int, when: str) -> int:
        """Status of an installation that is cut at a command; 0 for none."""
        shutil.rmtree(self.host.root)
        shutil.copytree(self.keep, self.host.root, symlinks=True)
        self.disk.begin()
        self.killer.arm(limit, when)
        self.host.path = self.killer.path
        status = self.host.install(self.request, self.certificate).status
        self.host.path = None
        return status

    def check(self, where: str) -> None:
        lost = self.disk.cut_the_power()
        if self.host.shows_nothing():
            assert self.former is None, f"nothing is shown any more, {where}, lost {lost}"
        else:
            shown = self.host.shown()
            assert all((shown.certificate, shown.key, shown.chain)), f"an empty file is live, {where}, lost {lost}"
            assert shown.matches, f"a mismatched pair, {where}, lost {lost}"
        self.host.renew()
        assert self.host.shown().matches, where
        assert not self.host.leftovers(), where


def cut_everywhere(scene: CutScene, when: str, telling: set[str] | None) -> None:
    assert scene.install_until(0, when) == 0
    started = scene.killer.started
    assert "sync" in started
    limits = [number for number, name in enumerate(started, 1) if telling is None or name in telling]
    reached = 0
    for limit in limits:
        reached += was_killed(scene.install_until(limit, when))
        scene.check(f"cut {when} command {limit}, {started[limit - 1]}")
    # Some commands depend on the second in which they run.
    assert reached >= len(limits) - 3


@pytest.fixture(params=members(["the first", "the next"], ["the next"]))
def scene(make_host: Callable[..., Host], host_folder: Path, request: pytest.FixtureRequest) -> CutScene:
    host = make_host()
    if request.param == "the next":
        host.renew()
    return CutScene(host, host_folder)


def test_a_power_cut_at_a_change_of_names_leaves_a_whole_pair(scene: CutScene) -> None:
    cut_everywhere(scene, "after", TELLING)


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_power_cut_at_any_command_leaves_a_whole_pair(scene: CutScene, when: str) -> None:
    cut_everywhere(scene, when, None)


def test_names_are_on_the_disk_before_others_depend_on_them_and_before_success_is_reported(host: Host) -> None:
    """A certificate that the inventory knows as installed must not be gone again after a power cut."""
    request, certificate = host.prepare()
    log = host.root / "log"
    host.add_tool("mv", f"'{shutil.which('mv')}' \"$@\" || exit; echo mv \"$@\" >>'{log}'")
    host.add_tool("sync", f"echo sync \"$@\" >>'{log}'")
    serial = host.install(request, certificate).result["serial"]
    store, versions = str(host.store), f"{host.store}/versions"
    told = [line.replace(f"{store}/.aside", "aside") for line in log.read_text().splitlines()]
    staged, synced, *between = [line for line in told if host.host_id not in line or ".new" not in line]
    assert staged == f"mv -f {versions}/.staged/{serial} {versions}/"
    files = " ".join(f"{versions}/{serial}/{name}" for name in ("ca.crt", "tls.crt", "tls.key"))
    assert synced == f"sync {files} {versions}/{serial} {versions}"
    state, current = f"mv -f aside/state {store}/", f"mv -f aside/current {store}/"
    assert between == [state, current, state, f"sync {store}"]


def test_what_was_not_synced_is_lost_and_what_was_is_not(host: Host, host_folder: Path) -> None:
    """The disk itself: a check that loses nothing would show nothing."""
    disk = ForgetfulDisk(host_folder / "disk", host.root)
    old, synced, moved, lost = (host.root / name for name in ("old", "synced", "moved", "lost"))
    old.write_text("long ago")
    disk.begin()
    for path in (synced, lost, moved):
        path.write_text("new")
    tool = str(disk.tools / "sync")
    assert run(tool, synced, moved) == 0
    moved.rename(host.root / "elsewhere")
    synced.write_text("changed since")
    assert sorted(disk.cut_the_power()) == ["lost", "synced"]
    assert (old.read_text(), (host.root / "elsewhere").read_text()) == ("long ago", "new")
    lost.write_text("again")
    assert run(tool) == 0
    assert disk.cut_the_power() == []


def run(*command: object) -> int:
    return subprocess.run([str(part) for part in command], check=False).returncode
