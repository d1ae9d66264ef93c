"""The reader of traces: what it says about a process that ran before its parent heard of it."""

from __future__ import annotations

from pathlib import Path

from tests.documents import strace


def test_a_child_that_is_faster_than_its_parents_fork_keeps_its_own_umask(tmp_path: Path) -> None:
    log = tmp_path / "strace.log"
    log.write_text(
        "10 umask(077) = 022\n"
        "10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n"
        '11 openat(AT_FDCWD, "/x/first", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3\n'
        "11 umask(0277) = 077\n"
        "10 <... clone resumed>) = 11\n"
        '11 openat(AT_FDCWD, "/x/second", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3\n'
    )
    assert [(call.paths[0], call.created_mode) for call in strace.calls(log)] == [
        ("/x/first", 0o600),
        ("/x/second", 0o400),
    ]
