"""``make chaos``: every fault at every call of every handler, and of a fleet's runs; then random fleets.

It goes on where it stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

# Before Powertools is imported: a failing call is what this is about, and a million lines say nothing.
os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
sys.path.insert(0, str(Path(__file__).parents[2] / "lambda_src"))

import boto3
import pytest
from moto import mock_aws

from tests.chaos.matrix import USES, faults_of, tried
from tests.chaos.test_chaos import played
from tests.chaos.weather import Weather
from tests.runtime.conftest import ENVIRONMENT, _world
from tests.runtime.membership.rig import Members, enter

Play = Callable[[Members, Weather, pytest.MonkeyPatch], list[str]]
Scene = tuple[str, Weather, Play]


def matrix(clients: dict[str, Any]) -> Iterator[Scene]:
    """Every fault at every call of every use of a handler; how many calls that makes, a calm try says."""
    for use in USES:
        calm = Weather(0, 0, at=0)
        found = play(clients, calm, partial(tried, use))
        assert not found, found
        for call, fault in faults_of(calm.calls):
            yield f"{use.name}, call {call}, {fault}", Weather(0, call, at=call, fault=fault), partial(tried, use)


def fleets(seeds: int, rates: list[int], calls: int) -> Iterator[Scene]:
    """Name, weather and play of every fleet, always in the same order."""
    for call, fault in faults_of(calls):
        yield f"call {call}, {fault}", Weather(0, call, at=call, fault=fault), partial(played, hosts=2)
    for seed in range(1, seeds + 1):
        for rate in rates:
            yield f"{rate} %, seed {seed}", Weather(rate / 100, seed), partial(played, hosts=3)


def play(clients: dict[str, Any], weather: Weather, scene: Play) -> list[str]:
    """The violated invariants of one scene."""
    with pytest.MonkeyPatch.context() as patch, mock_aws(), contextlib.redirect_stdout(io.StringIO()):
        for variable, value in ENVIRONMENT.items():
            patch.setenv(variable, value)
        (members,) = enter(_world(clients, patch), patch)
        try:
            return scene(members, weather, patch)
        except Exception as error:  # whatever gets through is a finding, and the next scene is another one
            return [f"{type(error).__name__}: {error}"]


def main() -> int:
    """Play what was not played yet; 1 if any scene violated an invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--rates", default="3,10,30", help="per cent")
    parser.add_argument("--calls", type=int, default=160, help="how far the single faults of a fleet go; 0 for none")
    parser.add_argument("--no-matrix", action="store_true", help="leave out the handlers by themselves")
    parser.add_argument("--record", type=Path, default=Path("build/chaos.jsonl"), help="delete it to begin anew")
    given = parser.parse_args()
    given.record.parent.mkdir(parents=True, exist_ok=True)
    lines = given.record.read_text("utf-8").splitlines() if given.record.exists() else []
    done = {each["scene"]: each["violations"] for each in map(json.loads, lines)}
    for variable, value in ENVIRONMENT.items():
        os.environ[variable] = value
    clients = {service: boto3.client(service) for service in ("dynamodb", "s3", "sns", "sqs")}
    wanted = [] if given.no_matrix else list(matrix(clients))
    wanted += fleets(given.seeds, [int(rate) for rate in given.rates.split(",")], given.calls)
    with given.record.open("a", encoding="utf-8") as record:
        for name, weather, scene in wanted:
            if name in done:
                continue
            done[name] = play(clients, weather, scene)
            record.write(json.dumps({"scene": name, "violations": done[name], "faults": len(weather.fell)}) + "\n")
            record.flush()
            print(f"{name}: {'; '.join(done[name]) or 'ok'} ({len(weather.fell)} faults)", flush=True)
    violated = {name: done[name] for name, _, _ in wanted if done[name]}
    print(f"{len(wanted)} scenes, {len(violated)} with violations")
    for name, found in violated.items():
        print(f"  {name}: {'; '.join(found)}")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
