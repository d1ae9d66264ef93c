"""The message about a fleet that seems to be gone: a person looks before anything is revoked."""

from __future__ import annotations

from collections.abc import Sequence

from pca_runtime.errors.remedies import Place
from pca_runtime.reporting.notifications import subject_line

__all__ = ["message_of", "subject_of"]

# More would only be scrolled past; the inventory has them all.
_SHOWN = 50


def subject_of(automation: str, gone: Sequence[str]) -> str:
    """At most 100 characters, as SNS wants it."""
    return subject_line(automation, f"{len(gone)} hosts seem to be gone: please look")


def message_of(gone: Sequence[str], live: int, place: Place) -> str:
    """What was seen, what was not done, and what to do if it is true.

    Args:
        gone: ids that EC2 or Systems Manager does not know, or knows as terminated.
        live: how many hosts the inventory has.
        place: where the deployment is.
    """
    shown, more = "\n".join(gone[:_SHOWN]), len(gone) - _SHOWN
    which = "the first of them" if more > 0 else "them"
    retiring = place.command(f"pca-automator hosts retire {' '.join(gone[:_SHOWN])}")
    return (
        f"{len(gone)} of {live} hosts of the inventory are unknown to EC2 or Systems Manager, or terminated.\n"
        "That is more than leave within an hour, so none of them was retired and nothing was revoked.\n\n"
        f"{shown}\n{f'... and {more} more' if more > 0 else ''}\n"
        f"If they are gone, retire {which}:\n  {retiring}\n"
    )
