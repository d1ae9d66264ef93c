"""Mutants of the documents' shell: a check left out, a sync, a lock, a mode; two moves in the other order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mutants.mutant import Mutant, numbered

FUNCTION = re.compile(r"^(\w+)\(\) [{(]$")
COMMAND = re.compile(
    r"^\s*(?!(?:if|then|else|elif|fi|do|done|for|while|until|case|esac|return|local|shift|:$)\b)[\w$\[:\"!]"
)
STRUCTURE = re.compile(r"^\s*(?:#|\}|\)|$|[^#\s]*\(\) [{(]|.*;;\s*$|.*\)\s*$|.*\bin\s*$|.*\\\s*$|.*(?:&&|\|\|)\s*$)")
ASSIGNMENT = re.compile(r"^\s*\w+=(?!.*\$\().*$")
# Two of these on end do not depend on each other: values are refused one by one, and signals have nothing in common.
INDEPENDENT = (re.compile(r"^\s*check_\w+ \S"), re.compile(r"^\s*trap "))
LINK = re.compile(r"^\s*(?!(?:if|elif|while|until)\b)(\w.*?) (?:&&|\|\|)$")
# Each changes one occurrence on a line.
CHANGES = [
    ("and/or", re.compile(r" &&(?= |$)"), " ||"),
    ("and/or", re.compile(r" \|\|(?= |$)"), " &&"),
    ("test", re.compile(r"\[ ! "), "[ "),
    ("test", re.compile(r"\[ (?=-)"), "[ ! "),
    ("test", re.compile(r"(?<=\") = (?=[\"$\w])"), " != "),
    ("test", re.compile(r" != "), " = "),
    ("number", re.compile(r" -lt "), " -le "),
    ("number", re.compile(r" -le "), " -lt "),
    ("number", re.compile(r" -gt "), " -ge "),
    ("number", re.compile(r" -ge "), " -gt "),
    ("number", re.compile(r" -eq "), " -ne "),
    ("mode", re.compile(r"\b0?66\b|\b0?77\b|\b277\b|\b0?22\b(?!\d)"), "000"),
    ("mode", re.compile(r"(?<=-m )7\d\d"), "777"),
    ("mode", re.compile(r"\b400\b"), "444"),
    ("constant", re.compile(r"(?<= )(?:30|200|190|16384)\b"), "1"),
    ("link", re.compile(r" -L (?=\")"), " -e "),
    ("copy", re.compile(r"\bmv -f\b"), "cp -R"),
    ("signal", re.compile(r"\btimeout -s KILL\b"), "timeout"),
    ("descriptor", re.compile(r" 9<&-"), ""),
    ("environment", re.compile(r"\benv -i\b"), "env"),
]


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file of shell functions."""
    return numbered(list(_found(file, source)))


def _found(file: str, source: str) -> Iterator[Mutant]:
    scope, offset, lines = "module", 0, source.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        found = FUNCTION.match(line)
        scope = found[1] if found else scope
        text = line.split(" # ", 1)[0].rstrip("\n")
        if not text.lstrip().startswith("#"):
            whole = _is_whole(line, lines[number - 2] if number > 1 else "")
            yield from _of_line(file, number, scope, offset, text, whole)
            before = lines[number - 2].rstrip() if number > 1 else ""
            if not whole and before.endswith(("&&", "||")) and _is_whole(line, ""):  # the last of a chain
                indent = len(text) - len(text.lstrip())
                start, end = offset + indent, offset + len(text)
                yield Mutant(file, number, scope, "left out", text[indent:], "true", 0, start, end)
            if whole and number < len(lines) and _is_whole(lines[number], line):
                yield from _swapped(file, number, scope, offset, line, lines[number])
        offset += len(line)


def _of_line(file: str, number: int, scope: str, offset: int, text: str, whole: bool) -> Iterator[Mutant]:
    indent = len(text) - len(text.lstrip())
    if whole and not ASSIGNMENT.match(text) and text.strip() != ":":
        yield Mutant(file, number, scope, "left out", text[indent:], ":", 0, offset + indent, offset + len(text))
    link = LINK.match(text)  # of a chain over several lines
    if link and link[1].count("(") == link[1].count(")") and link[1].count("'") % 2 == 0:
        yield Mutant(file, number, scope, "left out", link[1], "true", 0, offset + link.start(1), offset + link.end(1))
    for kind, pattern, after in CHANGES:
        for found in pattern.finditer(text):
            start, end = offset + found.start(), offset + found.end()
            yield Mutant(file, number, scope, f"{kind} in `{text.strip()}`", found[0], after, 0, start, end)


def _is_whole(line: str, before: str) -> bool:
    """Whether a line is a command of its own, which can change places with another."""
    text = line.rstrip("\n")
    continued = before.rstrip().endswith(("\\", "&&", "||", "|"))
    balanced = (
        text.count("(") == text.count(")") and text.count("'") % 2 == 0 and not text.endswith(("; then", "; do", "{"))
    )
    return bool(COMMAND.match(text)) and balanced and not STRUCTURE.match(text) and not continued


def _swapped(file: str, number: int, scope: str, offset: int, line: str, following: str) -> Iterator[Mutant]:
    if ASSIGNMENT.match(line) or ASSIGNMENT.match(following):
        return
    if any(kind.match(line) and kind.match(following) for kind in INDEPENDENT):
        return
    end = offset + len(line) + len(following)
    yield Mutant(file, number, scope, "swapped", line + following, following + line, 0, offset, end)
