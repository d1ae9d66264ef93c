"""One script, run as SSM Agent runs it: its surroundings, its output through pipes, its end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pca_automator.rehearsal.local_aws.facts import run_command as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER

_PATH, _DIRECTORY = facts.SURROUNDINGS.value
_KILLED, _SUCCEEDED, _REBOOT = facts.STATUSES.value
_CUT, _CUT_WORDS = facts.AGENT_OUTPUT.value
_NEEDED = ("sh", "openssl", "flock")
_LOOK_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a script on one host; ``ending`` is the status that the agent reports."""

    exit_code: int
    stdout: str
    stderr: str
    ending: str = "Success"


def path_of_the_service() -> str:
    """The PATH that systemd gives the agent; after it, where this machine has what a document cannot be run without."""
    elsewhere = [shutil.which(name) for name in _NEEDED if not shutil.which(name, path=_PATH)]
    return ":".join([_PATH, *dict.fromkeys(str(Path(found).parent) for found in elsewhere if found)])


def run(script: Path, environment: Mapping[str, str], timeout: float, stop: threading.Event | None = None) -> Outcome:
    """Run a script to its end.

    Args:
        script: an executable file; what it writes is left beside it.
        environment: the whole of it.
        timeout: in seconds, after which it is killed.
        stop: set when the command is cancelled.
    """
    LEDGER.lean(facts.SURROUNDINGS)
    process = subprocess.Popen(
        # sh -c with the script's own path, so that its first line may name another shell
        ["sh", "-c", shlex.quote(str(script))],
        cwd=_DIRECTORY,
        env={"PATH": path_of_the_service(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = _Stream(process.stdout), _Stream(process.stderr)
    ending = _await_end(process, (stdout, stderr), timeout, stop or threading.Event())
    script.with_name("stdout").write_bytes(bytes(stdout.read))
    script.with_name("stderr").write_bytes(bytes(stderr.read))
    if ending:
        if LEDGER.holds(facts.KILLED_OUTPUT):
            return Outcome(_KILLED, "", "", ending)
        return Outcome(_KILLED, _cut(bytes(stdout.read)), _cut(bytes(stderr.read)), ending)
    return _outcome(process.returncode, bytes(stdout.read), bytes(stderr.read))


class _Stream:
    """Reads what a script writes, until nobody has the pipe any more."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.read = bytearray()
        self._pipe = pipe
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        with self._pipe:
            while part := os.read(self._pipe.fileno(), 65_536):
                self.read += part


def _await_end(
    process: subprocess.Popen[bytes], streams: tuple[_Stream, _Stream], timeout: float, stop: threading.Event
) -> str:
    """Wait for the script and for whoever has its pipes; the status if it had to be killed."""
    LEDGER.lean(facts.PIPES)
    ended = threading.Event()

    def wait() -> None:
        process.wait()
        for stream in streams:
            stream.thread.join()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    deadline = time.monotonic() + timeout
    ending = ""
    while not ending and not ended.wait(_LOOK_SECONDS):
        if stop.is_set():
            ending = "Cancelled"
        elif time.monotonic() > deadline:
            ending = "TimedOut"
    if ending:
        LEDGER.lean(facts.KILLED_GROUP)
        _kill_group(process.pid, os.getpgid(0))
        process.wait()
    return ending


def _kill_group(pid: int, group: int) -> None:
    """Kill a process and what it started, but for those that have made a group of their own.

    The agent gives each script a group and kills that. Here all scripts are in the group of the local AWS, so that
    nothing outlives a rehearsal; so this goes by parentage.
    """
    with contextlib.suppress(OSError):
        if os.getpgid(pid) != group:
            return
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            _kill_group(int(child), group)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _outcome(status: int, stdout: bytes, stderr: bytes) -> Outcome:
    """What the agent makes of a script's end: some statuses mean something to it, and to every other it adds words."""
    LEDGER.lean(facts.STATUSES)
    if status == 0:
        return Outcome(0, _cut(stdout), _cut(stderr))
    if status == _KILLED:
        return Outcome(status, _cut(stdout), _cut(stderr), "TimedOut")
    if status == _SUCCEEDED:
        words = "Step exited with code 168. Therefore, marking step as succeeded."
        return Outcome(status, f"{_cut(stdout)}\n{words} Further document steps will be skipped.", "")
    if status == _REBOOT:
        words = f"simulated agent: status {status} asks for a reboot, which is not simulated"
        return Outcome(status, _cut(stdout), words, "Failed")
    words = f"exit status {status}" if status > 0 else f"signal: {_signal_name(-status)}"
    said = stderr + f"failed to run commands: {words}".encode()
    return Outcome(max(status, -1), _cut(stdout), _cut(said), "Failed")


def _signal_name(number: int) -> str:
    """As Go names it: ``killed``, ``terminated``."""
    return (signal.strsignal(number) or f"signal {number}").lower()


def _cut(written: bytes) -> str:
    if len(written) >= _CUT:
        LEDGER.lean(facts.AGENT_OUTPUT)
        written = written[: _CUT - len(_CUT_WORDS)] + _CUT_WORDS.encode()
    return written.decode("utf-8", errors="replace")
