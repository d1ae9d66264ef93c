"""Takes out of shell text what only readers need: comments behind commands, and line ends that a shell does without.

In JSON a line end is two characters. A text between quotes stays as it is, and so do the lines before the first
function of a file, the first line of each function, and the call of the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

# What a command, or a part of one, begins with: a shell goes on behind it as behind a line end.
_OPENS = re.compile(r"(?:^|[;\s])(?:then|do|else|&&|\|\|?|case .* in|for \w+)$")
_FUNCTION = re.compile(r"[a-z_][a-z0-9_]*\(\) [{(]$")
# Behind a parenthesis a command may begin, that of a case, or have ended.
_ENDS_NO_COMMAND = (";", "&", "(", "{", "|", ")")
_START = "main"
# Outside of quotes blanks around these mean nothing.
_OPERATORS = (" && ", " || ", " | ", "; then", "; do")


@cache
def joined(text: str) -> str:
    """The same commands in fewer lines.

    Args:
        text: of the shell, without indentation, empty lines and lines of comment.
    """
    written = ""
    for line, begins_outside in _lines(text):
        before = written.rpartition("\n")[2]
        if not before or not begins_outside or _FUNCTION.search(before) or _FUNCTION.match(line):
            written += "\n" if written else ""
        elif before.endswith(" \\"):
            written = written[:-1]
        elif before.endswith(";;") or line.startswith(";;"):
            written = re.sub(r"(?<!\\) ;;$", ";;", written)
        elif _OPENS.search(before):
            written += " "
        elif "() {" in written and line != _START and not before.endswith(_ENDS_NO_COMMAND):
            written += ";"
        else:
            written += "\n"
        written += line
    return written


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line without the comment behind it and blanks around operators, and whether it begins outside of quotes."""
    quote = ""
    for line in text.splitlines():
        begins_outside, escaped, kept, place = not quote, False, "", 0
        while place < len(line):
            character = line[place]
            if escaped or (character == "\\" and quote != "'"):
                escaped = not escaped
            elif quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            elif character == "#" and line[place - 1 : place] == " ":
                break
            elif operator := _operator(line, place):
                kept += operator.replace(" ", "")
                place += len(operator)
                continue
            kept += character
            place += 1
        yield kept.rstrip() if not quote else line, begins_outside


def _operator(line: str, place: int) -> str:
    """The one that stands there with its blanks, unless the line goes on behind it."""
    found = next((each for each in _OPERATORS if line.startswith(each, place)), "")
    return "" if line[place + len(found) :] == "\\" else found
