"""Which members of a kind ``make test`` takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def members(kind: Iterable[Any], at_once: Collection[Any]) -> list[Any]:
    """The members of a kind, for ``parametrize``: those that differ most at once, the others in ``make test-long``."""
    found = list(kind)
    unknown = [member for member in at_once if member not in found]
    assert at_once, "no member is left for make test"
    assert not unknown, f"{unknown} are none of {found}"
    return [member if member in at_once else pytest.param(member, marks=pytest.mark.long) for member in found]
