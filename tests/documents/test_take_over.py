"""Existing files at the public paths: taken over without a gap, and not lost."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.documents.conftest import needs_root
from tests.documents.host import Host, Pair
from tests.members import members


@pytest.fixture
def old_pair(make_host: Callable[..., Host], host: Host) -> Pair:
    """A pair made elsewhere, for the same host."""
    elsewhere = make_host(authority=host.authority)
    elsewhere.renew()
    return elsewhere.shown()


def lay_down(host: Host, pair: Pair, names: tuple[str, ...] = ("tls.crt", "tls.key", "ca.crt")) -> None:
    for name, content in zip(("tls.crt", "tls.key", "ca.crt"), (pair.certificate, pair.key, pair.chain), strict=True):
        if name in names:
            host.public[name].parent.mkdir(parents=True, exist_ok=True)
            host.public[name].write_bytes(content)
            host.public[name].chmod(0o600 if name == "tls.key" else 0o644)


def taken(host: Host) -> list[Path]:
    return sorted((host.store / "versions").glob("taken-over-*"))


def test_regular_files_become_a_version_and_links_take_their_names(
    make_host: Callable[..., Host], old_pair: Pair, platform: dict[str, Any]
) -> None:
    host = make_host(**platform)
    lay_down(host, old_pair)
    outcome = host.renew()
    assert outcome.result["takeover"] == "true"
    assert outcome.result["previous"] == old_pair.serial
    assert host.shown().matches
    assert host.shown().serial == outcome.result["serial"]
    (version,) = taken(host)
    kept = Pair(*((version / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt")))
    assert kept == old_pair
    assert all(path.is_symlink() for path in host.public.values())
    assert host.renew().result["takeover"] == "false"
    assert not host.leftovers()


def test_whoever_reads_meanwhile_finds_the_old_pair_until_it_is_the_new_one(host: Host, old_pair: Pair) -> None:
    lay_down(host, old_pair)
    paths, looks = shlex.join(map(str, host.public.values())), host.root / "looks"
    # Names change by moving alone.
    host.add_tool("mv", f"'{shutil.which('mv')}' \"$@\" && cat {paths} 2>&1 | sha256sum >>'{looks}'")
    host.renew()
    shown = (b"".join((pair.certificate, pair.key, pair.chain)) for pair in (old_pair, host.shown()))
    old, new = (hashlib.sha256(content).hexdigest() for content in shown)
    seen = [line.split()[0] for line in looks.read_text().splitlines()]
    assert seen == sorted(seen, key=[old, new].index)
    assert seen.count(old) > len(host.public), "each link was made while the old pair was live"


def test_what_was_taken_over_first_is_never_forgotten(host: Host, old_pair: Pair) -> None:
    lay_down(host, old_pair)
    for _ in range(3):
        host.renew()
    assert len(taken(host)) == 1
    assert (taken(host)[0] / "tls.key").read_bytes() == old_pair.key
    assert stat.S_IMODE(taken(host)[0].stat().st_mode) == 0o711


def test_a_failing_hook_shows_the_old_files_again(host: Host, old_pair: Pair) -> None:
    lay_down(host, old_pair)
    host.add_hook("10-no", '[ "$PCA_AUTOMATOR_ACTION" = rollback ]')
    outcome = host.install(*host.prepare())
    assert outcome.error == "HOOK_FAILED"
    assert "went back to taken-over-" in outcome.sentence
    assert host.shown() == old_pair


@pytest.mark.parametrize(
    "names",
    members(
        [("tls.crt",), ("tls.key",), ("ca.crt",), ("tls.crt", "tls.key"), ("tls.crt", "ca.crt")],
        [("tls.key",), ("tls.crt", "tls.key")],
    ),
)
def test_some_files_are_taken_over_as_they_are(host: Host, old_pair: Pair, names: tuple[str, ...]) -> None:
    lay_down(host, old_pair, names)
    outcome = host.renew()
    assert outcome.result["takeover"] == "true"
    assert host.shown().matches
    assert {path.name for path in taken(host)[0].iterdir()} == set(names)
    assert outcome.result["previous"] == (old_pair.serial if "tls.crt" in names else "none")


def test_going_back_to_some_files_shows_some_files(host: Host, old_pair: Pair) -> None:
    lay_down(host, old_pair, ("tls.crt",))
    host.add_hook("10-no", "exit 1")
    assert host.install(*host.prepare()).error == "HOOK_FAILED"
    assert host.public["tls.crt"].read_bytes() == old_pair.certificate
    assert not os.path.lexists(host.public["tls.key"])
    assert not os.path.lexists(host.public["ca.crt"])


def test_owner_and_modes_of_the_old_files_are_kept_for_the_new_ones(host: Host, old_pair: Pair) -> None:
    lay_down(host, old_pair)
    host.public["tls.key"].chmod(0o640)
    host.public["tls.crt"].chmod(0o640)
    if os.geteuid() == 0:
        os.chown(host.public["tls.key"], 65534, 1)
    owner = host.public["tls.key"].stat()
    host.renew()
    facts = host.public["tls.key"].stat()
    assert stat.S_IMODE(facts.st_mode) == 0o640
    assert (facts.st_uid, facts.st_gid) == (owner.st_uid, owner.st_gid)
    assert stat.S_IMODE(host.public["tls.crt"].stat().st_mode) == 0o640


def test_a_key_that_everyone_could_read_is_closed_once_its_successor_is_live(host: Host, old_pair: Pair) -> None:
    lay_down(host, old_pair)
    host.public["tls.key"].chmod(0o644)
    assert "could not" not in host.renew().stderr, "nothing went wrong, and nothing says so"
    assert stat.S_IMODE(host.public["tls.key"].stat().st_mode) == 0o640
    assert stat.S_IMODE((taken(host)[0] / "tls.key").stat().st_mode) == 0o640


def test_links_of_another_tool_are_taken_over_by_content_and_their_targets_stay(host: Host, old_pair: Pair) -> None:
    archive = Host(host.root / "archive", authority=host.authority)
    lay_down(archive, old_pair)
    for name, path in host.public.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(archive.public[name])
    assert host.renew().result["takeover"] == "true"
    assert host.shown().matches
    assert archive.shown() == old_pair
    assert (taken(host)[0] / "tls.key").read_bytes() == old_pair.key


def test_links_to_nothing_are_replaced(host: Host) -> None:
    for path in host.public.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(host.root / "gone")
    assert host.renew().result["takeover"] == "false"
    assert host.shown().matches


def test_a_file_that_another_tool_put_over_our_link_is_taken_over_again(host: Host, old_pair: Pair) -> None:
    host.renew(bundle="true")
    path = host.public["tls.crt"]
    path.unlink()
    path.write_bytes(old_pair.certificate)
    assert host.renew(bundle="true").result["takeover"] == "true"
    assert host.shown().matches
    (version,) = taken(host)
    assert (version / "tls.crt").read_bytes() == old_pair.certificate
    assert (version / "bundle.pem").exists()  # those who read current/bundle.pem saw it all the time


@pytest.mark.parametrize("kind", ["directory", "fifo", "link to a directory"])
@pytest.mark.parametrize("name", members(["tls.crt", "tls.key", "ca.crt"], ["tls.key"]))
def test_what_is_no_file_stops_the_installation(host: Host, kind: str, name: str) -> None:
    request, certificate = host.prepare()
    path = host.public[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(host.root)
    before = sorted(os.listdir(host.root))
    outcome = host.install(request, certificate)
    assert outcome.error == "UNSAFE_DIRECTORY"
    assert str(path) in outcome.sentence
    assert sorted(os.listdir(host.root)) == before
    assert not any(p.exists() for p in host.public.values() if p != path)


@needs_root
def test_what_another_user_planted_where_links_are_made_is_not_descended_into(host: Host) -> None:
    """They could lead an `rm -rf` elsewhere while it is at work; busybox's follows them."""
    host.certs = host.private = host.root / "tmp"
    host.certs.mkdir()
    host.certs.chmod(0o1777)
    planted = host.certs / f".{host.host_id}.new"
    planted.mkdir()
    (planted / "file").touch()
    os.chown(planted, 65534, 65534)
    outcome = host.generate("0" * 32)
    assert outcome.error == "UNSAFE_DIRECTORY"
    assert f"{planted} belongs to user number 65534" in outcome.sentence
    assert (planted / "file").exists()
    (planted / "file").unlink()
    planted.rmdir()
    host.renew()
    assert not host.leftovers()


