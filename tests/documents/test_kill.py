"""The kill test: whatever is killed, and whenever, a matching pair is shown and the next command succeeds."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.documents.conftest import SHELLS
from tests.documents.host import Host
from tests.documents.killer import Killer, was_killed
from tests.tiers import PROPERTY, TIERS, is_here

# What a service does: it takes up what is live at that moment.
HOOK_OK = 'cat /dev/null; echo "$PCA_AUTOMATOR_SERIAL" >"${0%/*}/../../../served"'
HOOK_FAILS = '[ "$PCA_AUTOMATOR_ACTION" = rollback ]'

# After so many runs in turn that were over before they could be killed, there is no later command.
ENDED = 2


class Scene:
    """A host that can be put back to where it was, as often as it is killed."""

    def __init__(self, host: Host, killer: Killer) -> None:
        self.host, self.killer = host, killer
        self.keep = host.root.with_name(f"{host.root.name}-kept")
        self.recovered: set[str] = set()
        self.foreign = [path for path in host.public.values() if path.is_file() and not path.is_symlink()]
        self.request, self.certificate = self.host.prepare()
        self.former = None if self.host.shows_nothing() else self.host.shown()
        shutil.copytree(self.host.root, self.keep, symlinks=True)

    def put_back(self) -> None:
        shutil.rmtree(self.host.root)
        shutil.copytree(self.keep, self.host.root, symlinks=True)

    def install(self) -> int:
        self.host.path = self.killer.path
        return self.host.install(self.request, self.certificate).status

    def commands(self) -> int:
        """How many commands an undisturbed installation runs."""
        self.killer.arm(0)
        self.install()
        self.put_back()
        return len(self.killer.started)

    def state(self) -> str:
        """What is on disk, without what differs between any two runs."""
        digest = hashlib.sha256()
        for folder, directories, files in os.walk(self.host.root):
            directories.sort()
            for name in sorted(files + directories):
                path = Path(folder, name)
                if path.is_symlink():
                    content = os.readlink(path).encode()
                else:
                    content = path.read_bytes() if path.is_file() else b""
                line = f"{path.relative_to(self.host.root)} {path.lstat().st_mode:o} ".encode() + content
                digest.update(re.sub(rb"taken-over-[\w-]+|written=.*|SSM_.*", b"", line))
        return digest.hexdigest()

    def keys(self) -> list[Path]:
        """Everything that holds a private key, wherever it lies at the moment; taken-over files are not ours."""
        found = [Path(folder, name) for folder, _, names in os.walk(self.host.root) for name in names]
        return [
            path
            for path in found
            if path.is_file() and not path.is_symlink() and "taken-over" not in str(path)
            and path.stat().st_size < 10_000 and b"PRIVATE KEY-----" in path.read_bytes()
        ]  # fmt: skip

    def check(self, where: str) -> None:
        for key in self.keys():
            assert stat.S_IMODE(key.stat().st_mode) in (0o400, 0o600 if key in self.foreign else 0o400), (where, key)
        if self.host.shows_nothing():
            assert self.former is None, f"nothing is shown any more, killed {where}"
        else:
            shown = self.host.shown()
            assert shown.matches, f"a mismatched pair, killed {where}"
            if self.former is not None and shown != self.former:
                assert shown.serial == f"{self.certificate.serial_number:x}", where

    def recover(self, where: str, *, succeeds: bool, again: bool) -> None:
        """The next command: the same again, or a new renewal. The same state need not be recovered from twice."""
        state = self.state()
        if state in self.recovered:
            return
        self.recovered.add(state)
        self.host.path = None
        if not succeeds:
            (self.host.hooks / "10-hook").write_text(f"#!/bin/sh\n{HOOK_OK}\n")
        if again:
            outcome = self.host.install(self.request, self.certificate)
            assert outcome.status == 0, (where, outcome)
            assert self.host.shown().serial == f"{self.certificate.serial_number:x}", where
        else:
            # A new run begins when the lease of the killed one is over: only then is its request nobody's any more.
            for request in (self.host.store / "pending").iterdir():
                os.utime(request, (0, 0))
            self.host.renew()
        assert self.host.shown().matches, where
        if self.host.hooks.exists():
            # A kill between the switch and the hooks must not leave the service with the old pair for good.
            assert (self.host.root / "served").read_text().split() == [self.host.shown().serial], where
        assert not self.host.leftovers(), where
        assert not list((self.host.store / "pending").iterdir()), where


@pytest.fixture
def kill_everywhere(make_host: Callable[..., Host], host_folder: Path) -> Callable[..., None]:
    """Two hosts, each killed at one half of the commands: two processors are busy, and no longer than needed."""

    def kill(
        arrange: Callable[[Host], None],
        when: str = "before",
        *,
        succeeds: bool = True,
        shell: tuple[str, ...] = ("sh",),
        tools: str | None = None,
    ) -> None:
        scenes = []
        for number in range(2):
            host = make_host(shell=shell)
            arrange(host)
            scenes.append(Scene(host, Killer(host_folder / f"killer-{number}", tools=tools)))
        total = scenes[0].commands()
        assert total > 40, scenes[0].killer.started
        # Some commands depend on the second in which they run: the second half ends where nothing is left to be killed.
        halves = range(1, total // 2 + 1), count(total // 2 + 1)
        with ThreadPoolExecutor(2) as pool:
            first, last = pool.map(lambda scene, half: kill_one_by_one(scene, half, when, succeeds), scenes, halves)
        assert first == total // 2, f"only {first} of {total // 2} commands were reached"
        assert last > total // 3, f"only {last} of the later half of {total} commands were reached"

    return kill


def kill_one_by_one(scene: Scene, limits: Iterable[int], when: str, succeeds: bool) -> int:
    """Returns how many of the commands were indeed reached; ends where two in turn were not."""
    reached = missed = 0
    for limit in limits:
        scene.killer.arm(limit, when)
        killed = was_killed(scene.install())
        reached, missed = reached + killed, 0 if killed else missed + 1
        where = f"{when} command {limit}: {' '.join(scene.killer.started[-3:])}"
        scene.check(where)
        scene.recover(where, succeeds=succeeds, again=limit % 4 != 0)
        scene.put_back()
        if missed == ENDED:
            break
    return reached


def test_a_renewal_killed_at_any_command_shows_a_matching_pair(kill_everywhere: Callable[..., None]) -> None:
    def arrange(host: Host) -> None:
        host.renew()
        host.add_helper()
        host.add_hook("10-hook", HOOK_OK)

    kill_everywhere(arrange)


@pytest.mark.long
def test_a_first_installation_killed_after_any_command_shows_a_matching_pair_or_nothing(
    kill_everywhere: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    """Under busybox where its shell can be watched: its mv, ln and rm are not GNU's."""
    kind: dict[str, Any] = {}
    if not is_here("busybox's programs"):
        request.node.user_properties.append((PROPERTY, TIERS["busybox's programs"].reason))
    else:
        kind = {"shell": SHELLS["busybox"], "tools": request.getfixturevalue("busybox_path").split(":")[0]}
    kill_everywhere(lambda host: host.add_hook("10-hook", HOOK_OK), "after", **kind)


@pytest.mark.long
def test_a_takeover_killed_at_any_command_shows_a_matching_pair(
    kill_everywhere: Callable[..., None], make_host: Callable[..., Host]
) -> None:
    elsewhere = make_host()
    elsewhere.renew()

    def arrange(host: Host) -> None:
        for name, path in host.public.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(elsewhere.public[name], path)

    kill_everywhere(arrange)


@pytest.mark.long
def test_a_rollback_killed_after_any_command_shows_a_matching_pair(kill_everywhere: Callable[..., None]) -> None:
    """Up to the hook it is a renewal: so every command of a renewal is killed before and after it ran."""

    def arrange(host: Host) -> None:
        host.renew()
        host.add_helper()
        host.add_hook("10-hook", HOOK_FAILS)

    kill_everywhere(arrange, "after", succeeds=False)
