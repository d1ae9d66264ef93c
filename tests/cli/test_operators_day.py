"""Every verb against the sample app, deployed into the local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.day import CONTEXT, day
from tests.cli.local_fleet import LocalFleet, local_fleet

pytestmark = [pytest.mark.long, pytest.mark.rehearsal]

HOSTS = 14  # two of them leave during the day


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[LocalFleet]:
    """A deployed sample app; nobody is in the inventory yet."""
    tmp_path.chmod(0o755)  # pytest's 0700 is fine for the documents; this is what a host's root has
    with local_fleet(tmp_path, HOSTS, CONTEXT) as running:
        yield running


def test_an_operators_day(fleet: LocalFleet) -> None:
    for step in day(fleet):
        step.before()
        done = fleet.command(step.arguments, **step.environment)
        assert done.returncode == step.status, (step.arguments, done.stdout)
        assert "Traceback" not in done.stdout
