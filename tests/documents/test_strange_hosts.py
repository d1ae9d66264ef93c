"""Hosts of a kind that nobody reported: tools that say nothing, places that cannot be changed, stores behind doors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.documents.access import Readers, set_list
from tests.documents.conftest import needs_mount, needs_root
from tests.documents.host import Host, new_request
from tests.tiers import needs

WHO = Readers(users=[0, 33], groups=[1500])


def first_two(cases: Iterable[str]) -> list[Any]:
    """The others take their time with the long tests."""
    return [case if place < 2 else pytest.param(case, marks=pytest.mark.long) for place, case in enumerate(cases)]


@pytest.fixture
def taken(make_host: Callable[..., Host], live_host: Host) -> Host:
    """A host with files of another tool, which others can come to."""
    host = make_host()
    host.root.parent.chmod(0o711)
    for name, path in host.public.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(live_host.public[name], path)
        if os.geteuid() == 0:
            os.chown(path, 0, 1500)
        path.chmod(0o640 if name == "tls.key" else 0o644)
    return host


def is_as_it_was(host: Host) -> bool:
    return host.shown().matches and not any(path.is_symlink() for path in host.public.values())


@needs_root
@pytest.mark.parametrize(
    "said", first_two(["", "user::rw-\ngroup::r--", "# file: x", "getfacl: Operation not supported"])
)
def test_a_getfacl_that_does_not_say_who_reads_is_not_taken_for_an_empty_list(live_host: Host, said: str) -> None:
    host = live_host
    host.root.parent.chmod(0o711)
    os.chown(host.public["tls.key"], 0, 1500)
    set_list(host.public["tls.key"], ["owner:6", "user:33:4", "group-of-file:0", "mask:4", "other:0"])
    before = WHO.of(host.public.values())
    host.add_tool("getfacl", f"echo '{said}'")
    outcome = host.generate(new_request())
    assert outcome.error == "READERS_NOT_KEPT"
    assert str(host.public["tls.crt"]) in outcome.sentence
    assert WHO.of(host.public.values()) == before


def test_a_file_system_that_takes_a_mode_and_keeps_its_own_is_found_before_the_switch(live_host: Host) -> None:
    """As FAT and SMB do when they are mounted to be quiet about it."""
    host = live_host
    host.add_tool("chmod", "exit 0")
    before = host.shown()
    outcome = host.install(*host.prepare())
    assert outcome.error == "READERS_NOT_KEPT"
    assert "has the mode 400 instead of 644" in outcome.sentence
    assert host.shown() == before


@needs_root
@pytest.mark.parametrize("name", ["bundle.pem", "fullchain.pem"])
def test_whoever_reads_the_bundle_reads_the_next_one_and_gets_no_right_to_the_key(host: Host, name: str) -> None:
    host.root.parent.chmod(0o711)
    host.renew(bundle="true")
    bundle = host.store / "current" / name
    os.chown(bundle, 33, 1500)
    bundle.chmod(0o440)
    before = WHO.of([bundle, *host.public.values()])
    for _ in range(2):
        host.renew(bundle="true")
        assert WHO.of([bundle, *host.public.values()]) == before
    assert before[name] == ["u0", "u33", "g1500"]
    assert before[f"{host.host_id}.key"] == ["u0"]


DOORS = {
    "a store that is root's alone": lambda host: host.store_root.chmod(0o700),
    "a directory above it": lambda host: host.store_root.parent.chmod(0o750),
    "a store of this host's name": lambda host: (host.store.mkdir(), host.store.chmod(0o700)),
    "a list that new directories get": lambda host: (
        host.store_root.rmdir(),
        set_list(host.store_root.parent, ["owner:7", "group-of-file:5", "mask:5", "other:0"], default=True),
    ),
}


@needs_root
@pytest.mark.parametrize("door", first_two(DOORS))
def test_links_do_not_lead_whoever_reads_now_to_a_closed_door(taken: Host, door: str) -> None:
    host = taken
    host.store_root.mkdir(parents=True)
    DOORS[door](host)
    before = WHO.of(host.public.values())
    outcome = host.generate(new_request())
    assert outcome.error == "READERS_NOT_KEPT"
    assert is_as_it_was(host)
    assert WHO.of(host.public.values()) == before


@needs_root
def test_a_closed_door_is_none_for_files_that_only_root_reads(taken: Host) -> None:
    host = taken
    host.store_root.mkdir(parents=True)
    host.store_root.chmod(0o700)
    for path in host.public.values():
        path.chmod(0o600)
    assert host.renew().result["takeover"] == "true"


def test_a_closed_door_is_none_for_files_behind_another_one(taken: Host) -> None:
    host = taken
    host.store_root.mkdir(parents=True)
    host.store_root.chmod(0o700)
    for folder in (host.certs, host.private):
        folder.chmod(0o700)
    assert host.renew().result["takeover"] == "true"


@contextmanager
def immutable(path: Path, flag: str = "i") -> Iterator[None]:
    subprocess.run(["chattr", f"+{flag}", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{flag}", str(path)], check=True)


@needs_root
@needs("chattr")
@pytest.mark.parametrize(
    "case", first_two(["i tls.crt", "a tls.key", "i tls.key", "i ca.crt", "a tls.crt", "a ca.crt"])
)
def test_a_file_that_cannot_be_replaced_is_found_before_a_certificate_is_asked_for(taken: Host, case: str) -> None:
    host = taken
    flag, name = case.split()
    with immutable(host.public[name], flag):
        outcome = host.generate(new_request())
        assert outcome.error == "DIRECTORY_NOT_WRITABLE"
        assert str(host.public[name]) in outcome.sentence
        assert is_as_it_was(host)
        assert not host.leftovers()
    assert host.renew().result["takeover"] == "true"


@needs_root
@needs("chattr")
def test_a_directory_that_only_grows_is_said_by_name(taken: Host) -> None:
    host = taken
    for _ in range(2):  # what the first try could not take away is no reason for another end
        with immutable(host.certs, "a"):
            outcome = host.generate(new_request())
        assert outcome.error == "DIRECTORY_NOT_WRITABLE"
        assert str(host.certs) in outcome.sentence
        assert is_as_it_was(host)
    host.renew()
    assert not host.leftovers()


@needs_root
@needs_mount
def test_a_file_that_is_a_mount_is_found_before_a_certificate_is_asked_for(taken: Host) -> None:
    host = taken
    place, source = host.public["tls.crt"], host.root / "source"
    shutil.copyfile(place, source)
    bound = f"mount --bind '{source}' '{place}' && exec \"$@\""
    host.keyword["prefix"] = ("unshare", "-m", "--propagation", "private", "sh", "-c", bound, "sh")
    outcome = host.generate(new_request())
    assert outcome.error == "DIRECTORY_NOT_WRITABLE"
    assert "a mount of its own" in outcome.sentence
    assert is_as_it_was(host)


@pytest.mark.parametrize(
    "version",
    first_two(["exec yes 1.8.0", "echo 1.8.0 >&2", "exec yes >&2", "exec cat /dev/zero", "printf '1.8.0\\r\\n'"]),
)
def test_a_helper_whose_version_is_no_answer_is_told_and_takes_no_memory(live_host: Host, version: str) -> None:
    host = live_host
    before = host.shown()
    host.add_helper()
    host.helper.write_text(f"#!/bin/sh\n{version}\n")
    request, certificate = host.prepare()
    host.keyword["prefix"] = ("sh", "-c", 'ulimit -v 200000; exec "$@"', "sh")
    # Ten seconds of patience with it are what the documents have; a test has less.
    host.edit = lambda text: text.replace(" 10 version", " 1 version")
    outcome = host.install(request, certificate, validationPolicy="REQUIRED")
    assert outcome.error == "HELPER_BROKEN"
    assert host.shown() == before


@pytest.mark.parametrize("said", first_two(["", "1\n2", "now"]))
def test_a_clock_that_says_nothing_takes_no_request_of_another_run_away(host: Host, said: str) -> None:
    request = new_request()
    assert host.generate(request).status == 0
    host.add_tool("date", f"echo '{said}'")
    assert host.generate(new_request()).status == 1
    assert (host.store / "pending" / request / "tls.key").exists()


@contextmanager
def process(*command: str) -> Iterator[None]:
    """One that is ready, and lives as long as it is needed."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield
        started.kill()


