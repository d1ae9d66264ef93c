"""What the readers of a host's files live through: the same set of them, and only it, is looked for after each step."""

from __future__ import annotations

from collections.abc import Callable

from tests.documents.host import Host


def ten_renewals_and_a_rollback(host: Host, look: Callable[[str], None], *, first: bool = False) -> None:
    """Renew ten times, and go back once in between.

    Args:
        host: with whatever its public paths show.
        look: is told what has just happened.
        first: whether the first renewal is a takeover.
    """
    hook = host.add_hook("10-hook", "exit 0")
    for number in range(1, 11):
        result = host.renew().result
        assert (result["takeover"] == "true") is (first and number == 1)
        look(f"renewal {number}")
        if number == 5:
            hook.write_text('#!/bin/sh\n[ "$PCA_AUTOMATOR_ACTION" = rollback ]\n')
            assert host.install(*host.prepare()).error == "HOOK_FAILED"
            hook.write_text("#!/bin/sh\n")
            look("a rollback")
