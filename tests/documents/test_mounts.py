"""Public directories that something else has mounted: a container, a chroot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.access import Readers
from tests.documents.census import ten_renewals_and_a_rollback
from tests.documents.container import Container
from tests.documents.host import Host, new_request
from tests.tiers import needs

pytestmark = [needs("root"), needs("mount"), needs("/proc")]


def foreign(host: Host, pair: Host) -> None:
    for name, path in host.public.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pair.public[name], path)
        path.chmod(0o600 if name == "tls.key" else 0o644)


@pytest.mark.parametrize("what", ["certs", "above", "elsewhere", "private"])
def test_a_takeover_that_would_lead_out_of_a_container_is_refused_with_what_to_do(
    make_host: Callable[..., Host], live_host: Host, contain: Callable[..., Container], what: str
) -> None:
    host = make_host()
    foreign(host, live_host)
    place = {
        "certs": host.certs, "above": host.certs.parent, "elsewhere": f"{host.certs}:/tls", "private": host.private,
    }[what]  # fmt: skip
    seen = Path("/tls", f"{host.host_id}.crt") if what == "elsewhere" else host.public["tls.crt"]
    seen = host.public["tls.key"] if what == "private" else seen
    container = contain(place)
    assert container.reads(seen)
    outcome = host.generate(new_request())
    assert outcome.error == "MOUNTED_ELSEWHERE"
    assert "mount the store there too" in outcome.sentence
    assert str(container.process.pid) in outcome.sentence
    assert container.reads(seen)
    assert host.run("InspectCertificate").result["problems"].count("MOUNTED_ELSEWHERE") == 1


def test_a_container_that_shows_the_store_too_reads_on(
    make_host: Callable[..., Host], live_host: Host, contain: Callable[..., Container]
) -> None:
    host = make_host()
    foreign(host, live_host)
    host.store_root.mkdir(parents=True)
    container = contain(host.certs, host.private, host.store_root)
    for _ in range(2):
        host.renew()
        assert all(container.reads(path) for path in host.public.values())
    assert host.run("InspectCertificate").result["problems"] == "none"


def test_a_directory_that_is_bound_into_a_chroot_counts_as_well(
    make_host: Callable[..., Host], live_host: Host, tmp_path: Path
) -> None:
    """No process is in the chroot at the moment; the mount is there."""
    host = make_host()
    foreign(host, live_host)
    jail = tmp_path / "jail"
    target = jail / str(host.certs).lstrip("/")
    target.mkdir(parents=True)
    script = f"mount --bind '{host.certs}' '{target}' && exec \"$@\""
    host.keyword["prefix"] = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh")
    outcome = host.generate(new_request())
    assert outcome.error == "MOUNTED_ELSEWHERE"
    assert str(target) in outcome.sentence
    store = jail / str(host.store_root).lstrip("/")
    store.mkdir(parents=True)
    host.store_root.mkdir(parents=True, exist_ok=True)
    both = f"mount --bind '{host.store_root}' '{store}' && {script}"
    host.keyword["prefix"] = ("unshare", "-m", "--propagation", "private", "sh", "-c", both, "sh")
    assert host.generate(new_request()).status == 0


@pytest.mark.parametrize("what", ["file", "version"])
def test_a_mount_that_shows_one_version_for_ever_is_reported(
    live_host: Host, contain: Callable[..., Container], what: str
) -> None:
    host = live_host
    version = host.store / "versions" / host.live
    contain(f"{version / 'tls.crt' if what == 'file' else version}:/tls/it")
    host.renew()
    inspected = host.run("InspectCertificate")
    assert inspected.result["problems"] == "FILE_MOUNT_PINNED"
    assert "/tls/it" in inspected.stdout


@pytest.mark.parametrize("name", ["a jail", "j\\ail", "a\tjail"])
def test_a_place_of_any_name_that_shows_the_store_too_is_no_obstacle(
    make_host: Callable[..., Host], live_host: Host, tmp_path: Path, name: str
) -> None:
    """The kernel writes such names with numbers in the place of blanks and backslashes."""
    host = make_host()
    foreign(host, live_host)
    host.store_root.mkdir(parents=True)
    mounts = []
    for place in (host.certs, host.store_root):
        target = tmp_path / name / str(place).lstrip("/")
        target.mkdir(parents=True)
        mounts += ["mount", "--bind", str(place), str(target), "&&"]
    script = " ".join(word if word == "&&" else f"'{word}'" for word in mounts) + ' exec "$@"'
    host.keyword["prefix"] = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh")
    assert host.generate(new_request()).status == 0


def test_a_namespace_of_a_service_that_shows_the_whole_host_is_no_obstacle(
    make_host: Callable[..., Host], live_host: Host
) -> None:
    """As systemd makes them for PrivateTmp."""
    host = make_host()
    foreign(host, live_host)
    command = ["unshare", "-m", "--propagation", "private", sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        service.stdout.readline()
        assert host.renew().result["takeover"] == "true"
        service.kill()


def test_the_same_readers_after_ten_renewals_a_rollback_and_a_takeover(
    make_host: Callable[..., Host], live_host: Host, contain: Callable[..., Container]
) -> None:
    """Users, a group, and a container that shows the former directories and the store."""
    host = make_host()
    host.root.parent.chmod(0o711)
    foreign(host, live_host)
    os.chown(host.public["tls.key"], 33, 1500)
    host.public["tls.key"].chmod(0o440)
    os.chown(host.public["tls.crt"], 34, 1501)
    host.public["tls.crt"].chmod(0o440)
    host.store_root.mkdir(parents=True)
    container = contain(host.certs, host.private, host.store_root)
    who = Readers(users=[0, 33, 34, 1001], groups=[1500, 1501])
    before = who.of(host.public.values())
    assert before[f"{host.host_id}.key"] == ["u0", "u33", "g1500"]

    def look(after: str) -> None:
        assert who.of(host.public.values()) == before, after
        assert all(container.reads(path) for path in host.public.values()), after

    ten_renewals_and_a_rollback(host, look, first=True)
