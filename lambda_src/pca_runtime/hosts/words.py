"""What a host says, marked as its own wherever it is read: in a mail, an event, a log, a table, at the command.

A host may be in anybody's hands, and its words stand next to those of this system and of AWS. So they are always
between quotation marks, which they cannot close, behind words that say whose they are.
"""

from __future__ import annotations

from pca_runtime.shared.characters import one_line

__all__ = ["MARK", "WORDS_MAX", "of_the_host"]

MARK = "the host says: "
"""Stands before every word of a host."""
WORDS_MAX = 480
"""Characters, as many as the documents print."""


def of_the_host(text: str) -> str:
    """A sentence of a host, marked and quoted; "" if it said nothing.

    Args:
        text: whatever the host wrote.
    """
    words = one_line(text, WORDS_MAX).replace('"', "'")
    return f'{MARK}"{words}"' if words else ""
