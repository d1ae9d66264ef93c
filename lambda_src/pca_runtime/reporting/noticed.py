"""Hosts that were renewed and have said something beside: a hook that is not run, a helper that is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pca_runtime.errors.catalogue import lookup, remedy_for
from pca_runtime.errors.remedies import Place
from pca_runtime.shared.counting import counted

__all__ = ["Noticed"]

# The inventory has them all.
_NAMED = 20


@dataclass
class Noticed:
    """Counts, and the first hosts of each notice: what is kept does not grow with the fleet."""

    hosts: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)

    def add(self, host_id: str, notices: Iterable[str]) -> None:
        """Count what one host has said."""
        said = tuple(notices)
        self.hosts += bool(said)
        for code in said:
            self.counts[code] = self.counts.get(code, 0) + 1
            first = self.named.setdefault(code, [])
            if len(first) < _NAMED:
                first.append(host_id)

    def as_json(self) -> list[dict[str, Any]]:
        """The notices in report.json, the most frequent first."""
        return [
            {
                "code": code,
                "hosts": self.counts[code],
                "meaning": lookup(code).meaning,
                "remedy": remedy_for(code, ""),
                "first": self.named[code],
            }
            for code in self._ranked()
        ]

    def lines(self, place: Place) -> list[str]:
        """For a mail."""
        lines = ["RENEWED, BUT SOMETHING IS NOT AS IT SHOULD BE", ""] if self.counts else []
        for code in self._ranked():
            count, (first, *_) = self.counts[code], self.named[code]
            lines += [f"* {counted(count, 'host')}: {code}", f"  What happened: {lookup(code).meaning}"]
            lines += [f"  {line}" for _, line in place.lines(remedy_for(code, ""), {"id": first})]
            more = count - len(self.named[code])
            lines += [f"  Hosts:         {', '.join(self.named[code])}{f' and {more} more' if more else ''}", ""]
        return lines

    def _ranked(self) -> list[str]:
        return sorted(self.counts, key=lambda code: (-self.counts[code], code))
