"""Which lines of the documents' shell a test runs: a copy of the files in which commands say that they are reached.

A probe stands before a line where a command begins, and says so once in each run. A line without one, such as the next
of a chain or a pattern of ``case``, is reached where the last probe above it that is not indented further was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.mutants.shell import FUNCTION

# Behind these a line goes on; behind a pattern's end comes a pattern. No text between quotes goes on in a function.
_GOES_ON = re.compile(r"(?:\\|&&|\|\||\||\bin|;;)$")
_NO_COMMAND = re.compile(r"(?:then|else|elif|fi|do|done|esac)\b|[})]|;;|.*\(\) [{(]$|[^($]*\)(?: |$)")
# A status that is asked for has to be that of the command before.
_STATUS = re.compile(r"^\w+=\$\?")
# Nothing that the documents do changes the shape of their values: no pattern, no descriptor, no directory.
_PROBE = """PROBED=' '
PROBE() {{
  case $PROBED in
    *" $1 "*) ;;
    *) PROBED="$PROBED$1 " && echo "$1" 2>/dev/null >>'{said}' || : ;;
  esac
}}
"""


def probed(sources: Mapping[str, str], said: Path) -> dict[str, str]:
    """Files of shell, by name, with probes that append ``FILE:LINE`` to a file.

    Args:
        sources: the text of each.
        said: the file; it is not made, and where it cannot be written nothing is said.
    """
    found = {name: _with_probes(name, text.splitlines(), set(places(text))) for name, text in sources.items()}
    found["common.sh"] = _PROBE.format(said=said) + found["common.sh"]
    return found


def places(source: str) -> list[int]:
    """Numbers of the lines that have a probe before them, from 1."""
    lines = source.splitlines()
    found, before, inside = [], "", False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        inside = inside or bool(FUNCTION.match(line))
        if inside and not (_GOES_ON.search(before) or _NO_COMMAND.match(text) or _STATUS.match(text)):
            found.append(number)
        inside = inside and line not in ("}", ")")
        before = _code(text)
    return found


def place_of(source: str, line: int) -> int | None:
    """The line whose probe tells whether a line is reached; ``None`` for one that every run of the document reaches."""
    lines, with_probe = source.splitlines(), set(places(source))
    deepest = _indent(lines[line - 1])
    if line in with_probe:
        return line
    for number in range(line - 1, 0, -1):
        if FUNCTION.match(lines[number - 1]):
            return next((each for each in sorted(with_probe) if each > number), None)
        if number in with_probe and _indent(lines[number - 1]) <= deepest:
            return number
    return None


def _with_probes(name: str, lines: Sequence[str], where: set[int]) -> str:
    numbered = enumerate(lines, 1)
    return "".join((f"PROBE {name}:{number}\n" if number in where else "") + line + "\n" for number, line in numbered)


def _code(text: str) -> str:
    return text.split(" # ", 1)[0].rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
