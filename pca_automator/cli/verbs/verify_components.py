"""The parts of a deployment: each is reachable and in the state in which it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.health import Health
from pca_automator.cli.errors import Trouble
from pca_automator.cli.runtime import runtime

Check = tuple[str, Callable[[], str]]


class Noted(str):
    """A detail that somebody should know, though nothing failed."""

    __slots__ = ()


def components(deployment: Deployment) -> Iterator[Check]:
    """Every part's name and its check, which answers with a detail or raises: the health list that ``doctor`` shows."""
    for part, look in Health(deployment, runtime("shared.timestamps").utc_now(), deep=True).parts():
        yield part, partial(_judged_look, look)


def _judged_look(look: Callable[[], Any]) -> str:
    finding = look()
    if finding.needs_person:
        raise Trouble(str(finding.text))
    return str(finding.text) if finding.is_ok else Noted(finding.text)
