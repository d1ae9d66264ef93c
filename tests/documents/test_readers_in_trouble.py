"""Kills, full disks, planted links and a thousand switches on hosts with access control lists and containers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.access import Readers, has_list, set_list
from tests.documents.census import ten_renewals_and_a_rollback
from tests.documents.container import Container
from tests.documents.host import Host, new_request
from tests.documents.killer import Killer, was_killed
from tests.documents.test_hostile_filesystem import PAGE, fill, mounted
from tests.documents.test_planted_links import WRITTEN, run_both
from tests.tiers import need, needs

pytestmark = [needs("root"), needs("mount"), needs("/proc")]

WHO = Readers(users=[0, 33, 1001], groups=[1500, 1501])
KEY = ["owner:6", "user:33:4", "group-of-file:0", "group:1501:4", "mask:4", "other:0"]
CERTIFICATE = ["owner:6", "user:33:4", "group-of-file:4", "mask:4", "other:0"]


@pytest.fixture
def tools(host_folder: Path) -> Path:
    """A directory with getfacl and setfacl, under the names that documents call them by."""
    folder = host_folder / "acl"
    folder.mkdir()
    for name in ("getfacl", "setfacl"):
        need(f"acl-{name}")
        tool = folder / name
        tool.write_text(f"#!/bin/sh\nexec '{shutil.which(f'acl-{name}')}' \"$@\"\n")
        tool.chmod(0o755)
    return folder


@pytest.fixture
def listed(host: Host, tools: Path) -> Host:
    """A host whose key and certificate have readers that only a list names."""
    host.root.parent.chmod(0o711)
    host.path = f"{tools}:{os.environ['PATH']}"
    host.renew()
    give_lists(host)
    return host


def give_lists(host: Host) -> None:
    os.chown(host.public["tls.key"], 0, 1500)
    set_list(host.public["tls.key"], KEY)
    os.chown(host.public["tls.crt"], 0, 1500)
    set_list(host.public["tls.crt"], CERTIFICATE)


class Scene:
    """A host with readers, which is killed again and again."""

    def __init__(self, host: Host, killer: Killer, container: Container) -> None:
        self.host, self.killer, self.container = host, killer, container
        self.path = host.path
        self.before = WHO.of(host.public.values())
        assert self.before[f"{host.host_id}.key"] == ["u0", "u33", "g1501"]

    def check(self, where: str) -> None:
        """Everybody reads on, nobody else does, and it is a pair."""
        assert WHO.of(self.host.public.values()) == self.before, where
        assert all(self.container.reads(path) for path in self.host.public.values()), where
        assert self.host.shown().matches, where
        for key in self.host.store.rglob("tls.key"):
            if not key.is_symlink():
                assert set(WHO.of([key])["tls.key"]) <= {"u0", "u33", "g1501"}, (where, key)

    def kill(self, limit: int, when: str) -> bool:
        """One renewal that is killed, and then sent again; whether the command was reached."""
        self.host.path = self.path
        request, certificate = self.host.prepare()
        self.killer.arm(limit, when)
        self.host.path = self.killer.path
        killed = was_killed(self.host.install(request, certificate).status)
        where = f"{when} command {limit}: {' '.join(self.killer.started[-3:])}"
        self.check(where)
        self.host.path = self.path
        if killed:
            assert self.host.install(request, certificate).status == 0, where
            self.check(f"sent again after {where}")
        return killed

    def commands(self) -> list[str]:
        """The commands of an undisturbed renewal."""
        self.host.path = self.path
        request, certificate = self.host.prepare()
        self.killer.arm(0)
        self.host.path = self.killer.path
        assert self.host.install(request, certificate).status == 0
        self.check("undisturbed")
        return self.killer.started


@pytest.fixture
def scene(listed: Host, tools: Path, host_folder: Path, contain: Callable[..., Container]) -> Scene:
    listed.renew()  # from now on, each does the same
    container = contain(listed.certs, listed.private, listed.store_root)
    return Scene(listed, Killer(host_folder / "killer", tools=str(tools)), container)


def test_a_renewal_killed_as_rights_are_given_or_at_the_switch_keeps_every_reader(scene: Scene) -> None:
    commands = scene.commands()
    assert commands.count("setfacl") >= 2
    at = [commands.index("setfacl") + 1, commands.index("ln") + 1]
    assert commands[at[1]] == "mv", "the switch is the rename after the link"
    assert [scene.kill(limit, "after") for limit in (*at, at[1] + 1)] == [True, True, True]


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("half", [0, 1])
def test_a_renewal_killed_at_any_command_keeps_every_reader(scene: Scene, when: str, half: int) -> None:
    total = len(scene.commands())
    limits = range(1 + half, total + 1, 2)
    reached = sum(scene.kill(limit, when) for limit in limits)
    assert reached >= len(limits) - 3


@pytest.mark.parametrize("left", [0, 6, pytest.param(None, marks=pytest.mark.long)])
def test_a_full_disk_takes_no_reader_away(host: Host, tools: Path, left: int | None) -> None:
    host.root.parent.chmod(0o711)
    host.path = f"{tools}:{os.environ['PATH']}"
    with mounted(host.store_root, "size=200k"):
        host.renew()
        give_lists(host)
        before, shown = WHO.of(host.public.values()), host.shown()
        outcomes = []
        for pages in range(0, 46, 2) if left is None else (left,):
            fill(host.store_root, pages * PAGE)
            outcome = host.generate(request := new_request())
            if outcome.status == 0:
                outcome = host.install(request, host.authority.issue(outcome.csr), bundle="true")
            outcomes.append(outcome.error)
            assert outcome.error in (None, "NO_SPACE"), (pages, outcome)
            assert WHO.of(host.public.values()) == before, pages
            assert host.shown() == shown if outcome.error else host.shown().matches
            shown = host.shown()
        assert outcomes[0] == "NO_SPACE"
        (host.store_root / "ballast").unlink()
        host.renew()
        assert WHO.of(host.public.values()) == before
        assert has_list(host.public["tls.key"])


@pytest.mark.parametrize(
    "pattern",
    [
        pattern if pattern == "STORE/versions/.staged/{serial}" else pytest.param(pattern, marks=pytest.mark.long)
        for pattern in sorted(WRITTEN)
    ],
)
def test_a_planted_link_gives_nobody_a_right(listed: Host, pattern: str) -> None:
    host = listed
    request, before = new_request(), WHO.of(host.public.values())
    names = {"request": request, "host": host.host_id, "serial": "", "file": "tls.key", "temporary": "current"}
    trap, outcomes = run_both(host, request, names, pattern)
    for outcome in outcomes:
        assert outcome.error in (None, "UNSAFE_DIRECTORY", "READERS_NOT_KEPT"), outcome
    if pattern.startswith("STORE/"):
        assert trap.facts() == trap.before
        assert not any(has_list(path) for path in trap.folder.rglob("*") if path.name == "file")
    for name, readers in WHO.of(path for path in host.public.values() if path.exists()).items():
        assert set(readers) <= set(before[name]), name


@pytest.mark.long
def test_the_same_readers_of_lists_after_a_takeover_ten_renewals_and_a_rollback(
    make_host: Callable[..., Host], live_host: Host, tools: Path, contain: Callable[..., Container]
) -> None:
    """Two users, two groups and a container; the former files are another tool's."""
    host = make_host()
    host.root.parent.chmod(0o711)
    host.path = f"{tools}:{os.environ['PATH']}"
    for name, path in host.public.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(live_host.public[name], path)
    give_lists(host)
    host.store_root.mkdir(parents=True)
    container = contain(host.certs, host.private, host.store_root)
    before = WHO.of(host.public.values())
    assert before[f"{host.host_id}.key"] == ["u0", "u33", "g1501"]

    def look(after: str) -> None:
        assert WHO.of(host.public.values()) == before, after
        assert all(container.reads(path) for path in host.public.values()), after

    ten_renewals_and_a_rollback(host, look, first=True)