WAIT = "print(flush=True); sys.stdin.read()"


@needs_root
@needs("/proc")
def test_a_service_whose_root_is_above_the_public_files_loses_none(taken: Host) -> None:
    """A chroot that needs no mount, because its files are put into it."""
    host = taken
    jail = f"import os, sys; os.chroot('{host.root}/etc'); os.chdir('/'); {WAIT}"
    with process(sys.executable, "-c", jail):
        outcome = host.generate(new_request())
        assert outcome.error == "MOUNTED_ELSEWHERE"
        assert f"{host.root}/etc" in outcome.sentence
        assert "MOUNTED_ELSEWHERE" in host.run("InspectCertificate").result["problems"]
    assert is_as_it_was(host)


@needs_root
@needs("/proc")
def test_a_service_with_another_root_that_shows_neither_is_no_obstacle(taken: Host, tmp_path: Path) -> None:
    empty = f"import os, sys; os.chroot('{tmp_path}'); os.chdir('/'); {WAIT}"
    with process(sys.executable, "-c", empty):
        assert taken.renew().result["takeover"] == "true"


@needs_root
@needs_mount
@needs("/proc")
def test_a_service_from_which_the_store_is_hidden_loses_no_file(taken: Host) -> None:
    """As systemd does with TemporaryFileSystem=: the whole host is shown, and something lies over a part of it."""
    host = taken
    host.store_root.mkdir(parents=True)
    hide = f"mount -t tmpfs tmpfs '{host.store_root.parent}' && exec \"$@\""
    command = ("unshare", "-m", "--propagation", "private", "sh", "-c", hide, "sh")
    with process(*command, sys.executable, "-c", f"import sys; {WAIT}"):
        outcome = host.generate(new_request())
        assert outcome.error == "MOUNTED_ELSEWHERE"
        assert str(host.certs) in outcome.sentence or str(host.private) in outcome.sentence
    assert is_as_it_was(host)
