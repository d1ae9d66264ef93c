"""What a rehearsal has found: numbers, expectations, and whether each of them held."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pca_automator.pictures.data import Report as Page
from pca_automator.rehearsal.local_aws.facts import Evidence, registered


@dataclasses.dataclass(frozen=True)
class Expectation:
    """One thing that must be so."""

    phase: str
    what: str
    expected: Any
    seen: Any

    @property
    def held(self) -> bool:
        """Whether it is so."""
        return bool(self.expected == self.seen)


@dataclasses.dataclass
class Report:
    """The numbers of a rehearsal by their names in report.json, the time each part took, and the expectations."""

    numbers: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    expectations: list[Expectation] = dataclasses.field(default_factory=list)
    troubles: list[str] = dataclasses.field(default_factory=list)
    per_renewal: dict[str, Any] = dataclasses.field(default_factory=dict)
    phase: str = ""
    moments: dict[str, tuple[datetime, datetime]] = dataclasses.field(default_factory=dict)
    after_each: Callable[[], None] = lambda: None
    """Called after each part that went well."""
    page: Page | None = None
    """The data of the rehearsal's page; None: it did not come so far."""

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Measure one part; expectations stated inside belong to it."""
        self.phase = phase
        started, begin = time.monotonic(), datetime.now(UTC)
        try:
            yield
        finally:
            self.seconds[phase] = round(time.monotonic() - started, 1)
            self.moments[phase] = (begin, datetime.now(UTC))
        self.after_each()

    def expect(self, what: str, expected: Any, seen: Any) -> None:
        """State something that must be so."""
        self.expectations.append(Expectation(self.phase, what, expected, seen))

    def count(self, name: str, seen: int, expected: int, what: str) -> None:
        """A number of report.json that must have a certain value."""
        self.numbers[name] = seen
        self.expect(what, expected, seen)

    def lean(self, leaned: Mapping[str, int]) -> None:
        """Note on which rules of AWS the local AWS leaned, and which of them nobody has seen written."""
        assumed = [fact.name for fact in registered() if fact.evidence is Evidence.ASSUMED and fact.name in leaned]
        self.numbers["facts"] = {"leaned_on": len(leaned), "assumed": assumed}

    def trouble(self, text: str) -> None:
        """A detail that explains an expectation which did not hold."""
        self.troubles.append(f"{self.phase}: {text}")

    @property
    def held(self) -> bool:
        """Whether the rehearsal was complete and everything was as expected."""
        return bool(self.expectations) and all(expectation.held for expectation in self.expectations)

    def as_json(self) -> dict[str, Any]:
        """The contents of report.json."""
        return {
            "ok": self.held,
            **self.numbers,
            "seconds": self.seconds,
            "per_renewal": self.per_renewal,
            "expectations": [{**dataclasses.asdict(e), "held": e.held} for e in self.expectations],
            "troubles": self.troubles,
        }

    def write(self, path: Path) -> None:
        """Write report.json in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(self.as_json(), indent=2) + "\n")
        aside.replace(path)
