"""What to type, complete: remedies are templates, and whoever prints one fills in which deployment it is about.

In a remedy a command stands between backticks, and what is only known at the host, table or CA in question between
angle brackets: `` `aws acm-pca describe-certificate-authority --certificate-authority-arn <arn>` ``. Nothing else of a
sentence touches a command, so that a copied one can be run as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["COMMAND", "Place", "Values", "values_in"]

Values = Mapping[str, str | Sequence[str]]
"""What stands for the words between angle brackets; for several things of a kind, a command each."""

COMMAND = re.compile(r"`([^`]+)`")
"""A command in a remedy."""
_PLACEHOLDER = re.compile(r"<([a-z]+)>")
# What a message itself tells of the thing that it is about.
_IN_MESSAGE = {"key": re.compile(r"arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+")}
# It looks at everything, and prints the command that is missing here with all that has to stand in it.
_KNOWS_ALL = "pca-automator doctor"
# A word that a shell takes as it is.
_PLAIN = re.compile(r"[\w@%+=:,./-]+")
_OWN, _AWS = "pca-automator ", "aws "
_NEEDS_NO_DEPLOYMENT = re.compile(rf"{_OWN}(explain [A-Z]|docs\b)")


@dataclass(frozen=True)
class Place:
    """Where a deployment is, as far as a command has to say it.

    Args:
        stack: its stack's name; "": the command's default, or not known.
        automation: construct id, where the stack has several.
        region: AWS Region; "": whatever the reader has set.
        profile: AWS profile, likewise.
    """

    stack: str = ""
    automation: str = ""
    region: str = ""
    profile: str = ""

    def command(self, text: str, values: Mapping[str, str] | None = None) -> str:
        """One command with everything that is known of the deployment.

        Args:
            text: as it stands in a remedy.
            values: what stands for the words between angle brackets.
        """
        known = values or {}
        filled = _PLACEHOLDER.sub(lambda found: _quoted(known[found[1]]) if found[1] in known else found[0], text)
        options: tuple[tuple[str, str], ...] = ()
        if filled.startswith(_OWN) and not _NEEDS_NO_DEPLOYMENT.match(filled):
            options = (
                ("--stack", self.stack), ("--automation", self.automation), ("--region", self.region),
                ("--profile", self.profile),
            )  # fmt: skip
        elif filled.startswith(_AWS):
            options = (("--region", self.region), ("--profile", self.profile))
        return filled + "".join(
            f" {name} {_quoted(value)}" for name, value in options if value and f" {name} " not in f"{filled} "
        )

    def lines(self, remedy: str, values: Values | None = None, *, unfinished: bool = False) -> list[tuple[bool, str]]:
        """A remedy taken apart: whether a line is a command, and the line; each command stands alone.

        Args:
            remedy: of the catalogue.
            values: what stands for the words between angle brackets.
            unfinished: whether a command may keep a placeholder, as where the reader has a host in mind and nobody
                else knows which. Default: the command that knows what is missing takes its place.
        """
        found: list[tuple[bool, str]] = []
        for number, part in enumerate(COMMAND.split(remedy)):
            if number % 2:
                for command in self._commands(part, values or {}):
                    line = command if unfinished or not _PLACEHOLDER.search(command) else self.command(_KNOWS_ALL)
                    found += [] if (True, line) in found else [(True, line)]
            elif words := part.strip().removeprefix(".").removeprefix(",").removeprefix(";").strip():
                found.append((False, words))
        return found

    def _commands(self, text: str, values: Values) -> Iterator[str]:
        """A command; one for each thing where there are several of the kind that it is about."""
        single = {name: value for name, value in values.items() if isinstance(value, str)}
        several = [name for name in _PLACEHOLDER.findall(text) if name in values and name not in single]
        if not several:
            yield self.command(text, single)
            return
        for value in values[several[0]]:
            yield self.command(text, {**single, several[0]: value})

    def text(self, remedy: str, values: Values | None = None, indent: str = "  ") -> str:
        """A remedy for a person: prose, and each command on a line of its own."""
        return "\n".join(f"{indent if is_command else ''}{line}" for is_command, line in self.lines(remedy, values))


def values_in(message: str) -> dict[str, str]:
    """What a message tells of the words between angle brackets."""
    found = {name: pattern.search(message) for name, pattern in _IN_MESSAGE.items()}
    return {name: match[0] for name, match in found.items() if match is not None}


def _quoted(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"
