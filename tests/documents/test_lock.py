"""Two commands at once."""

from __future__ import annotations

import fcntl
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.documents.host import Host, new_request


def test_the_same_command_twice_at_once_is_done_once(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare()
    with ThreadPoolExecutor(2) as pool:
        outcomes = [f.result() for f in [pool.submit(host.install, request, certificate) for _ in range(2)]]
    assert [outcome.status for outcome in outcomes] == [0, 0], outcomes
    assert sorted(outcome.result["switched"] for outcome in outcomes) == ["false", "true"]
    assert host.shown().matches
    assert not host.leftovers()


def test_two_requests_at_once_are_both_pending_and_whole(live_host: Host) -> None:
    """Each may be the one that its run waits for; the lease, not the other request, ends it."""
    host = live_host
    requests = [new_request(), new_request()]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(host.generate, requests))
    assert [outcome.status for outcome in outcomes] == [0, 0]
    assert {path.name for path in (host.store / "pending").iterdir()} == set(requests)
    for request, outcome in zip(requests, outcomes, strict=True):
        assert host.install(request, host.authority.issue(outcome.csr)).status == 0


def test_a_command_that_waits_in_vain_says_so_and_touches_nothing_of_the_other(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare()
    aside = host.store / ".aside"
    aside.mkdir()
    host.add_tool("sleep", f"echo \"$1\" >>'{host.root}/slept'")
    before = host.shown()
    directory = os.open(host.store, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    outcome = host.install(request, certificate)
    os.close(directory)
    assert outcome.error == "LOCKED"
    assert "30 seconds" in outcome.sentence
    assert (host.root / "slept").read_text().split() == ["1"] * 30
    assert aside.is_dir()
    assert host.shown() == before
    host.path = None
    assert host.install(request, certificate).status == 0


@pytest.mark.parametrize("name", ["GenerateCsr", "InstallCertificate", "RemoveCertificate"])
def test_whatever_changes_a_store_waits_for_its_turn(live_host: Host, name: str) -> None:
    """RemoveCertificate between the switch and its verification would leave links to nothing."""
    host = live_host
    request, certificate = host.prepare()
    before, tree = host.shown(), sorted(host.store.rglob("*"))
    host.add_tool("sleep", "exit 0")
    commands = {
        "GenerateCsr": lambda: host.generate(new_request()),
        "InstallCertificate": lambda: host.install(request, certificate),
        "RemoveCertificate": lambda: host.run("RemoveCertificate"),
    }
    directory = os.open(host.store, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    outcome = commands[name]()
    os.close(directory)
    assert outcome.error == "LOCKED"
    assert host.shown() == before
    assert sorted(host.store.rglob("*")) == tree
    assert commands[name]().status == 0


def test_the_lock_of_a_killed_command_is_free_at_once(live_host: Host) -> None:
    host = live_host
    with subprocess.Popen(["sh", "-c", 'exec 9<"$1"; flock -n 9 && echo held; sleep 60', "sh", host.store],
                          stdout=subprocess.PIPE, start_new_session=True) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.killpg(holder.pid, 9)
    assert host.renew().status == 0
