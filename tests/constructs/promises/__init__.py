"""What every template of this library promises, whatever parts and options it has.

A promise is a function that takes a template and tells where it is broken. They hold for every part that is there, so
that a new role, state, rule or alarm is covered without a new test: what no promise knows yet is itself a breach, until
somebody says here what it may do. ``tests/constructs/test_promises.py`` holds them to every variation, and
``tests/mutants/template.py`` shows that each of them can be broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.constructs.promises import access, alarms, events, states
from tests.constructs.promises.view import View

PROMISES: tuple[Callable[[View], Iterator[str]], ...] = (
    *access.PROMISES,
    *alarms.PROMISES,
    *events.PROMISES,
    *states.PROMISES,
)


def broken(template: dict[str, Any], **environment: str) -> list[str]:
    """Every promise that a template breaks, and where.

    Args:
        template: as it was synthesized.
        environment: account and region of its stack, if it has them.
    """
    view = View(template, **environment)
    return [
        f"{promise.__name__.removeprefix('_').replace('_', ' ')}: {breach}"
        for promise in PROMISES
        for breach in promise(view)
    ]
