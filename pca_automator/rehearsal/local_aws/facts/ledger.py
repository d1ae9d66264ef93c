"""What the local AWS takes for granted of AWS: each rule once, with its source and how sure it is.

A local AWS that grants itself the answer proves nothing. So a rule says whether it was recorded from AWS, stands in
AWS's documents, or is assumed; what leans on a rule says so while it runs; and an assumed rule that the product could
depend on has another answer, which the local AWS gives instead when it is told to (setting ``other_answers``).
"""

from __future__ import annotations

import dataclasses
import enum
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

_REGISTERED: dict[str, Fact] = {}


class Evidence(enum.Enum):
    """How a rule is known."""

    RECORDED = "recorded from AWS"
    DOCUMENTED = "documented"
    ASSUMED = "assumed"


@dataclasses.dataclass(frozen=True)
class Fact:
    """One rule of AWS.

    ``source`` is the page that says so; of an assumed rule, what speaks for it. ``value`` is the rule's number, where
    it has one. ``otherwise`` is the other answer that AWS might give, and ``safe_by`` why no host is lost in silence
    and no revocation dropped if it does; both stand exactly where the evidence is an assumption.
    """

    name: str
    rule: str
    evidence: Evidence
    source: str
    value: Any = None
    otherwise: str = ""
    safe_by: str = ""

    def __post_init__(self) -> None:
        if self.name in _REGISTERED:
            raise ValueError(f"{self.name} stands in the ledger twice")
        assumed = self.evidence is Evidence.ASSUMED
        if assumed != bool(self.otherwise and self.safe_by):
            raise ValueError(f"{self.name} is {self.evidence.value}: an assumed rule, and only one, has another answer")
        if not assumed and not self.source.startswith("https://"):
            raise ValueError(f"{self.name} is {self.evidence.value}, but its source is no page: {self.source!r}")
        _REGISTERED[self.name] = self


def documented(name: str, rule: str, source: str, value: Any = None) -> Fact:
    """A rule that a page of AWS states."""
    return Fact(name, rule, Evidence.DOCUMENTED, source, value)


def recorded(name: str, rule: str, source: str, value: Any = None) -> Fact:
    """A rule that AWS's own program was seen to follow; ``source`` is where its text says so."""
    return Fact(name, rule, Evidence.RECORDED, source, value)


def assumed(name: str, rule: str, source: str, *, otherwise: str, safe_by: str, value: Any = None) -> Fact:
    """A rule that no page states; ``source`` says what speaks for it."""
    return Fact(name, rule, Evidence.ASSUMED, source, value, otherwise, safe_by)


def registered() -> list[Fact]:
    """Every rule, by its name."""
    return [_REGISTERED[name] for name in sorted(_REGISTERED)]


def assumptions(text: str) -> tuple[str, ...]:
    """The assumed rules that a text names, separated by commas; ``all`` names each.

    Raises:
        ValueError: a name is no assumed rule; names it and those there are.
    """
    can = [fact.name for fact in registered() if fact.evidence is Evidence.ASSUMED]
    wanted = can if text.strip() == "all" else [name.strip() for name in text.split(",") if name.strip()]
    if unknown := sorted(set(wanted) - set(can)):
        raise ValueError(f"{unknown[0]!r} is no assumed rule; allowed: all, {', '.join(can)}")
    return tuple(wanted)


class Ledger:
    """Which rules this local AWS has leaned on, and which of the assumed ones it answers the other way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leaned: Counter[str] = Counter()
        self._otherwise: frozenset[str] = frozenset()

    def answer_otherwise(self, names: Iterable[str]) -> None:
        """Give the other answer of these assumed rules from now on, and the usual one of all others.

        Raises:
            ValueError: a name is no assumed rule; names it and those there are.
        """
        self._otherwise = frozenset(assumptions(",".join(names)))

    def lean(self, fact: Fact) -> Fact:
        """Note that something that just happened rests on this rule."""
        with self._lock:
            self._leaned[fact.name] += 1
        return fact

    def holds(self, fact: Fact) -> bool:
        """Whether an assumed rule holds in this local AWS; asking is leaning on it."""
        return self.lean(fact).name not in self._otherwise

    def leaned(self) -> dict[str, int]:
        """How often each rule was leaned on."""
        with self._lock:
            return dict(self._leaned)


LEDGER = Ledger()
"""The ledger of this process: the local AWS is one process, and its services are asked from many threads."""
