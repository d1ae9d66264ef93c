"""What to type, complete: remedies are templates, and whoever prints one fills in which deployment it is about.

In a remedy a command stands between backticks, and what is only known at the host, table or CA in question between
angle brackets: `` `aws acm-pca describe-certificate-authority --certificate-authority-arn <arn>` ``. Nothing else of a
sentence touches a command, so that a copied one can be run as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COMMAND", "Place"]

COMMAND = re.compile(r"`([^`]+)`")
"""A command in a remedy."""
_PLACEHOLDER = re.compile(r"<([a-z]+)>")
# A word that a shell takes as it is.
_PLAIN = re.compile(r"[\w@%+=:,./-]+")
_OWN, _AWS = "pca-automator ", "aws "
_NEEDS_NO_DEPLOYMENT = re.compile(r"pca-automator explain [A-Z]")


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

    def lines(self, remedy: str, values: Mapping[str, str] | None = None) -> list[tuple[bool, str]]:
        """A remedy taken apart: whether a line is a command, and the line; each command stands alone."""
        found: list[tuple[bool, str]] = []
        for number, part in enumerate(COMMAND.split(remedy)):
            if number % 2:
                found.append((True, self.command(part, values)))
            elif words := part.strip().removeprefix(".").removeprefix(",").removeprefix(";").strip():
                found.append((False, words))
        return found

    def text(self, remedy: str, values: Mapping[str, str] | None = None, indent: str = "  ") -> str:
        """A remedy for a person: prose, and each command on a line of its own."""
        return "\n".join(f"{indent if is_command else ''}{line}" for is_command, line in self.lines(remedy, values))


def _quoted(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"
