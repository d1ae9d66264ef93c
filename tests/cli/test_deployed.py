"""Runs that are watched, and a large fleet, of the sample app in the local AWS; its day is test_operators_day.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from tests.cli.local_fleet import LocalFleet, local_fleet
from tests.cli.measured import fill, large_fleet_verbs, measured, wait_until_at_rest, watched

pytestmark = [pytest.mark.rehearsal, pytest.mark.long]

HOSTS = 10
LARGE = 10_000


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    """A deployed sample app, and hosts that have their first certificates."""
    directory: Path = tmp_path_factory.mktemp("operator")
    directory.chmod(0o755)  # pytest's 0700 is fine for the documents; this is what a host's root has
    with local_fleet(directory, HOSTS) as running:
        added = running.command(["hosts", "add", "--from-csv", running.csv.name])
        assert added.returncode == 0, added.stdout
        running.settle()
        yield running


def test_the_final_counts_of_a_watched_run_are_the_tables(fleet: LocalFleet) -> None:
    """Over everybody, and one of them fails."""
    hosts = len(fleet.rows())
    sick = fleet.members[3].host
    sick.set_faults(Faults(unknown=True))
    run = watched(fleet, ["--force", "--yes"])
    sick.set_faults(Faults())
    assert hosts >= 8
    assert run.counted == run.table == {"hosts": hosts, "done": hosts - 1, "failed": 1}, run.answer
    assert run.status == 1


def test_a_watched_run_shows_every_host_on_its_way(fleet: LocalFleet) -> None:
    run = watched(fleet, ["--force", "--yes"])
    shown = [{stage: int(count) for count, stage in re.findall(r"(\d+) (\w+)", line)} for line in run.progress]
    progress = [each for each in shown if "hosts" in each]
    assert len(progress) >= 3, run.progress
    for stages in progress:
        assert sum(count for stage, count in stages.items() if stage != "hosts") == stages["hosts"]
    done = [stages.get("done", 0) for stages in progress]
    assert done == sorted(done)
    assert done[-1] == progress[-1]["hosts"] == run.answer["done"]


def test_ten_thousand_hosts_are_answered_within_three_seconds_in_constant_memory(fleet: LocalFleet) -> None:
    """Processor seconds of both sides together: what a wall clock shows on a machine that does nothing else."""
    lines = ["hosts", "list", "--output", "jsonl"]
    small = measured(fleet, lines)
    fill(fleet, 1, LARGE)
    wait_until_at_rest(fleet)
    for verb in large_fleet_verbs():
        spent = measured(fleet, verb)
        assert spent.command + spent.server < 3, (verb, spent)
    large = measured(fleet, lines)
    assert large.lines > LARGE > 100 * small.lines
    assert large.peak < 1.2 * small.peak
