"""Characters that a reader sees where they stand: none that moves, turns, hides or covers the text around it."""

from __future__ import annotations

import unicodedata

__all__ = ["is_visible", "one_line"]

# Letters and digits that are written from the right turn what stands beside them without any control (UAX 9).
_FROM_THE_RIGHT = frozenset({"R", "AL", "AN"})
# Marks are drawn onto, or around, what stands before them.
_MARKS = frozenset({"Mn", "Me"})
# Letters and a symbol for Unicode, nothing to see for a reader: Hangul's fillers and the empty Braille pattern.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_visible(character: str) -> bool:
    """Whether one character is seen, and leaves the others as they are.

    What Python calls not printable is none: controls, formats (of which some turn the direction of writing), private
    ones, surrogates, what no version of Unicode knows yet, and every separator but the space.
    """
    if character.isascii():
        return character.isprintable()
    return (
        character.isprintable()
        and character not in _BLANK
        and unicodedata.bidirectional(character) not in _FROM_THE_RIGHT
        and unicodedata.category(character) not in _MARKS
    )


def one_line(text: str, most: int) -> str:
    """Words of somebody else on one line, without what is not seen, and of at most so many characters."""
    composed = unicodedata.normalize("NFC", text[: 4 * most])
    seen = "".join(character if is_visible(character) else " " for character in composed)
    return " ".join(seen.split())[:most].rstrip()
