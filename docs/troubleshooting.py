"""docs/reference/troubleshooting.md: every code of the error catalogue, with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pca_automator.cli.runtime import runtime

_ORIGINS = {
    "host": ("On the host", "The script on the host says these, as `PCA_ERROR CODE sentence` in the command's output."),
    "inspection": (
        "Found on a host",
        "`pca-automator hosts show ID --live` finds these, beside some of those above; a renewal never ends with one.",
    ),
    "workflow": ("In the workflow", "The functions and the state machine say these."),
    "service": ("From AWS", "What an AWS service answered, and what it means here."),
}
_HEAD = """\
# Troubleshooting

Each failure of a host has a code. It stands in the host's `lastError`, in the report of the run and in
`pca-automator hosts list`. `pca-automator explain ID` says what it means for one host, `pca-automator explain CODE`
what it means at all; this page is the same catalogue. What to do about an alarm is in
[operations.md](../operations.md).
"""


def page() -> str:
    """The page."""
    catalogue = runtime("errors.catalogue")
    entries, hints = list(catalogue.CATALOGUE.values()), runtime("errors.service_codes").HINTS
    lines = [_HEAD]
    for origin, (title, about) in _ORIGINS.items():
        lines += [f"## {title}", "", about, ""]
        for entry in entries:
            if entry.origin == origin:
                lines += _entry(entry, hints.get(entry.code, ()))
    return "\n".join(lines).rstrip() + "\n"


def _entry(entry: Any, hints: Any) -> Iterator[str]:
    yield f"### {entry.code}"
    yield ""
    yield entry.meaning
    yield ""
    if entry.phase:
        yield f"* In: {', '.join(entry.phase.split())}"
    yield f"* What to do: {_escaped(entry.remedy)}"
    for hint in hints:
        words = ", ".join(f"`{word}`" for word in hint.pattern.split("|"))
        yield f"* If the message has {words}: {_escaped(hint.remedy)}"
    yield ""


def _escaped(text: str) -> str:
    """Placeholders in angle brackets would be taken for HTML."""
    parts = text.split("`")
    parts[::2] = (part.replace("<", "\\<").replace(">", "\\>") for part in parts[::2])
    return "`".join(parts)
