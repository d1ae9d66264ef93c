"""Full, read-only, immutable, missing, somebody else's: a clear error, and the old pair stays live."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.documents.conftest import needs_mount, needs_root
from tests.documents.host import Host, new_request
from tests.members import members
from tests.tiers import is_here, need

PAGE = 4096


@contextmanager
def mounted(path: Path, *options: str) -> Iterator[None]:
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(("mode=711", *options)), "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def remount(path: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(path)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Take all but ``leave`` bytes of the file system."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    free = os.statvfs(folder)
    ballast.write_bytes(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))
    return ballast


def assert_unharmed(host: Host, before: object, outcome: object) -> None:
    assert host.shown() == before, outcome
    assert not host.leftovers(), outcome


@needs_mount
@pytest.mark.parametrize("limit", members(["space", "inodes"], ["space"]))
def test_a_full_disk_is_an_error_at_every_degree_of_fullness(host: Host, limit: str) -> None:
    options = ("size=160k",) if limit == "space" else ("size=1m", "nr_inodes=90")
    with mounted(host.store_root, *options):
        host.renew()
        before = host.shown()
        outcomes = []
        for left in range(0, 40, 2):
            ballast = host.store_root / "ballast"
            if limit == "space":
                fill(host.store_root, left * PAGE)
            else:
                shutil.rmtree(ballast, ignore_errors=True)
                ballast.mkdir()
                for number in range(os.statvfs(host.store_root).f_ffree - left):
                    (ballast / str(number)).touch()
            outcome = host.generate(request := new_request())
            if outcome.status == 0:
                outcome = host.install(request, host.authority.issue(outcome.csr), bundle="true")
            outcomes.append(outcome.error)
            assert outcome.error in (None, "NO_SPACE"), (left, outcome)
            if outcome.error:
                assert_unharmed(host, before, outcome)
            else:
                assert host.shown().matches
                before = host.shown()
            assert not list((host.store / "pending").glob(".*"))
        assert outcomes[0] == "NO_SPACE"
        assert outcomes[-1] is None, outcomes
        if limit == "space":
            ballast.unlink()
        host.renew()


@needs_mount
def test_a_read_only_store_is_an_error(host: Host) -> None:
    with mounted(host.store_root):
        host.renew()
        before = host.shown()
        request, certificate = host.prepare()
        remount(host.store_root, "ro")
        for outcome in (host.generate(new_request()), host.install(request, certificate)):
            assert outcome.error == "DIRECTORY_NOT_WRITABLE"
            assert "Read-only file system" in outcome.sentence
            assert host.shown() == before
        remount(host.store_root, "rw")
        assert host.install(request, certificate).status == 0


@needs_mount
def test_read_only_public_directories_are_an_error_at_first_and_none_later(host: Host) -> None:
    with mounted(host.certs.parent):
        (host.certs.parent / "certs").mkdir()
        (host.certs.parent / "private").mkdir()
        remount(host.certs.parent, "ro")
        outcome = host.generate(new_request())
        assert outcome.error == "DIRECTORY_NOT_WRITABLE"  # before a certificate was issued
        assert str(host.certs.parent) in outcome.sentence
        remount(host.certs.parent, "rw")
        host.renew()
        remount(host.certs.parent, "ro")
        host.renew()
        assert host.shown().matches
        remount(host.certs.parent, "rw")


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    need("chattr")
    subprocess.run(["chattr", "+i", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


def immutable_places() -> dict[str, Callable[[Host], Path]]:
    return {
        "store": lambda host: host.store,
        "versions": lambda host: host.store / "versions",
        "pending": lambda host: host.store / "pending",
    }


@pytest.mark.parametrize("place", sorted(immutable_places()))
def test_an_immutable_directory_is_an_error(tmp_path: Path, host: Host, place: str) -> None:
    host = Host(tmp_path / "host", authority=host.authority)  # on a disk: memory knows no immutable files
    host.renew()
    before = host.shown()
    request, certificate = host.prepare()
    with immutable(immutable_places()[place](host)):
        outcome = host.generate(new_request()) if place == "pending" else host.install(request, certificate)
        assert outcome.error == "DIRECTORY_NOT_WRITABLE", outcome
        assert host.shown() == before
    assert host.renew().status == 0
    assert not host.leftovers()


@pytest.mark.parametrize("name", members(["tls.crt", "tls.key", "ca.crt"], ["tls.key"]))
def test_an_immutable_file_at_a_public_path_is_an_error(tmp_path: Path, live_host: Host, name: str) -> None:
    host = live_host
    old = host.shown()
    host = Host(tmp_path / "host", authority=host.authority)
    for path, content in zip(host.public.values(), (old.certificate, old.key, old.chain), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    request, certificate = host.prepare()
    with immutable(host.public[name]):
        for _ in range(2):
            outcome = host.install(request, certificate)
            assert outcome.error == "SWITCH_FAILED", outcome
            assert "Operation not permitted" in outcome.sentence
            assert_unharmed(host, old, outcome)
    assert host.install(request, certificate).result["takeover"] == "true"
    assert host.shown().matches


def test_an_immutable_former_version_does_not_stop_a_renewal(tmp_path: Path, authority: object) -> None:
    host = Host(tmp_path / "host", authority=authority)  # type: ignore[arg-type]
    former = host.renew().result["serial"]
    host.renew()
    with immutable(host.store / "versions" / former / "tls.key"):
        host.renew()
        assert host.shown().matches
    host.renew()
    assert not (host.store / "versions" / former).exists()


def test_missing_directories_are_made(live_host: Host) -> None:
    host = live_host
    shutil.rmtree(host.certs)
    shutil.rmtree(host.private)
    host.renew()
    assert host.shown().matches


def test_a_lost_store_is_made_anew(live_host: Host) -> None:
    host = live_host
    shutil.rmtree(host.store_root)
    assert host.renew().result["previous"] == "none"
    assert host.shown().matches


def test_a_pending_key_that_was_lost_is_an_error(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    shutil.rmtree(host.store / "pending")
    outcome = host.install(request, certificate)
    assert outcome.error == "PENDING_REQUEST_MISSING"
    assert_unharmed(host, before, outcome)


def test_an_ordinary_user_can_have_a_store_of_their_own(make_host: Callable[..., Host], host_folder: Path) -> None:
    """As in a rehearsal; and, unlike root, an ordinary user can be kept from writing by modes alone."""
    host = make_host()
    if is_here("root"):
        host_folder.chmod(0o755)
        for path in (host.root, host.work):
            os.chown(path, 65534, 65534)
        host.keyword["user"] = 65534
    host.renew()
    before = host.renew().result
    request, certificate = host.prepare()
    host.store.chmod(0o511)
    outcome = host.install(request, certificate)
    host.store.chmod(0o711)
    assert outcome.error == "DIRECTORY_NOT_WRITABLE"
    assert "Permission denied" in outcome.sentence
    assert host.shown().serial == before["serial"]
    assert host.install(request, certificate).status == 0


def directories(host: Host) -> list[Path]:
    return [
        host.store_root,
        host.store,
        host.store / "versions",
        host.store / "pending",
        host.certs,
        host.private,
        host.certs.parent,
        host.store_root.parent,
    ]


def test_directories_that_others_can_write_to_are_refused(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    for directory in directories(host):
        mode = directory.stat().st_mode & 0o7777
        for wider in (0o020, 0o002) if is_here("root") else (0o002,):
            directory.chmod(mode | wider)
            for outcome in (host.generate(request), host.install(request, certificate)):
                assert outcome.error == "UNSAFE_DIRECTORY", (directory, outcome)
                assert str(directory) in outcome.sentence
                assert host.shown() == before
            directory.chmod(mode)
    assert host.install(request, certificate).status == 0


@needs_root
def test_directories_of_another_user_are_refused(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    for directory in directories(host):
        os.chown(directory, 65534, -1)
        for outcome in (host.generate(request), host.install(request, certificate)):
            assert outcome.error == "UNSAFE_DIRECTORY", (directory, outcome)
            assert f"{directory} belongs to user number 65534" in outcome.sentence
            assert host.shown() == before
        os.chown(directory, 0, -1)
    assert host.install(request, certificate).status == 0


def test_links_above_the_directories_are_followed_and_what_they_lead_to_is_examined(host: Host) -> None:
    data = host.root / "data" / "inner"
    data.mkdir(parents=True)
    (host.root / "var").symlink_to(data)
    host.renew()
    assert host.shown().matches
    data.parent.chmod(0o757)  # whoever can write there can put another directory in the place of `inner`
    outcome = host.generate(new_request())
    assert outcome.error == "UNSAFE_DIRECTORY"
    assert f"{data.parent} can be changed by others" in outcome.sentence


@needs_root
def test_links_of_another_user_above_the_directories_are_refused(host: Host) -> None:
    (host.root / "data").mkdir()
    (host.root / "var").symlink_to(host.root / "data")
    os.lchown(host.root / "var", 65534, 65534)
    assert host.generate(new_request()).error == "UNSAFE_DIRECTORY"
    assert not list((host.root / "data").iterdir())
