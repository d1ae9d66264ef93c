"""Hooks: what runs after the switch, and what happens when it fails."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.documents.conftest import needs_root
from tests.documents.host import Host
from tests.tiers import needs


def log_of(host: Host) -> list[str]:
    log = host.root / "log"
    return log.read_text().splitlines() if log.exists() else []


def log_line(host: Host, text: str) -> str:
    return f"echo {text} >>'{host.root}/log'"


def test_run_in_order_with_what_they_need_to_know(make_host: Callable[..., Host], platform: dict[str, Any]) -> None:
    host = make_host(**platform)
    previous = host.renew().result["serial"]
    host.add_hook("20-second", log_line(host, "second"))
    host.add_hook("10-first", f"env | grep ^PCA_ | sort >'{host.root}/environment'; {log_line(host, 'first')}; umask")
    outcome = host.renew()
    assert log_of(host) == ["first", "second"]
    environment = dict(line.split("=", 1) for line in (host.root / "environment").read_text().splitlines())
    assert environment == {
        "PCA_AUTOMATOR_ACTION": "install",
        "PCA_AUTOMATOR_HOST_ID": host.host_id,
        "PCA_AUTOMATOR_SERIAL": outcome.result["serial"],
        "PCA_AUTOMATOR_PREVIOUS_SERIAL": previous,
        "PCA_AUTOMATOR_CERTIFICATE": str(host.public["tls.crt"]),
        "PCA_AUTOMATOR_PRIVATE_KEY": str(host.public["tls.key"]),
        "PCA_AUTOMATOR_CA_CHAIN": str(host.public["ca.crt"]),
        "PCA_AUTOMATOR_LIVE_DIRECTORY": f"{host.store}/current",
    }
    assert outcome.stderr == "hook 10-first ended well: 0022\n"


def test_see_the_new_pair_and_get_no_parameter_of_the_command(host: Host) -> None:
    host.add_hook(
        "10-look", f"cat \"$PCA_AUTOMATOR_CERTIFICATE\" >'{host.root}/seen'; env >'{host.root}/environment'; pwd"
    )
    host.keyword["prefix"] = ("sh", "-c", 'cd "$0" && exec "$@"', str(host.root))
    assert host.renew().stderr == "hook 10-look ended well: /\n"
    assert (host.root / "seen").read_bytes() == host.shown().certificate
    assert "SSM_" not in (host.root / "environment").read_text()


def test_a_failing_hook_brings_the_old_pair_back(make_host: Callable[..., Host], platform: dict[str, Any]) -> None:
    host = make_host(**platform)
    old = host.renew().result["serial"]
    before = host.shown()
    host.add_hook("10-reload", log_line(host, '"$PCA_AUTOMATOR_ACTION $PCA_AUTOMATOR_SERIAL"'))
    host.add_hook("20-check", '[ "$PCA_AUTOMATOR_ACTION" = rollback ] || { echo cannot; echo start >&2; exit 3; }')
    host.add_hook("30-never", log_line(host, '"never $PCA_AUTOMATOR_ACTION"'))
    request, certificate = host.prepare()
    outcome = host.install(request, certificate)
    assert (outcome.status, outcome.error) == (1, "HOOK_FAILED")
    assert outcome.sentence == f"the hook 20-check ended with status 3 (cannot start); went back to {old}"
    assert host.shown() == before
    assert host.live == old
    assert log_of(host) == [
        f"install {certificate.serial_number:x}",
        f"rollback {old}",  # services have to take up the old pair again
        "never rollback",
    ]
    assert not host.leftovers()
    (host.hooks / "20-check").unlink()
    assert host.install(request, certificate).result["previous"] == old


@pytest.mark.parametrize("tool", ["timeout", "env"])
def test_a_hook_that_was_never_started_is_none_that_ended_well(host: Host, tool: str) -> None:
    """As with a tool that is replaced by one that does nothing."""
    first = host.renew().result["serial"]
    host.add_hook("10-hook", "exit 0")
    prepared = host.prepare()
    host.add_tool(tool, "exit 0")
    outcome = host.install(*prepared)
    assert outcome.error == "HOOK_FAILED"
    assert "10-hook ended with status 127 (it was not started)" in outcome.sentence
    assert host.shown().serial == first


def test_that_one_hook_was_started_does_not_say_so_of_the_next(host: Host) -> None:
    for name in ("10-hook", "20-hook"):
        host.add_hook(name, "exit 0")
    prepared, once = host.prepare(), host.root / "once"
    host.add_tool("env", f"[ ! -e '{once}' ] || exit 0; : >'{once}'; exec '{shutil.which('env')}' \"$@\"")
    outcome = host.install(*prepared)
    assert outcome.error == "HOOK_FAILED"
    assert "20-hook ended with status 127 (it was not started)" in outcome.sentence


def test_hooks_that_fail_after_going_back_are_reported_too(host: Host) -> None:
    old = host.renew().result["serial"]
    host.add_hook("10-broken", "exit 7")
    outcome = host.install(*host.prepare())
    failed = "10-broken ended with status 7 ()"
    assert outcome.sentence == f"the hook {failed}; went back to {old}; run again there, {failed}"
    assert host.live == old


def test_a_failing_hook_on_a_host_that_had_nothing_leaves_it_with_nothing(host: Host) -> None:
    host.add_hook("10-broken", log_line(host, "$PCA_AUTOMATOR_ACTION") + "; exit 1")
    outcome = host.install(*host.prepare())
    assert outcome.error == "HOOK_FAILED"
    assert "went back to having no certificate" in outcome.sentence
    assert not any(os.path.lexists(path) for path in host.public.values())
    assert log_of(host) == ["install"]
    assert not host.leftovers()


def test_a_hook_that_takes_too_long_is_ended(make_host: Callable[..., Host], platform: dict[str, Any]) -> None:
    host = make_host(**platform)
    old = host.renew().result["serial"]
    host.add_hook("10-slow", '[ "$PCA_AUTOMATOR_ACTION" = rollback ] || { echo waiting; exec sleep 60; }')
    outcome = host.install(*host.prepare(), hookTimeout="1")
    assert outcome.error == "HOOK_TIMED_OUT"
    assert outcome.sentence == (
        f"the hook 10-slow did not end within 1 s, all hooks together (waiting); went back to {old}"
    )
    assert host.live == old


@needs("/proc")
def test_a_daemon_that_a_hook_starts_holds_neither_command_nor_lock(host: Host) -> None:
    host.add_hook("10-daemon", f"sleep 600 & echo $! >'{host.root}/daemon'; echo started")
    host.renew()
    daemon = int((host.root / "daemon").read_text())
    directory = os.open(host.store, os.O_RDONLY)
    try:
        os.kill(daemon, 0)  # it lives
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = {os.readlink(path) for path in Path(f"/proc/{daemon}/fd").iterdir()}
        assert str(host.store) not in held
    finally:
        os.close(directory)
        os.kill(daemon, signal.SIGKILL)


def test_what_is_no_hook_is_not_run(host: Host) -> None:
    for name in ("10-a~", "10-a.bak", "10-a.rpmsave", "10-a.dpkg-old", ".hidden", "10 a", "10-a;b"):
        host.add_hook(name, "exit 1")
    host.add_hook("README", "exit 1").chmod(0o644)
    (host.hooks / "directory").mkdir()
    os.mkfifo(host.hooks / "fifo")
    result = host.renew().result
    assert result["notices"] == "HOOKS_SKIPPED"
    assert set(result["skippedHooks"].split(",")) == {
        "10-a_", "10-a.bak", "10-a.rpmsave", "10-a.dpkg-old", "10_a", "10-a_b", "README", "directory", "fifo",
    }  # fmt: skip
    seen = json.loads(host.run("InspectCertificate").stdout.splitlines()[0])
    assert (seen["hooks"]["count"], seen["skipped"]["count"]) == (0, 9)
    assert seen["problems"] == ["HOOKS_SKIPPED"]


def test_a_hook_that_outlives_a_command_that_was_killed_keeps_the_lock(host: Host) -> None:
    host.renew()
    gate = host.root / "gate"
    os.mkfifo(gate)
    host.add_hook("10-kill", f'read -r _ _ _ shell _ <"/proc/$PPID/stat"; kill -9 "$shell"; read -r _ <\'{gate}\'')
    request, certificate = host.prepare()
    assert host.install(request, certificate).status == -signal.SIGKILL
    with subprocess.Popen(["flock", "-n", str(host.store), "true"]) as other:
        assert other.wait() == 1
    gate.write_text("go\n")
    with subprocess.Popen(["flock", str(host.store), "true"]) as other:
        assert other.wait() == 0


def unsafe_places() -> dict[str, Callable[[Host], None]]:
    def writable_directory(host: Host) -> None:
        host.hooks.chmod(0o777)

    def sticky_directory(host: Host) -> None:
        host.hooks.chmod(0o1777)

    def writable_above(host: Host) -> None:
        host.hooks.parent.chmod(0o757)

    def writable_hook(host: Host) -> None:
        (host.hooks / "10-hook").chmod(0o757)

    def linked_hook(host: Host) -> None:
        (host.hooks / "20-link").symlink_to(host.hooks / "10-hook")

    def linked_directory(host: Host) -> None:
        host.hooks.rename(host.root / "elsewhere")
        host.hooks.symlink_to(host.root / "elsewhere")

    def not_a_directory(host: Host) -> None:
        (host.hooks / "10-hook").rename(host.root / "hook")
        host.hooks.rmdir()
        (host.root / "hook").rename(host.hooks)

    return {place.__name__: place for place in list(locals().values())}


@pytest.mark.parametrize("place", sorted(unsafe_places()))
def test_hooks_that_others_could_have_written_stop_the_installation_before_the_switch(
    live_host: Host, place: str
) -> None:
    host = live_host
    before = host.shown()
    host.add_hook("10-hook", log_line(host, "ran"))
    request, certificate = host.prepare()
    unsafe_places()[place](host)
    outcome = host.install(request, certificate)
    assert outcome.error == "UNSAFE_DIRECTORY"
    assert ("symbolic link" in outcome.sentence) == place.startswith("linked")
    assert log_of(host) == []
    assert host.shown() == before


@needs_root
@pytest.mark.parametrize("what", ["directory", "hook", "group-writable hook"])
def test_hooks_of_another_user_are_not_run(host: Host, what: str) -> None:
    hook = host.add_hook("10-hook", log_line(host, "ran"))
    if what == "group-writable hook":
        hook.chmod(0o775)
    else:
        os.chown(hook if what == "hook" else host.hooks, 65534, 65534)
    assert host.install(*host.prepare()).error == "UNSAFE_DIRECTORY"
    assert log_of(host) == []


def test_a_command_that_comes_again_after_success_does_not_run_them_again(host: Host) -> None:
    host.add_hook("10-log", log_line(host, "ran"))
    request, certificate = host.prepare()
    host.install(request, certificate)
    host.install(request, certificate)
    assert log_of(host) == ["ran"]


def test_a_command_that_was_killed_in_a_hook_runs_them_when_it_comes_again(host: Host) -> None:
    old = host.renew().result["serial"]
    # its parent is timeout, whose parent is the shell of the document
    hook = host.add_hook("10-kill", 'read -r _ _ _ shell _ <"/proc/$PPID/stat"; kill -9 "$shell"')
    request, certificate = host.prepare()
    assert host.install(request, certificate).status == -signal.SIGKILL
    assert "confirmed=no" in (host.store / "state").read_text()
    hook.write_text("#!/bin/sh\n" + log_line(host, '"$PCA_AUTOMATOR_SERIAL $PCA_AUTOMATOR_PREVIOUS_SERIAL"') + "\n")
    again = host.install(request, certificate)
    assert again.result["switched"] == "false"
    assert again.result["previous"] == old
    assert log_of(host) == [f"{certificate.serial_number:x} {old}"]
