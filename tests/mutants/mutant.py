"""One change to one file, named so that it is known again when lines above it move."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A change.

    Args:
        file: path in the repository.
        line: where it is, from 1; not a part of its name.
        scope: the function or class around it, such as ``Revoker.revoke``.
        kind: what was done, such as ``compare``.
        before: the text, or the line, as it is.
        after: as it would be.
        number: which one of several with the same name, from 0.
        start: offset of the text in the file, in characters.
        end: where it ends.
    """

    file: str
    line: int
    scope: str
    kind: str
    before: str
    after: str
    number: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """The same for the same change, whatever its line number."""
        shown = f"{self.file} {self.scope} {self.kind}: {_short(self.before)} -> {_short(self.after)}"
        return f"{shown} #{self.number}" if self.number else shown

    def applied_to(self, source: str) -> str:
        """The whole file with the change in it."""
        return source[: self.start] + self.after + source[self.end :]


def numbered(mutants: list[Mutant]) -> list[Mutant]:
    """Give those of one name their numbers."""
    seen: dict[str, int] = {}
    found = []
    for mutant in mutants:
        count = seen[mutant.name] = seen.get(mutant.name, -1) + 1
        found.append(Mutant(**{**vars(mutant), "number": count}))
    return found


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else f"{line[:60]}...{line[-27:]}"