@needs_root
def test_a_file_that_another_user_plants_meanwhile_does_not_make_them_the_keys_owner(host: Host) -> None:
    """It comes after the public paths were examined, and before the new files get the owners of the old ones."""
    host.certs = host.private = host.root / "tmp"
    host.certs.mkdir()
    host.certs.chmod(0o1777)
    request, certificate = host.prepare()
    plant = "[ -e '{0}' ] || install -m 600 -o 65534 -g 65534 /dev/null '{0}'"
    plants = [plant.format(path) for path in host.public.values()]
    host.add_tool("fold", "\n".join([*plants, f"exec '{shutil.which('fold')}' \"$@\""]))
    assert host.install(request, certificate).result["takeover"] == "false"
    assert host.shown().matches
    for name, mode in (("tls.key", 0o400), ("tls.crt", 0o644), ("ca.crt", 0o644)):
        facts = host.public[name].stat()
        assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (0, mode)


@needs_root
def test_in_a_directory_for_everyone_only_our_own_files_are_taken_over(host: Host, old_pair: Pair) -> None:
    """The system that this one succeeds put everything into /tmp."""
    host.certs = host.private = host.root / "tmp"
    lay_down(host, old_pair)
    host.certs.chmod(0o1777)
    assert host.renew().result["takeover"] == "true"
    assert host.shown().matches
    request, certificate = host.prepare()
    host.public["tls.crt"].unlink()
    host.public["tls.crt"].write_bytes(old_pair.certificate)
    os.chown(host.public["tls.crt"], 65534, 65534)
    outcome = host.install(request, certificate)
    assert outcome.error == "UNSAFE_DIRECTORY"
