"""Fleets in simulated time, and what must hold of them: ``python -m tests.bench.simulated`` plays these alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from pca_automator.planning.plan import Settings, plan
from pca_automator.planning.scenario import Scenario
from pca_automator.planning.workflow import of_the_library

SEEDS = (1, 2, 3)
# What an account of 10,000 hosts with hourly sessions asks for.
PRODUCTION = 2.8
HALF = {"CreateSession": 5.0, "IssueCertificate": 12.5, "GetCertificate": 37.5}
SLOW = {"SendCommand": 5.0}


@dataclass(frozen=True)
class Case:
    """A fleet, and the bounds that it must keep; None where a figure is only told."""

    name: str
    hosts: int
    given: dict[str, Any]
    most_ratio: float | None = None
    most_failed: int | None = None
    most_throttled: float | None = None
    most_single: float | None = None
    most_hours: float | None = None
    seeds: tuple[int, ...] = SEEDS


ENROLLED = {"enrol_at_once": True, "production": PRODUCTION}
CASES = (
    Case("1,000 enrolled at once", 1_000, ENROLLED, most_failed=1, most_throttled=0.02),
    Case("10,000 in a scheduled run", 10_000, {"production": PRODUCTION}, 1.30, 1, 0.01, 60),
    Case("10,000 enrolled at once", 10_000, ENROLLED, 1.30, 1, 0.01, 120),
    Case("... with half the quotas, untold", 10_000, {**ENROLLED, "rates": HALF, "told": {}}, seeds=(1,)),
    Case("... SendCommand 5 a second, untold", 10_000, {**ENROLLED, "rates": SLOW, "told": {}}, seeds=(1,)),
    Case("... SendCommand 5 a second, told", 10_000, {**ENROLLED, "rates": SLOW}, seeds=(1,)),
)
FULL_CASES = (
    Case("100,000 in a scheduled run", 100_000, {"production": PRODUCTION}, most_hours=12, seeds=(1,)),
    Case("100,000 enrolled at once", 100_000, ENROLLED, most_hours=12, seeds=(1,)),
)


@dataclass(frozen=True)
class Figures:
    """Of one case: the worst of its seeds, and the median where that says more."""

    case: Case
    seconds: float
    ratio: float
    failed: int
    lost: int
    throttled: float
    single: float | None
    cpu: float

    def broken(self) -> Iterator[str]:
        """What must hold and does not."""
        case = self.case
        if self.lost:
            yield f"{self.lost} hosts lost, 0 allowed"
        if case.most_ratio is not None and self.ratio > case.most_ratio:
            yield f"{self.ratio:.2f} x the floor, {case.most_ratio:.2f} allowed"
        if case.most_failed is not None and self.failed > case.most_failed:
            yield f"{self.failed} hosts failed, {case.most_failed} allowed"
        if case.most_throttled is not None and self.throttled > case.most_throttled:
            yield f"{self.throttled:.2%} of production throttled, {case.most_throttled:.0%} allowed"
        if case.most_single is not None and (self.single is None or self.single > case.most_single):
            yield f"a single host within {self.single} s, {case.most_single:g} s allowed"
        if case.most_hours is not None and self.seconds > 3600 * case.most_hours:
            yield f"{self.seconds / 3600:.1f} h, {case.most_hours:g} h allowed"


def figures(case: Case) -> Figures:
    """Play a case with each of its seeds."""
    begin = time.process_time()
    answers = [
        plan(of_the_library(), Scenario(case.hosts, seed=seed, **case.given), Settings()).as_json()
        for seed in case.seeds
    ]
    singles = [answer["single_enrolment_p99_seconds"] for answer in answers]
    return Figures(
        case,
        median(answer["seconds"] for answer in answers),
        max(answer["ratio"] for answer in answers),
        max(answer["hosts_failed"] for answer in answers),
        max(answer["hosts_lost"] for answer in answers),
        max(answer["production_throttled_share"] for answer in answers),
        None if None in singles else max(singles),
        (time.process_time() - begin) / len(answers),
    )


def main() -> int:
    """Play every case; the status says whether all of them keep their bounds."""
    failed = False
    for case in CASES + (FULL_CASES if "--full" in sys.argv else ()):
        found = figures(case)
        broken = list(found.broken())
        failed = failed or bool(broken)
        print(case.name, found, *broken, sep="\n  ", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
