"""Random fleets in bad weather, and one fault at each call of a renewal: nothing is lost, doubled or forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pca_automator._internal.assets import lambda_source
from tests.chaos.fleet import Fleet
from tests.chaos.matrix import USES, Use, tried
from tests.chaos.weather import FAULTS, Weather
from tests.runtime.conftest import World
from tests.runtime.fakes import Recorder
from tests.runtime.membership.rig import Members, enter


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def played(members: Members, weather: Weather, monkeypatch: pytest.MonkeyPatch, hosts: int = 3) -> list[str]:
    """Three runs, one of which revokes what it replaces, and a host that leaves; then a calm one."""
    monkeypatch.setattr(Recorder, "_do", weather.around(Recorder._do))
    fleet = Fleet(members, weather, hosts)
    fleet.run()
    fleet.run(revokeReplaced=True)
    fleet.leave(fleet.hosts[-1])
    fleet.run()
    fleet.heal()
    return fleet.violations()


@pytest.mark.parametrize(
    ("rate", "seed"),
    [
        pytest.param(0.03, 1, marks=pytest.mark.long),
        (0.1, 2),
        pytest.param(0.1, 3, marks=pytest.mark.long),
        (0.3, 4),
    ],
)
def test_random_fleets_lose_nothing(members: Members, monkeypatch: pytest.MonkeyPatch, rate: float, seed: int) -> None:
    assert played(members, Weather(rate, seed), monkeypatch) == []


@pytest.mark.parametrize(("call", "fault"), [(3 + 7 * number, fault) for number, fault in enumerate(FAULTS)])
def test_one_fault_at_one_call_loses_nothing(
    members: Members, monkeypatch: pytest.MonkeyPatch, call: int, fault: str
) -> None:
    """Here some of the calls; ``make chaos`` takes every one."""
    weather = Weather(0, call, at=call, fault=fault)
    assert played(members, weather, monkeypatch, hosts=2) == []
    assert len(weather.fell) == 1


def test_the_matrix_has_every_handler() -> None:
    files = {each.stem for each in (lambda_source() / "handlers").glob("*.py")} - {"__init__"}
    assert {use.handler for use in USES} == files
    assert len({use.name for use in USES}) == len(USES)


@pytest.mark.parametrize(
    ("number", "use"), [*enumerate(USES)], ids=lambda each: each.name if isinstance(each, Use) else ""
)
def test_each_use_of_each_handler_stands_a_fault(
    members: Members, monkeypatch: pytest.MonkeyPatch, number: int, use: Use
) -> None:
    """Here one of the faults at one of the first calls; ``make chaos`` takes every fault at every call."""
    weather = Weather(0, 0, at=1 + number % 3, fault=FAULTS[number % len(FAULTS)])
    assert tried(use, members, weather, monkeypatch) == []


def test_the_harness_notices_what_it_is_there_for(members: Members) -> None:
    """A certificate that nobody noted, a table that says something else, and a live certificate that is revoked."""
    fleet = Fleet(members, Weather(0, 0), 1)
    fleet.run()
    assert fleet.violations() == []
    arn = members.pca.add(members.pca.ca.issue(next(iter(members.ssm.csrs.values()))))
    assert [each for each in fleet.violations() if arn in each]
    (each,) = fleet.hosts
    members.pca.revoked[fleet.on_host[each]] = "SUPERSEDED"
    fleet.on_host[each] += 1
    assert len(fleet.violations()) == 2
