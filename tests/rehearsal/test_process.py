"""The local AWS as a process: loopback only, and nothing left behind, however its end comes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import eventually
from tests.tiers import needs

PROC = Path("/proc")
ROOT = Path(__file__).resolve().parents[2]
pytestmark = needs("/proc")


def processes() -> Iterator[tuple[int, int, int]]:
    """Every living process: its id, its parent and its process group."""
    for directory in PROC.iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent, group_id = (directory / "stat").read_text().rpartition(")")[2].split()[:3]
                if state != "Z":
                    yield int(directory.name), int(parent), int(group_id)


def group(pid: int) -> list[int]:
    """The living processes of a process group."""
    return [one for one, _, group_id in processes() if group_id == pid]


def descendants(pid: int) -> list[int]:
    """The living processes that a process has started, and what they have started."""
    children = [one for one, parent, _ in processes() if parent == pid]
    return [*children, *(deeper for child in children for deeper in descendants(child))]


def listening(pids: list[int]) -> list[tuple[str, int]]:
    """The addresses at which processes accept TCP connections over IPv4; over IPv6 there must be none."""
    sockets = set()
    for pid in pids:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                sockets.add(os.readlink(descriptor))
    found = []
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                plain = socket.inet_ntoa(struct.pack("=I", int(address, 16))) if table == "tcp" else address
                found.append((plain, int(port, 16)))
    return found


def test_it_listens_on_loopback_only_and_at_one_port(aws: LocalAws) -> None:
    port = int(aws.endpoint.rpartition(":")[2])
    assert listening(group(aws.pid)) == [("127.0.0.1", port)]


def test_it_ends_with_everything_it_started(tmp_path: Path) -> None:
    local = LocalAws(tmp_path, Settings(fleet=tmp_path / "fleet"))
    with local:
        pid = local.pid
        assert group(pid)
    assert group(pid) == []


PARENT = """
import sys, time
from pathlib import Path
from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage.process import LocalAws
directory = Path(sys.argv[1])
local = LocalAws(directory, Settings(fleet=directory / "fleet"))
local.start()
print(local.pid, flush=True)
time.sleep(600)
"""


def test_it_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert group(pid)
        parent.kill()
        parent.wait()
        assert eventually(lambda: not group(pid))


def rehearse_with(folder: Path, cdk_script: str, *prefix: str) -> subprocess.Popen[str]:
    """A rehearsal whose CDK CLI is this script; a prefix is a command that starts the rehearsal in its own place."""
    cdk = folder / "cdk"
    cdk.write_text(cdk_script)
    cdk.chmod(0o755)
    (folder / "cdk.json").write_text('{"app": "true"}')
    command = [*prefix, sys.executable, "-m", "pca_automator.cli.main", "rehearse", "--app", str(folder)]
    return subprocess.Popen(
        [*command, "--build", str(folder / "build")],
        cwd=ROOT,
        env={**os.environ, "CDK_CLI": str(cdk)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # These tests may run under nohup.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )


def test_a_deployment_that_fails_leaves_no_process_and_says_where_the_log_is(tmp_path: Path) -> None:
    rehearsal = rehearse_with(tmp_path, "#!/bin/sh\necho 'stack is not well' >&2\nexit 3\n")
    try:
        output, _ = rehearsal.communicate(timeout=300)
    finally:
        rehearsal.kill()
    assert rehearsal.returncode == 1
    assert "cdk bootstrap ended with status 3:\nstack is not well" in output
    assert f"see the logs in {tmp_path / 'build'}/runs" in output.replace("\n", "")
    assert list(tmp_path.glob("build/runs/*/local-aws.log"))
    alive = [process for process, _, _ in processes() if str(tmp_path).encode() in command_line(process)]
    assert alive == []


def command_line(process: int) -> bytes:
    """What a process was started with; nothing if it has ended meanwhile."""
    try:
        return (PROC / str(process) / "cmdline").read_bytes()
    except OSError:
        return b""


FAKE_CDK = "#!/bin/sh\ntouch started\nexec sleep 600\n"


def ignored(pid: int) -> set[int]:
    """The signals that a process ignores."""
    status = (PROC / str(pid) / "status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}


# As a shell script starts what it puts into the background, and nohup what is to outlive its terminal.
@pytest.mark.parametrize(
    ("number", "before"),
    [
        (signal.SIGINT, ""),
        pytest.param(signal.SIGTERM, "", marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, "", marks=pytest.mark.long),
        pytest.param(signal.SIGINT, "INT QUIT", marks=pytest.mark.long),
        (signal.SIGTERM, "INT TERM CHLD"),
        pytest.param(signal.SIGTERM, "HUP", marks=pytest.mark.long),
    ],
)
def test_an_interrupted_rehearsal_leaves_no_process_however_it_was_started(
    tmp_path: Path, number: signal.Signals, before: str
) -> None:
    ignoring = ["sh", "-c", f'trap "" {before}; exec "$@"', "sh"] if before else []
    rehearsal = rehearse_with(tmp_path, FAKE_CDK, *ignoring)
    try:
        assert eventually(lambda: list(tmp_path.glob("build/runs/*/started")))
        started = descendants(rehearsal.pid)
        assert len(started) >= 2
        assert number not in ignored(rehearsal.pid)
        assert (signal.SIGHUP in ignored(rehearsal.pid)) == (before == "HUP")
        rehearsal.send_signal(number)
        output, _ = rehearsal.communicate(timeout=300)
    finally:
        rehearsal.kill()
    assert rehearsal.returncode == 130, output
    assert eventually(lambda: not {pid for pid, _, _ in processes()} & set(started))
