"""``make mutants``: a random sample, or all mutants of one file; what survived, with file and line.

Results are kept in ``build/mutants``: a run that was interrupted goes on where it was. A mutant that survived is tried
again when the tests have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "lambda_src"))

from tests.mutants import in_place, in_shell, running, template
from tests.mutants.judged import judged
from tests.mutants.mutant import Mutant
from tests.mutants.worlds import NOT_DEPLOYED, WORLDS, World
from tests.ordinary import ROOT, ordinary_environment, ordinary_process

KEPT = ROOT / "build" / "mutants"


class Results:
    """What is known from earlier runs, one line of JSON each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "results.jsonl"
        self._tests = _digest_of(sorted(path for top in ("tests", "lambda_src") for path in (ROOT / top).rglob("*.py")))
        self._known: dict[str, dict[str, str]] = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._known[entry["key"]] = entry

    def known(self, key: str) -> str | None:
        """An outcome that still holds: who was killed stays so, who survived has met the tests as they are now."""
        entry = self._known.get(key)
        if entry and (entry["outcome"] in ("killed", "timed out") or entry["tests"] == self._tests):
            return entry["outcome"]
        return None

    def note(self, key: str, outcome: str) -> None:
        """Write it down at once."""
        entry = {"key": key, "outcome": outcome, "tests": self._tests}
        self._known[key] = entry
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 where every world reaches its share."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seed", default="1", help="draws the sample; another one draws another")
    parser.add_argument("--count", type=int, default=300, help="mutants in the sample, of all worlds together")
    parser.add_argument("--file", help="all mutants of this file instead of a sample")
    parser.add_argument("--world", choices=[*WORLDS, "template"], help="of one world only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at once, where that can be")
    parser.add_argument("--list", action="store_true", help="say which mutants there are, and try none")
    options = parser.parse_args(arguments)
    names = [name for name in [*WORLDS, "template"] if options.world in (None, name)]
    population = {name: WORLDS[name].mutants(options.file) for name in names if name in WORLDS}
    chosen = _sample(population, options)
    if options.list:
        for mutant in (mutant for found in chosen.values() for mutant in found):
            print(f"{mutant.file}:{mutant.line}: {mutant.name}")
        return 0
    ordinary_process()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running, and no copy
    with ordinary_environment():
        shares = [_try(name, found, options.jobs) for name, found in chosen.items() if found]
        if "template" in names and options.file is None:
            shares.append(template.try_all(judged()))
    return int(not all(shares))


def _sample(population: dict[str, list[Mutant]], options: argparse.Namespace) -> dict[str, list[Mutant]]:
    """Of each world its share, in the order in which they were drawn: a part of a run is a sample, too."""
    if options.file:
        return population
    total = sum(map(len, population.values()))
    chosen = {}
    for name, found in population.items():
        drawn = random.Random(f"{options.seed} {name}").sample(found, len(found))  # noqa: S311 - a sample, no secret
        chosen[name] = drawn[: round(options.count * len(found) / max(total, 1))]
    return chosen


def _try(name: str, mutants: list[Mutant], jobs: int) -> bool:
    """Whether enough of them were noticed; prints each that was not."""
    world, reasons, results = WORLDS[name], judged(), Results(KEPT)
    outcomes = {each.name: "judged" if each.name in reasons else results.known(_key(each)) for each in mutants}
    left = [each for each in mutants if outcomes[each.name] is None]
    for mutant, outcome in _tried(world, left, jobs):
        outcomes[mutant.name] = outcome
        results.note(_key(mutant), outcome)
        if sys.stdout.isatty():
            print(f"\r{sum(each is not None for each in outcomes.values())}/{len(mutants)} ", end="", flush=True)
    for mutant in mutants:
        if outcomes[mutant.name] == "survived":
            print(f"{mutant.file}:{mutant.line}: survived: {mutant.name}", flush=True)
    counts = Counter(outcomes.values())
    noticed = len(mutants) - counts["survived"]
    share = noticed / len(mutants)
    known = f"{noticed} of {len(mutants)} noticed or judged, {share:.1%}, at least {world.least:.0%} is asked for"
    print(f"{name}: {known}; {dict(counts)}")
    return share >= world.least


def _tried(world: World, mutants: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, running.Outcome]]:
    """Each as soon as it is known; those that need an interpreter of their own come last."""
    if not mutants:
        return
    elsewhere = []
    with running.sandbox() as place:
        if not world.in_place:
            near = {mutant.file: world.tests(mutant.file)[0] for mutant in mutants}
            for number, outcome in in_shell.outcomes(place, mutants, KEPT, near):
                yield mutants[number], outcome
            return
        for number, found in in_place.outcomes(place, mutants, KEPT / "covers", jobs):
            if isinstance(found, str):
                yield mutants[number], found
            else:
                elsewhere.append((mutants[number], _met(found, world.tests(mutants[number].file))))
        running.load_libraries()
        judge = running.Judge(place)
        for mutant, stages in elsewhere:
            yield mutant, judge.outcome(mutant, stages)


def _met(files: list[str], named: list[list[str]]) -> list[list[str]]:
    """Tests that run a module, then those that are named for it: what a module says of itself is read, and not run."""
    return [*_stages(files), *named[: len(named) - 1]] if files else named


def _stages(files: list[str]) -> list[list[str]]:
    """The nearest first, so that not all are collected for what the nearest notice."""
    return [[*NOT_DEPLOYED, *part] for part in (files[:2], files[2:8], files[8:]) if part]


def _key(mutant: Mutant) -> str:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    return hashlib.sha256(f"{mutant.file}\0{mutant.applied_to(source)}".encode()).hexdigest()


def _digest_of(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
