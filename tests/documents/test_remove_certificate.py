"""RemoveCertificate: a host that leaves keeps no key of ours."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.documents.host import Host
from tests.documents.test_take_over import lay_down


def keys_below(host: Host) -> list[str]:
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(host.root)
        for name in names
        if name.endswith(("tls.key", ".key"))
    ]


def test_removes_links_versions_keys_and_pending_requests(
    make_host: Callable[..., Host], platform: dict[str, Any]
) -> None:
    host = make_host(**platform)
    host.renew()
    serial = host.renew().result["serial"]
    host.prepare()
    outcome = host.run("RemoveCertificate")
    assert outcome.result | {"clock": ""} == {
        "hostID": host.host_id, "removed": "true", "serial": serial, "takenOverKept": "0", "clock": "",
    }  # fmt: skip
    assert not any(os.path.lexists(path) for path in host.public.values())
    assert keys_below(host) == []
    assert {path.name for path in host.store.iterdir()} == {"versions"}
    again = host.run("RemoveCertificate")
    assert (again.result["removed"], again.result["serial"]) == ("false", "none")
    host.renew()
    assert host.shown().matches


def test_whoever_reads_meanwhile_finds_the_whole_pair_or_nothing(live_host: Host) -> None:
    host = live_host
    paths, looks = shlex.join(map(str, host.public.values())), host.root / "looks"
    # Names go by removing alone.
    count = f"n=0; for f in {paths}; do [ ! -e \"$f\" ] || n=$((n + 1)); done; echo $n >>'{looks}'"
    host.add_tool("rm", f"'{shutil.which('rm')}' \"$@\" || exit; {count}")
    assert host.run("RemoveCertificate").result["removed"] == "true"
    assert set(looks.read_text().split()) == {"0"}


@pytest.mark.parametrize("takes_names", [True, False])
def test_what_is_reported_as_removed_is_not_there_again_after_a_power_cut(live_host: Host, takes_names: bool) -> None:
    """Older sync commands take no names and write everything."""
    host = live_host
    host.prepare()
    log = host.root / "log"
    host.add_tool("rm", f"'{shutil.which('rm')}' \"$@\" || exit; echo rm \"$@\" >>'{log}'")
    refuses = "" if takes_names else "[ $# -eq 0 ] || exit 1; "
    host.add_tool("sync", f"{refuses}echo sync \"$@\" >>'{log}'")
    assert host.run("RemoveCertificate").result["removed"] == "true"
    names = f" {host.store}/versions {host.store}" if takes_names else ""
    told = [line for line in log.read_text().splitlines() if "/.aside" not in line]
    assert told[-1] == f"sync{names}"
    assert sum(line.startswith("rm ") and str(host.store) in line for line in told) >= 3


def test_removes_only_the_certificate_that_was_meant(host: Host) -> None:
    old = host.renew().result["serial"]
    new = host.renew().result["serial"]
    outcome = host.run("RemoveCertificate", serial=old)
    assert (outcome.result["removed"], outcome.result["serial"]) == ("false", new)
    assert host.shown().matches
    assert host.run("RemoveCertificate", serial=new.upper()).result["removed"] == "true"
    assert host.shows_nothing()


def test_leaves_files_that_are_not_ours(host: Host, make_host: Callable[..., Host]) -> None:
    elsewhere = make_host()
    elsewhere.renew()
    lay_down(host, elsewhere.shown())
    assert host.run("RemoveCertificate").result["removed"] == "false"
    assert host.shown() == elsewhere.shown()


def test_keeps_what_was_taken_over(host: Host, make_host: Callable[..., Host]) -> None:
    elsewhere = make_host()
    elsewhere.renew()
    lay_down(host, elsewhere.shown())
    host.renew()
    assert host.run("RemoveCertificate").result["takenOverKept"] == "1"
    (kept,) = (host.store / "versions").iterdir()
    assert (kept / "tls.key").read_bytes() == elsewhere.shown().key
    assert keys_below(host)
    assert host.shows_nothing()


def test_a_host_that_has_nothing_has_nothing_removed(host: Host) -> None:
    assert host.run("RemoveCertificate").result["removed"] == "false"
    assert not host.store_root.exists()


def test_a_store_that_others_could_have_made_is_not_touched(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    host.store.chmod(0o777)
    assert host.run("RemoveCertificate").error == "UNSAFE_DIRECTORY"
    host.store.chmod(0o711)
    moved = host.store.rename(host.root / "moved")
    host.store.symlink_to(moved)
    assert host.run("RemoveCertificate").error == "UNSAFE_DIRECTORY"
    assert host.shown() == before


def test_versions_behind_a_link_are_not_removed(live_host: Host) -> None:
    host = live_host
    elsewhere = host.root / "elsewhere"
    (host.store / "versions").rename(elsewhere)
    (host.store / "versions").symlink_to(elsewhere)
    before = host.shown()
    assert host.run("RemoveCertificate").error == "UNSAFE_DIRECTORY"
    assert host.shown() == before


def test_the_keys_of_another_host_are_found_and_removed_when_that_is_asked_for(live_host: Host) -> None:
    """This machine is a copy of an enrolled one."""
    host = live_host
    other = "i-0fedcba9876543210"
    shutil.copytree(host.store, host.store_root / other, symlinks=True)
    before = host.shown()
    inspected = host.run("InspectCertificate")
    assert inspected.result["problems"] == "OTHER_HOSTS_KEY"
    assert other in inspected.stdout
    renewed = host.renew().result
    assert (renewed["notices"], renewed["otherHosts"]) == ("OTHER_HOSTS_KEY", other)
    before = host.shown()
    host.run("RemoveCertificate", hostID=other)
    assert not list((host.store_root / other).rglob("tls.key"))
    assert host.shown() == before
    assert host.run("InspectCertificate").result["problems"] == "none"
    assert host.renew().result["otherHosts"] == "none"


CLONES = {
    # what lies in the store beside this host's, and which other hosts are told of
    "a live key of an instance": (["i-0fedcba9876543210/versions/1a/tls.key"], ["i-0fedcba9876543210"]),
    "a live key of a hybrid node": (["mi-0fedcba9876543210/versions/1a/tls.key"], ["mi-0fedcba9876543210"]),
    "a key that waits": (["i-01234567/pending/00ff/tls.key"], ["i-01234567"]),
    "two generations": (
        ["i-01234567/versions/1/tls.key", "mi-0fedcba9876543210/versions/2/tls.key"],
        ["i-01234567", "mi-0fedcba9876543210"],
    ),
    "a store without a key": (["i-01234567/versions/1a/tls.crt", "i-01234567/state"], []),
    "somebody else's directory": (["backup/versions/1a/tls.key", "i-01234567.old"], []),
}


@pytest.mark.parametrize("case", CLONES)
def test_a_copy_of_an_enrolled_machine_is_known_by_the_keys_of_others(live_host: Host, case: str) -> None:
    host = live_host
    files, others = CLONES[case]
    for name in files:
        (host.store_root / name).parent.mkdir(parents=True, exist_ok=True)
        (host.store_root / name).touch()
    inspected = host.run("InspectCertificate")
    assert inspected.result["problems"] == ("OTHER_HOSTS_KEY" if others else "none")
    assert (
        json.loads(inspected.stdout.splitlines()[0])["unsafe"].removeprefix("the store holds keys of").split() == others
    )


def test_takes_what_a_killed_command_left_along(host: Host) -> None:
    host.renew()
    left = [host.certs / f".{host.host_id}.new", host.private / f".{host.host_id}.new", host.store / ".aside"]
    for directory in left:
        directory.mkdir()
    assert host.run("RemoveCertificate").result["removed"] == "true"
    assert [directory for directory in left if directory.exists()] == []
